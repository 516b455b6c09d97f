//! Exercise: a job that panics.
//!
//! A job that panics ends the thread that it runs on. After as many of them as there are workers, the pool
//! runs no job any more. Change the worker so that such a job costs no worker.
//!
//!     cargo run --example panic
//!     cargo run --example panic -- --hint

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
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
}

fn main() -> ExitCode {
    exercise::PANIC.run(ThreadPool::new, ThreadPool::execute)
}
