// Eight broken pools. Each works nearly always, or looks as if it did.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

fn spawn<F>(size: usize, work: F) -> Vec<JoinHandle<()>>
where
    F: Fn() + Clone + Send + 'static,
{
    (0..size).map(|_| thread::spawn(work.clone())).collect()
}

/// Waits for its workers before it closes the channel that they wait at.
pub struct StuckAtDrop {
    workers: Vec<JoinHandle<()>>,
    sender: Option<Sender<Job>>,
}

impl StuckAtDrop {
    pub fn new(size: usize) -> StuckAtDrop {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        let work = move || {
            loop {
                let Ok(job) = receiver.lock().unwrap().recv() else {
                    break;
                };
                job();
            }
        };
        StuckAtDrop {
            workers: spawn(size, work),
            sender: Some(sender),
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.sender.as_ref().unwrap().send(Box::new(job)).unwrap();
    }
}

impl Drop for StuckAtDrop {
    fn drop(&mut self) {
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
        self.sender = None;
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    working: usize,
    closed: bool,
}

impl Shared {
    fn give(&self, job: Job) {
        self.queue.lock().unwrap().jobs.push_back(job);
        self.changed.notify_one();
    }

    fn give_with_the_lock(&self, job: Job) {
        let mut queue = self.queue.lock().unwrap();
        queue.jobs.push_back(job);
        self.changed.notify_one();
    }

    fn close(&self, workers: &mut Vec<JoinHandle<()>>) {
        self.end(self.queue.lock().unwrap(), workers);
    }

    /// When all jobs are done. For that it waits at the same condition variable as the workers.
    fn close_when_idle(&self, workers: &mut Vec<JoinHandle<()>>) {
        let mut queue = self.queue.lock().unwrap();
        while queue.working > 0 || !queue.jobs.is_empty() {
            queue = self.changed.wait(queue).unwrap();
        }
        self.end(queue, workers);
    }

