//! The nine promises: what each of them means, how it is decided, and what that cannot see.
//!
//! Most are decided in a room: a job that enters stays until the check opens the doors. Two jobs
//! that are in the room together do overlap, on a fast machine and on a slow one.

use std::sync::atomic::Ordering;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::trial::{Doors, Trial};
use super::{Check, Verdict, apart, depends_on, idle};
use crate::check::{Promise, promises};

/// All of them, in the order in which a learner meets them.
pub const PROMISES: [Promise<Check>; 9] = promises![
    two_jobs_run_at_once,
    every_worker_works,
    never_more_jobs_at_once_than_workers,
    a_slow_job_does_not_hold_up_others,
    a_panic_costs_no_worker,
    drop_waits_for_every_job,
    a_pool_of_no_workers_is_refused,
    every_job_runs_once,
    an_idle_pool_uses_no_processor,
];

/// How many workers a pool gets where one size will do: not four, which a pool may have whatever it is asked
/// for.
const SIZE: usize = 3;

/// One success may depend on the schedule. Repeating it so often takes a few milliseconds.
const ROUNDS: usize = 20;

/// How long to watch for something that must not happen. A right pool passes however long this is; a
/// longer watch finds more of the wrong ones.
const WATCH: Duration = Duration::from_millis(300);

/// How long to wait for what a verdict does not need, but is stronger for.
const SETTLE: Duration = Duration::from_secs(1);

/// Two jobs are in the room at the same time, twenty times over, in a pool of two workers.
///
/// It does not see whether three would be: see [`every_worker_works`].
pub fn two_jobs_run_at_once(check: &Check) -> Verdict {
    let pool = Trial::start(check, 2);
    for _ in 0..ROUNDS {
        if !fill(&pool, 2) {
            let accepted = pool.see(|state| state.accepted);
            if !empty(&pool) {
                return depends_on("every_job_runs_once");
            }
            return if accepted == 0 {
                Verdict::broken(
                    "`execute` had not returned when its job was still running, so there was no second job.",
                    "On which thread does `execute` run the job, or what does it wait for?",
                    "stage 3's page",
                )
            } else {
                Verdict::broken(
                    "The second job never began while the first one ran.",
                    "Until when does your guard live: is the lock released before the job runs?",
                    "stage 4's page",
                )
            };
        }
        empty(&pool);
    }
    Verdict::Kept
}

/// As many jobs as the pool has workers are in the room at the same time, twenty times over, in
/// pools of one, three and five workers.
///
/// It cannot tell, if not even two jobs run at once.
pub fn every_worker_works(check: &Check) -> Verdict {
    for size in [1, 3, 5] {
        let pool = Trial::start(check, size);
        for wave in 1..=ROUNDS {
            if !fill(&pool, size) {
                let (inside, peak) = pool.see(|state| (state.inside.len(), state.peak));
                if !empty(&pool) {
                    return depends_on("every_job_runs_once");
                }
                if peak == 1 {
                    return depends_on("two_jobs_run_at_once");
                }
                return Verdict::broken(
                    format!(
                        "{inside} jobs ran at once in wave {wave}, in a pool of {size} workers, \
                         and another one waited."
                    ),
                    "How many threads are started, and does each go back for another job?",
                    "stage 3's page",
                );
            }
            empty(&pool);
        }
    }
    Verdict::Kept
}

