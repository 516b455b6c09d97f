//! Every schedule: what can happen, and what never can.
//!
//! A test that ran a thousand times has seen a thousand schedules, most of them alike. [`Explorer`]
//! runs a closure in every order in which its threads can take their steps, and says what came of
//! each: how many jobs ran at once, whether a thread waits for ever, whether a job was lost.
//!
//! The closure, and the pool in it, have to use the [stand-in for `std`](crate::traced), since it
//! is there that the threads wait for their turn:
//!
//! ```
//! use ten_versus_five::explore::Explorer;
//! use ten_versus_five::traced::sync::{Arc, Mutex};
//! use ten_versus_five::traced::thread;
//!
//! let report = Explorer::new().run(|_run| {
//!     let locks = Arc::new((Mutex::new(()), Mutex::new(())));
//!     let other = Arc::clone(&locks);
//!     let thread = thread::spawn(move || {
//!         let _second = other.1.lock().unwrap();
//!         let _first = other.0.lock().unwrap();
//!     });
//!     {
//!         let _first = locks.0.lock().unwrap();
//!         let _second = locks.1.lock().unwrap();
//!     }
//!     thread.join().unwrap();
//! });
//! assert!(report.complete && report.stuck > 0);
//! println!("{}", report.stuck_schedule.unwrap());
//! ```
//!
//! [Its chapter](crate::book::ch07_explore#what-this-does-not-see) says what it does not see: weak memory, the real
//! clock, more threads or jobs than it is given, and more. Where a bound leaves something out, the report is not
//! [`complete`](Report::complete).
//!
//! `ten-versus-five explore` is in [`command`], and its `--step` in [`stepping`]; `columns.rs` draws a
//! schedule.
//!
//! How it is done is told in `search.rs` (which schedules), `execution.rs` (one thread at a time)
//! and `model.rs` (what a step does). Read them in this order.
#![warn(missing_debug_implementations)]

mod clock;
mod columns;
pub mod command;
mod execution;
mod findings;
pub mod loops;
mod model;
pub mod page;
pub mod quiz;
mod schedule;
mod search;
pub mod stages;
pub mod states;
pub mod stepping;
mod waits;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::traced::location::Location;
pub use crate::traced::step::{Action, ObjectKind};
pub use schedule::{Schedule, Step, Wanted};

use execution::{Execution, Limits, Participant};
use findings::Findings;
use search::Search;
use states::{States, Walk};

/// Runs a closure in every schedule, within bounds.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it runs something"]
pub struct Explorer {
    schedules: usize,
    time: Duration,
    limits: Limits,
    plain: bool,
    locations: bool,
    enough: (usize, fn(&Report, usize) -> bool),
}

/// Of how many outcomes the schedules have locations.
const OUTCOMES: usize = 20;

impl Explorer {
    /// At most 1,000,000 schedules, 60 seconds, and 5,000 steps a schedule. No spurious steps.
    pub fn new() -> Explorer {
        Explorer {
            schedules: 1_000_000,
            time: Duration::from_secs(60),
            limits: Limits {
                steps: 5_000,
                spurious: 0,
                no_step: Duration::from_secs(10),
            },
            plain: false,
            locations: true,
            enough: (0, |_, _| false),
        }
    }

    /// At most so many schedules.
    pub fn max_schedules(self, schedules: usize) -> Explorer {
        Explorer { schedules, ..self }
    }

    /// No new schedule after this time.
    pub fn time_limit(self, time: Duration) -> Explorer {
        Explorer { time, ..self }
    }

    /// At most so many steps in one schedule; a longer one is cut off.
    pub fn max_steps(mut self, steps: usize) -> Explorer {
        self.limits.steps = steps;
        self
    }

    /// When no thread has taken a step for so long, one of them waits for something that the explorer does not see,
    /// and it cannot tell. 10 seconds, unless something else is said.
    pub fn step_time_limit(mut self, time: Duration) -> Explorer {
        self.limits.no_step = time;
        self
    }

    /// Does not find out where the steps of the schedules in the report stand. That takes as long as
    /// running a few hundred schedules.
    pub fn without_locations(mut self) -> Explorer {
        self.locations = false;
        self
    }

