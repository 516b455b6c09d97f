//! What does it cost to run a pool in every schedule?

use std::time::Duration;

use ten_versus_five::explore::stages::explore;
use ten_versus_five::explore::{Explorer, Report};

use crate::{Rounds, Target};

/// So many times, since a few milliseconds are soon measured wrong. What takes seconds is measured
/// once.
const ROUNDS: usize = 5;

/// A row: the stage, how many workers, how many jobs, and whether all schedules are run, also those
/// that differ only in the order of steps which have nothing to do with each other.
type Row = (&'static str, usize, usize, usize, bool);

const ROWS: [Row; 10] = [
    ("stage 3, 2 workers, 2 jobs", 3, 2, 2, false),
    ("stage 4, 2 workers, 2 jobs", 4, 2, 2, false),
    ("stage 5, 2 workers, 2 jobs", 5, 2, 2, false),
    ("stage 6, 2 workers, 2 jobs", 6, 2, 2, false),
    ("stage 7, 2 workers, 2 jobs", 7, 2, 2, false),
    ("stage 3, 3 workers, 3 jobs", 3, 3, 3, false),
    ("stage 4, 3 workers, 3 jobs", 4, 3, 3, false),
    ("stage 3, 2 workers, 2 jobs, no reduction", 3, 2, 2, true),
    ("stage 4, 2 workers, 2 jobs, no reduction", 4, 2, 2, true),
    ("stage 7, 2 workers, 2 jobs, no reduction", 7, 2, 2, true),
];

pub fn report() -> Vec<Target> {
    println!("\nA pool in every schedule. Rounds: {ROUNDS}.\n");
    println!(
        "{:40} {:>9} {:>9} {:>9} {:>9}",
        "", "schedules", "given up", "seconds", "a second"
    );
    let mut longest: Option<f64> = None;
    for (name, stage, workers, jobs, plain) in ROWS {
        let Some((report, seconds)) = measure(stage, workers, jobs, plain) else {
            continue; // It is not compiled in.
        };
        if (workers, plain) == (2, false) {
            longest = Some(longest.unwrap_or(0.0).max(seconds));
        }
        let (schedules, repetitions) = (report.schedules, report.repetitions);
        println!(
            "{name:40} {schedules:9} {repetitions:9} {seconds:9.3} {:9.0}{}",
            (schedules + repetitions) as f64 / seconds,
            if report.complete { "" } else { "  not all" },
        );
    }
    println!("\n\"given up\" are those that turned out half way to be repetitions of others.");
    let target = longest.map(|seconds| Target {
        holds: seconds <= 0.5,
        what: format!(
            "two workers with two jobs take {seconds:.3} s in all schedules of a stage (0.5 at most)"
        ),
    });
    target.into_iter().collect()
}

/// What was found out, and the median of the seconds that it took.
fn measure(stage: usize, workers: usize, jobs: usize, plain: bool) -> Option<(Report, f64)> {
    let mut explorer = Explorer::new().time_limit(Duration::from_secs(120));
    if plain {
        explorer = explorer.without_reduction();
    }
    let once = || explore(&explorer, stage, workers, jobs, workers);
    let report = once()?;
    let mut seconds = vec![report.time.as_secs_f64()];
    if report.time < Duration::from_secs(1) {
        let more = (1..ROUNDS).filter_map(|_| once());
        seconds.extend(more.map(|report| report.time.as_secs_f64()));
    }
    Some((report, Rounds::new(seconds).median()))
}
