// The job shows a page that the function has made. The closure has a `move`.
//
// What moves into it is `shown`, and that is only a reference. The page itself stays in the
// function, and the function may end while the job still waits in the channel: E0597. `execute`
// asks for `'static`: a job must not borrow from anything that may be dropped before the job runs.
//
// The fix: share the page, or move it into the job.

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
