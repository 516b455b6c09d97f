//! Exercise: a permit that is returned too early.
//!
//! This pool rejects a job when every worker has one. Each job should hold a permit while it runs. But the
//! pool never rejects a job. Find out when the permits are returned, and fix it.
//!
//!     cargo run --example permit
//!     cargo run --example permit -- --hint

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

/// The right to run one job. Dropping it gives it back.
struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
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

    fn try_acquire(&self) -> Option<Permit> {
        if self.in_flight.load(Relaxed) == self.size {
            return None;
        }
        self.in_flight.fetch_add(1, Relaxed);
        Some(Permit(Arc::clone(&self.in_flight)))
    }

    /// Runs the job on a worker, or gives it back if all of them have one. Only one thread calls this.
    pub fn try_execute<F>(&self, job: F) -> Result<(), F>
    where
        F: FnOnce() + Send + 'static,
    {
        let Some(permit) = self.try_acquire() else {
            return Err(job);
        };
        let with_permit = move || {
            let _ = permit;
            job();
        };
        // `unwrap`: a worker is left. A job that panics ends its worker, and that is another exercise.
        self.sender.send(Box::new(with_permit)).unwrap();
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
    exercise::PERMIT.run(ThreadPool::new, ThreadPool::try_execute)
}
