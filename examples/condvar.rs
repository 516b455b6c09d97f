//! Exercise: a condition variable.
//!
//! This pool has no channel. It has a queue behind a mutex, and a `Condvar` on which its workers wait. In
//! some schedules a worker waits for ever, although a job is in the queue. Only `work` has to change.
//!
//!     cargo run --example condvar
//!     cargo run --example condvar -- --hint

// With this line the explorer decides which thread takes the next step. Keep it.
use ten_versus_five::traced as std;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use ten_versus_five::exercise;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

pub struct ThreadPool {
    workers: Vec<thread::JoinHandle<()>>,
    queue: Arc<Queue>,
}

impl ThreadPool {
    pub fn new(size: usize) -> ThreadPool {
        let queue = Arc::new(Queue::default());
        let workers = (0..size)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || work(&queue))
            })
            .collect();
        ThreadPool { workers, queue }
    }

    pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
        self.queue
            .state
            .lock()
            .unwrap()
            .jobs
            .push_back(Box::new(job));
        self.queue.changed.notify_one();
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.queue.state.lock().unwrap().closed = true;
        self.queue.changed.notify_all();
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
    }
}

fn work(queue: &Queue) {
    loop {
        let state = queue.state.lock().unwrap();
        let mut state = queue.changed.wait(state).unwrap();
        let Some(job) = state.jobs.pop_front() else {
            break; // Woken without a job: the pool is closed.
        };
        drop(state);
        job();
    }
}

fn main() -> ExitCode {
    exercise::CONDVAR.run(ThreadPool::new, ThreadPool::execute)
}
