//! Exercise: a thread pool from an empty file.
//!
//! Below is the interface of the thread pool in the Book, with nothing behind it. Build the pool of stage 3:
//! `new` starts as many threads as it is told, and they take their jobs from one channel.
//!
//!     cargo run --example from_scratch
//!     cargo run --example from_scratch -- --hint

use std::process::ExitCode;

use ten_versus_five::exercise;

pub struct ThreadPool;

impl ThreadPool {
    /// Starts `size` workers. Panics if that is zero.
    pub fn new(_size: usize) -> ThreadPool {
        ThreadPool
    }

    /// Has one of the workers run the job. Does not wait for that.
    pub fn execute(&self, _job: impl FnOnce() + Send + 'static) {}
}

fn main() -> ExitCode {
    exercise::FROM_SCRATCH.run(ThreadPool::new, ThreadPool::execute)
}