    /// No new schedule when this is true of what has come of those that were run, and of this number of schedules.
    pub(crate) fn enough(self, schedules: usize, enough: fn(&Report, usize) -> bool) -> Explorer {
        let enough = (schedules, enough);
        Explorer { enough, ..self }
    }

    /// At most so many *spurious* steps of each thread. In such a step, a wait at a condition variable or in
    /// [`park`](crate::traced::thread::park) ends for no reason, or a weak compare-exchange fails for none.
    pub fn max_spurious(mut self, spurious: usize) -> Explorer {
        self.limits.spurious = spurious;
        self
    }

    /// Runs every schedule, also those that differ only in the order of steps which have nothing to
    /// do with each other. There are many more of them, and they show nothing else.
    pub fn without_reduction(mut self) -> Explorer {
        self.plain = true;
        self
    }

    /// Runs `work` in every schedule.
    ///
    /// # Panics
    ///
    /// If it is called in a schedule, or if the system does not give enough threads.
    pub fn run<F>(&self, work: F) -> Report
    where
        F: Fn(&Run) + Send + Sync + 'static,
    {
        self.run_from(&[], work)
    }

    /// Runs `work` in every schedule that begins with these [choices](Schedule::choices). What the
    /// report counts as running at once runs so when these steps have been taken, or later.
    ///
    /// # Panics
    ///
    /// As [`run`](Explorer::run).
    pub fn run_from<F>(&self, choices: &[usize], work: F) -> Report
    where
        F: Fn(&Run) + Send + Sync + 'static,
    {
        let work: Work = Arc::new(work);
        let search = |probes| Search::new(choices, self.plain, probes);
        let report = self.search(search(false), false, Arc::clone(&work));
        report.unwrap_or_else(|| {
            let report = self.search(search(true), false, work);
            report.unwrap_or_default() // It has been told already what it would find out.
        })
    }

    /// Runs `work` once, in the schedule with these [choices](Schedule::choices). When they come to
    /// an end, the rest is up to the explorer. The report is about this schedule alone.
    ///
    /// # Panics
    ///
    /// As [`run`](Explorer::run).
    pub fn replay<F>(&self, choices: &[usize], work: F) -> Report
    where
        F: Fn(&Run) + Send + Sync + 'static,
    {
        self.replay_shared(choices, Arc::new(work))
    }

