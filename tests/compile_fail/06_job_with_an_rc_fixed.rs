// The A stands for atomic: an `Arc` counts in a way that threads cannot confuse.
//
// It costs a little more than an `Rc`, and that is why there are two of them. You need not remember
// which one goes where. The compiler does.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use std::sync::Arc;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);
    let page = Arc::new(String::from("Hello!"));

    for number in 1..=2 {
        let page = Arc::clone(&page);
        pool.execute(move || println!("request {number}: {page}"));
    }
}
