// The program should not end before the workers have. So wait for each of them, with `join`.
//
// `join` uses the handle up: there is no second time to wait for a thread. But the loop only
// borrows the pool, and what is borrowed cannot be taken to pieces: E0507.
//
// The right turn: take the workers out of the pool.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);
    pool.execute(|| println!("request 1"));

    for worker in &pool.workers {
        worker.thread.join().unwrap();
    }
}
