//! Nine promises of a thread pool, and whether yours keeps them.
//!
//! All that is needed is the interface of the pool in the Book: `new(usize)`, and `execute`, which
//! takes any `FnOnce() + Send + 'static`; [other pools](crate::check_pool) are taken too. One line in a test file makes
//! nine tests:
//!
//! ```
//! # use std::thread;
//! # pub struct ThreadPool;
//! # impl ThreadPool {
//! #     pub fn new(_size: usize) -> ThreadPool { ThreadPool }
//! #     pub fn execute(&self, job: impl FnOnce() + Send + 'static) { thread::spawn(job); }
//! # }
//! ten_versus_five::check_pool!(crate::ThreadPool);
//! # fn main() {}
//! ```
//!
//! A promise counts as kept when something has happened that only a pool that keeps it can do, for
//! example two jobs that met. It counts as broken when something has happened that must not, or when
//! nothing has happened for [ten seconds](PATIENCE). Read [`promises`] to see how each is decided, and
//! what it cannot see. A promise that cannot be decided, mostly because another one is broken, is
//! "cannot tell". A test can only pass or fail, and a test that passes claims that the promise is
//! kept: so this one **fails**, with a message that begins with `cannot tell`. Where the system has
//! no way to tell at all, the test is ignored, and says why.
//!
//! A pool that is wrong may hang, burn processor time, or abort the process. So each promise is
//! decided in a process of its own: the test starts its own program again, for itself alone.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Promise, Verdict, tap};

pub(crate) mod apart;
pub mod explored;
mod idle;
mod judgement;
#[doc(hidden)] // The macros expand to it.
pub mod macros;
pub mod promises;
pub(crate) mod rejecting;
mod schedules_page;
pub(crate) mod served;
mod trial;
mod unmodelled;

pub use promises::PROMISES;

/// How long a pool may make no progress at all, in a check, before a promise counts as broken.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Something to do, once, on a thread of the pool. It is all that a pool may ask of a job.
pub type Job = Box<dyn Fn() + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// A pool, as a check sees it: what takes a job. It is dropped with the closure that owns it.
pub type Pool = Box<dyn FnMut(Job)>;

/// A pool to check, and how to go about it.
///
/// A pool with another interface than the Book's can be checked through a closure:
///
/// ```no_run
/// use std::thread;
/// use ten_versus_five::check::pool::{Check, Job, PROMISES};
///
/// let check = Check::new("a thread a job", |_size| {
///     Box::new(|job: Job| drop(thread::spawn(job)))
/// });
/// for promise in &PROMISES {
///     println!("{}: {}", promise.name, check.verdict(promise));
/// }
/// ```
#[derive(Clone)]
pub struct Check {
    pub(crate) name: String,
    pub(crate) new: Arc<dyn Fn(usize) -> Pool + Send + Sync>,
    arguments: Vec<OsString>,
    patience: Duration,
    /// How many jobs are many.
    jobs: usize,
    /// How many schedules are enough when one of them is stuck or loses a job.
    enough: usize,
    /// Whether to write a page of all schedules, if a promise is broken in some of them.
    pages: bool,
    /// How long all schedules together may take.
    time: Duration,
}

debug_by_name!(Check, name);

impl Check {
    /// A check of the pools that `new` makes when it is given a number of workers. The name must be
    /// another one for each pool that a program checks.
    ///
    /// The pool is made, given its jobs, and dropped on one thread, which is not the caller's.
    pub fn new(
        name: impl Into<String>,
        new: impl Fn(usize) -> Pool + Send + Sync + 'static,
    ) -> Check {
        Check {
            name: name.into(),
            new: Arc::new(new),
            arguments: env::args_os().skip(1).collect(),
            patience: PATIENCE,
            jobs: 10_000,
            enough: judgement::ENOUGH,
            pages: true,
            time: judgement::TIME,
        }
    }

