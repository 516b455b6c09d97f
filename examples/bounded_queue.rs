//! Exercise: a queue that returns the connection.
//!
//! This server has a bounded queue. A connection that finds the queue full should get a 503, that is, a call
//! of `connection.reject()`. But here it is dropped, and the client gets no answer. Change the pool so that
//! `serve` gets back the connection that the queue does not take. (A `Connection` stands for a `TcpStream`.
//! Everything else is as in a real server.)
//!
//!     cargo run --example bounded_queue
//!     cargo run --example bounded_queue -- --hint

// With this line the explorer decides which thread takes the next step. Keep it.
use ten_versus_five::traced as std;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use ten_versus_five::exercise::{self, Connection};

/// Handles connections on `workers` threads. While all are busy, `queue` connections may wait.
fn serve(connections: impl Iterator<Item = Connection>, workers: usize, queue: usize) {
    let pool = ThreadPool::new(workers, queue);
    for connection in connections {
        let accepted = pool.try_execute(move || connection.handle());
        if accepted.is_err() {
            // The queue is full. But where is the connection?
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

struct ThreadPool {
    sender: mpsc::SyncSender<Job>,
}

impl ThreadPool {
    fn new(size: usize, queue: usize) -> ThreadPool {
        let (sender, receiver) = mpsc::sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..size {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver));
        }
        ThreadPool { sender }
    }

    fn try_execute<F>(&self, job: F) -> Result<(), mpsc::TrySendError<Job>>
    where
        F: FnOnce() + Send + 'static,
    {
        self.sender.try_send(Box::new(job))
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
    exercise::BOUNDED_QUEUE.run(serve)
}
