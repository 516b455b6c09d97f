// A receiver can be iterated over. You lock it, ask for the iterator, and then loop.
//
// Nobody gave the guard a name, so it is dropped at the end of the `let` statement. The iterator
// borrows from it, and would be left with a receiver that others are already using: E0716.
//
// The message has a cure that compiles: to give the guard a name. Before you take it, think: how
// long does the guard live then?

use std::sync::{Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send + 'static>;

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
