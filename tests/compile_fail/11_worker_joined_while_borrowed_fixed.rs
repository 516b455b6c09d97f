// `into_workers` takes `self`. It moves the workers out and drops the rest of the pool, so the
// handles are yours.
//
// The rest must be dropped before you wait, because the sender is in it: until the last sender is
// dropped, the workers never see the channel close. A program that waits while it has the sender
// waits for ever, and the compiler accepts it. Stage 7 does both in `drop`, in the right order.

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
