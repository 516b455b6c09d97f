//! Does the list of all states agree with the search, which never sees most of them?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::thorough;
use crate::tools::explore::{self, book, broken, condvar, programs, random};
use crate::tools::schedules::assert_agrees;
use ten_versus_five::explore::states::States;
use ten_versus_five::explore::{Action, Explorer, ObjectKind, Program, Report, Run, loops};

#[allow(dead_code)]
#[path = "../../examples/counter.rs"]
mod counter;
#[allow(dead_code)]
#[path = "../../examples/permit.rs"]
mod permit;
#[allow(dead_code)] // Its pool is run, and not its `main`.
#[path = "../../examples/shutdown.rs"]
mod shutdown;
#[allow(dead_code)]
#[path = "../../examples/condvar.rs"]
mod waits_once;

fn explorer() -> Explorer {
    explore::explorer().without_locations()
}

/// The result of the search, and all states, which have been found in another way.
fn compare(name: &str, program: impl Fn() -> Program) -> (Report, States) {
    compare_with(&explorer(), name, program)
}

fn compare_with(
    explorer: &Explorer,
    name: &str,
    program: impl Fn() -> Program,
) -> (Report, States) {
    let report = explorer.run(program());
    let states = explorer.states(1_000_000, program());
    assert_eq!(states.cannot_tell, report.cannot_tell, "{name}");
    assert_agrees(name, states.clone(), &report);
    (report, states)
}

/// A small program has as many ends as the search runs schedules, also if what happens for no reason is tried.
pub fn has_as_many_ends(name: &str, program: fn() -> String) {
    for spurious in 0..2 {
        compare_with(&explorer().max_spurious(spurious), name, || {
            Box::new(move |run: &Run| run.outcome(program()))
        });
    }
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
            let (_, states) = compare(&format!("stage {stage}"), || {
                program(stage, 2, 2, 2).unwrap()
            });
            assert!(!states.time.is_zero() && states.missing.is_none());
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

/// What makes a pool of so many workers, gives it so many jobs, and drops it.
macro_rules! pool {
    ($new:expr, $workers:expr, $jobs:expr) => {
        || -> Program {
            Box::new(move |run: &Run| {
                let pool = $new($workers);
                for job in (0..$jobs).map(|_| run.job()) {
                    pool.execute(move || job.run());
                }
            })
        }
    };
    // One that may reject a job.
    ($new:expr, $workers:expr, $jobs:expr, $is_rejected:expr) => {
        || -> Program {
            Box::new(move |run: &Run| {
                let pool = $new($workers);
                for job in (0..$jobs).map(|_| run.job()) {
                    let copy = job.clone();
                    if $is_rejected(pool.try_execute(move || job.run())) {
                        copy.reject();
                    }
                }
            })
        }
    };
}

/// Each with how many jobs run at once at most, and in how many schedules it is stuck, or loses a job.
#[test]
fn other_pools_right_and_wrong_have_as_many_ends_too() {
    fn fails<T, E>(result: Result<T, E>) -> bool {
        result.is_err()
    }
    let one_permit = |size| broken::CountsInTheWorker::with_permits(size, 1);
    let of_bool = |accepted: bool| !accepted;
    // With one worker: with two, the last of these takes half a minute.
    let few = if thorough() { 2 } else { 1 };
    let in_few = if thorough() { "some stuck" } else { "well" };
    let rows: [(&dyn Fn() -> Program, usize, &str); 11] = [
        (&pool!(book::ThreadPool::new, 2, 2), 2, "well"),
        (&pool!(condvar::ThreadPool::new, few, 1), 1, "well"),
        (&pool!(broken::HoldsTheLock::new, 2, 2), 1, "well"),
        (&pool!(broken::StuckAtDrop::new, 2, 2), 2, "all stuck"),
        (&pool!(broken::LosesJobsAtDrop::new, few, 1), 1, "some lost"),
        (&pool!(broken::WakesTheWrongOne::new, few, 1), 1, in_few),
        (&pool!(one_permit, 2, 2, of_bool), 2, "well"),
        // The exercises as they stand.
        (&pool!(shutdown::ThreadPool::new, 2, 2), 2, "all stuck"),
        (
            &pool!(waits_once::ThreadPool::new, 1, 1),
            1,
            "stuck and lost",
        ),
        (&pool!(permit::ThreadPool::new, 2, 2, fails), 2, "well"),
        (&pool!(counter::ThreadPool::new, 2, 2, fails), 2, "well"),
    ];
    for (row, (program, most, expected)) in (1..).zip(rows) {
        let (report, _) = compare(&format!("row {row}"), program);
        let all = report.schedules;
        let found = match (report.stuck, report.lost) {
            (0, 0) => "well",
            (stuck, 0) if stuck == all => "all stuck",
            (_, 0) => "some stuck",
            (0, lost) if lost < all => "some lost",
            _ => "stuck and lost",
        };
        assert_eq!((report.most_at_once, found), (most, expected), "row {row}");
        assert!(report.complete && report.cannot_tell.is_none(), "row {row}");
    }
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
    let book = pool!(book::ThreadPool::new, 2, 2);
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
