//! Do the promises in every schedule tell right pools from wrong ones?
//!
//! Each test is a pool, and what is true of it, a sign for each promise in the order of [`explored::PROMISES`]: `+` it is kept,
//! `-` it is broken, `?` the explorer cannot tell.

use ten_versus_five::check::Verdict;
use ten_versus_five::check::pool::explored;
use ten_versus_five::check::pool::{Check, Pool};

use crate::common::repository::read;
use crate::common::{PATIENCE, thorough};
use crate::tools::explore::{book, broken, condvar, counts};
use crate::tools::schedules::{Json, pools};

/// What is told of the pools that `new` makes.
fn verdicts(test: &str, new: fn(usize) -> Pool) -> [Verdict; 5] {
    let check = Check::new(test, new).in_test(test);
    explored::verdicts(&if thorough() { check } else { check.enough(200) })
}

/// Also, so many verdicts, from 0 on, have these words in them, or lack them.
fn assert_verdicts(
    test: &str,
    new: fn(usize) -> Pool,
    expected: &str,
    words: &[(usize, bool, &str)],
) {
    let verdicts = verdicts(test, new);
    let signs = verdicts.iter().map(|verdict| match verdict {
        Verdict::Kept => '+',
        Verdict::Broken { .. } => '-',
        Verdict::CannotTell(_) => '?',
    });
    let signs: String = signs.collect();
    let told = verdicts.map(|verdict| verdict.to_string());
    assert_eq!(signs, expected, "{}", told.join("\n\n"));
    for (index, has, words) in words {
        assert_eq!(
            told[*index].contains(words),
            *has,
            "{words}: {}",
            told[*index]
        );
    }
}

/// Makes a test of each pool, which has the Book's interface.
macro_rules! verdicts {
    ($($(#[$attribute:meta])* $test:ident $expected:literal $pool:ty
        $(, $index:literal $has:ident $words:literal)*;)*) => {
        const HAS: bool = true;
        const LACKS: bool = false;
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                let test = concat!("tools::explore_pool::", stringify!($test));
                assert_verdicts(test, |size| {
                    #[allow(unused_mut)] // Some pools want to be borrowed as mutable.
                    let mut pool = <$pool>::new(size);
                    Box::new(move |job| pool.execute(job))
                }, $expected, &[$(($index, $has, $words)),*]);
            }
        )*
    };
}

verdicts! {
    the_book_s "+++++" book::ThreadPool;
    a_queue_and_a_condvar "+++++" condvar::ThreadPool;
    #[cfg(feature = "stage3")]
    stage_3 "++++-" ten_versus_five::traced::stages::stage3::ThreadPool;
    #[cfg(feature = "stage4")]
    stage_4 "-+++-" ten_versus_five::traced::stages::stage4::ThreadPool;
    holds_the_lock "-+++-" broken::HoldsTheLock;
    is_stuck_when_dropped "+++-?" broken::StuckAtDrop;
    leaves_before_the_queue_is_empty "++-??" broken::LosesJobsAtDrop;
    waits_too_late "+??-?" broken::WaitsTooLate,
        3 HAS "a job does not run before the pool is dropped",
        3 HAS "\nCan a worker find no job, and begin to wait only after",
        3 LACKS "thread-2"; // The schedule is as short as can be.
    // It waits for no notification, so it has lost none.
    leaves_when_idle "+?--?" broken::LeavesWhenIdle,
        3 HAS "\nWhat ends a worker's loop: can a job come after that?\n",
        3 LACKS "lost wake-up";
    never_works "???-?" never_works::ThreadPool::<1>;
    has_no_thread "?????" never_works::ThreadPool::<0>;
    spins_when_closed "+???-" broken::SpinsWhenClosed,
        3 HAS "schedules have no end",
        3 HAS " goes round and round: lock, recv, unlock.";
    wakes_the_wrong_worker "++?-?" broken::WakesTheWrongOne;
    trusts_every_wake_up "++-++" broken::TrustsEveryWakeUp;
    counts_clones "+????" counts::CountsClones,
        1 HAS "`strong_count` is not modelled (tests/tools/explore/counts.rs:",
        2 HAS "`strong_count` is not modelled (tests/tools/explore/counts.rs:",
        3 HAS "`strong_count` is not modelled (tests/tools/explore/counts.rs:",
        4 HAS "`strong_count` is not modelled (tests/tools/explore/counts.rs:";
}

