// The page is shared by counting its owners, as before, but with `Rc`.
//
// An `Rc` counts without precautions. Two threads that count at the same moment would lose count,
// and free the page while somebody is still reading it. So an `Rc` must not leave its thread, and a
// closure that holds one must not either: E0277, it is not `Send`.
//
// The right turn: one letter.

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