    /// Runs a pool in every schedule: makes it, gives it `jobs` jobs, and drops it.
    ///
    /// ```
    /// # #[cfg(feature = "stage4")] {
    /// use ten_versus_five::explore::Explorer;
    /// use ten_versus_five::traced::stages::stage4::ThreadPool;
    ///
    /// let report = Explorer::new().pool(2, 2, ThreadPool::new, |pool, job| {
    ///     pool.execute(move || job.run())
    /// });
    /// assert_eq!((report.most_at_once, report.stuck, report.lost), (1, 0, 0));
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`run`](Explorer::run).
    pub fn pool<P, N, E>(&self, workers: usize, jobs: usize, new: N, execute: E) -> Report
    where
        N: Fn(usize) -> P + Send + Sync + 'static,
        E: Fn(&P, ExploredJob) + Send + Sync + 'static,
    {
        self.run(program(workers, jobs, new, execute))
    }

    /// All states that `work` can come to, as long as there are about `most`, and the time and the
    /// steps of this explorer are enough. Its bound of schedules does not matter.
    ///
    /// # Panics
    ///
    /// As [`run`](Explorer::run).
    pub fn states<F>(&self, most: usize, work: F) -> States
    where
        F: Fn(&Run) + Send + Sync + 'static,
    {
        self.states_with(&Report::default(), most, work)
    }

    /// The same, where those to which the schedules of this report lead are there in any case.
    pub(crate) fn states_with<F>(&self, report: &Report, most: usize, work: F) -> States
    where
        F: Fn(&Run) + Send + Sync + 'static,
    {
        assert_outside();
        let start = Instant::now();
        let work: Work = Arc::new(work);
        let walk = Walk::new(report.shown().map(Schedule::choices));
        let execution = Execution::new(Search::default(), Some(walk), self.limits);
        execution.locate(self.locations);
        let states = loop {
            let findings = execution.run(task(&work));
            let found = execution.with_walk(|walk, stuck, objects| {
                walk.end_run(&findings, stuck, objects);
                let cannot_tell = findings.cannot_tell.clone();
                let cannot_tell = cannot_tell.or(walk.cannot_tell.clone());
                let bounded = !walk.has_given();
                let more = cannot_tell.is_none() && walk.plan();
                let missing =
                    (more && bounded).then(|| self.bound_met(walk.visited, most, start.elapsed()));
                let missing = missing.flatten();
                (!more || missing.is_some()).then(|| walk.take_states(cannot_tell, missing))
            });
            if let Some(states) = found.flatten() {
                break states;
            }
        };
        States {
            time: start.elapsed(),
            ..states
        }
    }

    /// Why no more states are looked at, if so.
    fn bound_met(&self, visited: usize, most: usize, time: Duration) -> Option<String> {
        if visited >= most {
            return Some(format!("only {visited} states were looked at"));
        }
        let seconds = self.time.as_secs_f64();
        (time >= self.time).then(|| format!("looking for them ended after {seconds} s"))
    }

    fn replay_shared(&self, choices: &[usize], work: Work) -> Report {
        let report = self.search(Search::of_one(choices), true, work);
        report.unwrap_or_default() // It is `run` that may have to begin again.
    }

    /// None if it has to be begun again, because threads ask what it did not expect them to.
    fn search(&self, search: Search, replays: bool, work: Work) -> Option<Report> {
        assert_outside();
        let start = Instant::now();
        let expected = search.probes || !self.plain || replays;
        let execution = Execution::new(search, None, self.limits);
        execution.locate(replays && self.locations);
        let mut report = Report {
            complete: true,
            ..Report::default()
        };
        let (mut most, mut early) = (Vec::new(), Vec::new());
        let mut first = true;
        loop {
            let findings = execution.run(task(&work));
            if !expected && execution.with_search(|search, _, _| search.probes) {
                return None;
            }
            report.add(&execution, &findings, &mut most, &mut early);
            if report.cannot_tell.is_some() {
                report.complete = false;
                break;
            }
            if first {
                // The same once more. What is different then was different by itself.
                first = false;
                execution.locate(false);
                execution.with_search(|search, _, _| search.again());
                let again = execution.run(task(&work));
                let same = again.cannot_tell.is_some() || again.is_like(&findings);
                report.cannot_tell = if same {
                    again.cannot_tell
                } else {
                    Some(String::from(execution::DIFFERENT_END))
                };
                if execution.begins_elsewhere() {
                    report.cannot_tell = Some(execution::elsewhere());
                }
                execution.with_search(|search, _, _| search.as_if_new());
                if report.cannot_tell.is_some() {
                    report.complete = false;
                    break;
                }
            }
            if !execution.with_search(|search, stuck, _| search.next(stuck)) {
                break;
            }
            let bound = report.schedules >= self.schedules || start.elapsed() >= self.time;
            let (schedules, enough) = self.enough;
            if bound || enough(&report, schedules) {
                report.complete = false;
                break;
            }
        }
        report.complete &= !replays;
        report.time = start.elapsed();
        if !replays && report.cannot_tell.is_none() {
            self.replay_what_is_shown(&mut report, &most, &early, &work);
        }
        Some(report)
    }

    /// Runs those schedules again that are in the report, to find out where their steps stand.
    fn replay_what_is_shown(
        &self,
        report: &mut Report,
        most: &[usize],
        early: &[usize],
        work: &Work,
    ) {
        let replay =
            |choices: &[usize]| self.replay_shared(choices, Arc::clone(work)).first_schedule;
        report.most_schedule = (report.most_at_once > 0).then(|| replay(most)).flatten();
        report.unfinished_schedule = (report.unfinished > 0).then(|| replay(early)).flatten();
        if !self.locations {
            return;
        }
        for schedule in [
            &mut report.first_schedule,
            &mut report.stuck_schedule,
            &mut report.lost_schedule,
            &mut report.panicked_schedule,
        ]
        .into_iter()
        .flatten()
        .chain(report.outcome_schedules.values_mut().take(OUTCOMES))
        {
            if let Some(again) = replay(&schedule.choices()) {
                schedule.locate_as(again);
            }
        }
    }
}

