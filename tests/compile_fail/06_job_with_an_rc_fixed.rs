// The A stands for atomic: an `Arc` counts with an atomic number, which threads can change safely.
//
// That costs a little more than in an `Rc`, so the standard library has both. You need not remember
// which one goes where: the compiler tells you.

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
