// You write the lock, the iterator and the loop in one line. It compiles without a warning: here a
// warning would be an error.
//
// The guard is dropped at the end of the whole `for`. So no borrow outlives it, and no two threads
// use the receiver at the same time. The compiler checks that, and no more. It cannot know how long
// you meant to hold the lock: while a job runs, the lock is held, and a pool of four works at the
// speed of one thread.
//
// This program has no corrected twin, since there is no message. A test finds the mistake, like
// those in tests/lesson/overlap.rs, or like the assertion below.

#![deny(warnings)]

use std::sync::{Arc, Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send>;

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
