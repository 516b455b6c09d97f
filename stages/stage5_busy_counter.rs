// Stage 5: a pool that says no when everybody is busy.
//
// The pool of stage 3, and a counter beside it. A connection has to get a place before it becomes
// a job, there are as many places as workers, and a place is given back when its job is over. Who
// gets none is turned away at once, so nothing piles up in the channel any more.
//
// "New" marks what changed since stage3_channel_pool.rs. Next: stage6_bounded_queue.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed}; // New.
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

/// Handles connections on `workers` threads, at most one for each of them at a time. A connection
/// that comes while all are busy goes to `turn_away` instead, on the calling thread.
///
/// Returns when `connections` ends; the workers finish what is in the channel by themselves.
///
/// # Panics
///
/// As [`ThreadPool::new`] and [`ThreadPool::execute`] do.
pub fn serve<C, H, T>(connections: C, handle: H, turn_away: T, workers: usize)
where
    C: IntoIterator<Item = TcpStream>,
    H: Fn(TcpStream) + Clone + Send + 'static,
    T: Fn(TcpStream), // New: somebody has to say no.
{
    let pool = ThreadPool::new(workers);

    for connection in connections {
        // New.
        let Some(place) = pool.try_reserve() else {
            turn_away(connection);
            continue;
        };
        let handle = handle.clone();
        pool.execute(move || {
            let _place = place; // New: given back at the end of the job, even if that panics.
            handle(connection);
        });
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
    busy: Arc<AtomicUsize>, // New: how many places are taken.
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

        let busy = Arc::new(AtomicUsize::new(0));

        ThreadPool {
            workers,
            sender,
            busy,
        }
    }

    /// Takes a place for a job, if fewer are taken than there are workers.
    pub fn try_reserve(&self) -> Option<Place> {
        // Relaxed: the counter guards nothing but itself. What a job needs to see of this thread
        // comes to it through the channel.
        let counter = &self.busy;
        let mut taken = counter.load(Relaxed);
        while taken < self.workers.len() {
            match counter.compare_exchange_weak(taken, taken + 1, Relaxed, Relaxed) {
                Ok(_) => return Some(Place(Arc::clone(counter))),
                Err(now) => taken = now, // Another thread changed the counter: start over.
            }
        }
        None
    }

    /// Puts a job into the channel, where it stays until a worker is free. Never blocks.
    ///
    /// # Panics
    ///
    /// If no worker is left, because each ran a job that panicked.
    pub fn execute<F>(&self, job: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.sender
            .send(Box::new(job))
            .expect("at least one worker should be alive to take the job");
    }
}

/// New: a place for a job, taken before the job is sent, given back when this is dropped.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
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
                    // The lock lives until the end of this statement: it is free again before
                    // the job runs. `unwrap`: nobody panics while holding it.
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

// `println!` would panic, and cost the pool a worker, once nobody can read standard output.
fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}
