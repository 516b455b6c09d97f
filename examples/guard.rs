//! Exercise: a lock that is held while a job runs.
//!
//! This is the worker of stage 4: only one job runs at a time, however many workers there are. Make the
//! jobs run at the same time. Only `work` has to change.
//!
//!     cargo run --example guard
//!     cargo run --example guard -- --hint

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
    for job in receiver.lock().unwrap().iter() {
        job();
    }
}

fn main() -> ExitCode {
    exercise::GUARD.run(ThreadPool::new, ThreadPool::execute)
}
