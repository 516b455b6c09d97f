//! Promises that a pool has to keep in every schedule, and how each is decided.
//!
//! A test on real threads sees the schedules that happen to come about. These run all of them, with few workers
//! and few jobs, so the file with the pool has to begin with `use ten_versus_five::traced as std;`.

use std::sync::{Arc, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use crate::check::Verdict;
use crate::check::pool::explored::{blind, page_of_stuck};
use crate::check::pool::schedules_page::Explored;
use crate::check::pool::{Check, Pool, unmodelled};
use crate::explore::{Explorer, Job, Run, Schedule};
// What blocks, or is to be seen by another thread, has to be a step, or the explorer would leave out schedules
// that differ in nothing else.
use crate::traced::sync::atomic::{AtomicUsize, Ordering};
use crate::traced::sync::{Barrier, Mutex, mpsc};

/// A schedule longer than this goes in circles.
const STEPS: usize = 200;

/// The outcome of a schedule with which nothing is wrong.
const FINE: &str = "";

/// The question whose answer leads to the cause, and where to read on.
type Lead = (&'static str, &'static str);

pub(super) fn explorer() -> Explorer {
    Explorer::new().max_steps(STEPS)
}

/// Runs `work` in every schedule. It gets what makes the pool.
fn explore(
    check: &Check,
    work: impl Fn(&Run, &dyn Fn(usize) -> Pool) + Send + Sync + 'static,
) -> Explored {
    let new = Arc::clone(&check.new);
    Explored::new(check.name.clone(), &explorer(), move |run| {
        work(run, &*new);
    })
}

/// What happened in so many schedules, if there are any.
pub(super) fn found(
    report: &Explored,
    count: usize,
    what: &str,
    schedule: Option<&Schedule>,
    (question, page): Lead,
) -> Option<Verdict> {
    let all = report.schedules;
    (count > 0).then(|| {
        let schedule = report.shown(schedule);
        let first = format!("The first of them:\n{schedule}");
        let happened = format!("In {count} of {all} schedules {what}. {first}");
        Verdict::broken(happened, question, page)
    })
}

/// A thread waits for ever, or panics: then nothing else is worth being asked.
pub(super) fn stops(report: &Explored, lead: Lead) -> Option<Verdict> {
    is_stuck(report, lead).or_else(|| panics(report))
}

fn is_stuck(report: &Explored, lead: Lead) -> Option<Verdict> {
    let first = report.stuck_schedule.as_ref();
    found(report, report.stuck, "a thread waits for ever", first, lead)
}

fn panics(report: &Explored) -> Option<Verdict> {
    let first = report.panicked_schedule.as_ref();
    let lead = (
        "Which `unwrap` is not sure to succeed, and what does its error mean?",
        "stage 7's page",
    );
    found(report, report.panicked, "a thread panics", first, lead)
}

/// A job was neither run exactly once nor rejected.
pub(super) fn loses(report: &Explored, what: &str, lead: Lead) -> Option<Verdict> {
    let first = report.lost_schedule.as_ref();
    found(report, report.lost, what, first, lead)
}

/// An outcome was another one than it should be.
pub(super) fn goes_wrong(
    report: &Explored,
    is_wrong: impl Fn(&str) -> bool,
    what: impl Fn(&str) -> String,
    lead: Lead,
) -> Option<Verdict> {
    let (outcome, count) = report.outcomes.iter().find(|(it, _)| is_wrong(it))?;
    let first = report.outcome_schedules.get(outcome);
    found(report, *count, &what(outcome), first, lead)
}

/// What was found to be broken in a report, if it is about the pool at all.
pub(super) fn judge(report: &Explored, broken: Option<Verdict>) -> Verdict {
    blind(report)
        .or(broken)
        .unwrap_or_else(|| kept_if_all_were_run(report))
}

/// Nothing was found, and that says something if every schedule was run to its end.
fn kept_if_all_were_run(report: &Explored) -> Verdict {
    if report.complete {
        let schedule = report.first_schedule.as_ref();
        return schedule
            .and_then(unmodelled::in_files_of)
            .map_or(Verdict::Kept, Verdict::cannot_tell);
    }
    Verdict::cannot_tell(format!(
        "only {} schedules were run, or not to their end: does a thread look again and again, instead of waiting?",
        report.schedules
    ))
}

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
    job: Job,
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

/// Decides from the report on one worker that is given two jobs, after which the pool is dropped; and then on two
/// workers with one job. The outcome says whether `drop` returned too early.
fn until_the_end(check: &Check, broken: impl Fn(&Explored) -> Option<Verdict>) -> Verdict {
    for (workers, jobs) in [(1, 2), (2, 1)] {
        let report = explore(check, move |run, new| {
            let mut pool = new(workers);
            let done = Arc::new(AtomicUsize::new(0));
            for _ in 0..jobs {
                let done = Arc::clone(&done);
                give(run, &mut pool, move || {
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
            drop(pool);
            run.outcome(match done.load(Ordering::SeqCst) {
                done if done == jobs => FINE.to_owned(),
                done => format!("`drop` returns when {done} of {jobs} jobs are done"),
            });
        });
        let verdict = judge(&report, broken(&report));
        if verdict != Verdict::Kept {
            return verdict;
        }
    }
    Verdict::Kept
}

/// One worker and one job, and the pool is dropped when that is done: in every schedule it is done.
pub fn a_job_runs_before_the_pool_is_dropped(check: &Check) -> Verdict {
    let report = explore(check, |run, new| {
        let mut pool = new(1);
        let (done, end) = mpsc::channel::<()>();
        give(run, &mut pool, move || {
            let _ = done.send(()); // The schedule waits for it.
        });
        let _ = end.recv(); // It fails if the job is dropped.
    });
    let lead = (
        "Can a worker find no job, and begin to wait only after the job has come and the pool has called it?",
        "the glossary's entry on a lost wake-up",
    );
    let what = "a job does not run before the pool is dropped, and a thread waits for it";
    let waits = report.stuck > 0;
    judge(&report, waits.then(|| loses(&report, what, lead)).flatten())
}

/// One worker and two jobs, or two and one, and the end of the pool: in no schedule a thread waits for ever.
pub fn no_schedule_is_stuck(check: &Check) -> Verdict {
    let question = "Which thread could go on if another one did something first, and when does that other one do it?";
    until_the_end(check, |report| {
        is_stuck(report, (question, page_of_stuck(report)))
    })
}

/// One worker and two jobs, or two and one, and the end of the pool: in no schedule a thread panics.
pub fn no_thread_panics(check: &Check) -> Verdict {
    until_the_end(check, panics)
}

/// One worker and two jobs, or two and one, and the end of the pool: in every schedule each job runs once.
pub fn no_schedule_loses_a_job(check: &Check) -> Verdict {
    let lead = (
        "What becomes of a job that still waits in the queue, and of one that comes while no worker waits for it?",
        "stage 7's page",
    );
    until_the_end(check, |report| {
        loses(report, "a job does not run exactly once", lead)
    })
}

/// One worker and two jobs, or two and one, and the end of the pool: in every schedule `drop` returns when
/// all are done.
pub fn drop_waits_in_every_schedule(check: &Check) -> Verdict {
    let lead = (
        "Does `drop` wait for each worker, and does a worker leave only when the queue is empty?",
        "stage 7's page",
    );
    until_the_end(check, |report| {
        goes_wrong(report, |it| it != FINE, str::to_owned, lead)
    })
}

/// Two workers, and two jobs that wait for each other: in every schedule they meet.
pub fn every_worker_works_in_every_schedule(check: &Check) -> Verdict {
    let report = explore(check, |run, new| {
        let mut pool = new(2);
        let meeting = Arc::new(Barrier::new(2));
        for _ in 0..2 {
            let meeting = Arc::clone(&meeting);
            give(run, &mut pool, move || {
                meeting.wait();
            });
        }
    });
    let lead = (
        "What does each worker wait for: for the lock, for a job, or for a call that has come already?",
        "stage 4's page",
    );
    judge(&report, stops(&report, lead))
}

/// One worker is given three jobs, and none of them ends before the third was given. In every schedule one is
/// accepted, and two are rejected.
pub fn as_many_jobs_are_accepted_as_there_are_workers(check: &Check) -> Verdict {
    let report = explore(check, |run, new| {
        let mut pool = new(1);
        let accepted = give_behind_a_door(run, &mut pool, 3, || || ());
        run.outcome(match accepted {
            1 => FINE.to_owned(),
            _ => format!("{accepted} of 3 jobs are accepted, with one worker"),
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
    let lost = "an accepted job does not run exactly once";
    let broken = stops(&report, waits)
        .or_else(|| goes_wrong(&report, |it| it != FINE, str::to_owned, accepts))
        .or_else(|| loses(&report, lost, accepts));
    judge(&report, broken)
}

/// One worker is given two jobs, and does one of them. Then it is given one more, which is accepted in some
/// schedule.
pub fn a_job_that_has_ended_makes_room(check: &Check) -> Verdict {
    makes_room(check, 1, |run, pool| {
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
pub fn a_job_that_has_panicked_makes_room(check: &Check) -> Verdict {
    makes_room(check, 2, |run, pool| {
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
fn makes_room(check: &Check, workers: usize, before: fn(&Run, &mut Pool) -> bool) -> Verdict {
    let report = explore(check, move |run, new| {
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
    if let Some(verdict) = blind(&report).or_else(|| is_stuck(&report, lead)) {
        return verdict;
    }
    match (report.outcomes.contains_key(FINE), report.complete) {
        (true, _) => Verdict::Kept,
        (false, false) => kept_if_all_were_run(&report),
        (false, true) => goes_wrong(&report, |_| true, str::to_owned, lead)
            .or_else(|| panics(&report))
            .unwrap_or_else(|| Verdict::cannot_tell("no schedule came to its end")),
    }
}
