// Stage 3: a pool of threads, fed through a channel.
//
// A fixed number of workers starts once. Every connection becomes a job, and jobs go into a
// channel. A worker that has nothing to do takes the next one out. A `Receiver` cannot be cloned,
// so the workers share one behind a mutex.
//
// All but the shape of `serve` is new since stage2_spawn_per_request.rs. Next: stage4_for_loop.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles every connection on one of `workers` threads, in the order they come.
///
/// Returns when `connections` ends; the workers finish what is in the channel by themselves.
///
/// # Panics
///
/// As [`ThreadPool::new`] and [`ThreadPool::execute`] do.
pub fn serve(
    connections: impl IntoIterator<Item = TcpStream>,
    handler: impl Fn(TcpStream) + Clone + Send + 'static,
    workers: usize,
) {
    let pool = ThreadPool::new(workers);

    for connection in connections {
        let handler = handler.clone();
        pool.execute(move || handler(connection));
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

        ThreadPool { workers, sender }
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
                    // `unwrap`: never poisoned, for nothing panics while the lock is held.
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
