// An `Arc` gives a value several owners, so each worker gets a clone of the `Arc`.
//
// But an `Arc` lets many threads use its value at the same time. A receiver is made for one thread
// at a time, so it is not `Sync`. Then the `Arc` is not `Send`, the closure with the `Arc` in it is
// not `Send` either, and `spawn` asks for `Send`: E0277.
//
// Read the message from its end: it begins with `spawn` and ends with the receiver.
//
// The fix: a mutex, which lets one thread use the receiver at a time.

use std::sync::{Arc, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(receiver);
    drop(sender);

    for _ in 0..4 {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            while let Ok(job) = receiver.recv() {
                job();
            }
        });
    }
}
