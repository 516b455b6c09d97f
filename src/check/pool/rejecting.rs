//! Promises of a pool that rejects a job when it has no room for one, in every schedule.
//!
//! A job is rejected when `execute` drops it, or gives it back.

use std::sync::{Arc, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use super::Pool;
use super::explored::Exploration;
use super::judgement::{explorer, judge};
use crate::check::Verdict;
use crate::explore::{ExploredJob, Run};
// What blocks, or is to be seen by another thread, has to be a step, or the explorer would leave out schedules
// that differ in nothing else.
use crate::traced::sync::{Mutex, mpsc};

/// The outcome of a schedule with which nothing is wrong.
const FINE: &str = "";

/// Gives the pool a job. Returns whether it was accepted: one that `execute` drops was rejected.
fn give(run: &Run, pool: &mut Pool, work: impl FnOnce() + Send + 'static) -> bool {
    let job = run.job();
    let dropped_by = Arc::new(OnceLock::new());
    let ticket = Ticket {
        job: job.clone(),
        work: std::sync::Mutex::new(Some(Box::new(work))),
        dropped_by: Arc::clone(&dropped_by),
    };
    pool(Box::new(move || ticket.run()));
    let rejected = dropped_by.get() == Some(&thread::current().id());
    if rejected {
        job.reject();
    }
    !rejected
}

/// Gives the pool jobs that end when it was given all of them. Returns how many were accepted. `work` makes
/// what each of them does at its end.
fn give_behind_a_door<W: FnOnce() + Send + 'static>(
    run: &Run,
    pool: &mut Pool,
    count: usize,
    work: impl Fn() -> W,
) -> usize {
    let door = Arc::new(Mutex::new(()));
    let closed = door.lock();
    let accepted = (0..count).filter(|_| {
        let (door, work) = (Arc::clone(&door), work());
        give(run, pool, move || {
            drop(door.lock());
            work();
        })
    });
    let accepted = accepted.count();
    drop(closed);
    accepted
}

/// What a pool is given.
struct Ticket {
    job: ExploredJob,
    /// Until it has begun. It is no step to look whether it has.
    work: std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Which thread dropped it, if that was before it had begun.
    dropped_by: Arc<OnceLock<ThreadId>>,
}

impl Ticket {
    fn run(&self) {
        let work = self.work().take();
        self.job.run_with(|| work.map(|work| work()));
    }

    fn work(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn FnOnce() + Send>>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.work().is_some() {
            let _ = self.dropped_by.set(thread::current().id()); // Only one thread drops it, once.
        }
    }
}

/// One worker is given three jobs, and none of them ends before the third was given. In every schedule one is
/// accepted, and two are rejected.
pub fn as_many_jobs_are_accepted_as_there_are_workers(exploration: &Exploration) -> Verdict {
    let report = exploration.explore((1, 3), explorer(), |run, new| {
        let mut pool = new(1);
        let accepted = give_behind_a_door(run, &mut pool, 3, || || ());
        run.outcome(match accepted {
            1 => FINE.to_owned(),
            _ => format!("{accepted} jobs are accepted"),
        });
    });
    let waits = (
        "Must `try_execute` wait for anything, or may it always return at once?",
        "stage 5's page",
    );
    let accepts = (
        "When is a job counted, and when does it stop counting: which thread does that, and what may \
         happen in between?",
        "stage 5's page",
    );
    judge([&report], |report| {
        let stops = report.broken_if_it_stops(waits);
        let accepts_wrong = || report.broken_by_an_outcome(|it| it != FINE, accepts);
        stops
            .or_else(accepts_wrong)
            .or_else(|| report.broken_if_lost("an accepted job does not run exactly once", accepts))
    })
}

/// One worker is given two jobs, and does one of them. Then it is given one more, which is accepted in some
/// schedule.
pub fn a_job_that_has_ended_makes_room(exploration: &Exploration) -> Verdict {
    makes_room(exploration, (1, 3), |run, pool| {
        let (alive, ended) = mpsc::channel::<()>();
        let accepted = give_behind_a_door(run, pool, 2, || {
            let alive = alive.clone();
            move || drop(alive)
        });
        drop(alive);
        // It fails when each has ended, or was rejected.
        let _ = ended.recv();
        accepted == 1
    })
}

/// A job panics, and ends one of two workers or not. Then two more are accepted in some schedule.
pub fn a_job_that_has_panicked_makes_room(exploration: &Exploration) -> Verdict {
    makes_room(exploration, (2, 3), |run, pool| {
        let (alive, ended) = mpsc::channel::<()>();
        let accepted = give(run, pool, move || {
            let _alive = alive;
            // Like `panic!`, but without a message.
            std::panic::resume_unwind(Box::new("a job panicked"))
        });
        let _ = ended.recv();
        accepted
    })
}

/// The pool does what comes `before`, which returns whether all was accepted that should be. Then as many jobs as
/// it has workers are accepted in some schedule: which is not every one, as a job ends before it returns its permit.
fn makes_room(
    exploration: &Exploration,
    (workers, jobs): (usize, usize),
    before: fn(&Run, &mut Pool) -> bool,
) -> Verdict {
    let report = exploration.explore((workers, jobs), explorer(), move |run, new| {
        let mut pool = new(workers);
        if !before(run, &mut pool) {
            return run.outcome("the first job is rejected");
        }
        let accepted = give_behind_a_door(run, &mut pool, workers, || || ());
        run.outcome(match accepted {
            accepted if accepted == workers => FINE.to_owned(),
            _ => format!("{accepted} of {workers} are accepted when what came before has ended"),
        });
    });
    let lead = (
        "Which line returns the permit when a job has ended, and is it reached in every case?",
        "stage 5's page",
    );
    let wrong = report
        .not_about_the_pool()
        .or_else(|| report.broken_if_stuck(lead));
    if report.outcomes.contains_key(FINE) {
        return wrong.unwrap_or(Verdict::Kept);
    }
    wrong.unwrap_or_else(|| {
        judge([&report], |report| {
            let never = report
                .broken_by_an_outcome(|_| true, lead)
                .or_else(|| report.broken_if_panicked());
            let unknown = || Verdict::cannot_tell("no schedule came to its end");
            report.complete.then(|| never.unwrap_or_else(unknown))
        })
    })
}