/// Never are more jobs at work at once than the pool has workers: in the room, when there are more
/// jobs than workers; among thousands of short ones; after jobs that panicked; and while the pool is dropped. Pools of
/// one, three and five workers.
///
/// It does not see a pool that starts one thread too many only in rare schedules.
pub fn never_more_jobs_at_once_than_workers(check: &Check) -> Verdict {
    for size in [1, 3, 5] {
        let pool = Trial::start(check, size);
        crowd(&pool, size);
        if pool.see(|state| state.peak <= size) {
            pool.set_doors(Doors::Open);
            pool.give_short_jobs(SHORT);
            if !pool.until(|state| state.done == state.given || state.peak > size) {
                return depends_on("every_job_runs_once");
            }
        }
        if let Some(verdict) = too_many(&pool, size, "") {
            return verdict;
        }
        crowd(&pool, size);
        // What else becomes of `drop` is the business of another promise.
        apart::tell_if_it_ends_now(&depends_on("drop_waits_for_every_job"));
        pool.drop_pool();
        if pool.until_quiet_for(WATCH, |state| state.dropping) {
            pool.until_quiet_for(WATCH, |state| state.peak > size);
        }
        pool.set_doors(Doors::Open);
        pool.until_quiet_for(WATCH, |state| state.done == state.given);
        if let Some(verdict) = too_many(&pool, size, " while it was dropped") {
            return verdict;
        }
    }
    let pool = Trial::start(check, SIZE);
    // A pool that ends the process now has never run too many.
    apart::tell_if_it_ends_now(&Verdict::Kept);
    pool.give_jobs_that_panic(2 * SIZE);
    pool.until_quiet_for(WATCH, |state| state.done == state.given);
    crowd(&pool, SIZE);
    too_many(&pool, SIZE, " after jobs had panicked").unwrap_or(Verdict::Kept)
}

/// How many short jobs find a thread too many, if it is there at times.
const SHORT: usize = 2000;

/// Gives the pool more jobs for the room than it has workers, and watches for one too many.
fn crowd(pool: &Trial, size: usize) {
    pool.set_doors(Doors::Closed);
    pool.give_jobs_for_the_room(size + 8);
    if pool.until_quiet_for(SETTLE, |state| state.inside.len() >= size) {
        pool.until_quiet_for(WATCH, |state| state.inside.len() > size);
    }
}

fn too_many(pool: &Trial, size: usize, when: &str) -> Option<Verdict> {
    let peak = pool.see(|state| state.peak);
    let happened = format!("{peak} jobs ran at once in a pool of {size}{when}.");
    let question = "Which line starts a thread, and how often does it run?";
    (peak > size).then(|| Verdict::broken(happened, question, "stage 3's page"))
}

/// While a slow job is at work, many short ones are begun and ended; and also while all workers but
/// one have a slow job.
///
/// It cannot tell the latter, if not that many jobs run at once.
pub fn a_slow_job_does_not_hold_up_others(check: &Check) -> Verdict {
    let pool = Trial::start(check, SIZE);
    let short = 3 * SIZE;
    for slow in [1, SIZE - 1] {
        for _ in 0..ROUNDS {
            let came = fill(&pool, slow);
            let before = pool.see(|state| state.done);
            pool.give_short_jobs(short);
            let kept = came && pool.until(|state| state.done == before + short);
            let done = pool.see(|state| state.done) - before;
            if !empty(&pool) {
                return depends_on("every_job_runs_once");
            }
            if !came || (!kept && slow > 1 && !fill(&pool, SIZE)) {
                return depends_on("every_worker_works");
            }
            if !kept {
                return Verdict::broken(
                    format!(
                        "While {slow} of {SIZE} workers had a slow job, {done} of {short} short ones \
                         were done, and then no more."
                    ),
                    "Where does a job wait while a worker is free, and what keeps that worker from it?",
                    "stage 4's page",
                );
            }
        }
    }
    Verdict::Kept
}

