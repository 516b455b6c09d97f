// The program should not end before the workers have. So wait for each of them, with `join`.
//
// `join` consumes the handle: a thread can be joined once. But the pool only lends its workers, and a
// field cannot be moved out of what is borrowed: E0507.
//
// The right turn: consume the pool too.

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
