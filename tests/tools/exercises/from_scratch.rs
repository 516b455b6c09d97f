//! A pool from an empty file.

use super::{Variant, right, variant};

const BEFORE: &str = r#"pub struct ThreadPool;

impl ThreadPool {
    /// Starts `size` workers. Panics if that is zero.
    pub fn new(_size: usize) -> ThreadPool {
        ThreadPool
    }

    /// Has one of the workers run the job. Does not wait for that.
    pub fn execute<F>(&self, _job: F)
    where
        F: FnOnce() + Send + 'static,
    {
    }
}
"#;

const STAGE_3: &str = r#"use std::sync::{Arc, Mutex, mpsc};
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
}
"#;

/// The loop of its workers.
const LOOP: &str = r#"    loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
"#;

const NO_WORKERS: &str = r#"pub struct ThreadPool;

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        ThreadPool
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        drop(job);
    }
}
"#;

pub const VARIANTS: [Variant; 16] = [
    variant("as it stands", "broken every_job_runs_once", &[]),
    right("stage 3", &[(BEFORE, STAGE_3)]),
    right(
        "a condition variable",
        &[(
            BEFORE,
            r#"use std::collections::VecDeque;
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
}
"#,
        )],
    ),
    variant(
        "a thread for each job",
        "broken never_more_jobs_at_once_than_workers",
        &[
            (BEFORE, NO_WORKERS),
            ("drop(job);", "std::thread::spawn(job);"),
        ],
    ),
    variant(
        "no thread",
        "broken two_jobs_run_at_once",
        &[(BEFORE, NO_WORKERS), ("drop(job);", "job();")],
    ),
    variant(
        "a thread that is waited for",
        "broken two_jobs_run_at_once",
        &[
            (BEFORE, NO_WORKERS),
            ("drop(job);", "std::thread::spawn(job).join().unwrap();"),
        ],
    ),
    variant(
        "not written yet",
        "broken every_job_runs_once",
        &[(BEFORE, NO_WORKERS), ("assert!(size > 0);", "todo!();")],
    ),
    variant(
        "a channel for each worker",
        "broken a_slow_job_does_not_hold_up_others",
        &[(
            BEFORE,
            r#"use std::cell::Cell;
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
}
"#,
        )],
    ),
    variant(
        "one worker",
        "broken two_jobs_run_at_once",
        &[(BEFORE, STAGE_3), ("0..size", "0..1")],
    ),
    variant(
        "four workers",
        "broken every_worker_works",
        &[(BEFORE, STAGE_3), ("0..size", "0..4")],
    ),
    variant(
        "one worker too many",
        "broken never_more_jobs_at_once_than_workers",
        &[(BEFORE, STAGE_3), ("0..size", "0..=size")],
    ),
    variant(
        "the lock is held",
        "broken two_jobs_run_at_once",
        &[
            (BEFORE, STAGE_3),
            (
                LOOP,
                r#"    loop {
        match receiver.lock().unwrap().recv() {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
"#,
            ),
        ],
    ),
    variant(
        "one job and gone",
        "broken every_job_runs_once",
        &[
            (BEFORE, STAGE_3),
            (
                LOOP,
                r#"    let job = receiver.lock().unwrap().recv();
    if let Ok(job) = job {
        job();
    }
"#,
            ),
        ],
    ),
    variant(
        "zero is fine",
        "broken a_pool_of_no_workers_is_refused",
        &[
            (BEFORE, STAGE_3),
            (
                r#"        assert!(size > 0);
"#,
                "",
            ),
        ],
    ),
    variant(
        "looks again and again",
        "broken an_idle_pool_uses_no_processor",
        &[
            (BEFORE, STAGE_3),
            (
                LOOP,
                r#"    loop {
        let job = receiver.lock().unwrap().try_recv();
        match job {
            Ok(job) => job(),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }
"#,
            ),
        ],
    ),
    variant(
        "a job that comes when all are busy is dropped",
        "broken every_job_runs_once",
        &[
            (BEFORE, STAGE_3),
            ("mpsc::Sender", "mpsc::SyncSender"),
            ("mpsc::channel()", "mpsc::sync_channel(1)"),
            (
                "self.0.send(Box::new(job)).unwrap();",
                "let _ = self.0.try_send(Box::new(job));",
            ),
        ],
    ),
];
