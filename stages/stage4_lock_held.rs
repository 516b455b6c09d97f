// Stage 4: the same pool, with a worker loop that looks simpler.
//
// Four workers, one channel, one mutex, as before. Only the loop in `Worker::new` is written in
// another way. It compiles without a warning, every request is answered, and two slow requests
// take ten seconds again.
//
// "New" marks what changed since stage3_channel_pool.rs. Why it does that is told in
// docs/stage4_lock_held.md

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
pub fn serve<C, H>(connections: C, handle: H, workers: usize)
where
    C: IntoIterator<Item = TcpStream>,
    H: Fn(TcpStream) + Clone + Send + 'static,
{
    let pool = ThreadPool::new(workers);

    for connection in connections {
        let handle = handle.clone();
        pool.execute(move || handle(connection));
    }
}

/// Something to do, once, on another thread.
type Job = Box<dyn FnOnce() + Send + 'static>;

/// A fixed number of threads that take jobs from one channel.
///
/// Dropping the pool closes the channel. Each worker leaves when it finds the channel closed and
/// empty; nobody waits for it.
pub struct ThreadPool {
    /// The threads, by id. Take them out before dropping the pool if you want to join them.
    pub workers: Vec<Worker>,
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

    /// Puts a job into the channel, where it stays until a worker is free. Never blocks.
    ///
    /// # Panics
    ///
    /// If no worker is left. One job that panicked is enough: it does so while its worker holds the
    /// lock, which poisons the mutex, and every other worker panics when it locks.
    pub fn execute<F>(&self, job: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.sender
            .send(Box::new(job))
            .expect("at least one worker should be alive to take the job");
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
                // New, and all that is new.
                for job in receiver.lock().unwrap().iter() {
                    announce(id);
                    job();
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
