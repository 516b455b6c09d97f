//! Five promises of a pool in every schedule: what [`explore_pool!`](crate::explore_pool) tests.
//!
//! Three programs are run in every schedule, with few workers and few jobs: see [`Exploration`]. One exploration
//! decides about all promises, in a process of its own, like those of [`super::promises`]; but there is one process
//! for all of them, since they ask for the same schedules. What the pool prints there, once a schedule, leads nowhere.
//!
//! The file with the pool has to begin with `use ten_versus_five::traced as std;`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::schedules_page::Explored;
use super::{Check, Pool, apart, depends_on, unmodelled};
use crate::check::{Promise, Verdict, promises};
use crate::explore::{Action, Explorer, Report, Run, Schedule, Step};
use crate::traced::sync::mpsc;

/// All promises, in the order in which they are told.
pub const PROMISES: [Promise<Exploration>; 5] = promises![
    two_jobs_run_at_once_in_some_schedule,
    never_more_jobs_at_once_than_workers,
    no_schedule_loses_a_job,
    no_schedule_is_stuck,
    drop_waits_for_every_job_in_every_schedule,
];

/// How long all schedules together may take.
const TIME: Duration = Duration::from_secs(60);

/// Decides about all promises of the pools of a check, in a process of its own, as [`Check::verdict`] does about one.
/// It does so once for each name of a check, whichever test asks first.
pub fn verdicts(check: &Check) -> [Verdict; 5] {
    static DECIDED: Mutex<BTreeMap<String, Arc<OnceLock<[Verdict; 5]>>>> =
        Mutex::new(BTreeMap::new());
    let mut decided = DECIDED.lock().unwrap_or_else(PoisonError::into_inner);
    let verdicts = Arc::clone(decided.entry(check.name.clone()).or_default());
    drop(decided);
    let decide = || {
        let explored = Exploration::of(check);
        PROMISES.map(|promise| (promise.decide)(&explored))
    };
    verdicts
        .get_or_init(|| apart::verdicts(&check.name, &check.arguments, decide))
        .clone()
}

/// How many schedules are enough when one of them is stuck or loses a job.
const ENOUGH: usize = 1_000;

/// How many are run in which a wait may end for no reason: there are many more of them.
const SPURIOUS: usize = 5_000;

/// How many are enough when they have no end.
const FEW: usize = 100;

/// A schedule longer than this goes round and round.
const STEPS: usize = 300;

/// What came of a pool in every schedule.
#[derive(Debug)]
pub struct Exploration {
    /// One worker and one job, and the pool is dropped when that is done.
    awaited: Explored,
    /// One worker is given three jobs, and the pool is dropped.
    one: Explored,
    /// Two workers are given two jobs, and the pool is dropped.
    two: Explored,
    /// One worker is given two jobs, and the pool is dropped. A wait of each thread may end for no reason.
    woken: Explored,
}

impl Exploration {
    /// Runs the pools of a check in every schedule.
    pub(super) fn of(check: &Check) -> Exploration {
        let end = Instant::now() + TIME;
        let explore = |size, workers, jobs, waits, most, spurious| {
            let new = check.new.clone();
            let name = format!("{}, {size}", check.name);
            let left = end.saturating_duration_since(Instant::now());
            let explorer = Explorer::new()
                .max_steps(STEPS)
                .max_schedules(most)
                .max_spurious(spurious)
                .time_limit(left);
            let explorer = explorer.enough(is_enough);
            Explored::new(name, &explorer, move |run| {
                use_a_pool(run, new(workers), jobs, waits);
            })
        };
        let awaited = explore("one worker and one job", 1, 1, true, usize::MAX, 0);
        let most = if awaited.lost > 0 { ENOUGH } else { usize::MAX };
        let one = explore("one worker and three jobs", 1, 3, false, most, 0);
        let mut two = explore("two workers and two jobs", 2, 2, false, most, 0);
        let woken = explore("one worker and two jobs", 1, 2, false, SPURIOUS, 1);
        if let (true, Some(choices)) = (two.most_at_once < 2, side_by_side(&two)) {
            let new = check.new.clone();
            let explorer = Explorer::new().max_steps(STEPS);
            let together = explorer.replay(&choices, move |run| use_a_pool(run, new(2), 2, false));
            if together.cannot_tell.is_none() {
                two.most_at_once = together.most_at_once;
                two.most_schedule = together.first_schedule;
            }
        }
        Exploration {
            awaited,
            one,
            two,
            woken,
        }
    }

