//! Promises of a pool in every schedule: the five that [`explore_pool!`](crate::explore_pool) tests, and two more that
//! the exercises ask for.
//!
//! Few programs are run in every schedule, with few workers and few jobs: see [`Exploration`]. One of these decides about
//! the five promises, in a process of its own, like those of [`super::promises`]; but there is one process for all of
//! them, since they ask for the same schedules. What the pool prints there, once a schedule, leads nowhere.
//!
//! The file with the pool has to begin with `use ten_versus_five::traced as std;`.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::judgement::{endless, explorer, is_enough, judge};
use super::schedules_page::ExploredPool;
use super::{Check, Pool, apart, depends_on};
use crate::check::{Promise, Verdict, promises};
use crate::explore::{Action, Explorer, Report, Run, Schedule, Step};
use crate::traced::sync::{Barrier, mpsc};

/// All promises, in the order in which they are told.
pub const PROMISES: [Promise<Exploration>; 5] = promises![
    two_jobs_run_at_once_in_some_schedule,
    never_more_jobs_at_once_than_workers,
    no_schedule_loses_a_job,
    no_schedule_is_stuck,
    drop_waits_for_every_job_in_every_schedule,
];

/// Decides about all promises of the pools of a check, in a process of its own, as [`Check::verdict`] does about one.
/// It does so once for each name of a check, whichever test asks first.
pub fn verdicts(check: &Check) -> [Verdict; 5] {
    static DECIDED: Mutex<BTreeMap<String, Arc<OnceLock<[Verdict; 5]>>>> =
        Mutex::new(BTreeMap::new());
    let mut decided = DECIDED.lock().unwrap_or_else(PoisonError::into_inner);
    let verdicts = Arc::clone(decided.entry(check.name.clone()).or_default());
    drop(decided);
    let decide = || {
        let exploration = Exploration::new(check.clone(), [(2, 2), (1, 3)]);
        PROMISES.map(|promise| (promise.decide)(&exploration))
    };
    verdicts
        .get_or_init(|| apart::verdicts(&check.name, &check.arguments, decide))
        .clone()
}

/// How many times as many schedules as are enough are run in which a wait may end for no reason: there are more of them.
const SPURIOUS: usize = 10;

/// What came of a pool in every schedule, as far as a promise asks for it: with one worker and one job, where the pool
/// is dropped when that is done; and with two sizes, where it is dropped at once, or after a wait has ended for no reason.
#[derive(Debug)]
pub struct Exploration {
    pub(super) check: Check,
    sizes: [(usize, usize); 2],
    end: Instant,
    awaited: OnceCell<ExploredPool>,
    dropped: [OnceCell<ExploredPool>; 2],
    woken: OnceCell<ExploredPool>,
}

/// Small enough for an exercise, whose schedules are read.
impl From<Check> for Exploration {
    fn from(check: Check) -> Exploration {
        Exploration::new(check, [(1, 2), (2, 1)])
    }
}

impl Exploration {
    /// Each of two sizes is a number of workers and one of jobs.
    fn new(check: Check, sizes: [(usize, usize); 2]) -> Exploration {
        Exploration {
            end: Instant::now() + check.time,
            check,
            sizes,
            awaited: OnceCell::new(),
            dropped: Default::default(),
            woken: OnceCell::new(),
        }
    }

    /// Runs `work`, which gets what makes the pools, in every schedule.
    pub(super) fn explore(
        &self,
        size: (usize, usize),
        explorer: Explorer,
        work: impl Fn(&Run, &dyn Fn(usize) -> Pool) + Send + Sync + 'static,
    ) -> ExploredPool {
        let new = Arc::clone(&self.check.new);
        let left = self.end.saturating_duration_since(Instant::now());
        let explorer = explorer.time_limit(left);
        let explorer = explorer.enough(self.check.enough, is_enough);
        let explored = ExploredPool::new(&self.check.name, size, "job", &explorer, move |run| {
            work(run, &*new);
        });
        if self.check.pages {
            return explored;
        }
        explored.without_page()
    }

    fn awaited(&self) -> &ExploredPool {
        self.awaited.get_or_init(|| {
            self.explore((1, 1), explorer(), |run, new| {
                let mut pool = new(1);
                let (sender, done) = mpsc::channel::<()>();
                let job = run.job();
                pool(Box::new(move || {
                    job.run();
                    let _ = sender.send(()); // `main` waits for it.
                }));
                let _ = done.recv(); // It fails if a job is dropped, which is then a job that is lost.
            })
        })
    }

    fn dropped(&self, index: usize) -> &ExploredPool {
        self.dropped[index].get_or_init(|| {
            let workers = |index: usize| self.sizes[index].0;
            // Those with fewer workers first: the others may take all the time that there is.
            if let Some(fewer) = (0..2).find(|other| workers(*other) < workers(index)) {
                self.dropped(fewer);
            }
            let enough = self.awaited().lost > 0;
            let most = if enough {
                self.check.enough
            } else {
                usize::MAX
            };
            self.explore_dropped(self.sizes[index], explorer().max_schedules(most))
        })
    }