    /// Tells the workers that no more jobs will come, and waits for them.
    fn end(&self, mut queue: MutexGuard<Queue>, workers: &mut Vec<JoinHandle<()>>) {
        queue.closed = true;
        drop(queue);
        self.changed.notify_all();
        for worker in workers.drain(..) {
            worker.join().unwrap();
        }
    }
}

/// Pools with a queue and a condition variable: what their workers do, how they give them a job, and how they close.
macro_rules! with_a_queue {
    ($($name:ident: $work:ident, $give:ident, $close:ident;)*) => { $(
        pub struct $name(Vec<JoinHandle<()>>, Arc<Shared>);

        impl $name {
            pub fn new(size: usize) -> $name {
                let shared = Arc::new(Shared::default());
                let theirs = Arc::clone(&shared);
                $name(spawn(size, move || $work(&theirs)), shared)
            }

            pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
                self.1.$give(Box::new(job));
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.1.$close(&mut self.0);
            }
        }
    )* };
}

with_a_queue! {
    LosesJobsAtDrop: looks_for_the_end_first, give, close;
    WaitsTooLate: looks_and_then_waits, give, close;
    LeavesWhenIdle: leaves_after_a_second, give, close;
    TrustsEveryWakeUp: waits_once, give_with_the_lock, close;
    WakesTheWrongOne: notifies_one, give, close_when_idle;
}

/// Its workers look whether the pool is closed before they look for a job.
fn looks_for_the_end_first(shared: &Shared) {
    let mut queue = shared.queue.lock().unwrap();
    while !queue.closed {
        if let Some(job) = queue.jobs.pop_front() {
            drop(queue);
            job();
            queue = shared.queue.lock().unwrap();
        } else {
            queue = shared.changed.wait(queue).unwrap();
        }
    }
}

/// A worker finds no job, unlocks, locks again and waits. A job that comes in between waits too, until `drop` calls
/// the worker: a lost wake-up, which no thread waits for in the end.
fn looks_and_then_waits(shared: &Shared) {
    loop {
        let queue = shared.queue.lock().unwrap();
        let waits = queue.jobs.is_empty() && !queue.closed;
        drop(queue);
        let mut queue = shared.queue.lock().unwrap();
        if waits && !queue.closed {
            queue = shared.changed.wait(queue).unwrap();
        }
        match queue.jobs.pop_front() {
            Some(job) => {
                drop(queue);
                job();
            }
            None if queue.closed => break,
            None => {}
        }
    }
}

/// A worker that has waited for a second leaves. A job that comes then waits for ever.
fn leaves_after_a_second(shared: &Shared) {
    loop {
        let queue = shared.queue.lock().unwrap();
        let waits = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
        let second = Duration::from_secs(1);
        let waited = shared.changed.wait_timeout_while(queue, second, waits);
        let (mut queue, _) = waited.unwrap();
        let Some(job) = queue.jobs.pop_front() else {
            break;
        };
        drop(queue);
        job();
    }
}

/// A worker takes every end of its wait for a job, or for the end of the pool.
fn waits_once(shared: &Shared) {
    loop {
        let mut queue = shared.queue.lock().unwrap();
        if queue.jobs.is_empty() && !queue.closed {
            queue = shared.changed.wait(queue).unwrap();
        }
        let Some(job) = queue.jobs.pop_front() else {
            break;
        };
        drop(queue);
        job();
    }
}

/// A worker that has done the last job notifies one thread, and that may be the wrong one.
fn notifies_one(shared: &Shared) {
    loop {
        let mut queue = shared.queue.lock().unwrap();
        while queue.jobs.is_empty() && !queue.closed {
            queue = shared.changed.wait(queue).unwrap();
        }
        let Some(job) = queue.jobs.pop_front() else {
            break;
        };
        queue.working += 1;
        drop(queue);
        job();
        shared.queue.lock().unwrap().working -= 1;
        shared.changed.notify_one();
    }
}

/// When the channel is closed, its workers go round and round.
pub struct SpinsWhenClosed {
    sender: Sender<Job>,
}

impl SpinsWhenClosed {
    pub fn new(size: usize) -> SpinsWhenClosed {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        spawn(size, move || {
            loop {
                let job = receiver.lock().unwrap().recv();
                if let Ok(job) = job {
                    job();
                }
            }
        });
        SpinsWhenClosed { sender }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.sender.send(Box::new(job)).unwrap();
    }
}

/// Stage 5 as one may write it first: the worker takes the permit when it begins a job. So between
/// the look at the permits and the taking of one there is all the time in the world.
pub struct CountsInTheWorker {
    sender: Sender<Job>,
    in_flight: Arc<AtomicUsize>,
    permits: usize,
}

impl CountsInTheWorker {
    /// As many permits as workers, like stage 5.
    pub fn new(size: usize) -> CountsInTheWorker {
        CountsInTheWorker::with_permits(size, size)
    }

    pub fn with_permits(size: usize, permits: usize) -> CountsInTheWorker {
        let (sender, receiver) = mpsc::channel::<Job>();
        let receiver = Arc::new(Mutex::new(receiver));
        let in_flight = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&in_flight);
        spawn(size, move || {
            loop {
                let Ok(job) = receiver.lock().unwrap().recv() else {
                    break;
                };
                theirs.fetch_add(1, Ordering::SeqCst);
                job();
                theirs.fetch_sub(1, Ordering::SeqCst);
            }
        });
        CountsInTheWorker {
            sender,
            in_flight,
            permits,
        }
    }

    pub fn try_execute(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let free = self.in_flight.load(Ordering::SeqCst) < self.permits;
        if free {
            self.sender.send(Box::new(job)).unwrap();
        }
        free
    }
}

/// The guard has a name, and lives until the job is done.
pub struct HoldsTheLock {
    sender: Sender<Job>,
}

impl HoldsTheLock {
    pub fn new(size: usize) -> HoldsTheLock {
        let (sender, receiver) = mpsc::channel();
        let receiver: Arc<Mutex<Receiver<Job>>> = Arc::new(Mutex::new(receiver));
        spawn(size, move || {
            loop {
                let guard = receiver.lock().unwrap();
                let Ok(job) = guard.recv() else {
                    break;
                };
                job();
            }
        });
        HoldsTheLock { sender }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.sender.send(Box::new(job)).unwrap();
    }
}