/// Its workers wait for ever, if it has any, so its jobs are lost for no reason of their own.
mod never_works {
    use ten_versus_five::traced::sync::Mutex;
    use ten_versus_five::traced::thread::{self, JoinHandle};

    type Jobs = Mutex<Vec<Box<dyn FnOnce() + Send>>>;

    pub struct ThreadPool<const THREADS: usize>(Vec<JoinHandle<()>>, Jobs);

    impl<const THREADS: usize> ThreadPool<THREADS> {
        pub fn new(size: usize) -> ThreadPool<THREADS> {
            let work = || {
                loop {
                    thread::park();
                }
            };
            let workers = (0..size * THREADS).map(|_| thread::spawn(work));
            ThreadPool(workers.collect(), Mutex::default())
        }

        pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
            self.1.lock().unwrap().push(Box::new(job));
        }
    }

    impl<const THREADS: usize> Drop for ThreadPool<THREADS> {
        fn drop(&mut self) {
            self.0.drain(..).for_each(|worker| worker.join().unwrap());
        }
    }
}

/// Its threads are the explorer's, and its queue is not: it is behind a lock of `std`'s own.
mod half_seen {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use ten_versus_five::traced::thread::{self, JoinHandle};

    type Job = Box<dyn FnOnce() + Send>;

    #[derive(Default)]
    struct Queue {
        jobs: Mutex<VecDeque<Job>>,
        closed: AtomicBool,
    }

    pub struct ThreadPool(Arc<Queue>, Vec<JoinHandle<()>>);

    impl ThreadPool {
        pub fn new(size: usize) -> ThreadPool {
            let queue = Arc::new(Queue::default());
            let theirs = Arc::clone(&queue);
            let work = move || {
                loop {
                    let closed = theirs.closed.load(Ordering::SeqCst);
                    let job = theirs.jobs.lock().unwrap().pop_front();
                    match job {
                        Some(job) => job(),
                        None if closed => break,
                        None => thread::yield_now(),
                    }
                }
            };
            let workers = (0..size).map(|_| thread::spawn(work.clone()));
            ThreadPool(Arc::clone(&queue), workers.collect())
        }

        pub fn execute(&self, job: impl FnOnce() + Send + 'static) {
            self.0.jobs.lock().unwrap().push_back(Box::new(job));
        }
    }

    impl Drop for ThreadPool {
        fn drop(&mut self) {
            self.0.closed.store(true, Ordering::SeqCst);
            self.1.drain(..).for_each(|worker| worker.join().unwrap());
        }
    }
}

/// What carries the jobs is not seen: then nothing is told, and no pool is called wrong.
mod what_is_not_seen_is_told {
    use super::*;
    use crate::tools::check_pool::pools::{channel, end, worker};

    fn assert_told(test: &str, new: fn(usize) -> Pool, why: &str) {
        for verdict in verdicts(test, new) {
            let told = verdict.to_string();
            let asks = told.contains("does another crate carry the jobs, or is the line");
            assert!(told.starts_with(why) && asks, "{told}");
        }
    }

    #[test]
    fn of_a_pool_whose_file_lacks_the_line() {
        assert_told(
            "tools::explore_pool::what_is_not_seen_is_told::of_a_pool_whose_file_lacks_the_line",
            |size| {
                let pool = channel(size, worker::catches, end::joins);
                Box::new(move |job| pool(Box::new(job)))
            },
            "cannot tell: a job began on a thread that the explorer does not know",
        );
    }

    #[test]
    fn of_a_pool_whose_queue_is_elsewhere() {
        assert_told(
            "tools::explore_pool::what_is_not_seen_is_told::of_a_pool_whose_queue_is_elsewhere",
            |size| {
                let pool = half_seen::ThreadPool::new(size);
                Box::new(move |job| pool.execute(job))
            },
            "cannot tell: a job came to its thread in a way that the explorer does not see",
        );
    }
}

