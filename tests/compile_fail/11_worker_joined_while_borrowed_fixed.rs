// `into_workers` takes `self`. It moves the workers out and drops the rest of the pool, so the handles
// are yours.
//
// The rest of the pool has to go before you wait. The sender is in it, and only a channel without a
// sender tells the workers that no more jobs will come. With the sender still there you would wait for
// ever, and the compiler would not object. Stage 7 does both in `drop`, in the right order.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use stage3_channel_pool::ThreadPool;

fn main() {
    let pool = ThreadPool::new(4);
    pool.execute(|| println!("request 1"));

    for worker in pool.into_workers() {
        worker.thread.join().unwrap();
    }
}