/// After twice as many panics as there are workers, as many jobs run at once as before.
///
/// It cannot tell, if not all workers worked before. What `drop` does after a panic is not asked.
pub fn a_panic_costs_no_worker(check: &Check) -> Verdict {
    let pool = Trial::start(check, SIZE);
    let panics = 2 * SIZE;
    let all_work = fill(&pool, SIZE);
    let before = pool.see(|state| state.inside.len());
    // There are pools that lose their workers, or jobs, without a panic.
    pool.give_short_jobs(panics);
    if !empty(&pool) || !fill(&pool, before) || !empty(&pool) {
        return depends_on("every_job_runs_once");
    }

    let question =
        "What becomes of a worker's thread when its job panics, and of a lock that it holds?";
    let lead = (question, "stage 7's page");
    let began = pool.see(|state| state.began);
    pool.give_jobs_that_panic(panics);
    let all_began = pool.until(|state| state.began == began + panics);
    let began = pool.see(|state| state.began) - began;
    if !all_began {
        let jobs = match began {
            1 => String::from("1 job"),
            _ => format!("{began} jobs"),
        };
        let happened = format!("After {jobs} that panicked, no job began any more.");
        return stuck(&pool, &happened, lead);
    }
    if pool.see(|state| state.panicked.is_some()) {
        return stuck(&pool, &format!("{began} jobs panicked."), lead);
    }
    if !fill(&pool, before) {
        let inside = pool.see(|state| state.inside.len());
        let happened = format!(
            "Before {panics} jobs panicked, {before} ran at once, and afterwards {inside}."
        );
        return stuck(&pool, &happened, lead);
    }
    if all_work {
        Verdict::Kept
    } else {
        depends_on("every_worker_works")
    }
}

/// `drop` returns when the last job has ended, not before, and with all that were queued done:
/// for each worker, when it is the last that still has a job.
///
/// It cannot tell, if not all workers work at once, unless `drop` returns too early all the same.
/// A `drop` that only sleeps is found out by giving the last job more than twice as long as `drop` takes
/// without it.
pub fn drop_waits_for_every_job(check: &Check) -> Verdict {
    let pool = Trial::start(check, SIZE);
    let all_work = fill(&pool, SIZE);
    pool.give_short_jobs(2 * SIZE);
    if !empty(&pool) {
        return depends_on("every_job_runs_once");
    }
    let started = Instant::now();
    pool.drop_pool();
    if !pool.until(|state| state.dropped) {
        return no_return(&pool);
    }
    let watch = 2 * started.elapsed() + WATCH;

    for last in 0..SIZE {
        let pool = Trial::start(check, SIZE);
        pool.give_jobs_for_the_room(SIZE);
        if all_work {
            pool.until(|state| state.inside.len() == SIZE);
        } else {
            pool.until_quiet_for(SETTLE, |state| state.inside.len() == SIZE);
        }
        // In the order in which the threads were started, which is that of their numbers: so that in
        // the end it was each worker's turn, whatever order they took the jobs in.
        let mut inside = pool.see(|state| state.inside.clone());
        inside.sort_by_key(|thread| {
            let number = format!("{thread:?}");
            (number.len(), number)
        });
        let Some(thread) = inside.get(last.min(inside.len().saturating_sub(1))) else {
            return depends_on("every_job_runs_once");
        };
        if let Some(verdict) = drop_while_one_works(&pool, *thread, watch) {
            return verdict;
        }
        if !all_work {
            return depends_on("every_worker_works");
        }
    }
    Verdict::Kept
}

/// Queues jobs behind those in the room, begins to drop the pool, lets out all but one, watches `drop` for
/// a while, lets out the last and sees `drop` return. Returns what was wrong, if something was.
fn drop_while_one_works(pool: &Trial, last: ThreadId, watch: Duration) -> Option<Verdict> {
    pool.give_short_jobs(2 * SIZE);
    pool.drop_pool();
    // A pool with a bounded queue waits for a free place before it is dropped.
    pool.until_quiet_for(SETTLE, |state| state.dropping);
    pool.set_doors(Doors::OpenBut(last));
    pool.until_quiet_for(SETTLE, |state| {
        state.dropping && state.done == state.given - 1
    });
    let mut early = pool.until_quiet_for(watch, |state| state.dropped);
    if !early {
        pool.set_doors(Doors::Open);
        if !pool.until(|state| state.dropped) {
            return Some(no_return(pool));
        }
        early = pool.see(|state| state.done < state.given);
    }
    let happened = pool.see(|state| {
        let waited = state.given - state.began;
        let ran = state.began - state.done;
        format!(
            "`drop` returned when {} of {} jobs were done: {ran} still ran, and {waited} waited.",
            state.done, state.given
        )
    });
    let question =
        "Does `drop` wait for each worker, and does a worker leave only when the queue is empty?";
    early.then(|| Verdict::broken(happened, question, "stage 7's page"))
}

