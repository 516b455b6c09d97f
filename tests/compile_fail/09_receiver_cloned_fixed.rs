// With a mutex they can share it, and each worker has it to itself while it holds the lock.
//
// Scoped threads may borrow what outlives them, so this needs no `Arc`: nobody leaves the scope
// before the last of them has ended. A pool cannot be made like that, since it has to outlive the
// function that makes it. It needs owners: see the next program.

use std::sync::{Mutex, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send + 'static>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Mutex::new(receiver);
    drop(sender);

    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Ok(job) = receiver.lock().unwrap().recv() else {
                        break;
                    };
                    job();
                }
            });
        }
    });
}
