//! What does it cost to run a small job on another thread?

use std::env;
use std::hint::black_box;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, Thread};
use std::time::Instant;

use ten_versus_five::notes::Recording;
use ten_versus_five::traced::job as traced_job;

use crate::{Rounds, Target, order};

/// The word on the command line that makes this program measure, and report on standard error.
pub const COMMAND: &str = "measure-jobs";

const ROUNDS: usize = 15;
const WORKERS: usize = 4;

/// The jobs of a round: enough to make it last long enough for a good measurement.
const JOBS: usize = 20_000;

/// The same, if each job gets a new thread: fewer are enough.
const THREADS: usize = 500;

/// A way to run so many jobs. It returns the nanoseconds that one job took.
type Way = fn(usize) -> f64;

const IN_PLACE: &str = "called in place";
const NEW_THREAD: &str = "a new thread for each";
const SILENT: &str = "a bare worker loop, printing nothing";
const TRACED: &str = "the same with the stand-in for std";
const WATCHED: &str = "the same while notes are taken";
const BARE: &str = "a bare worker loop, printing a line";

/// The ways, and how many jobs each of them runs in a round.
const WAYS: &[(&str, Way, usize)] = &[
    (IN_PLACE, in_place, JOBS),
    (NEW_THREAD, new_thread, THREADS),
    (SILENT, |jobs| bare_loop(jobs, |_| {}), JOBS),
    (TRACED, traced_loop, JOBS),
    (WATCHED, watched_loop, JOBS),
    (BARE, |jobs| bare_loop(jobs, announce), JOBS),
    #[cfg(feature = "stage3")]
    ("stage 3", stage3, JOBS),
    #[cfg(feature = "stage4")]
    ("stage 4", stage4, JOBS),
    #[cfg(feature = "stage5")]
    ("stage 5", stage5, JOBS),
    #[cfg(feature = "stage6")]
    ("stage 6", stage6, JOBS),
    #[cfg(feature = "stage7")]
    ("stage 7", stage7, JOBS),
];

/// Measures in a process of its own without standard output, since a worker prints a line for each job.
pub fn report() -> Vec<Target> {
    let child = Command::new(env::current_exe().expect("a program should know where it is"))
        .arg(COMMAND)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("this program should start once more");
    let output = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}");

    let rounds_of = |name: &str| {
        let results = output.lines().filter_map(|line| {
            let (found, nanoseconds) = line.split_once('\t')?;
            (found == name).then(|| nanoseconds.parse().ok())?
        });
        results.collect::<Vec<f64>>()
    };

    println!("\nOne small job, in nanoseconds. Workers: {WORKERS}. Rounds: {ROUNDS}.\n");
    println!("{:40} {:>8}   {:17}   times", "", "median", "from ... to");
    let bare = rounds_of(BARE);
    for (name, _, _) in WAYS {
        let rounds = rounds_of(name);
        let ratio = Rounds::ratios(&rounds, &bare);
        let rounds = Rounds::new(rounds);
        println!(
            "{name:40} {:8.0}   {:7.0} ... {:<7.0} {:7.2}",
            rounds.median(),
            rounds.least(),
            rounds.most(),
            ratio.median(),
        );
    }
    println!("\n\"times\" is the cost divided by that of the loop that prints a line.");
    let silent = rounds_of(SILENT);
    let ratio_to_silent = |name| Rounds::ratios(&rounds_of(name), &silent).median();
    println!(
        "The stand-in for std costs {:.2} of the loop that prints nothing, and {:.2} while notes are taken.",
        ratio_to_silent(TRACED),
        ratio_to_silent(WATCHED)
    );

    let mut targets = Vec::new();
    if cfg!(feature = "stage3") {
        let stage3 = rounds_of("stage 3");
        let ratio = Rounds::ratios(&stage3, &bare).median();
        let of_silent = Rounds::ratios(&stage3, &rounds_of(SILENT)).median();
        targets.push(Target {
            holds: ratio <= 1.1,
            what: format!(
                "a job through stage 3 costs {ratio:.2} of one through a bare loop that prints \
                 the same line (1.10 at most), and {of_silent:.2} of one through a silent loop"
            ),
        });
    }
    targets
}

/// Measures every way in every round, and writes a line for each to standard error.
pub fn measure() {
    for round in 0..=ROUNDS {
        for index in order(WAYS.len(), round) {
            let (name, way, jobs) = WAYS[index];
            let nanoseconds = way(jobs);
            // The first round is for warming up.
            if round > 0 {
                // This fails if the program that started this one has ended. Then the result has no reader.
                let _ = writeln!(io::stderr(), "{name}\t{nanoseconds}");
            }
        }
    }
}

/// Counts the jobs that are left to run, and wakes the thread that waits for the last of them.
struct Jobs {
    remaining: AtomicUsize,
    waiting: Thread,
}

impl Jobs {
    fn new(jobs: usize) -> Arc<Jobs> {
        Arc::new(Jobs {
            remaining: AtomicUsize::new(jobs),
            waiting: thread::current(),
        })
    }

