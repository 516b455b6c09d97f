// A receiver has an iterator. You lock the mutex, make the iterator, and then loop.
//
// The guard has no name, so it is dropped at the end of the `let` statement. The iterator borrows
// from the guard, and would then use the receiver while other threads use it too: E0716.
//
// The message has a fix that compiles: a name for the guard. Before you take it, think: how long
// does the guard live then?

use std::sync::{Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send>;

fn work(receiver: &Mutex<mpsc::Receiver<Job>>) {
    let jobs = receiver.lock().unwrap().iter();
    for job in jobs {
        job();
    }
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    drop(sender);
    work(&Mutex::new(receiver));
}
