// The program should not end before its workers have. So you wait for each of them, with `join`.
//
// `join` consumes the handle: a thread can be joined once. But `workers` only lends the workers,
// and a field cannot be moved out of a borrowed value: E0507.
//
// The fix: consume the pool too.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);
    pool.execute(|| println!("request 1"));

    for worker in pool.workers() {
        worker.thread.join().unwrap();
    }
}
