//! What does a pool promise, and what happens to its threads when it is dropped?
//!
//! Stages 3, 4 and 5 make the same promises, and only the time they take differs. The pools of stages 6
//! and 7 have another interface: see `beyond.rs`.

#![cfg(any(feature = "stage3", feature = "stage4", feature = "stage5"))]

#[cfg(feature = "stage3")]
use crate::common::PATIENCE;
#[cfg(any(feature = "stage3", feature = "stage4"))]
use crate::common::{ran_quietly, wait_until};

macro_rules! promises_of {
    ($feature:literal, $name:ident, $($path:ident)::+) => {
        #[cfg(feature = $feature)]
        mod $name {
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};

            use $($path)::+::{ThreadPool, Worker};

            use crate::common::{ran_quietly, wait_until};

            #[test]
            #[should_panic(expected = "no workers")]
            fn a_pool_without_workers_panics() {
                ThreadPool::new(0);
            }

            #[test]
            fn workers_are_numbered_and_their_threads_are_named() {
                let pool = ThreadPool::new(3);
                for (index, worker) in pool.workers().iter().enumerate() {
                    assert_eq!(worker.id, index);
                    let name = format!("worker-{index}");
                    assert_eq!(worker.thread.thread().name(), Some(name.as_str()));
                }
                assert_eq!(pool.workers().len(), 3);
            }

            /// A thread that spins would not end, and `join` returns an error for a thread that panics.
            #[test]
            fn dropping_the_pool_ends_its_threads_once_the_jobs_are_done() {
                if ran_quietly() {
                    return;
                }
                let done = Arc::new(AtomicUsize::new(0));
                let pool = ThreadPool::new(4);
                for _ in 0..20 {
                    let done = Arc::clone(&done);
                    pool.execute(move || {
                        done.fetch_add(1, Ordering::SeqCst);
                    });
                }
                let finished = |worker: &Worker| worker.thread.is_finished();
                assert!(!pool.workers().iter().any(finished));

                for worker in pool.into_workers() {
                    wait_until("a worker to end", || worker.thread.is_finished());
                    worker.thread.join().expect("no worker should panic");
                }
                assert_eq!(done.load(Ordering::SeqCst), 20);
            }
        }
    };
}

promises_of!("stage3", stage3, ten_versus_five::stage3_channel_pool);
promises_of!("stage4", stage4, ten_versus_five::stage4_for_loop);
promises_of!("stage5", stage5, ten_versus_five::stage5_busy_counter);

// The same files, with a stand-in for `std` that tells what the locks do.
promises_of!("stage3", traced3, ten_versus_five::traced::stages::stage3);
promises_of!("stage4", traced4, ten_versus_five::traced::stages::stage4);
promises_of!("stage5", traced5, ten_versus_five::traced::stages::stage5);

/// No worker of the pool is left, so it can give the job to none.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn assert_is_dead(execute: impl FnOnce()) {
    let execute = std::panic::AssertUnwindSafe(execute);
    assert!(std::panic::catch_unwind(execute).is_err());
}

#[cfg(feature = "stage3")]
#[test]
fn every_job_that_panics_takes_a_worker_of_stage_3_with_it() {
    if ran_quietly() {
        return;
    }
    let pool = ten_versus_five::stage3_channel_pool::ThreadPool::new(4);
    for panicked in 1..=4 {
        pool.execute(|| panic!("a job of this test"));
        wait_until("a worker to die", || {
            let dead = pool.workers().iter();
            let dead = dead.filter(|worker| worker.thread.is_finished());
            dead.count() == panicked
        });
        if panicked < 4 {
            let (sender, receiver) = std::sync::mpsc::channel();
            pool.execute(move || sender.send("still here").unwrap());
            assert_eq!(receiver.recv_timeout(PATIENCE), Ok("still here"));
        }
    }
    assert_is_dead(|| pool.execute(|| {}));
}

/// The Book's exercise: a pool knows nothing of web servers.
#[cfg(feature = "stage3")]
#[test]
fn the_pool_of_stage_3_can_count_lines() {
    if ran_quietly() {
        return;
    }
    use std::sync::mpsc;

    use ten_versus_five::stage3_channel_pool::ThreadPool;

    let texts = [1, 2, 3].map(|lines| "a line\n".repeat(lines));

    let pool = ThreadPool::new(4);
    let (sender, counts) = mpsc::channel();

    for text in texts {
        let sender = sender.clone();
        pool.execute(move || sender.send(text.lines().count()).unwrap());
    }
    drop(sender); // Each job has its own. `counts` ends when the last of those is gone.

    assert_eq!(counts.iter().sum::<usize>(), 6);
}

/// The worker panics while it holds the lock. That poisons the mutex, so all other workers panic too. Then
/// the receiver is dropped, and `execute` cannot send.
#[cfg(feature = "stage4")]
#[test]
fn a_job_that_panics_takes_the_whole_pool_of_stage_4_with_it() {
    if ran_quietly() {
        return;
    }
    let pool = ten_versus_five::stage4_for_loop::ThreadPool::new(4);
    pool.execute(|| panic!("a job of this test"));
    for worker in pool.workers() {
        wait_until("a worker to die", || worker.thread.is_finished());
    }
    assert_is_dead(|| pool.execute(|| {}));
}