impl Default for Explorer {
    fn default() -> Explorer {
        Explorer::new()
    }
}

fn assert_outside() {
    assert!(
        execution::this_thread().is_none(),
        "an explorer runs inside of a schedule"
    );
}

/// What is run in every schedule.
pub type Program = Box<dyn Fn(&Run) + Send + Sync>;

/// Makes a pool, gives it `jobs` jobs, and drops it.
fn program<P, N, E>(workers: usize, jobs: usize, new: N, execute: E) -> Program
where
    N: Fn(usize) -> P + Send + Sync + 'static,
    E: Fn(&P, ExploredJob) + Send + Sync + 'static,
{
    Box::new(move |run| {
        let pool = new(workers);
        for _ in 0..jobs {
            execute(&pool, run.job());
        }
    })
}

type Work = Arc<dyn Fn(&Run) + Send + Sync>;

fn task(work: &Work) -> impl FnOnce(&Participant) + Send + use<> {
    let work = Arc::clone(work);
    move |member| {
        work(&Run {
            member: member.clone(),
        });
    }
}

/// One schedule, from inside. Each of its threads can have a clone.
#[derive(Clone)]
pub struct Run {
    member: Participant,
}

debug_by_name!(Run);

impl Run {
    /// A job, which is lost if it is not run exactly once.
    pub fn job(&self) -> ExploredJob {
        // The thread that makes it need not be the one that the schedule began with.
        let maker = execution::this_thread().unwrap_or_else(|| self.member.clone());
        let (number, exists) = maker.add_job();
        ExploredJob {
            number,
            member: self.member.clone(),
            _exists: exists,
        }
    }

    /// What came of this schedule, to be counted in [`Report::outcomes`].
    pub fn outcome(&self, outcome: impl ToString) {
        self.member.set_outcome(outcome.to_string());
    }
}

/// A job whose begin and end are steps. Give it to a pool, and have it [`run`](ExploredJob::run).
#[derive(Clone)]
pub struct ExploredJob {
    number: usize,
    member: Participant,
    /// As long as it is there, the job may be run.
    _exists: Arc<()>,
}

debug_by_name!(ExploredJob, number);

impl ExploredJob {
    /// Begins and ends.
    pub fn run(&self) {
        self.run_with(|| ());
    }

    /// Begins, does `work`, and ends, also if that panics.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn run_with<R>(&self, work: impl FnOnce() -> R) -> R {
        match execution::this_thread() {
            Some(member) if Arc::ptr_eq(&member.execution, &self.member.execution) => {
                crate::traced::job(self.number, work)
            }
            _ => {
                self.member.begin_elsewhere();
                work()
            }
        }
    }

    /// What came of this schedule, as far as this job can say: see [`Run::outcome`].
    pub(crate) fn outcome(&self, outcome: impl ToString) {
        self.member.set_outcome(outcome.to_string());
    }

    /// The pool did not take it, and said so. It is not lost.
    pub fn reject(&self) {
        self.member.reject_job(self.number);
    }
}