    fn woken(&self) -> &ExploredPool {
        self.woken.get_or_init(|| {
            let most = SPURIOUS * self.check.enough;
            let explorer = explorer().max_schedules(most).max_spurious(1);
            self.explore_dropped((1, 2), explorer)
        })
    }

    /// The pool is dropped as soon as it has its jobs.
    fn explore_dropped(&self, size: (usize, usize), explorer: Explorer) -> ExploredPool {
        self.explore(size, explorer, move |run, new| {
            let (workers, jobs) = size;
            let mut pool = new(workers);
            (0..jobs).for_each(|_| {
                let job = run.job();
                pool(Box::new(move || job.run()));
            });
        })
    }

    /// A job waits until the pool is dropped, in some schedule.
    fn waits_too_long(&self) -> bool {
        self.awaited().stuck > 0 && self.awaited().lost > 0
    }

    /// What the schedules tell in which the pool is dropped at once.
    fn judge(&self, sizes: &[usize], broken: impl Fn(&ExploredPool) -> Option<Verdict>) -> Verdict {
        let verdict = judge(sizes.iter().map(|size| self.dropped(*size)), broken);
        let cut_short = || sizes.iter().any(|size| !self.dropped(*size).complete);
        match verdict {
            Verdict::CannotTell(_) if self.waits_too_long() && cut_short() => {
                depends_on("no_schedule_is_stuck")
            }
            verdict => verdict,
        }
    }

    /// The same, and what goes wrong only where a wait ends for no reason, in so many schedules, of which this is the
    /// first.
    fn judge_woken<'a>(
        &'a self,
        broken: impl Fn(&ExploredPool) -> Option<Verdict>,
        what: &str,
        of_woken: impl Fn(&'a ExploredPool) -> (usize, &'a Option<Schedule>),
    ) -> Verdict {
        let verdict = self.judge(&[0, 1], broken);
        if let Verdict::Broken { .. } = verdict {
            return verdict;
        }
        let what = format!("{what} after a wait has ended for no reason");
        let lead = (
            "When a wait ends, is there a job? `Condvar::wait` and `park` may also return without a notification.",
            "the glossary: spurious wake-up",
        );
        let woken = self.woken();
        if woken.not_about_the_pool().is_some() {
            return verdict;
        }
        let (count, first) = of_woken(woken);
        if let Some(broken) = woken.broken_in(count, &what, first.as_ref(), lead) {
            return broken;
        }
        if verdict != Verdict::Kept || woken.complete {
            return verdict;
        }
        match woken.stuck + woken.lost {
            0 => Verdict::cannot_tell(format!(
                "only {} schedules were run in which a wait may end for no reason, not all",
                woken.schedules
            )),
            _ => woken.not_complete().unwrap_or(verdict),
        }
    }
}

