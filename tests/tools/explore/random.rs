//! Does the explorer find all that can come of a program, and nothing else?
//!
//! It is asked about small programs at random, over everything that the stand-in for `std` has, and so is a
//! model that knows nothing of it. A program of which the two say different things is made as small as it can be,
//! and printed so that it can be pasted into a test.
//!
//! `RANDOM_PROGRAMS=10000 RANDOM_SEED=0 cargo test --release --test all random_programs` tries so many from there on.

pub mod generator;
mod interpreter;
mod model;
mod program;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::common::thorough;
use program::{Op, Program};
use ten_versus_five::explore::Run;

/// A program with more states, or more schedules, is not small. Of the plain search, which is much slower, less is
/// enough: whatever it finds must be right.
///
/// What is wrong shows in small programs already, and there can be ten times as many of them.
const STATES: usize = 1_000;
const SCHEDULES: usize = 100;
const PLAIN_SCHEDULES: usize = 60;

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    programs: usize,
    /// Of which all schedules were run, reduced and plain.
    complete: usize,
    plain: usize,
    /// Of which several things can come.
    several: usize,
    schedules: usize,
}

/// What runs the program once. It keeps what the threads share for as long as it is there itself: which of them
/// drops it would be no step.
pub fn runnable(program: Program) -> impl Fn(&Run) + Send + Sync + 'static {
    let (program, worlds) = (Arc::new(program), Mutex::new(Vec::new()));
    move |run| interpreter::run(&program, run, |world| worlds.lock().unwrap().push(world))
}

/// What the explorer says that the model does not, or the other way round.
fn difference(program: &Program, compared: &mut Compared) -> Option<String> {
    // With spurious steps there are many more schedules, so every second program is to be without.
    let spurious = program.threads.iter().map(Vec::len).sum::<usize>() % 2;
    let expected = model::outcomes(program, spurious, STATES)?;
    let explorer = super::explorer().without_locations().max_spurious(spurious);
    let reduced = explorer.clone().max_schedules(SCHEDULES);
    let plain = explorer.max_schedules(PLAIN_SCHEDULES).without_reduction();
    let [reduced, plain] = [reduced, plain].map(|it| it.run(runnable(program.clone())));
    compared.programs += 1;
    compared.complete += usize::from(reduced.complete);
    compared.plain += usize::from(plain.complete);
    compared.several += usize::from(expected.all.len() > 1);
    compared.schedules += reduced.schedules + plain.schedules;
    for (name, report) in [("reduced", &reduced), ("plain", &plain)] {
        if let Some(why) = &report.cannot_tell {
            return Some(format!("the {name} search cannot tell: {why}"));
        }
        let found: BTreeSet<String> = report.outcomes.keys().cloned().collect();
        if let Some(extra) = found.difference(&expected.all).next() {
            return Some(format!(
                "the {name} search finds, and the model does not:\n    {extra}"
            ));
        }
        let missing = expected.all.difference(&found).next();
        if let (Some(missing), true) = (missing, report.complete) {
            return Some(format!(
                "the model finds, and the {name} search does not:\n    {missing}"
            ));
        }
        let (most, expected) = (report.most_at_once, expected.most_at_once);
        if most > expected || (most < expected && report.complete) {
            return Some(format!(
                "{most} jobs at once in the {name} search, {expected} in the model"
            ));
        }
    }
    None
}

/// # Panics
///
/// If there is a difference, with the smallest program that shows one.
fn compare(program: &Program, compared: &mut Compared, from: &str) {
    let Some(first) = difference(program, compared) else {
        return;
    };
    let differs = |program: &Program| difference(program, &mut Compared::default()).is_some();
    let smallest = generator::shrink(program, differs);
    let difference = difference(&smallest, &mut Compared::default()).unwrap_or(first);
    panic!("{from}: {difference}\nThe smallest program that shows a difference:\n{smallest}");
}

#[test]
fn random_programs_come_to_the_same_in_the_explorer_and_in_a_model_of_std() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let programs = if thorough() { 400 } else { 30 };
    let programs = number("RANDOM_PROGRAMS").unwrap_or(programs);
    let seed = number("RANDOM_SEED").unwrap_or(0);
    let start = Instant::now();
    let mut compared = Compared::default();
    for seed in seed..seed + programs {
        let from = format!("seed {seed}, after {:?}, {compared:?}", start.elapsed());
        compare(&generator::program(seed), &mut compared, &from);
    }
    println!("{compared:?} in {:?}", start.elapsed());
    // Or there would be little to compare.
    let half = compared.programs / 2;
    assert!(compared.programs > 0, "all are too large");
    assert!(
        compared.complete > half && compared.plain >= half,
        "{compared:?}"
    );
    assert!(compared.several >= half / 2, "{compared:?}");
}

/// Of these, an outcome was missing once: a thread need not go on for no reason, whatever the others do.
#[test]
fn a_spurious_step_need_not_come() {
    use Op::{Load, Lock, Park, ParkTimeout, Spawn, Unlock, Yield};
    for threads in [
        vec![
            vec![Lock(0), Unlock(0), Spawn(2), Spawn(1), Load(0)],
            vec![Load(1), ParkTimeout],
            vec![Park, Park],
        ],
        vec![vec![Spawn(1), Spawn(2)], vec![Park], vec![Park, Yield]],
    ] {
        let channels = Vec::new();
        let program = Program { channels, threads };
        compare(&program, &mut Compared::default(), "once");
    }
}