/// What came of all schedules.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many schedules were run, not counting repetitions.
    pub schedules: usize,
    /// How many were given up half way, because all that they could show was known.
    pub repetitions: usize,
    /// Whether these are all there are. If not, nothing here can be taken for "never". A program that
    /// can wait in vain, sleep or yield more than twice in a row at one place has schedules that are not run.
    pub complete: bool,
    /// Why nothing here can be believed, if so: something was different each time.
    pub cannot_tell: Option<String>,
    /// At most so many jobs ran at once, in any schedule.
    pub most_at_once: usize,
    /// In how many schedules a thread waits for ever.
    pub stuck: usize,
    /// In how many schedules a job was not run exactly once, and not rejected either.
    pub lost: usize,
    /// In how many schedules a thread panicked.
    pub panicked: usize,
    /// In how many schedules the closure returns, or can return, before each [job](Run::job) has ended, but for
    /// those that were rejected. A closure that drops a pool returns when its `drop` does.
    pub unfinished: usize,
    /// How often each [outcome](Run::outcome) came about.
    pub outcomes: BTreeMap<String, usize>,
    /// The first schedule of each outcome.
    pub outcome_schedules: BTreeMap<String, Schedule>,
    /// How often so many jobs, at most, ran at once in a schedule. If not all are run, it counts
    /// those too that differ only in the order of steps which have nothing to do with each other.
    pub at_once: BTreeMap<usize, usize>,
    /// The schedule that was run first.
    pub first_schedule: Option<Schedule>,
    /// One in which the most jobs run at once.
    pub most_schedule: Option<Schedule>,
    /// The first in which a thread waits for ever.
    pub stuck_schedule: Option<Schedule>,
    /// The first in which a job was lost.
    pub lost_schedule: Option<Schedule>,
    /// The first in which a thread panicked.
    pub panicked_schedule: Option<Schedule>,
    /// One in which the closure returns before each job has ended.
    pub unfinished_schedule: Option<Schedule>,
    /// How long it all took.
    pub time: Duration,
}

impl Report {
    /// The schedules of what was found. Those of outcomes are not among them.
    fn shown(&self) -> impl Iterator<Item = &Schedule> {
        let shown = [
            &self.first_schedule,
            &self.most_schedule,
            &self.stuck_schedule,
            &self.lost_schedule,
            &self.panicked_schedule,
            &self.unfinished_schedule,
        ];
        shown.into_iter().flatten()
    }

    /// Adds one schedule. `most` become the choices of the best one so far, and `early` those of the first in
    /// which the closure returns before each job has ended.
    fn add(
        &mut self,
        execution: &Execution,
        findings: &Findings,
        most: &mut Vec<usize>,
        early: &mut Vec<usize>,
    ) {
        self.cannot_tell.clone_from(&findings.cannot_tell);
        if self.cannot_tell.is_some() {
            return;
        }
        self.complete &= !findings.cut;
        if findings.known {
            self.repetitions += 1;
            return;
        }
        self.schedules += 1;
        execution.with_search(|search, stuck, objects| {
            let schedule = || Schedule::of(search, stuck, objects, findings);
            // What has not begun in a schedule without an end may begin yet.
            let may_begin = |job: &findings::JobFindings| job.begun == 0 && findings.endless;
            let lost = |job: &findings::JobFindings| job.is_lost() && !may_begin(job);
            let lost = findings.jobs.iter().any(lost);
            if self.first_schedule.is_none() {
                self.first_schedule = Some(schedule());
            }
            for (seen, count, first) in [
                (findings.stuck, &mut self.stuck, &mut self.stuck_schedule),
                (lost, &mut self.lost, &mut self.lost_schedule),
                (
                    !findings.panics.is_empty(),
                    &mut self.panicked,
                    &mut self.panicked_schedule,
                ),
            ] {
                *count += usize::from(seen);
                if seen && first.is_none() {
                    *first = Some(schedule());
                }
            }
            let accepted = findings.jobs.iter().filter(|job| !job.rejected).count();
            if let Some(choices) = schedule::returns_early(&search.events(), accepted) {
                self.unfinished += 1;
                if early.is_empty() {
                    *early = choices;
                }
            }
            self.add_jobs_at_once(search, most);
            if let (Some(outcome), false) = (&findings.outcome, findings.cut) {
                *self.outcomes.entry(outcome.clone()).or_default() += 1;
                let first = self.outcome_schedules.entry(outcome.clone());
                first.or_insert_with(schedule);
            }
        });
    }

    fn add_jobs_at_once(&mut self, search: &Search, most: &mut Vec<usize>) {
        let (at_once, choices) = if search.plain {
            schedule::at_once(&search.events(), search.given())
        } else {
            schedule::most_at_once(&search.events(), search.given())
        };
        *self.at_once.entry(at_once).or_default() += 1;
        if at_once > self.most_at_once {
            self.most_at_once = at_once;
            *most = choices;
        }
    }
}
