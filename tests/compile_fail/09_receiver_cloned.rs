// A sender can be cloned, so that several threads can send. You try the same with the receiver.
//
// A receiver has no such method: E0599. The module is called `mpsc`: multiple producers, *single*
// consumer. There is one receiver, and two threads cannot both own it.
//
// The fix: the workers share it.

use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    drop(sender);

    for _ in 0..4 {
        let receiver = receiver.clone();
        thread::spawn(move || {
            while let Ok(job) = receiver.recv() {
                job();
            }
        });
    }
}
