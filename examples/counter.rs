//! Exercise: a counter in the wrong place.
//!
//! This pool rejects a job when every worker has one. To know that, it counts the jobs that are in flight:
//! accepted, and not yet ended. But in some schedules it accepts more jobs than it has workers. Fix the
//! counting.
//!
//!     cargo run --example counter
//!     cargo run --example counter -- --hint

// With this line the explorer decides which thread takes the next step. Keep it.
use ten_versus_five::traced as std;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use ten_versus_five::exercise;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool {
    size: usize,
    sender: mpsc::Sender<Job>,
    in_flight: Arc<AtomicUsize>,
}

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..size {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver));
        }
        ThreadPool {
            size,
            sender,
            in_flight: Arc::default(),
        }
    }

    /// Runs the job on a worker, or gives it back if all of them have one. Only one thread calls this.
    pub fn try_execute<F>(&self, job: F) -> Result<(), F>
    where
        F: FnOnce() + Send + 'static,
    {
        if self.in_flight.load(Relaxed) == self.size {
            return Err(job);
        }
        let in_flight = Arc::clone(&self.in_flight);
        let counted = move || {
            in_flight.fetch_add(1, Relaxed);
            job();
            in_flight.fetch_sub(1, Relaxed);
        };
        // `unwrap`: the workers are there as long as the pool is.
        self.sender.send(Box::new(counted)).unwrap();
        Ok(())
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
    exercise::COUNTER.run(ThreadPool::new, ThreadPool::try_execute)
}
