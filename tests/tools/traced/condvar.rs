// A pool without a channel: a queue behind a mutex, and a condition variable to wait at.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

pub struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        assert!(size > 0);
        let shared = Arc::new(Shared::default());
        let workers = (0..size)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || work(&shared))
            })
            .collect();
        ThreadPool { shared, workers }
    }

    pub fn execute<F>(&self, job: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.shared
            .queue
            .lock()
            .unwrap()
            .jobs
            .push_back(Box::new(job));
        self.shared.changed.notify_one();
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap().closed = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
    }
}

fn work(shared: &Shared) {
    loop {
        let queue = shared.queue.lock().unwrap();
        let nothing_to_do = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
        let mut queue = shared.changed.wait_while(queue, nothing_to_do).unwrap();
        let Some(job) = queue.jobs.pop_front() else {
            break;
        };
        drop(queue);
        job();
    }
}
