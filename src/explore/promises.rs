//! What a pool promises, in every schedule: the tests that [`explore_pool!`](crate::explore_pool)
//! makes.

use super::{Explorer, Job, Report};

/// Makes a test of each promise that a pool has to keep in every schedule, with two workers and two
/// jobs.
///
/// The pool has the Book's interface, `new(usize)` and `execute(impl FnOnce() + Send + 'static)`, and
/// its file begins with `use ten_versus_five::traced as std;`. A test that fails prints the schedule,
/// a column a thread, and the choices with which [`Explorer::replay`] runs it again.
///
/// ```
/// # #[cfg(feature = "stage3")]
/// ten_versus_five::explore_pool!(ten_versus_five::traced::stages::stage3::ThreadPool);
/// ```
///
/// The tests are called `two_jobs_run_at_once_in_some_schedule`,
/// `never_more_jobs_at_once_than_workers`, `no_schedule_loses_a_job` and `no_schedule_is_stuck`.
/// Name some of them after a colon to have only those:
///
/// ```
/// # #[cfg(feature = "stage4")]
/// ten_versus_five::explore_pool!(ten_versus_five::traced::stages::stage4::ThreadPool:
///     no_schedule_loses_a_job, no_schedule_is_stuck);
/// ```
#[macro_export]
macro_rules! explore_pool {
    ($pool:path) => {
        $crate::explore_pool!($pool:
            two_jobs_run_at_once_in_some_schedule,
            never_more_jobs_at_once_than_workers,
            no_schedule_loses_a_job,
            no_schedule_is_stuck);
    };
    ($pool:path: $($promise:ident),* $(,)?) => {
        $(
            #[test]
            fn $promise() {
                use $pool as Pool;
                $crate::explore::promises::$promise(Pool::new, |pool: &Pool, job| {
                    pool.execute(move || job.run());
                });
            }
        )*
    };
}

const WORKERS: usize = 2;

/// Runs two jobs on two workers in every schedule.
fn report<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, Job) + Send + Sync + 'static,
) -> Report {
    let report = Explorer::new().pool(WORKERS, 2, new, execute);
    if let Some(why) = &report.cannot_tell {
        panic!("cannot tell: {why}");
    }
    report
}

/// What is never so can only be told if every schedule was run.
fn assert_complete(report: &Report) {
    let count = report.schedules;
    assert!(
        report.complete,
        "cannot tell: only {count} schedules were run, not all"
    );
}

/// # Panics
///
/// If it is not so, or cannot be told.
pub fn two_jobs_run_at_once_in_some_schedule<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, Job) + Send + Sync + 'static,
) {
    let report = report(new, execute);
    if report.most_at_once < 2 {
        assert_complete(&report);
        panic!(
            "two workers never run two jobs at once, in any of {} schedules; one of them:\n{}",
            report.schedules,
            shown(&report.most_schedule.or(report.first_schedule))
        );
    }
}

/// # Panics
///
/// If it is not so, or cannot be told.
pub fn never_more_jobs_at_once_than_workers<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, Job) + Send + Sync + 'static,
) {
    // With two workers and two jobs there could be no more, so here there are three jobs for one.
    let one = move |_| new(1);
    let report = Explorer::new().pool(1, 3, one, execute);
    assert!(
        report.most_at_once <= 1,
        "one worker runs {} jobs at once:\n{}",
        report.most_at_once,
        shown(&report.most_schedule)
    );
    if let Some(why) = &report.cannot_tell {
        panic!("cannot tell: {why}");
    }
    assert_complete(&report);
}

/// # Panics
///
/// If it is not so, or cannot be told.
pub fn no_schedule_loses_a_job<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, Job) + Send + Sync + 'static,
) {
    let report = report(new, execute);
    assert!(
        report.lost == 0,
        "in {} of {} schedules a job is not run exactly once; the first:\n{}",
        report.lost,
        report.schedules,
        shown(&report.lost_schedule)
    );
    assert_complete(&report);
}

/// # Panics
///
/// If it is not so, or cannot be told.
pub fn no_schedule_is_stuck<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, Job) + Send + Sync + 'static,
) {
    let report = report(new, execute);
    assert!(
        report.stuck == 0,
        "in {} of {} schedules a thread waits for ever; the first:\n{}",
        report.stuck,
        report.schedules,
        shown(&report.stuck_schedule)
    );
    assert_complete(&report);
}

fn shown(schedule: &Option<super::Schedule>) -> String {
    schedule
        .as_ref()
        .map_or_else(String::new, ToString::to_string)
}