    /// What goes wrong only where a wait ends for no reason, in so many schedules, of which this is the first.
    fn wrong_if_woken(
        &self,
        count: usize,
        what: &str,
        first: &Option<Schedule>,
    ) -> Option<Verdict> {
        if count == 0 {
            return None;
        }
        let what =
            format!("{what}, with one worker and two jobs, after a wait has ended for no reason");
        let happened = found(count, &self.woken, &what, first);
        let question = "When a wait ends, is there a job? `Condvar::wait` and `park` may also return \
                        without a notification.";
        Some(Verdict::broken(
            happened,
            question,
            "the glossary: spurious wake-up",
        ))
    }

    /// Those in which the pool is dropped as soon as it has its jobs, with what they are called.
    fn dropped(&self) -> [(&Explored, &str); 2] {
        [
            (&self.two, "two workers and two jobs"),
            (&self.one, "one worker and three jobs"),
        ]
    }

    /// A job waits until the pool is dropped, in some schedule.
    fn waits_too_long(&self) -> bool {
        self.awaited.stuck > 0 && self.awaited.lost > 0
    }

    /// Nothing was found, which says something if every schedule was run to its end.
    fn kept_if_complete(&self, reports: &[&Report]) -> Verdict {
        if self.waits_too_long() && reports.iter().any(|report| !report.complete) {
            return depends_on("no_schedule_is_stuck");
        }
        let Some(report) = reports.iter().find(|report| !report.complete) else {
            return self.not_modelled().unwrap_or(Verdict::Kept);
        };
        if let Some(round) = round(report) {
            return Verdict::cannot_tell(format!(
                "schedules have no end, because {round}. What does it do when no job will ever come?"
            ));
        }
        match (report.stuck, report.lost) {
            (0, 0) => Verdict::cannot_tell(format!(
                "only {} schedules were run, not all. {}",
                report.schedules,
                why_not_all(report)
            )),
            (0, _) => depends_on("no_schedule_loses_a_job"),
            _ => depends_on("no_schedule_is_stuck"),
        }
    }

    /// That all schedules were run says nothing, if the pool shares what the explorer does not see.
    fn not_modelled(&self) -> Option<Verdict> {
        let schedule = self.two.first_schedule.as_ref()?;
        unmodelled::in_files_of(schedule).map(Verdict::cannot_tell)
    }

    /// Why nothing can be told, if so.
    fn blind(&self) -> Option<Verdict> {
        let others = [&self.awaited, &self.one];
        let why = others.iter().find_map(|report| report.cannot_tell.as_ref());
        why.map(Verdict::cannot_tell).or_else(|| blind(&self.two))
    }
}

/// Why nothing can be told from a report, if so: because it is not about the pool.
pub(crate) fn blind(report: &Report) -> Option<Verdict> {
    if let Some(why) = &report.cannot_tell {
        return Some(Verdict::cannot_tell(why));
    }
    let mut steps = report.first_schedule.iter().flat_map(|it| &it.steps);
    let spawns = steps.any(|step| step.action == Action::Spawn);
    (!spawns).then(|| {
        Verdict::cannot_tell(
            "the explorer sees no thread start: does the file begin with \
             `use ten_versus_five::traced as std;`, and does `new` start the workers?",
        )
    })
}

/// Whether more schedules would not tell more.
fn is_enough(report: &Report) -> bool {
    let broken = report.stuck + report.lost > 0;
    report.schedules >= ENOUGH && broken || report.schedules >= FEW && has_no_end(report)
}

/// Whether the first schedule was given up after many steps.
fn has_no_end(report: &Report) -> bool {
    let first = report.first_schedule.as_ref();
    first.is_some_and(|schedule| schedule.steps.len() >= STEPS)
}

/// The choices in which a second worker takes the steps with which the first one came to its job, if schedules have no
/// end. The search looks at the ends of schedules first, and does not come back from there.
fn side_by_side(report: &Report) -> Option<Vec<usize>> {
    let schedule = report
        .first_schedule
        .as_ref()
        .filter(|_| has_no_end(report))?;
    let begins = |step: &Step| matches!(step.action, Action::BeginJob(_));
    let begin = schedule.steps.iter().position(begins)?;
    let first = schedule.steps[begin].thread;
    let second = (1..schedule.threads.len()).find(|thread| *thread != first)?;
    let mut choices: Vec<usize> = schedule.choices();
    choices.truncate(begin + 1);
    let steps = choices.iter().filter(|thread| **thread == first).count();
    choices.extend(vec![second; steps]);
    Some(choices)
}

