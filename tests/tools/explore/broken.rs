// Eight broken pools. Each works nearly always, or looks as if it did.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
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

    /// Tells the workers that no more jobs will come, and waits for them.
    fn close(&self, workers: &mut Vec<JoinHandle<()>>) {
        self.queue.lock().unwrap().closed = true;
        self.changed.notify_all();
        for worker in workers.drain(..) {
            worker.join().unwrap();
        }
    }
}

/// Its workers look whether the pool is closed before they look for a job.
pub struct LosesJobsAtDrop {
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl LosesJobsAtDrop {
    pub fn new(size: usize) -> LosesJobsAtDrop {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || {
            let mut queue = theirs.queue.lock().unwrap();
            while !queue.closed {
                if let Some(job) = queue.jobs.pop_front() {
                    drop(queue);
                    job();
                    queue = theirs.queue.lock().unwrap();
                } else {
                    queue = theirs.changed.wait(queue).unwrap();
                }
            }
        };
        LosesJobsAtDrop {
            workers: spawn(size, work),
            shared,
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.give(Box::new(job));
    }
}

impl Drop for LosesJobsAtDrop {
    fn drop(&mut self) {
        self.shared.close(&mut self.workers);
    }
}

/// A worker finds no job, unlocks, locks again and waits. A job that comes in between waits too, until `drop` calls
/// the worker: a lost wake-up, which no thread waits for in the end.
pub struct WaitsTooLate {
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl WaitsTooLate {
    pub fn new(size: usize) -> WaitsTooLate {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || {
            loop {
                let queue = theirs.queue.lock().unwrap();
                let waits = queue.jobs.is_empty() && !queue.closed;
                drop(queue);
                let mut queue = theirs.queue.lock().unwrap();
                if waits && !queue.closed {
                    queue = theirs.changed.wait(queue).unwrap();
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
        };
        WaitsTooLate {
            workers: spawn(size, work),
            shared,
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.give(Box::new(job));
    }
}

impl Drop for WaitsTooLate {
    fn drop(&mut self) {
        self.shared.close(&mut self.workers);
    }
}

/// A worker that has waited for a second leaves. A job that comes then waits for ever.
pub struct LeavesWhenIdle {
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl LeavesWhenIdle {
    pub fn new(size: usize) -> LeavesWhenIdle {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || {
            loop {
                let queue = theirs.queue.lock().unwrap();
                let waits = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
                let second = Duration::from_secs(1);
                let waited = theirs.changed.wait_timeout_while(queue, second, waits);
                let (mut queue, _) = waited.unwrap();
                let Some(job) = queue.jobs.pop_front() else {
                    break;
                };
                drop(queue);
                job();
            }
        };
        LeavesWhenIdle {
            workers: spawn(size, work),
            shared,
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.give(Box::new(job));
    }
}

impl Drop for LeavesWhenIdle {
    fn drop(&mut self) {
        self.shared.close(&mut self.workers);
    }
}

/// A worker takes every end of its wait for a job, or for the end of the pool.
pub struct TrustsEveryWakeUp {
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl TrustsEveryWakeUp {
    pub fn new(size: usize) -> TrustsEveryWakeUp {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || {
            loop {
                let mut queue = theirs.queue.lock().unwrap();
                if queue.jobs.is_empty() && !queue.closed {
                    queue = theirs.changed.wait(queue).unwrap();
                }
                let Some(job) = queue.jobs.pop_front() else {
                    break;
                };
                drop(queue);
                job();
            }
        };
        TrustsEveryWakeUp {
            workers: spawn(size, work),
            shared,
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.shared.queue.lock().unwrap();
        queue.jobs.push_back(Box::new(job));
        self.shared.changed.notify_one();
    }
}

impl Drop for TrustsEveryWakeUp {
    fn drop(&mut self) {
        self.shared.close(&mut self.workers);
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

/// Workers wait for jobs, and `drop` waits for the jobs to be done, at the same condition variable.
/// When a worker has done the last job, it notifies one thread, and that may be the wrong one.
pub struct WakesTheWrongOne {
    workers: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl WakesTheWrongOne {
    pub fn new(size: usize) -> WakesTheWrongOne {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let work = move || {
            loop {
                let mut queue = theirs.queue.lock().unwrap();
                while queue.jobs.is_empty() && !queue.closed {
                    queue = theirs.changed.wait(queue).unwrap();
                }
                let Some(job) = queue.jobs.pop_front() else {
                    break;
                };
                queue.working += 1;
                drop(queue);
                job();
                theirs.queue.lock().unwrap().working -= 1;
                theirs.changed.notify_one();
            }
        };
        WakesTheWrongOne {
            workers: spawn(size, work),
            shared,
        }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.give(Box::new(job));
    }
}

impl Drop for WakesTheWrongOne {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock().unwrap();
        while queue.working > 0 || !queue.jobs.is_empty() {
            queue = self.shared.changed.wait(queue).unwrap();
        }
        queue.closed = true;
        drop(queue);
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
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
