// Stage 7: the finished pool.
//
// Bounded like stage 6, and it shuts down gracefully: when the pool is dropped it takes no more
// jobs, finishes those it has taken, and waits until every worker has ended. And a job that panics
// costs two messages on standard error, not a worker: one is the panic's own, the other the
// worker's.
//
// "New" marks what changed since stage6_bounded_queue.rs: a line, or all lines up to an empty one.
// This is the last stage: see docs/next.md

use std::io::{self, Write};
use std::net::TcpStream;
use std::panic::{self, AssertUnwindSafe}; // New.
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads. While all are busy, `queue` connections may wait; one
/// more than that goes to `reject` instead, on the calling thread.
///
/// Returns when `connections` ends and every connection that was taken has been handled.
///
/// # Panics
///
/// As [`ThreadPool::new`] does.
pub fn serve(
    connections: impl IntoIterator<Item = TcpStream>,
    handler: impl Fn(TcpStream) + Clone + Send + 'static,
    reject: impl Fn(TcpStream),
    workers: usize,
    queue: usize,
) {
    let pool = ThreadPool::new(workers, queue, handler);

    for connection in connections {
        match pool.try_execute(connection) {
            Ok(()) => {}
            Err(TrySendError::Full(connection)) => reject(connection),
            Err(TrySendError::Disconnected(_)) => panic!("no worker is left to take a connection"),
        }
    }
}

/// A fixed number of threads that call one handler with what they take from one channel.
///
/// Dropping the pool closes the channel, and waits until the workers have emptied it and ended.
pub struct ThreadPool<T> {
    workers: Vec<Worker>,
    sender: Option<mpsc::SyncSender<T>>, // New: `None` while the pool is dropped.
}

impl<T: Send + 'static> ThreadPool<T> {
    /// Starts `size` workers that call `handler`, and makes a channel in which `queue` jobs can
    /// wait.
    ///
    /// # Panics
    ///
    /// If `size` is zero, or if the system does not give that many threads.
    pub fn new(
        size: usize,
        queue: usize,
        handler: impl Fn(T) + Clone + Send + 'static,
    ) -> ThreadPool<T> {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|id| Worker::new(id, Arc::clone(&receiver), handler.clone()))
            .collect();

        // New.
        ThreadPool {
            workers,
            sender: Some(sender),
        }
    }

    /// Puts a job into the channel, where it stays until a worker takes it. Never blocks.
    ///
    /// # Errors
    ///
    /// Gives the job back if the channel is full, or if no worker is left.
    pub fn try_execute(&self, job: T) -> Result<(), TrySendError<T>> {
        // New. `expect`: the sender is there until `drop`, and after that there is no pool to ask.
        let sender = self.sender.as_ref().expect("the pool is open");
        sender.try_send(job)
    }

    /// The workers, by id.
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }
}

// New.
impl<T> Drop for ThreadPool<T> {
    fn drop(&mut self) {
        // Without a sender the channel is closed, and `recv` fails once it is empty.
        self.sender = None;
        for worker in self.workers.drain(..) {
            let id = worker.id;
            // `join` fails only if the worker panicked, and a worker catches the panics of its
            // jobs.
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
    fn new<T: Send + 'static>(
        id: usize,
        receiver: Arc<Mutex<mpsc::Receiver<T>>>,
        handler: impl Fn(T) + Send + 'static,
    ) -> Worker {
        let thread = thread::Builder::new()
            .name(format!("worker-{id}"))
            .spawn(move || work(id, &receiver, &handler))
            .expect("the system should have a thread for every worker");

        Worker { id, thread }
    }
}

fn work<T>(id: usize, receiver: &Mutex<mpsc::Receiver<T>>, handler: &impl Fn(T)) {
    loop {
        // The guard lives until the end of this statement, so the lock is released before the job
        // runs. `unwrap`: never poisoned, for nothing panics until then.
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        announce(id);
        // New: a job that panics does not end the loop. The job was moved in and is dropped. What
        // the handler shares must tolerate an update that was only half done.
        let result = panic::catch_unwind(AssertUnwindSafe(|| handler(job)));
        if result.is_err() {
            report_panic(id);
        }
    }
}

// `println!` would panic, and cost the pool a worker, once standard output cannot be written.
fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}

// New.
fn report_panic(id: usize) {
    let _ = writeln!(io::stderr(), "Worker {id} goes on: its job panicked.");
}
