// An `Arc` is an owner, and there may be many of them. The last to go takes the page along.
//
// If the function had no more use for the page, it could give it away instead, without an `Arc`:
// `move` with the `String` itself is enough.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use std::sync::Arc;

use stage3_channel_pool::ThreadPool;

fn show_page(pool: &ThreadPool) {
    let page = Arc::new(String::from("Hello!"));
    let shown = Arc::clone(&page);

    pool.execute(move || println!("{shown}"));
    assert_eq!(*page, "Hello!"); // Still there, whether the job has run or not.
}

fn main() {
    show_page(&ThreadPool::new(4));
}
