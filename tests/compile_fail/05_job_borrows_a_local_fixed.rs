// An `Arc` gives a value several owners. When the last of them is dropped, the page is dropped too.
//
// If the function did not need the page any more, it could move the `String` itself into the
// closure, without an `Arc`.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use std::sync::Arc;

use stage3_channel_pool::ThreadPool;

fn show_page(pool: &ThreadPool) {
    let page = Arc::new(String::from("Hello!"));
    let shown = Arc::clone(&page);

    pool.execute(move || println!("{shown}"));
    assert_eq!(*page, "Hello!"); // It still lives, whether the job has run or not.
}

fn main() {
    show_page(&ThreadPool::new(4));
}
