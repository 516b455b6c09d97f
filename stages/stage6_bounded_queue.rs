// Stage 6: a pool with a bounded queue.
//
// Another way to reject: the channel itself has a bound, and a connection that finds it full is
// rejected. A few may wait now, and no more than that. A channel that is full gives back what it
// was to take. To get the connection back, send the connection: a boxed closure cannot give back
// what it has captured. So the handler belongs to the pool, and the jobs are data.
//
// "New" marks what changed since stage3_channel_pool.rs: a line, or all lines up to an empty one.
// Next: stage7_graceful_shutdown.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::mpsc::TrySendError; // New.
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads. While all are busy, `queue` connections may wait; one
/// more than that goes to `reject` instead, on the calling thread.
///
/// Returns when `connections` ends; the workers finish what is in the channel by themselves.
///
/// # Panics
///
/// As [`ThreadPool::new`] does, and if no worker is left: a handler that panics ends its worker.
pub fn serve(
    connections: impl IntoIterator<Item = TcpStream>,
    handler: impl Fn(TcpStream) + Clone + Send + 'static,
    reject: impl Fn(TcpStream), // New.
    workers: usize,
    queue: usize, // New.
) {
    let pool = ThreadPool::new(workers, queue, handler); // New: the pool has the handler.

    for connection in connections {
        // New: the connection may come back.
        match pool.try_execute(connection) {
            Ok(()) => {}
            Err(TrySendError::Full(connection)) => reject(connection),
            Err(TrySendError::Disconnected(_)) => panic!("no worker is left to take a connection"),
        }
    }
}

/// A fixed number of threads that call one handler with what they take from one channel.
///
/// Dropping the pool closes the channel. Each worker ends when it finds the channel closed and
/// empty; the pool does not wait for that.
// New: what goes through the channel is no closure, but a `T`.
pub struct ThreadPool<T> {
    workers: Vec<Worker>,
    sender: mpsc::SyncSender<T>,
}

// New.
impl<T: Send + 'static> ThreadPool<T> {
    /// Starts `size` workers that call `handler`, and makes a channel in which `queue` jobs can
    /// wait.
    ///
    /// # Panics
    ///
    /// If `size` is zero, or if the system does not give that many threads.
    // New: the channel has a bound, and every worker gets the handler.
    pub fn new(
        size: usize,
        queue: usize,
        handler: impl Fn(T) + Clone + Send + 'static,
    ) -> ThreadPool<T> {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::sync_channel(queue); // New.
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|id| Worker::new(id, Arc::clone(&receiver), handler.clone())) // New.
            .collect();

        ThreadPool { workers, sender }
    }

    /// Puts a job into the channel, where it stays until a worker takes it. Never blocks.
    ///
    /// # Errors
    ///
    /// Gives the job back if the channel is full, or if no worker is left.
    // New.
    pub fn try_execute(&self, job: T) -> Result<(), TrySendError<T>> {
        self.sender.try_send(job)
    }

    /// The workers, by id.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Closes the channel, and hands out the workers, to be joined.
    pub fn into_workers(self) -> Vec<Worker> {
        self.workers
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
    // New: the handler.
    fn new<T: Send + 'static>(
        id: usize,
        receiver: Arc<Mutex<mpsc::Receiver<T>>>,
        handler: impl Fn(T) + Send + 'static,
    ) -> Worker {
        let thread = thread::Builder::new()
            .name(format!("worker-{id}"))
            .spawn(move || work(id, &receiver, &handler)) // New: the loop is a function.
            .expect("the system should have a thread for every worker");

        Worker { id, thread }
    }
}

// New: the jobs are data, and the handler is called with each.
fn work<T>(id: usize, receiver: &Mutex<mpsc::Receiver<T>>, handler: &impl Fn(T)) {
    loop {
        // The guard lives until the end of this statement, so the lock is released before the job
        // runs. `unwrap`: never poisoned, for nothing panics until then.
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        announce(id);
        handler(job);
    }
}

// `println!` would panic, and cost the pool a worker, once standard output cannot be written.
fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}