/// What a thread does over and over at the end of a schedule that has none: which one, and its steps.
fn round(report: &Report) -> Option<String> {
    let schedule = report
        .first_schedule
        .as_ref()
        .filter(|_| has_no_end(report))?;
    let mut steps: Vec<&Step> = schedule.steps.iter().rev().collect();
    let thread = steps.first()?.thread;
    steps.retain(|step| step.thread == thread);
    let is_round = |length: &usize| {
        let alike = |(index, step): (usize, &&Step)| {
            let first = steps[index % length];
            (step.action, step.object) == (first.action, first.object)
        };
        3 * length <= steps.len() && steps.iter().enumerate().take(3 * length).all(alike)
    };
    let length = (1..=30).find(is_round)?;
    let mut actions: Vec<String> = steps[..length]
        .iter()
        .map(|step| step.action.to_string())
        .collect();
    actions.reverse();
    // A round begins where it takes a lock, if it does.
    let begin = actions
        .iter()
        .position(|action| action == "lock")
        .unwrap_or(0);
    actions.rotate_left(begin);
    let name = &schedule.threads[thread];
    Some(format!(
        "`{name}` goes round and round: {}",
        actions.join(", ")
    ))
}

/// What `main` does in each schedule: gives the pool its jobs, waits for them or not, and drops it.
fn use_a_pool(run: &Run, mut pool: Pool, jobs: usize, waits: bool) {
    if !waits {
        return (0..jobs).for_each(|_| {
            let job = run.job();
            pool(Box::new(move || job.run()));
        });
    }
    let (sender, done) = mpsc::channel::<()>();
    for _ in 0..jobs {
        let (job, sender) = (run.job(), sender.clone());
        pool(Box::new(move || {
            job.run();
            let _ = sender.send(()); // `main` waits for it.
        }));
    }
    drop(sender);
    for _ in 0..jobs {
        let _ = done.recv(); // It fails if a job is dropped, which is then a job that is lost.
    }
}

/// What happened in so many schedules, if there are any, with the first of them.
fn found(count: usize, explored: &Explored, what: &str, schedule: &Option<Schedule>) -> String {
    let all = explored.schedules;
    let schedule = explored.shown(schedule.as_ref());
    format!("In {count} of {all} schedules {what}. The first of them:\n{schedule}")
}

/// Where to read on when a thread waits for ever: for what it waits decides that.
pub(crate) fn page_of_stuck(report: &Report) -> &'static str {
    let stuck = report.stuck_schedule.iter().flat_map(|it| &it.stuck);
    if stuck
        .into_iter()
        .any(|wanted| matches!(wanted.action, Action::Wake { .. }))
    {
        "the glossary: lost wake-up"
    } else {
        "stage 7's page"
    }
}

/// Why some schedules were not run, and what to do about it.
fn why_not_all(report: &Report) -> &'static str {
    if report.time >= TIME / 2 && cfg!(debug_assertions) {
        "A minute was not enough; with `cargo test --release`, it may be"
    } else if report.time >= TIME / 2 {
        "A minute was not enough"
    } else {
        "Does a thread look again and again, instead of waiting?"
    }
}

/// Two jobs run at once on two workers, in some schedule.
pub fn two_jobs_run_at_once_in_some_schedule(explored: &Exploration) -> Verdict {
    let report = &explored.two;
    if report.most_at_once >= 2 {
        return Verdict::Kept;
    }
    if let Some(blind) = explored.blind() {
        return blind;
    }
    if !report.complete {
        return explored.kept_if_complete(&[report]);
    }
    if report.most_at_once == 0 || report.stuck == report.schedules {
        return depends_on("no_schedule_loses_a_job");
    }
    if let Some(not_modelled) = explored.not_modelled() {
        return not_modelled;
    }
    let happened = format!(
        "Two workers never run two jobs at once, in any of {} schedules. One of them:\n{}",
        report.schedules,
        report.shown_at_once()
    );
    let question = "Until when does your guard live: is the lock released before the job runs?";
    Verdict::broken(happened, question, "stage 4's page")
}

