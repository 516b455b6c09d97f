// With a mutex the workers can share the receiver. One worker at a time uses it: the one with the
// lock.
//
// Scoped threads may borrow what outlives the scope, so this program needs no `Arc`: `scope`
// returns when all of its threads have ended. A pool cannot use a scope, because its threads must
// outlive the function that starts them. They need shared ownership, which the next program has.

use std::sync::{Mutex, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

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
