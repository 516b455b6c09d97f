//! Does the list of all states agree with the search, which never sees most of them?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::thorough;
use crate::explore::{book, broken, condvar, programs, random};
use crate::schedules::assert_agrees;
use ten_versus_five::explore::states::States;
use ten_versus_five::explore::{
    Action, ExploredJob, Explorer, ObjectKind, Program, Report, Run, loops,
};

#[allow(dead_code)]
#[path = "../../examples/counter.rs"]
mod counter;
#[allow(dead_code)]
#[path = "../../examples/condvar.rs"]
mod exercise_condvar;
#[allow(dead_code)]
#[path = "../../examples/permit.rs"]
mod permit;
#[allow(dead_code)] // Its pool is run, and not its `main`.
#[path = "../../examples/shutdown.rs"]
mod shutdown;

/// Long enough, however busy the machine is.
fn explorer() -> Explorer {
    Explorer::new()
        .without_locations()
        .time_limit(Duration::from_secs(300))
}

/// All states, after the search has found as much in its own way.
fn compare(name: &str, program: impl Fn() -> Program) -> States {
    compare_with(&explorer(), name, program)
}

fn compare_with(explorer: &Explorer, name: &str, program: impl Fn() -> Program) -> States {
    let report: Report = explorer.run(program());
    let states = explorer.states(1_000_000, program());
    assert_eq!(states.cannot_tell, report.cannot_tell, "{name}");
    assert_agrees(name, states.clone(), &report);
    states
}

/// What makes a pool, gives it two jobs, and drops it.
fn pool<P>(
    new: impl Fn(usize) -> P + Send + Sync + 'static,
    execute: impl Fn(&P, ExploredJob) + Send + Sync + 'static,
) -> Program {
    Box::new(move |run: &Run| {
        let pool = new(2);
        execute(&pool, run.job());
        execute(&pool, run.job());
    })
}

#[cfg(all(
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]
mod stages {
    use super::*;
    use ten_versus_five::explore::stages::program;

    #[test]
    fn every_stage_has_as_many_ends_as_the_search_runs_schedules() {
        for stage in 3..=7 {
            let states = compare(&format!("stage {stage}"), || {
                program(stage, 2, 2, 2).unwrap()
            });
            assert!(states.time < crate::common::PATIENCE);
        }
    }

    /// Every state is found on one path. On the others, the same has to be possible there.
    #[test]
    fn whatever_the_path_to_a_state_it_is_the_same_state() {
        let states = explorer().states(10_000, program(4, 2, 1, 2).unwrap());
        let mut ways = vec![None; states.states.len()];
        ways[0] = Some(Vec::new());
        let mut paths = 0;
        // A step leads to a state whose place in the list is behind that of some other state only.
        let mut next = std::collections::VecDeque::from([0]);
        while let Some(from) = next.pop_front() {
            let way: Vec<usize> = ways[from].clone().expect("it was reached");
            for step in &states.states[from].steps {
                let to = step.to.unwrap();
                let there = [&way[..], &[step.choice()]].concat();
                assert_is_there(&states, to, &there);
                paths += 1;
                if ways[to].is_none() {
                    ways[to] = Some(there);
                    next.push_back(to);
                }
            }
        }
        assert!(
            paths > states.states.len(),
            "some states have several paths"
        );
    }

    fn assert_is_there(states: &States, state: usize, choices: &[usize]) {
        let report = explorer().replay(choices, program(4, 2, 1, 2).unwrap());
        let schedule = report.first_schedule.unwrap();
        assert_eq!(schedule.choices()[..choices.len()], *choices);
        let state = &states.states[state];
        let Some(after) = schedule.steps.get(choices.len()) else {
            assert!(state.steps.is_empty() && state.waits.is_empty());
            return;
        };
        let steps = state.steps.iter().map(|step| (step.thread, step.action));
        let ready = after.ready.iter().map(|ready| (ready.thread, ready.action));
        assert!(steps.eq(ready), "{choices:?}");
        let waits = state.waits.iter().map(|wait| (wait.thread, wait.action));
        let waiting = after.waiting.iter().map(|wait| (wait.thread, wait.action));
        assert!(waits.eq(waiting), "{choices:?}");
    }
}

