// You write the lock, the iterator and the loop in one line. It compiles, without a warning: every
// one of them would be an error here.
//
// The guard is dropped at the end of the whole `for`, so nothing is borrowed from it too long, and
// no two threads use the receiver at a time. That is all that was promised. How long is too long for
// *you*, the compiler cannot know: while a job runs, the lock is held, and the pool of four works at
// the speed of one.
//
// This program has no corrected twin, since there is no message to begin with. What finds the
// mistake is a test, like those in tests/overlap.rs, or the assertion below.

#![deny(warnings)]

use std::sync::{Arc, Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send + 'static>;

fn work(receiver: &Mutex<mpsc::Receiver<Job>>) {
    for job in receiver.lock().unwrap().iter() {
        job();
    }
}

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));

    let same = Arc::clone(&receiver);
    let job = move || assert!(same.try_lock().is_err(), "the lock is free");
    sender.send(Box::new(job)).unwrap();
    drop(sender);

    work(&receiver);
}
