//! Nine promises of a thread pool, and whether yours keeps them.
//!
//! All that is needed is the interface of the pool in the Book: `new(usize)`, and `execute`, which
//! takes any `FnOnce() + Send + 'static`. One line in a test file makes nine tests:
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
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Verdict, tap};

pub(crate) mod apart;
mod idle;
pub mod promises;
mod trial;

pub use promises::PROMISES;

/// How long a pool may make no progress at all, in a check, before a promise counts as broken.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Something to do, once, on a thread of the pool.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// A pool, as a check sees it: what takes a job. It is dropped with the closure that owns it.
pub type Pool = Box<dyn Fn(Job)>;

/// A promise: what it is called, and what decides whether a pool keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// The name of the function in [`promises`], and of the test.
    pub name: &'static str,
    /// Decides in this very process, which may be the worse for it; [`Check::verdict`] does better.
    pub decide: fn(&Check) -> Verdict,
}

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
pub struct Check {
    name: String,
    pub(crate) new: Arc<dyn Fn(usize) -> Pool + Send + Sync>,
    arguments: Vec<OsString>,
    patience: Duration,
}

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
        }
    }

    /// The same in a test, whose name this is: with its modules, without its crate, the way
    /// `cargo test` prints it.
    pub fn in_test(mut self, test: &str) -> Check {
        let arguments = [test, "--exact", "--nocapture", "--include-ignored"];
        self.arguments = arguments.map(OsString::from).to_vec();
        self
    }

    /// The same with another patience than [`PATIENCE`].
    pub fn patience(mut self, patience: Duration) -> Check {
        self.patience = patience;
        self
    }

    /// Decides whether the pool keeps a promise, in a process of its own.
    ///
    /// That process is this program, started again with the same arguments (or those of the
    /// [test](Check::in_test)). It has to come to this call again, which does not return there: it
    /// ends the process. All that stands before the call is done once more for each promise, and other
    /// calls return "cannot tell" there; so ask for all verdicts first, and look at them then.
    pub fn verdict(&self, promise: &Promise) -> Verdict {
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

/// What a test that [`check_pool!`](crate::check_pool) makes does. `module` is where it stands.
///
/// # Panics
///
/// When the pool breaks the promise, and when the check cannot tell.
#[track_caller]
pub fn assert_kept(module: &str, promise: Promise, new: fn(usize) -> Pool) {
    let test = match module.split_once("::") {
        Some((_crate, modules)) => format!("{modules}::{}", promise.name),
        None => promise.name.to_owned(),
    };
    let verdict = Check::new(&test, new).in_test(&test).verdict(&promise);
    assert!(verdict == Verdict::Kept, "{}\n\n{verdict}\n", promise.name);
}

/// Makes a test of each promise of a thread pool, or of those that are named.
///
/// ```text
/// ten_versus_five::check_pool!(path::to::ThreadPool);
/// ten_versus_five::check_pool!(path::to::ThreadPool: two_jobs_run_at_once, every_job_runs_once);
/// ```
///
/// The tests have the names of the promises, so for a second pool, choose a module of its own. What
/// each promise means is told with the function of its name in [`check::pool::promises`], and what
/// the verdicts mean in [`check::pool`].
///
/// [`check::pool`]: crate::check::pool
/// [`check::pool::promises`]: crate::check::pool::promises
#[macro_export]
macro_rules! check_pool {
    (@test [$($attribute:tt)*] $promise:ident $pool:ty) => {
        #[test]
        $($attribute)*
        fn $promise() {
            $crate::check::pool::assert_kept(
                module_path!(),
                $crate::check::pool::Promise {
                    name: stringify!($promise),
                    decide: $crate::check::pool::promises::$promise,
                },
                |size| {
                    let pool = <$pool>::new(size);
                    Box::new(move |job| pool.execute(job))
                },
            );
        }
    };
    (@promise an_idle_pool_uses_no_processor $pool:ty) => {
        $crate::check_pool! {
            @test [#[cfg_attr(
                not(target_os = "linux"),
                ignore = "cannot tell: only Linux says how much processor time a thread used"
            )]]
            an_idle_pool_uses_no_processor $pool
        }
    };
    (@promise $promise:ident $pool:ty) => {
        $crate::check_pool!(@test [] $promise $pool);
    };
    ($pool:ty) => {
        $crate::check_pool! {
            $pool:
            two_jobs_run_at_once,
            every_worker_works,
            never_more_jobs_at_once_than_workers,
            a_slow_job_does_not_hold_up_others,
            a_panic_costs_no_worker,
            drop_waits_for_every_job,
            a_pool_of_no_workers_is_refused,
            every_job_runs_once,
            an_idle_pool_uses_no_processor,
        }
    };
    ($pool:ty: $($promise:ident),+ $(,)?) => {
        $( $crate::check_pool!(@promise $promise $pool); )+
    };
}
