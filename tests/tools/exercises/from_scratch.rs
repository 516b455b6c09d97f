//! A pool from an empty file.

use super::RIGHT;

const BEFORE: &str = "pub struct ThreadPool;

impl ThreadPool {
    /// Starts `size` workers. Panics if that is zero.
    pub fn new(_size: usize) -> ThreadPool {
        ThreadPool
    }

    /// Has one of the workers run the job. Does not wait for that.
    pub fn execute(&self, _job: impl FnOnce() + Send + 'static) {}
}";

const STAGE_3: &str = "use std::sync::{Arc, Mutex, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool(mpsc::Sender<Job>);

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..size {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver));
        }
        ThreadPool(sender)
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.send(Box::new(job)).unwrap();
    }
}

fn work(receiver: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
}";

/// The loop of its workers.
const LOOP: &str = "loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }";

const NO_WORKERS: &str = "pub struct ThreadPool;

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        ThreadPool
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        drop(job);
    }
}";

variants! {
    "as it stands": "broken every_job_runs_once", [];
    "stage 3": RIGHT, [(BEFORE, STAGE_3)];
    "a condition variable": RIGHT, [(BEFORE, "use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool(Arc<(Mutex<VecDeque<Job>>, Condvar)>);

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        let queue: Arc<(Mutex<VecDeque<Job>>, Condvar)> = Arc::default();
        for _ in 0..size {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    let jobs = queue.0.lock().unwrap();
                    let mut jobs = queue.1.wait_while(jobs, |jobs| jobs.is_empty()).unwrap();
                    let job = jobs.pop_front().unwrap();
                    drop(jobs);
                    job();
                }
            });
        }
        ThreadPool(queue)
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.0.lock().unwrap().push_back(Box::new(job));
        self.0.1.notify_one();
    }
}")];
    "a thread for each job": "broken never_more_jobs_at_once_than_workers", [
        (BEFORE, NO_WORKERS), ("drop(job);", "std::thread::spawn(job);")];
    "no thread": "broken two_jobs_run_at_once", [(BEFORE, NO_WORKERS), ("drop(job);", "job();")];
    "a thread that is waited for": "broken two_jobs_run_at_once", [
        (BEFORE, NO_WORKERS), ("drop(job);", "std::thread::spawn(job).join().unwrap();")];
    "not written yet": "broken every_job_runs_once", [
        (BEFORE, NO_WORKERS), ("assert!(size > 0);", "todo!();")];
    "a channel for each worker": "broken a_slow_job_does_not_hold_up_others", [
        (BEFORE, "use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool(Vec<mpsc::Sender<Job>>, Cell<usize>);

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        let workers = (0..size).map(|_| {
            let (sender, receiver) = mpsc::channel::<Job>();
            thread::spawn(move || receiver.into_iter().for_each(|job| job()));
            sender
        });
        ThreadPool(workers.collect(), Cell::new(0))
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.1.set((self.1.get() + 1) % self.0.len());
        self.0[self.1.get()].send(Box::new(job)).unwrap();
    }
}")];
    "one worker": "broken two_jobs_run_at_once", [(BEFORE, STAGE_3), ("0..size", "0..1")];
    "four workers": "broken every_worker_works", [(BEFORE, STAGE_3), ("0..size", "0..4")];
    "one worker too many": "broken never_more_jobs_at_once_than_workers", [
        (BEFORE, STAGE_3), ("0..size", "0..=size")];
    "the lock is held": "broken two_jobs_run_at_once", [(BEFORE, STAGE_3), (LOOP, "loop {
        match receiver.lock().unwrap().recv() {
            Ok(job) => job(),
            Err(_) => break,
        }
    }")];
    "one job and gone": "broken every_job_runs_once", [
        (BEFORE, STAGE_3),
        (LOOP, "let job = receiver.lock().unwrap().recv();
    if let Ok(job) = job {
        job();
    }")];
    "zero is fine": "broken a_pool_of_no_workers_is_refused", [
        (BEFORE, STAGE_3), ("assert!(size > 0);", "")];
    "looks again and again": "broken an_idle_pool_uses_no_processor", [
        (BEFORE, STAGE_3),
        (LOOP, "loop {
        let job = receiver.lock().unwrap().try_recv();
        match job {
            Ok(job) => job(),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }")];
    "a job that comes when all are busy is dropped": "broken every_job_runs_once", [
        (BEFORE, STAGE_3), ("mpsc::Sender", "mpsc::SyncSender"),
        ("mpsc::channel()", "mpsc::sync_channel(1)"),
        ("self.0.send(Box::new(job)).unwrap();", "let _ = self.0.try_send(Box::new(job));")];
}