    /// The same in a test, whose name this is: with its modules, without its crate, the way
    /// `cargo test` prints it.
    pub fn in_test(mut self, test: &str) -> Check {
        let arguments = [test, "--exact", "--nocapture", "--include-ignored"];
        self.arguments = arguments.map(OsString::from).to_vec();
        self
    }

    /// The same with another patience than [`PATIENCE`]. All schedules together may take as long, and a minute at the
    /// least.
    pub fn give_up_after(mut self, patience: Duration) -> Check {
        self.patience = patience;
        self.time = patience.max(judgement::TIME);
        self
    }

    /// The same with so many jobs, where a promise asks for ten thousand.
    #[doc(hidden)] // For a test that knows what it will find.
    pub fn many_jobs(mut self, jobs: usize) -> Check {
        self.jobs = jobs;
        self
    }

    /// The same for a test that knows what it will find, and finds it quickly: with so many schedules, instead of a
    /// thousand, where one of them is stuck or loses a job and more are not necessary, and without a page of them. Only
    /// a busy machine takes long over that, and then it may take an hour.
    #[doc(hidden)]
    pub fn enough(mut self, schedules: usize) -> Check {
        self.enough = schedules;
        self.pages = false;
        self.time = 60 * judgement::TIME;
        self
    }

    /// Decides whether the pool keeps a promise, in a process of its own: the pool may leave threads behind, or
    /// bring the process down.
    ///
    /// That process is this program, started again with the same arguments (or those of the
    /// [test](Check::in_test)). It has to come to this call again, which does not return there: it
    /// ends the process. All that stands before the call is done once more for each promise, and other
    /// calls return "cannot tell" there; so ask for all verdicts first, and look at them then.
    pub fn verdict(&self, promise: &Promise<Check>) -> Verdict {
        let this = format!("{}: {}", self.name, promise.name);
        apart::verdict(&this, &self.arguments, || (promise.decide)(self))
    }

    /// Decides about every promise, and writes the verdicts in the Test Anything Protocol, version 14:
    /// `ok`, `not ok`, or `ok` with `# SKIP cannot tell`. Returns whether no promise is broken.
    ///
    /// The processes that [decide](Check::verdict) run side by side, because a broken promise mostly
    /// costs waiting. They come to this call too, so `out` should be standard output, which leads nowhere there.
    ///
    /// # Errors
    ///
    /// When a line cannot be written.
    pub fn report(&self, out: &mut impl Write) -> io::Result<bool> {
        let mut none_broken = true;
        tap::begin(out, PROMISES.len())?;
        thread::scope(|scope| {
            let verdicts = PROMISES.map(|promise| scope.spawn(move || self.verdict(&promise)));
            for ((number, promise), verdict) in (1..).zip(&PROMISES).zip(verdicts) {
                out.flush()?;
                let verdict = verdict
                    .join()
                    .unwrap_or_else(|_| Verdict::cannot_tell("the check itself panicked"));
                none_broken &= !matches!(verdict, Verdict::Broken { .. });
                tap::verdict(out, number, promise.name, &verdict)?;
            }
            out.flush()?;
            Ok(none_broken)
        })
    }
}

/// Each of these can be told only if those before it are kept.
const ROOTS: [&str; 3] = [
    "every_job_runs_once",
    "two_jobs_run_at_once",
    "every_worker_works",
];

/// Another promise is broken, and nothing can be told before it is kept.
fn depends_on(promise: &str) -> Verdict {
    let roots = ROOTS.iter().position(|root| *root == promise).unwrap_or(0);
    let first = match &ROOTS[..roots] {
        [] => String::from("begin with that one"),
        [root] => format!("begin with `{root}`, if that is broken too"),
        [roots @ .., last] => format!(
            "begin with the first of `{}` and `{last}` that is broken too",
            roots.join("`, `")
        ),
    };
    Verdict::cannot_tell(format!(
        "for that, `{promise}` has to be kept, and it was not; {first}"
    ))
}