/// One worker that is given three jobs runs them one after the other, in every schedule.
pub fn never_more_jobs_at_once_than_workers(explored: &Exploration) -> Verdict {
    let report = &explored.one;
    if report.most_at_once > 1 {
        let happened = format!(
            "One worker runs {} jobs at once:\n{}",
            report.most_at_once,
            report.shown_at_once()
        );
        let question = "Which line starts a thread, and how often does it run?";
        return Verdict::broken(happened, question, "stage 3's page");
    }
    explored
        .blind()
        .unwrap_or_else(|| match report.most_at_once {
            0 if report.complete => depends_on("no_schedule_loses_a_job"),
            _ => explored.kept_if_complete(&[report]),
        })
}

/// In every schedule each job runs exactly once, with two workers and two jobs, and with one and three.
pub fn no_schedule_loses_a_job(explored: &Exploration) -> Verdict {
    if let Some(blind) = explored.blind() {
        return blind;
    }
    for (report, size) in explored.dropped() {
        // In a schedule that is stuck, a job that has not run is not lost for a reason of its own.
        if report.lost > 0 && report.lost <= report.stuck {
            return depends_on("no_schedule_is_stuck");
        }
        if report.lost > 0 {
            let what = format!("a job does not run exactly once, with {size}");
            let question = "What becomes of a job that still waits in the queue, and of one that \
                            comes while no worker waits for it?";
            let happened = found(report.lost, report, &what, &report.lost_schedule);
            return Verdict::broken(happened, question, "stage 7's page");
        }
    }
    let woken = &explored.woken;
    let only_lost = woken.lost.saturating_sub(woken.stuck);
    let wrong = explored.wrong_if_woken(
        only_lost,
        "a job does not run exactly once",
        &woken.lost_schedule,
    );
    wrong.unwrap_or_else(|| explored.kept_if_complete(&[&explored.two, &explored.one]))
}

/// In no schedule a thread waits for ever, with two workers and two jobs, and with one and three; nor does `main`,
/// where it waits for a job before it drops the pool.
pub fn no_schedule_is_stuck(explored: &Exploration) -> Verdict {
    if let Some(blind) = explored.blind() {
        return blind;
    }
    let question = "Which thread could go on if another one did something first, and when does that \
                    other one do it?";
    let awaited = &explored.awaited;
    if explored.waits_too_long() {
        let what = "a job does not run before the pool is dropped, and `main` waits for it, with one \
                    worker and one job";
        let happened = found(awaited.lost, awaited, what, &awaited.lost_schedule);
        let question = "Can a worker find no job, and begin to wait only after the job has come and \
                        the pool has called it?";
        return Verdict::broken(happened, question, "the glossary: lost wake-up");
    }
    for (report, size) in explored.dropped() {
        if report.stuck > 0 {
            let what = format!("a thread waits for ever, with {size}");
            let happened = found(report.stuck, report, &what, &report.stuck_schedule);
            return Verdict::broken(happened, question, page_of_stuck(report));
        }
    }
    let woken = &explored.woken;
    let wrong = explored.wrong_if_woken(
        woken.stuck,
        "a thread waits for ever",
        &woken.stuck_schedule,
    );
    wrong.unwrap_or_else(|| explored.kept_if_complete(&[&explored.two, &explored.one, awaited]))
}

/// In every schedule `drop` returns when each job has ended, with two workers and two jobs, and with one and
/// three. A pool without a `Drop` does not wait: when the program ends next, its jobs are lost.
pub fn drop_waits_for_every_job_in_every_schedule(explored: &Exploration) -> Verdict {
    if let Some(blind) = explored.blind() {
        return blind;
    }
    for (report, size) in explored.dropped() {
        if report.unfinished > 0 && report.unfinished <= report.lost {
            return depends_on("no_schedule_loses_a_job");
        }
        if report.unfinished > 0 {
            let what = format!("`drop` returns before all jobs have ended, with {size}");
            let schedule = &report.unfinished_schedule;
            let happened = found(report.unfinished, report, &what, schedule);
            let question = "Does `drop` wait for each worker, and does a worker leave only when the \
                            queue is empty?";
            return Verdict::broken(happened, question, "stage 7's page");
        }
        if report.complete && report.stuck == report.schedules {
            return depends_on("no_schedule_is_stuck");
        }
    }
    explored.kept_if_complete(&[&explored.two, &explored.one])
}