    fn do_one(&self) {
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiting.unpark();
        }
    }

    fn wait(&self) {
        while self.remaining.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    }
}

/// Hands off so many jobs, and waits until the last of them has run.
fn time(jobs: usize, mut hand_off: impl FnMut(Arc<Jobs>)) -> f64 {
    let all = Jobs::new(jobs);
    let start = Instant::now();
    for _ in 0..jobs {
        hand_off(Arc::clone(&all));
    }
    all.wait();
    start.elapsed().as_nanos() as f64 / jobs as f64
}

fn in_place(jobs: usize) -> f64 {
    time(jobs, |job| black_box(job).do_one())
}

fn new_thread(jobs: usize) -> f64 {
    time(jobs, |job| drop(thread::spawn(move || job.do_one())))
}

pub type Job = Box<dyn FnOnce() + Send>;

fn bare_loop(jobs: usize, announce: fn(usize)) -> f64 {
    let sender = bare_pool(WORKERS, announce);
    time(jobs, |job| {
        let job = Box::new(move || job.do_one());
        sender.send(job).expect("the workers are there");
    })
}

macro_rules! bare_pool {
    () => {
        /// Workers with the loop of stage 3, without its pool.
        pub fn bare_pool(workers: usize, announce: fn(usize)) -> mpsc::Sender<Job> {
            let (sender, receiver) = mpsc::channel::<Job>();
            let receiver = Arc::new(Mutex::new(receiver));
            for id in 0..workers {
                let receiver = Arc::clone(&receiver);
                thread::spawn(move || {
                    loop {
                        let Ok(job) = receiver.lock().unwrap().recv() else {
                            break;
                        };
                        announce(id);
                        job();
                    }
                });
            }
            sender
        }
    };
}

bare_pool!();

/// The same loop, in which `Mutex`, `mpsc` and `thread` are those of the stand-in for `std`.
mod traced {
    use super::Job;
    use ten_versus_five::traced as std;

    use std::sync::{Arc, Mutex, mpsc};
    use std::thread;

    bare_pool!();
}

fn traced_loop(jobs: usize) -> f64 {
    let sender = traced::bare_pool(WORKERS, |_| {});
    time(jobs, |job| {
        let job = Box::new(move || job.do_one());
        sender.send(job).expect("the workers are there");
    })
}

/// A job makes nine notes, or a few more. There is room for all of them.
fn watched_loop(jobs: usize) -> f64 {
    let recording = Recording::with_capacity(10 * jobs + 100);
    let took = recording.watch(|| {
        let sender = traced::bare_pool(WORKERS, |_| {});
        time(jobs, |job| {
            let job = Box::new(move || traced_job(0, || job.do_one()));
            sender.send(job).expect("the workers are there");
        })
    });
    assert_eq!(recording.notes().missed, 0, "there is room for every note");
    took
}

fn announce(id: usize) {
    let _ = writeln!(io::stdout(), "Worker {id} got a job; executing.");
}

#[cfg(feature = "stage3")]
fn stage3(jobs: usize) -> f64 {
    let pool = ten_versus_five::stage3_channel_pool::ThreadPool::new(WORKERS);
    time(jobs, |job| pool.execute(move || job.do_one()))
}

#[cfg(feature = "stage4")]
fn stage4(jobs: usize) -> f64 {
    let pool = ten_versus_five::stage4_for_loop::ThreadPool::new(WORKERS);
    time(jobs, |job| pool.execute(move || job.do_one()))
}

/// There are as many permits as workers, so the thread that sends a job has to wait for one.
#[cfg(feature = "stage5")]
fn stage5(jobs: usize) -> f64 {
    let pool = ten_versus_five::stage5_busy_counter::ThreadPool::new(WORKERS);
    time(jobs, |job| {
        let permit = loop {
            match pool.try_acquire() {
                Some(permit) => break permit,
                None => thread::yield_now(),
            }
        };
        pool.execute(move || {
            let _permit = permit;
            job.do_one();
        });
    })
}

/// The capacity of the queue is the number of jobs, so that no job is rejected.
#[cfg(feature = "stage6")]
fn stage6(jobs: usize) -> f64 {
    let handler = |job: Arc<Jobs>| job.do_one();
    let pool = ten_versus_five::stage6_bounded_queue::ThreadPool::new(WORKERS, jobs, handler);
    time(jobs, |job| {
        assert!(pool.try_execute(job).is_ok(), "the queue has room for each")
    })
}

#[cfg(feature = "stage7")]
fn stage7(jobs: usize) -> f64 {
    let handler = |job: Arc<Jobs>| job.do_one();
    let pool = ten_versus_five::stage7_graceful_shutdown::ThreadPool::new(WORKERS, jobs, handler);
    time(jobs, |job| {
        assert!(pool.try_execute(job).is_ok(), "the queue has room for each")
    })
}