/// `drop` does not return, or has panicked.
fn no_return(pool: &Trial) -> Verdict {
    let happened = pool.see(|state| match &state.panicked {
        None if state.done == state.given => {
            String::from("All jobs were done, and `drop` did not return.")
        }
        None => format!(
            "`drop` did not return, and {} of {} jobs were done.",
            state.done, state.given
        ),
        Some(panicked) => format!("{panicked}."),
    });
    let question = "What does a worker wait for when there is no job, and which `drop` would tell it to leave?";
    Verdict::broken(happened, question, "stage 7's page")
}

/// `new(0)` panics, and `new(1)` does not.
pub fn a_pool_of_no_workers_is_refused(check: &Check) -> Verdict {
    let pool = Trial::start(check, 1);
    if !pool.until(|state| state.created) {
        return Verdict::cannot_tell("`new(1)` does not return a pool either");
    }
    let pool = Trial::start(check, 0);
    if pool.until(|state| state.created) {
        pool.give_short_jobs(1);
        pool.until_quiet_for(SETTLE, |state| state.done == 1);
    }
    pool.see(|state| match (state.created, &state.panicked) {
        (true, _) if state.began > 0 => Verdict::broken(
            "`new(0)` returned a pool, and that runs jobs.",
            "How many threads does it start when it is asked for none?",
            "stage 3's page",
        ),
        (true, _) => Verdict::broken(
            "`new(0)` returned a pool, and a job that it was given did not run.",
            "Which thread would ever run its jobs?",
            "stage 3's page",
        ),
        (false, Some(_)) => Verdict::Kept,
        (false, None) => Verdict::broken(
            "`new(0)` did not return.",
            "What does it wait for?",
            "stage 3's page",
        ),
    })
}

/// Ten thousand jobs are given to the pool, and each has run exactly once. Then as many run at once as before.
///
/// Whether those are done that still wait when the pool is dropped: see [`drop_waits_for_every_job`].
pub fn every_job_runs_once(check: &Check) -> Verdict {
    let pool = Trial::start(check, SIZE);
    let before = most_in_the_room(&pool);
    if !empty(&pool) {
        return lost(&pool, SIZE, "Of the first jobs, some never ran.");
    }
    let (given, jobs) = (pool.see(|state| state.given), check.jobs);
    let runs = pool.give_counted_jobs(jobs);
    let all = pool.until(|state| state.done == state.given && state.accepted == given + jobs);
    let ran = |times: usize| {
        runs.iter()
            .filter(|it| it.load(Ordering::SeqCst) == times)
            .count()
    };
    let (never, once) = (ran(0), ran(1));
    let more = jobs - never - once;
    if !all || once < jobs {
        let happened =
            format!("Of {jobs} jobs, {once} ran once, {more} more than once, and {never} never.");
        return lost(&pool, never, &happened);
    }
    // One at a time: there are workers that leave when another one is quicker.
    for one in 1..=ROUNDS {
        pool.give_short_jobs(1);
        if !pool.until(|state| state.done == given + jobs + one) {
            return lost(&pool, 1, "After thousands of jobs, one never ran.");
        }
    }
    let when = format!("{jobs} jobs had run");
    fewer_work(&pool, before, &when).unwrap_or(Verdict::Kept)
}

/// Jobs did not run exactly once, so many of them never.
fn lost(pool: &Trial, never: usize, happened: &str) -> Verdict {
    let before = pool.see(|state| (state.began, state.panicked.is_some()));
    let lead = if before.0 == 0 {
        (
            "How does a job get from `execute` to a worker?",
            "stage 3's page",
        )
    } else if never == 0 {
        ("What does `execute` wait for?", "stage 6's page")
    } else {
        // Is a worker left?
        pool.give_short_jobs(1);
        if !before.1 && pool.until_quiet_for(SETTLE, |state| state.began > before.0) {
            (
                "What becomes of a job that arrives while all workers are busy?",
                "stage 3's page",
            )
        } else {
            (
                "What ends a worker's loop: does each worker go back for another job?",
                "stage 3's page",
            )
        }
    };
    stuck(pool, happened, lead)
}

