// A `mod` brings in a file, a `use` brings in a name from it.
//
// The file is the whole of stage 3. It needs nothing but the standard library, so this program and
// that file are all there is: `rustc --edition 2024` compiles the two.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)] // It can do more than this program wants.
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);

    for number in 1..=2 {
        pool.execute(move || println!("request {number}"));
    }
}