#[test]
fn every_spelling_has_as_many_ends_as_the_search_runs_schedules() {
    let step = if thorough() { 1 } else { 4 };
    for spelling in loops::SPELLINGS.iter().step_by(step) {
        compare(spelling.name, || spelling.program(2, 2));
    }
}

#[test]
fn other_pools_right_and_wrong_have_as_many_ends_too() {
    compare("the Book", || {
        pool(book::ThreadPool::new, |pool, job| {
            pool.execute(move || job.run())
        })
    });
    compare("holds the lock", || {
        pool(broken::HoldsTheLock::new, |pool, job| {
            pool.execute(move || job.run())
        })
    });
    compare("stuck", || {
        pool(broken::StuckAtDrop::new, |pool, job| {
            pool.execute(move || job.run())
        })
    });
    compare("loses jobs", || {
        Box::new(|run: &Run| {
            let (pool, job) = (broken::LosesJobsAtDrop::new(2), run.job());
            pool.execute(move || job.run());
        })
    });
    compare("counts in the worker", || {
        let new = |size| broken::CountsInTheWorker::with_permits(size, 1);
        pool(new, |pool, job| {
            let copy = job.clone();
            if !pool.try_execute(move || job.run()) {
                copy.reject();
            }
        })
    });
}

#[test]
fn a_pool_that_wakes_the_wrong_worker_has_as_many_ends_too() {
    // With one job, because two take half a minute.
    compare("wakes the wrong one", || {
        Box::new(|run: &Run| {
            let workers = if thorough() { 2 } else { 1 };
            let (pool, job) = (broken::WakesTheWrongOne::new(workers), run.job());
            pool.execute(move || job.run());
        })
    });
}

#[test]
fn a_pool_with_a_condvar_has_as_many_ends_too() {
    compare("condvar", || {
        Box::new(|run: &Run| {
            let (pool, job) = (condvar::ThreadPool::new(2), run.job());
            pool.execute(move || job.run());
        })
    });
}

#[test]
fn the_exercises_have_as_many_ends_too() {
    compare("shutdown", || {
        pool(shutdown::ThreadPool::new, |pool, job| {
            pool.execute(move || job.run())
        })
    });
    compare("condvar", || {
        Box::new(|run: &Run| {
            let (pool, job) = (exercise_condvar::ThreadPool::new(1), run.job());
            pool.execute(move || job.run());
        })
    });
    compare("permit", || {
        pool(permit::ThreadPool::new, |pool, job| {
            let copy = job.clone();
            if pool.try_execute(move || job.run()).is_err() {
                copy.reject();
            }
        })
    });
    compare("counter", || {
        pool(counter::ThreadPool::new, |pool, job| {
            let copy = job.clone();
            if pool.try_execute(move || job.run()).is_err() {
                copy.reject();
            }
        })
    });
}

/// With each a test of its own, they run side by side.
macro_rules! small_programs {
    ($($name:ident)*) => {
        mod small_programs {
            use super::*;
            $(
                #[test]
                fn $name() {
                    for spurious in 0..2 {
                        compare_with(&explorer().max_spurious(spurious), stringify!($name), || {
                            Box::new(|run: &Run| run.outcome(programs::$name()))
                        });
                    }
                }
            )*
        }
    };
}

small_programs! {
    a_lost_addition two_flags two_locks_in_two_orders tries_to_lock readers_and_a_writer
    joins_a_thread_with_the_lock_held a_third_thread_notifies an_idle_worker_that_leaves two_readers_at_once
    a_wait_without_a_loop a_park_without_a_loop a_weak_exchange_without_a_loop
    a_notification_that_comes_too_early a_channel_with_room_for_one
    a_channel_without_room a_receiver_that_gives_up parked_and_unparked a_scope_and_a_barrier
    set_once a_thread_that_waits_for_itself_in_vain a_poisoned_lock
}