/// The choices in which a second worker takes the steps with which the first one came to its job, if schedules have no
/// end. The search looks at the ends of schedules first, and does not come back from there.
fn side_by_side(report: &Report) -> Option<Vec<usize>> {
    let schedule = endless(report)?;
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

/// Two jobs run at once on two workers, in some schedule.
pub fn two_jobs_run_at_once_in_some_schedule(exploration: &Exploration) -> Verdict {
    let two = exploration.dropped(0);
    let together = || side_by_side(two).map(|choices| two.replay(&choices));
    let meet = |report: Report| report.cannot_tell.is_none() && report.most_at_once >= 2;
    if two.most_at_once >= 2 || together().is_some_and(meet) {
        return Verdict::Kept;
    }
    let question = "Until when does your guard live: is the lock released before the job runs?";
    if two.complete && (two.most_at_once == 0 || two.stuck == two.schedules) {
        return two
            .not_about_the_pool()
            .unwrap_or_else(|| depends_on("no_schedule_loses_a_job"));
    }
    let kept = exploration.judge(&[0], |_| None);
    if kept != Verdict::Kept {
        return kept;
    }
    let happened = format!(
        "Two workers never run two jobs at once, in any of {} schedules. One of them:\n{}",
        two.schedules,
        two.shown_at_once()
    );
    Verdict::broken(happened, question, "stage 4's page")
}

/// One worker that is given three jobs runs them one after the other, in every schedule.
pub fn never_more_jobs_at_once_than_workers(exploration: &Exploration) -> Verdict {
    let lead = (
        "Which line starts a thread, and how often does it run?",
        "stage 3's page",
    );
    let too_many = exploration.dropped(1).broken_if_crowded(lead);
    too_many.unwrap_or_else(|| {
        exploration.judge(&[1], |one| {
            let none = one.most_at_once == 0 && one.complete;
            none.then(|| depends_on("no_schedule_loses_a_job"))
        })
    })
}

/// In every schedule each job runs exactly once.
pub fn no_schedule_loses_a_job(exploration: &Exploration) -> Verdict {
    let what = "a job does not run exactly once";
    let lead = (
        "What becomes of a job that still waits in the queue, and of one that comes while no worker waits for it?",
        "stage 7's page",
    );
    let broken = |explored: &ExploredPool| {
        // In a schedule that is stuck, a job that has not run is not lost for a reason of its own.
        if explored.lost > 0 && explored.lost <= explored.stuck {
            return Some(depends_on("no_schedule_is_stuck"));
        }
        explored.broken_if_lost(what, lead)
    };
    exploration.judge_woken(broken, what, |woken| {
        let only_lost = woken.lost.saturating_sub(woken.stuck);
        (only_lost, &woken.lost_schedule)
    })
}

/// In no schedule a thread waits for ever; nor does `main`, where it waits for a job before it drops the pool.
pub fn no_schedule_is_stuck(exploration: &Exploration) -> Verdict {
    let what = "a job does not run before the pool is dropped, and `main` waits for it";
    let waits_too_long = exploration.waits_too_long();
    let awaited = judge([exploration.awaited()], |awaited| {
        let mut waits = awaited.lost_schedule.iter().flat_map(|it| &it.stuck);
        let lead = match waits.all(|wanted| wanted.thread == 0) {
            true => (
                "What ends a worker's loop: can a job come after that?",
                "stage 3's page",
            ),
            false => (
                "Can a worker find no job, and begin to wait only after the job has come and the pool has called it?",
                "the glossary: lost wake-up",
            ),
        };
        let lost = awaited.broken_if_lost(what, lead);
        lost.filter(|_| waits_too_long)
    });
    if let Verdict::Broken { .. } = awaited {
        return awaited;
    }
    let question = "Which thread could go on if another one did something first, and when does that \
                    other one do it?";
    let broken =
        |explored: &ExploredPool| explored.broken_if_stuck((question, explored.page_of_stuck()));
    let dropped = exploration.judge_woken(broken, "a thread waits for ever", |woken| {
        (woken.stuck, &woken.stuck_schedule)
    });
    match dropped {
        Verdict::Kept => awaited,
        dropped => dropped,
    }
}

/// In no schedule a thread panics.
pub(crate) fn no_thread_panics(exploration: &Exploration) -> Verdict {
    exploration.judge(&[0, 1], ExploredPool::broken_if_panicked)
}

/// In every schedule `drop` returns when each job has ended. A pool without a `Drop` does not wait: when the program
/// ends next, its jobs are lost.
pub fn drop_waits_for_every_job_in_every_schedule(exploration: &Exploration) -> Verdict {
    let what = "`drop` returns before all jobs have ended";
    let lead = (
        "Does `drop` wait for each worker, and does a worker leave only when the queue is empty?",
        "stage 7's page",
    );
    exploration.judge(&[0, 1], |explored| {
        if explored.unfinished > 0 && explored.unfinished <= explored.lost {
            return Some(depends_on("no_schedule_loses_a_job"));
        }
        let first = explored.unfinished_schedule.as_ref();
        let early = explored.broken_in(explored.unfinished, what, first, lead);
        let all_stuck = explored.complete && explored.stuck == explored.schedules;
        early.or_else(|| all_stuck.then(|| depends_on("no_schedule_is_stuck")))
    })
}

/// Two workers, and two jobs that wait for each other: in every schedule they meet.
pub(crate) fn every_worker_works_in_every_schedule(exploration: &Exploration) -> Verdict {
    let report = exploration.explore((2, 2), explorer(), |run, new| {
        let mut pool = new(2);
        let meeting = Arc::new(Barrier::new(2));
        for _ in 0..2 {
            let (job, meeting) = (run.job(), Arc::clone(&meeting));
            pool(Box::new(move || {
                job.run_with(|| meeting.wait());
            }));
        }
    });
    let lead = (
        "What does each worker wait for: for the lock, for a job, or for a call that has come already?",
        "stage 4's page",
    );
    judge([&report], |report| report.broken_if_it_stops(lead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traced::thread;

    /// With how many workers, and how many jobs.
    type Sizes = Arc<Mutex<Vec<(usize, usize)>>>;

    struct Threads {
        workers: usize,
        all: Vec<thread::JoinHandle<()>>,
        sizes: Sizes,
    }

    impl Drop for Threads {
        fn drop(&mut self) {
            let size = (self.workers, self.all.len());
            let mut sizes = self.sizes.lock().unwrap();
            if sizes.last() != Some(&size) {
                sizes.push(size);
            }
        }
    }

    #[test]
    fn few_workers_are_explored_first() {
        let sizes = Sizes::default();
        let seen = Arc::clone(&sizes);
        let check = Check::new("a thread a job", move |workers| {
            let mut threads = Threads {
                workers,
                all: Vec::new(),
                sizes: Arc::clone(&sizes),
            };
            Box::new(move |job| threads.all.push(thread::spawn(job)))
        });
        let exploration = Exploration::new(check, [(2, 2), (1, 3)]);
        let verdict = two_jobs_run_at_once_in_some_schedule(&exploration);
        assert_eq!(verdict, Verdict::Kept);
        assert_eq!(*seen.lock().unwrap(), [(1, 1), (1, 3), (2, 2)]);
    }
}
