//! Exercise: a guard with a name.
//!
//! This worker takes a job out of the channel in a statement of its own, and runs it in the next one. Still
//! only one job runs at a time. Keep the name of the guard. One more line is enough.
//!
//!     cargo run --example named_guard
//!     cargo run --example named_guard -- --hint

use std::process::ExitCode;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use ten_versus_five::exercise;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool {
    sender: mpsc::Sender<Job>,
}

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..size {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver));
        }
        ThreadPool { sender }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        // `unwrap`: the workers are there as long as the pool is.
        self.sender.send(Box::new(job)).unwrap();
    }
}

fn work(receiver: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let guard = receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();
    }
}

fn main() -> ExitCode {
    exercise::NAMED_GUARD.run(ThreadPool::new, ThreadPool::execute)
}
