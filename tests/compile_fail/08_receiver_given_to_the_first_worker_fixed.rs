// You can make one channel for each worker. That compiles and runs, but it is not what you want.
// The sender must choose a worker for each job, and does not know which worker is free. Two slow
// jobs may go to one worker while the others have nothing to do.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

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
        let (sender, _) = &workers[number % 4]; // This one may be busy.
        sender
            .send(Box::new(move || println!("request {number}")))
            .unwrap();
    }

    for (sender, thread) in workers {
        drop(sender);
        thread.join().unwrap();
    }
}
