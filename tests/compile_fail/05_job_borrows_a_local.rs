// The job shows a page that the function has made. There is a `move`, so all should be well.
//
// What moves is `shown`, and that is only a reference. The page stays behind, in a function that
// ends while the job may still be waiting in the channel: E0597. `execute` asks for `'static`, that
// is, for jobs that borrow from nobody who may leave.
//
// The right turn: share what is shown, or give it away.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn show_page(pool: &ThreadPool) {
    let page = String::from("Hello!");
    let shown = page.as_str();

    pool.execute(move || println!("{shown}"));
}

fn main() {
    show_page(&ThreadPool::new(4));
}