/// How many of as many jobs as workers run at once. It may be too few, if the machine is slow.
fn most_in_the_room(pool: &Trial) -> usize {
    pool.set_doors(Doors::Closed);
    pool.give_jobs_for_the_room(SIZE);
    pool.until_quiet_for(SETTLE, |state| state.inside.len() == SIZE);
    pool.see(|state| state.inside.len())
}

/// Fewer jobs run at once than `before`.
fn fewer_work(pool: &Trial, before: usize, when: &str) -> Option<Verdict> {
    if fill(pool, before) {
        empty(pool);
        return None;
    }
    let inside = pool.see(|state| state.inside.len());
    let happened =
        format!("At first {before} jobs ran at once, and when {when}, only {inside} did.");
    let lead = (
        "What ends a worker's loop: does each worker go back for another job?",
        "stage 3's page",
    );
    Some(stuck(pool, &happened, lead))
}

/// Once its jobs are done, the pool's threads neither compute nor wake up, but for once, for a second; nor do they
/// after it was dropped. After that second, as many jobs run at once as before.
///
/// Only Linux says how much processor time a thread used; elsewhere this cannot tell. A pool that looks for
/// work less often than once a second passes.
pub fn an_idle_pool_uses_no_processor(check: &Check) -> Verdict {
    let Some(others) = idle::threads() else {
        return Verdict::cannot_tell("only Linux says how much processor time a thread used");
    };
    let pool = Trial::prepare(check);
    // The driver has its thread by now, so all that are new from here on are the pool's.
    let others = [others, idle::threads().unwrap_or_default()].concat();
    pool.create(SIZE);
    let before = most_in_the_room(&pool);
    // There are pools that lose their workers for another reason than that they are idle.
    if !empty(&pool) || !fill(&pool, before) || !empty(&pool) {
        return depends_on("every_job_runs_once");
    }
    let busy = |when: &str, question: &str| {
        let used = idle::use_in_a_second(&others);
        let happened = format!(
            "{when}, the pool's threads used {} ms of processor time in {} ms, in {} pieces.",
            used.time.as_millis(),
            used.within.as_millis(),
            used.switches
        );
        let page = "stage 3's page";
        (!used.is_idle()).then(|| Verdict::broken(happened, question, page))
    };
    let question =
        "How does a worker wait for a job: does it block, or does it look again and again?";
    if let Some(verdict) = busy("With nothing to do", question) {
        return verdict;
    }
    if let Some(verdict) = fewer_work(&pool, before, "the pool had been idle for a second") {
        return verdict;
    }
    pool.drop_pool();
    pool.until_quiet_for(SETTLE, |state| state.dropped);
    let question =
        "How does a worker learn that no job will ever come, and does its loop end then?";
    busy("After the pool was dropped", question).unwrap_or(Verdict::Kept)
}

/// Fills the room of a pool that has no jobs, with so many. Returns whether they came.
fn fill(pool: &Trial, count: usize) -> bool {
    pool.set_doors(Doors::Closed);
    pool.give_jobs_for_the_room(count);
    pool.until(|state| state.inside.len() == count)
}

/// Lets all out of the room, and waits until every job that the pool was given is done. Returns whether
/// that was so.
fn empty(pool: &Trial) -> bool {
    pool.set_doors(Doors::Open);
    pool.until(|state| state.done == state.given)
}

/// A promise is broken because nothing happens any more, or because a call panicked instead.
fn stuck(pool: &Trial, happened: &str, (question, page): (&str, &str)) -> Verdict {
    let panicked = pool.see(|state| state.panicked.clone());
    let panicked = panicked.map_or_else(String::new, |panicked| format!(" {panicked}"));
    Verdict::broken(format!("{happened}{panicked}"), question, page)
}
