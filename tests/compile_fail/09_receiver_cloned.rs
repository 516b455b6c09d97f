// The sender can be cloned, and each part of a program can have one. Then why not the receiver?
//
// Because there is no such method: E0599. The module is called `mpsc`, multiple producers, *single*
// consumer. There is one receiver, and two threads cannot both be the one who has it.
//
// The right turn: if there is only one, they have to share it.

use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send + 'static>;

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