/// Both promises are kept in all schedules in which each wait has a reason, and there are too many others.
#[test]
fn what_may_happen_after_a_wait_for_no_reason_is_not_left_out_silently() {
    let test =
        "tools::explore_pool::what_may_happen_after_a_wait_for_no_reason_is_not_left_out_silently";
    // With one worker, whatever the size is, there are few schedules without such a wait.
    let check = Check::new(test, |_size| {
        let pool = condvar::ThreadPool::new(1);
        Box::new(move |job| pool.execute(job))
    });
    let verdicts = explored::verdicts(&check.in_test(test).enough(4));
    let untold =
        "cannot tell: only 40 schedules were run in which a wait may end for no reason, not all";
    let told = verdicts.map(|verdict| verdict.to_string());
    assert_eq!(told[1..], ["kept", untold, untold, "kept"]);
}

mod the_macro_makes_a_test_of_each_promise {
    ten_versus_five::explore_pool!(crate::tools::explore::book::ThreadPool);

    mod or_of_some {
        ten_versus_five::explore_pool!(crate::tools::explore::book::ThreadPool:
            no_schedule_is_stuck, drop_waits_for_every_job_in_every_schedule);
    }
}

/// The page that a broken promise of these pools names, and the state at which it is opened, as far as the schedule
/// is one to look at.
fn page_at_the_schedule(test: &str, new: fn(usize) -> Pool) -> (Json, usize) {
    let check = Check::new(test, new).in_test(test);
    let told =
        explored::verdicts(&check.give_up_after(120 * PATIENCE)).map(|verdict| verdict.to_string());
    let mut lines = told.iter().flat_map(|told| told.lines());
    let address = lines.find_map(|line| line.trim().strip_prefix("file://"));
    let (file, choices) = address.expect(&told[0]).split_once('#').unwrap();
    let file = if cfg!(windows) { &file[1..] } else { file };
    let html = std::fs::read_to_string(file).unwrap();
    std::fs::remove_file(file).unwrap();

    let [pool] = <[Json; 1]>::try_from(pools(&html)).unwrap();
    let mut state = 0;
    for choice in choices.split(',') {
        let steps = pool.list("states")[state].list("steps").iter();
        let choice_of = |step: &Json| match step.get("choice") {
            Some(_) => step.number("choice"),
            None => step.number("thread"),
        };
        let taken = steps
            .clone()
            .find(|step| choice_of(step).to_string() == choice);
        state = taken.expect("such a step").number("to");
    }
    (pool, state)
}

#[test]
fn the_page_that_a_broken_promise_names_has_the_source_of_the_pool() {
    let test =
        "tools::explore_pool::the_page_that_a_broken_promise_names_has_the_source_of_the_pool";
    let (pool, state) = page_at_the_schedule(test, |size| {
        let pool = broken::HoldsTheLock::new(size);
        Box::new(move |job| pool.execute(job))
    });
    let source = "tests/tools/explore/broken.rs";
    assert_eq!(pool.get("files").unwrap().words(source), read(source));
    let states = pool.list("states");
    assert_eq!(
        states[state].list("jobs").len(),
        1,
        "one job runs, and no second one can"
    );
    let at = states.iter().flat_map(|state| state.list("steps"));
    let at = at.filter_map(|step| step.get("at"));
    // A busy machine may not find all states in the time that a page may take.
    let is_all = pool.get("missing").is_none();
    assert!(at.count() > if is_all { 100 } else { 20 });
}

#[test]
fn the_page_has_the_steps_for_no_reason_that_break_a_promise() {
    let test = "tools::explore_pool::the_page_has_the_steps_for_no_reason_that_break_a_promise";
    let (pool, state) = page_at_the_schedule(test, |size| {
        let pool = broken::TrustsEveryWakeUp::new(size);
        Box::new(move |job| pool.execute(job))
    });
    assert_eq!(pool.list("states")[state].list("steps").len(), 0);
}
