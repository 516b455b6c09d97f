// Stage 5: a pool that rejects a request while all of its workers are busy.
//
// The pool of stage 3, and a counter of the requests in flight. A connection needs a permit before
// it becomes a job. There are as many permits as workers, and a permit is returned when its job is
// over. A connection without one is rejected at once, so nothing piles up in the channel any more.
//
// "New" marks what changed since stage3_channel_pool.rs: a line, or all lines up to an empty one.
// Next: stage6_bounded_queue.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed}; // New.
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads, one on each at a time. A connection that comes while
/// all workers are busy goes to `reject` instead, on the calling thread.
///
/// Returns when `connections` ends; the workers finish what is in the channel by themselves.
///
/// # Panics
///
/// As [`ThreadPool::new`] and [`ThreadPool::execute`] do.
pub fn serve(
    connections: impl IntoIterator<Item = TcpStream>,
    handler: impl Fn(TcpStream) + Clone + Send + 'static,
    reject: impl Fn(TcpStream), // New: a client without a permit is told so.
    workers: usize,
) {
    let pool = ThreadPool::new(workers);

    for connection in connections {
        // New.
        let Some(permit) = pool.try_acquire() else {
            reject(connection);
            continue;
        };

        let handler = handler.clone();
        // New: the permit is returned at the end of the job, even if that panics.
        pool.execute(move || {
            let _permit = permit;
            handler(connection);
        });
    }
}

/// A closure to run once, on another thread.
type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that take jobs from one channel.
///
/// Dropping the pool closes the channel. Each worker ends when it finds the channel closed and
/// empty; the pool does not wait for that.
pub struct ThreadPool {
    workers: Vec<Worker>,
    sender: mpsc::Sender<Job>,
    in_flight: Arc<AtomicUsize>, // New: how many permits are taken.
}

impl ThreadPool {
    /// Starts `size` workers.
    ///
    /// # Panics
    ///
    /// If `size` is zero, or if the system does not give that many threads.
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0, "a pool with no workers would never run a job");

        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let workers = (0..size)
            .map(|id| Worker::new(id, Arc::clone(&receiver)))
            .collect();

        // New: no permit is taken yet.
        ThreadPool {
            workers,
            sender,
            in_flight: Arc::default(),
        }
    }

    /// New: takes a permit for a job, unless as many are taken as there are workers.
    pub fn try_acquire(&self) -> Option<Permit> {
        // Relaxed: the counter guards nothing but itself. What a job needs to see of this thread
        // comes to it through the channel.
        let taken = self.in_flight.fetch_add(1, Relaxed);
        let permit = Permit(Arc::clone(&self.in_flight));
        // One too many is dropped here, and so returned.
        (taken < self.workers.len()).then_some(permit)
    }

    /// Puts a job into the channel, where it stays until a worker takes it. Never blocks.
    ///
    /// # Panics
    ///
    /// If no worker is left: a job that panics ends the worker that runs it.
    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.sender
            .send(Box::new(job))
            .expect("at least one worker should be alive to take the job");
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

/// New: the right to run one job, taken before the job is sent, and returned when this is dropped.
pub struct Permit(Arc<AtomicUsize>);

// New.
impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
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
    fn new(id: usize, receiver: Arc<Mutex<mpsc::Receiver<Job>>>) -> Worker {
        let thread = thread::Builder::new()
            .name(format!("worker-{id}"))
            .spawn(move || {
                loop {
                    // The guard lives until the end of this statement, so the lock is released
                    // before the job runs. `unwrap`: never poisoned, for nothing panics until then.
                    let Ok(job) = receiver.lock().unwrap().recv() else {
                        break;
                    };
                    announce(id);
                    job();
                }
            })
            .expect("the system should have a thread for every worker");

        Worker { id, thread }
    }
}

// `println!` would panic, and cost the pool a worker, once standard output cannot be written.
fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}
