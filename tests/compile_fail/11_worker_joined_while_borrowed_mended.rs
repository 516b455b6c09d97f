// `mem::take` leaves an empty vector behind, and that is all the pool has left. Now the handles are
// yours.
//
// The pool has to go before you wait. With it goes the sender, and only a channel without a sender
// tells the workers that no more jobs will come. The other way round, you would wait for ever, and
// the compiler would not mind. Stage 7 does both in `drop`, in the right order, once and for all.

#[path = "../../stages/stage3_channel_pool.rs"]
#[allow(dead_code)]
mod stage3_channel_pool;

use std::mem;

use stage3_channel_pool::ThreadPool;

fn main() {
    let mut pool = ThreadPool::new(4);
    pool.execute(|| println!("request 1"));

    let workers = mem::take(&mut pool.workers);
    drop(pool);
    for worker in workers {
        worker.thread.join().unwrap();
    }
}
