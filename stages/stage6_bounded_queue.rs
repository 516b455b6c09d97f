// Stage 6: a pool with a bounded queue.
//
// Another way to say no: the channel itself has a bound, and whoever finds it full is turned away.
// A few may wait now, and no more than that. For the connection to come back out of a channel that
// refuses it, the channel has to carry connections: a job that is a closure has swallowed its own.
//
// "New" marks what changed since stage3_channel_pool.rs. Next: stage7_graceful_shutdown.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads. While all are busy, `queue` connections may wait;
/// one more than that goes to `turn_away` instead, on the calling thread.
///
/// Returns when `connections` ends; the workers finish what is in the channel by themselves.
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
        // New: it may come back.
        if let Err(connection) = pool.try_execute(connection) {
            turn_away(connection);
        }
    }
}

/// A fixed number of threads that do the same thing with whatever they take from one channel.
///
/// Dropping the pool closes the channel. Each worker leaves when it finds the channel closed and
/// empty; nobody waits for it.
pub struct ThreadPool<Job> {
    /// The threads, by id. Take them out before dropping the pool if you want to join them.
    pub workers: Vec<Worker>,
    sender: SyncSender<Job>,
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
        H: Fn(Job) + Clone + Send + 'static, // New: what to do is the pool's, not the job's.
    {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::sync_channel(queue); // New: it has a bound.
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|id| Worker::new(id, Arc::clone(&receiver), handle.clone()))
            .collect();

        ThreadPool { workers, sender }
    }

    /// Puts a job into the channel, where it stays until a worker is free. Never blocks.
    ///
    /// # Errors
    ///
    /// Gives the job back if the channel is full, or if no worker is left to take it.
    pub fn try_execute(&self, job: Job) -> Result<(), Job> {
        self.sender.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
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
                    handle(job);
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
