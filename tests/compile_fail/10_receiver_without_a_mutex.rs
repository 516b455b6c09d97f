// To share is what `Arc` is for, so each worker gets a clone of the `Arc`.
//
// An `Arc` lets many threads look at one value, at the same time. A receiver does not stand that: it
// is made for one thread at a time, and says so by not being `Sync`. Then the `Arc` is not `Send`,
// the closure with the `Arc` in it is not either, and `spawn` refuses it: E0277.
//
// Read the message from its end: who asked for `Send`, and how it comes down to the receiver.
//
// The right turn: something that lets one thread in at a time.

use std::sync::{Arc, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send + 'static>;

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
