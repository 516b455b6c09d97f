//! What does it cost to know where a lock is taken and released?

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use ten_versus_five::notes::Recording;
use ten_versus_five::traced;

use crate::{Rounds, Target, order};

const ROUNDS: usize = 15;

/// How often a lock is taken and released in a round, where it takes nanoseconds.
const MANY: usize = 10_000;

/// So many releases of a recording have a place, and no more.
const PLACES: usize = 1_000;

/// A row, and how to measure it, in nanoseconds for one time.
type Row = (&'static str, fn() -> f64);

const ROWS: [Row; 5] = [
    ("a lock of std", of_std),
    ("the stand-in's, not watched", not_watched),
    ("while notes are taken, without a place", || while_noted().1),
    ("the same, with a place", || while_noted().0),
    ("to find the place afterwards", || while_noted().2),
];

pub fn report() -> Vec<Target> {
    println!("\nTo lock and to unlock, in nanoseconds. Rounds: {ROUNDS}.\n");
    println!(
        "{:40} {:>9}   {:22} {:>9}",
        "", "median", "from ... to", "times"
    );
    let mut results = ROWS.map(|_| Vec::new());
    for round in 0..ROUNDS {
        for row in order(ROWS.len(), round) {
            results[row].push(ROWS[row].1());
        }
    }
    for ((name, _), result) in ROWS.iter().zip(&results) {
        let times = Rounds::ratios(result, &results[0]).median();
        let rounds = Rounds::new(result.iter().copied());
        let range = format!("{:.0} ... {:.0}", rounds.least(), rounds.most());
        println!("{name:40} {:9.0}   {range:22} {times:9.1}", rounds.median());
    }
    println!("\n\"times\" is the cost divided by that of a lock of std, in the same round.");
    Vec::new()
}

/// How many nanoseconds one of so many takes.
fn each(times: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / times as f64
}

fn of_std() -> f64 {
    let mutex = Mutex::new(0);
    each(MANY, || {
        for _ in 0..MANY {
            *black_box(&mutex).lock().unwrap() += 1;
        }
    })
}

fn count(mutex: &traced::sync::Mutex<usize>, times: usize) {
    for _ in 0..times {
        *black_box(mutex).lock().unwrap() += 1;
    }
}

fn not_watched() -> f64 {
    let mutex = traced::sync::Mutex::new(0);
    each(MANY, || count(&mutex, MANY))
}

/// The first ones, which have a place; the others; and what it takes to find the places.
fn while_noted() -> (f64, f64, f64) {
    let mutex = traced::sync::Mutex::new(0);
    let recording = Recording::new();
    let (first, others) = recording.watch(|| {
        let first = each(PLACES, || count(&mutex, PLACES));
        (first, each(MANY, || count(&mutex, MANY)))
    });
    let find = || {
        let notes = black_box(recording.notes());
        assert_eq!(notes.missed, 0, "there is room for every note");
    };
    (first, others, each(PLACES, find))
}