/// Counts in a way that knows nothing of what happens before what: runs every order of the steps, and looks in which
/// order they come at each lock and at each end of each channel. That a message is handed off or a sender is dropped
/// makes no difference there.
fn orders_at_each_thing(program: impl Fn() -> Program) -> (usize, usize) {
    let (mut runs, mut orders) = (0, BTreeSet::new());
    let mut prefixes = vec![Vec::new()];
    while let Some(prefix) = prefixes.pop() {
        let schedule = explorer()
            .replay(&prefix, program())
            .first_schedule
            .unwrap();
        let choices = schedule.choices();
        let mut at = BTreeMap::new();
        for (place, step) in schedule.steps.iter().enumerate() {
            let others = step
                .ready
                .iter()
                .filter(|other| other.thread != step.thread);
            for other in others.filter(|_| place >= prefix.len()) {
                prefixes.push([&choices[..place], &[other.thread]].concat());
            }
            let end = match step.action {
                Action::Send => "sends",
                Action::Ask | Action::Receive { .. } => "receives",
                Action::HandOff(_) | Action::DropSender => continue,
                _ => "",
            };
            if let Some(object) = step.object.filter(|(kind, _)| *kind != ObjectKind::Thread) {
                at.entry((object, end))
                    .or_insert_with(Vec::new)
                    .push(step.thread);
            }
        }
        runs += 1;
        orders.insert(at);
    }
    (runs, orders.len())
}

#[test]
fn there_are_as_many_schedules_as_orders_at_each_lock_and_each_end_of_a_channel() {
    for (name, program, kinds) in [
        ("two senders", programs::two_senders as fn(), 2),
        ("room for two", programs::messages_with_room_for_two, 1),
        ("no room", programs::messages_without_room, 1),
        ("two receivers", programs::two_receivers, 2),
    ] {
        let program = || -> Program { Box::new(move |_: &Run| program()) };
        let (runs, orders) = orders_at_each_thing(program);
        assert!(runs > 10 * orders, "{name}: {runs}");
        let report = explorer().run(program());
        assert_eq!((orders, report.schedules), (kinds, kinds), "{name}");
        compare(name, program);
    }
}

#[test]
fn random_programs_have_as_many_ends_too() {
    let programs = if thorough() { 40 } else { 8 };
    let mut compared = 0;
    for seed in 0..programs {
        let program =
            || -> Program { Box::new(random::runnable(random::generator::program(seed))) };
        // One with more has too many states.
        let small = explorer().max_schedules(200).without_locations();
        if small.run(program()).complete {
            compare(&format!("random program {seed}"), program);
            compared += 1;
        }
    }
    assert!(compared > programs / 2, "{compared}");
}

/// A state that looks like an end is one, also where not all states are known.
#[test]
fn a_bound_on_states_or_steps_or_time_is_told_and_makes_no_ends() {
    let book = || {
        pool(book::ThreadPool::new, |pool, job| {
            pool.execute(move || job.run())
        })
    };
    let ends = |states: &States| {
        let ends = states.states.iter().filter(|state| state.steps.is_empty());
        ends.count()
    };
    let all = explorer().states(1_000_000, book());
    let few = explorer().states(100, book());
    let short = explorer().max_steps(10).states(1_000_000, book());
    let quick = explorer()
        .time_limit(Duration::ZERO)
        .states(1_000_000, book());
    for (bounded, why) in [(&few, "only 1"), (&short, "no end"), (&quick, "after 0 s")] {
        let missing = bounded.missing.as_deref().expect("it is not all");
        assert!(missing.contains(why), "{missing}");
        assert!(bounded.states.len() < all.states.len() && ends(bounded) <= ends(&all));
        let steps = bounded.states.iter().flat_map(|state| &state.steps);
        assert!(steps.clone().any(|step| step.to.is_none()));
        assert!(
            steps
                .filter_map(|step| step.to)
                .all(|to| to < bounded.states.len())
        );
    }
    assert_eq!(ends(&short), 0, "it has more than ten steps");
}

/// A thread that is joined, and one that has a lock.
#[test]
fn a_wait_names_the_threads_for_which_it_waits() {
    use ten_versus_five::traced::sync::{Arc, Mutex};
    use ten_versus_five::traced::thread;

    let states = explorer().states(1_000, |_| {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock();
        let same = Arc::clone(&lock);
        let thread = thread::spawn(move || drop(same.lock()));
        let _ = thread.join();
        drop(held);
    });
    let mut stuck = states.states.iter().filter(|state| state.steps.is_empty());
    let stuck = stuck.find(|state| !state.waits.is_empty()).unwrap();
    let waits = stuck
        .waits
        .iter()
        .map(|it| (it.thread, it.waits_for.clone()));
    assert_eq!(waits.collect::<Vec<_>>(), [(0, vec![1]), (1, vec![0])]);
}
