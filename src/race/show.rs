//! The rows of a program's own threads.

use std::io::{self, Write};
use std::time::Duration;

use super::chart;
use super::recording::RaceRecording;
use super::screen::Screen;
use crate::notes::lock::{Hold, Lock};
use crate::notes::{Location, Recording};
use crate::terminal::Style;

/// How long threads have to end after the closure has returned.
const THREADS_END_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs `work`, and draws on standard output which of the threads that it starts had a lock, which
/// waited for one, and what ran meanwhile. Then it says during how many jobs a lock was held.
///
/// A table has a row for each place where a lock is taken: how often, where it is released, how long it is
/// held at most, and what its thread does meanwhile: it waits for something else, sleeps, or runs a job. A
/// thread that locks what it has waits for ever; that is told at once, on standard error.
///
/// The threads have to use this stand-in for `std`, and what is to be seen as work has to be called as a
/// [`job`](crate::traced::job). Threads that go on when `work` returns have ten seconds to end.
///
/// ```
/// use ten_versus_five::traced as std;
///
/// use std::sync::{Arc, Mutex};
/// use std::thread;
/// use std::time::Duration;
/// use ten_versus_five::traced::{job, show};
///
/// show(|| {
///     let mutex = Arc::new(Mutex::new(()));
///     for number in 0..2 {
///         let mutex = Arc::clone(&mutex);
///         thread::spawn(move || {
///             let _guard = mutex.lock().unwrap();
///             job(number, || thread::sleep(Duration::from_millis(10)));
///         });
///     }
/// });
/// ```
///
/// # Panics
///
/// If `work` does.
pub fn show(work: impl FnOnce()) {
    let recording = Recording::new();
    recording.watch(work);
    recording.wait_for_threads(THREADS_END_TIMEOUT);
    let text = drawing(&recording, Screen::of_standard_output().style());
    let _ = io::stdout().write_all(text.as_bytes());
}

fn drawing(recording: &Recording, style: Style) -> String {
    let lock = Lock {
        notes: recording.notes(),
        start: Duration::ZERO,
    };
    let last = lock.notes.notes.last().map(|note| note.time);
    let result = match lock.held_during(Duration::MAX) {
        None => String::from("No lock was used."),
        Some((_, 0)) => String::from("There was no job. Call `traced::job` in what is to be seen."),
        Some((held, jobs)) => format!("lock held during {held} of {jobs} jobs"),
    };
    let holds = lock.holds(Duration::MAX);
    let recording = RaceRecording {
        label: String::from("threads"),
        lock: Some(lock),
        ..RaceRecording::default()
    };
    let mut lines = chart::draw(
        &[recording],
        last.unwrap_or_default(),
        Duration::ZERO,
        style,
    );
    // Of a program there is more to say than of a race, and below the legend there is room for it.
    lines.retain(|line| !line.starts_with("lock: "));
    lines.extend(table(&holds));
    lines.push(result);
    lines.join("\n") + "\n"
}

const HEAD: [&str; 5] = ["taken", "times", "released", "held at most", "meanwhile"];

/// A row for each place where a lock is taken; what has several values takes a line for each.
fn table(holds: &[Hold]) -> Vec<String> {
    let taken = holds.iter().map(|hold| &hold.taken);
    let released = holds.iter().flat_map(|hold| hold.released.iter().flatten());
    let mut files = taken.chain(released).map(|location| &location.file);
    let Some(file) = files.next() else {
        return Vec::new();
    };
    let one_file = files.all(|other| other == file).then_some(file);
    let heading = match one_file {
        Some(file) => format!("Locks in {file}:"),
        None => String::from("Locks:"),
    };
    let place = |location: &Location| match one_file {
        Some(_) => format!("{}:{}", location.line, location.column),
        None => location.to_string(),
    };
    let mut rows = vec![HEAD.map(String::from)];
    for hold in holds {
        rows.extend(lines_of(hold, place));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..HEAD.len()).filter_map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    [heading].into_iter().chain(rows.iter().map(line)).collect()
}

/// What is to be known of the guards that were made at one place.
fn lines_of(hold: &Hold, place: impl Fn(&Location) -> String) -> Vec<[String; 5]> {
    let released = hold.released.iter().map(|known| match known {
        Some(location) => place(location),
        None => String::from("not known"),
    });
    let not_yet = (hold.not_released > 0).then(|| String::from("not released"));
    let released: Vec<String> = released.chain(not_yet).collect();
    let longest = match hold.times > hold.not_released {
        true => format!("{:.3} s", hold.longest.as_secs_f64()),
        false => String::new(),
    };
    let meanwhile = hold.meanwhile.iter().map(|what| String::from(*what));
    let columns = [
        vec![place(&hold.taken)],
        vec![hold.times.to_string()],
        released,
        vec![longest],
        meanwhile.collect(),
    ];
    let lines = columns.iter().map(Vec::len).max().unwrap_or_default();
    let line = |line: usize| {
        let cell = |column: &Vec<String>| column.get(line).cloned().unwrap_or_default();
        columns.each_ref().map(cell)
    };
    (0..lines).map(line).collect()
}
