// One way out is to have one channel for each worker. It compiles, it runs, and it is not what you
// want: whoever sends must choose a worker, and does not know who is free. Two slow jobs may well be
// given to one worker while the others have nothing to do.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send + 'static>;

fn worker() -> (Sender<Job>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel::<Job>();
    let thread = thread::spawn(move || {
        while let Ok(job) = receiver.recv() {
            job();
        }
    });
    (sender, thread)
}

fn main() {
    let workers: Vec<_> = (0..4).map(|_| worker()).collect();
    for number in 0..8 {
        let (sender, _) = &workers[number % 4]; // Perhaps the one who is busy.
        sender
            .send(Box::new(move || println!("request {number}")))
            .unwrap();
    }

    for (sender, thread) in workers {
        drop(sender);
        thread.join().unwrap();
    }
}
