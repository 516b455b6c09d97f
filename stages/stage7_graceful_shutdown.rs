// Stage 7: the finished pool.
//
// Bounded like stage 6, and it ends well: when the pool is dropped it takes no more jobs, finishes
// those it has taken, and waits until every worker has gone. And a job that panics is reported on
// standard error, and costs no worker.
//
// "New" marks what changed since stage6_bounded_queue.rs. This is the last stage: see docs/next.md

use std::io::{self, Write};
use std::net::TcpStream;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads. While all are busy, `queue` connections may wait;
/// one more than that goes to `turn_away` instead, on the calling thread.
///
/// Returns when `connections` ends and every connection that was taken has been handled.
///
/// # Panics
///
/// As [`ThreadPool::new`] does.
pub fn serve<C, H, T>(connections: C, handle: H, turn_away: T, workers: usize, queue: usize)
where
    C: IntoIterator<Item = TcpStream>,
    H: Fn(TcpStream) + Clone + Send + 'static,
    T: Fn(TcpStream),
{
    let pool = ThreadPool::new(workers, queue, handle);

    for connection in connections {
        if let Err(connection) = pool.try_execute(connection) {
            turn_away(connection);
        }
    }
}

/// A fixed number of threads that do the same thing with whatever they take from one channel.
///
/// Dropping the pool closes the channel, and waits until the workers have emptied it and gone.
pub struct ThreadPool<Job> {
    /// The threads, by id.
    pub workers: Vec<Worker>,
    sender: Option<SyncSender<Job>>, // New: `None` when the pool has closed.
}

impl<Job: Send + 'static> ThreadPool<Job> {
    /// Starts `size` workers that call `handle` with each job, and gives them a channel with
    /// `queue` places.
    ///
    /// # Panics
    ///
    /// If `size` is zero, or if the system does not give that many threads.
    pub fn new<H>(size: usize, queue: usize, handle: H) -> ThreadPool<Job>
    where
        H: Fn(Job) + Clone + Send + 'static,
    {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|id| Worker::new(id, Arc::clone(&receiver), handle.clone()))
            .collect();

        ThreadPool {
            workers,
            sender: Some(sender),
        }
    }

    /// Puts a job into the channel, where it stays until a worker is free. Never blocks.
    ///
    /// # Errors
    ///
    /// Gives the job back if the channel is full, or if no worker is left to take it.
    pub fn try_execute(&self, job: Job) -> Result<(), Job> {
        let Some(sender) = &self.sender else {
            return Err(job);
        };
        sender.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }
}

// New.
impl<Job> Drop for ThreadPool<Job> {
    fn drop(&mut self) {
        // Without a sender the channel is closed, and `recv` fails once it is empty.
        self.sender = None;

        for worker in self.workers.drain(..) {
            let id = worker.id;
            // A worker does not panic, so there is nothing to be done about it if one has.
            let _ = worker.thread.join();
            let _ = writeln!(io::stdout(), "Worker {id} has finished. Goodbye.");
        }
    }
}

/// One thread of the pool.
pub struct Worker {
    /// Its number, from 0; the thread is called `worker-` and this number.
    pub id: usize,
    /// The thread itself.
    pub thread: JoinHandle<()>,
}

impl Worker {
    fn new<Job, H>(id: usize, receiver: Arc<Mutex<Receiver<Job>>>, handle: H) -> Worker
    where
        Job: Send + 'static,
        H: Fn(Job) + Send + 'static,
    {
        let thread = thread::Builder::new()
            .name(format!("worker-{id}"))
            .spawn(move || {
                loop {
                    // The lock lives until the end of this statement: it is free again before
                    // the job runs. `unwrap`: nobody panics while holding it.
                    let Ok(job) = receiver.lock().unwrap().recv() else {
                        break;
                    };
                    announce(id);
                    // New. The job is gone, half done; whatever it was in the middle of changing
                    // is gone with it, or belongs to somebody who has to reckon with that.
                    let done = panic::catch_unwind(AssertUnwindSafe(|| handle(job)));
                    if done.is_err() {
                        complain(id);
                    }
                }
            })
            .expect("the system should have a thread for every worker");

        Worker { id, thread }
    }
}

// `println!` would panic, and cost the pool a worker, once nobody can read standard output.
fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}

// New.
fn complain(id: usize) {
    let _ = writeln!(io::stderr(), "Worker {id} goes on: its job panicked.");
}
