//! Exercise: a `while let` that holds the lock.
//!
//! Here, too, only one job runs at a time, though not always on the same worker. Make the jobs run at the
//! same time, and keep a `while let` in `work`.
//!
//!     cargo run --example while_let
//!     cargo run --example while_let -- --hint

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
    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
}

fn main() -> ExitCode {
    exercise::WHILE_LET.run(ThreadPool::new, ThreadPool::execute)
}
