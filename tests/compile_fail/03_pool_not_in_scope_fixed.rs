// `mod` adds a file to the program, `use` makes a name from it known here.
//
// The file is the whole of stage 3. It needs only the standard library, so `rustc --edition 2024`
// can compile these two files without Cargo.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)] // It has more than this program needs.
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);

    for number in 1..=2 {
        pool.execute(move || println!("request {number}"));
    }
}
