//! Exercise: the end of a pool.
//!
//! When this pool is dropped, it waits for its workers, so that every job is finished. But it waits for ever.
//! Find out which thread waits for which, and fix it.
//!
//!     cargo run --example shutdown
//!     cargo run --example shutdown -- --hint

// With this line the explorer decides which thread takes the next step. Keep it.
use ten_versus_five::traced as std;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use ten_versus_five::exercise;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool {
    workers: Vec<thread::JoinHandle<()>>,
    sender: Option<mpsc::Sender<Job>>,
}

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|_| {
                let receiver = Arc::clone(&receiver);
                thread::spawn(move || work(&receiver))
            })
            .collect();
        ThreadPool {
            workers,
            sender: Some(sender),
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        // `unwrap`: the sender is there until `drop`, and the workers are there as long as it is.
        let sender = self.sender.as_ref().unwrap();
        sender.send(Box::new(job)).unwrap();
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
        self.sender = None;
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
    exercise::SHUTDOWN.run(ThreadPool::new, ThreadPool::execute)
}
