// The page has several owners again, but this time with `Rc`.
//
// An `Rc` counts its owners with a plain number. Two threads that change it at the same time are a
// data race: the count could become wrong, and the page be freed while a thread reads it. So an `Rc`
// must stay on its thread, and so must a closure that holds one: E0277, it is not `Send`.
//
// The fix: one letter.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use std::rc::Rc;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);
    let page = Rc::new(String::from("Hello!"));

    for number in 1..=2 {
        let page = Rc::clone(&page);
        pool.execute(move || println!("request {number}: {page}"));
    }
}
