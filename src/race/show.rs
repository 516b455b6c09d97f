//! The rows of a program's own threads.

use std::io::{self, Write};
use std::time::Duration;

use super::chart;
use super::recording;
use super::screen::Screen;
use crate::terminal::Style;
use crate::traced::lock::{Hold, Lock};
use crate::traced::{Location, Recording};

/// How long threads have to end after the closure has returned.
const END: Duration = Duration::from_secs(10);

/// Runs `work`, and draws on standard output which of the threads that it starts had a lock, which
/// waited for one, and what ran meanwhile. Then it says during how many jobs a lock was held.
///
/// For each place where a lock is taken it says how often, where it is released, how long it is held at most,
/// and what its thread does meanwhile: it waits for something else, sleeps, or runs a job. A thread that
/// locks what it has waits for ever; that is told at once, on standard error.
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
    recording.wait_for_threads(END);
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
    let recording = recording::Recording {
        label: String::from("threads"),
        lock: Some(lock),
        ..recording::Recording::default()
    };
    let mut lines = chart::draw(
        &[recording],
        last.unwrap_or_default(),
        Duration::ZERO,
        style,
    );
    // Of a program there is more to say than of a race, and below the legend there is room for it.
    lines.retain(|line| !line.starts_with("lock: "));
    lines.extend(holds.iter().map(told));
    lines.push(result);
    lines.join("\n") + "\n"
}

/// What is to be known of the guards that were made at one place.
fn told(hold: &Hold) -> String {
    let times = match hold.times {
        1 => String::from("once"),
        times => format!("{times} times"),
    };
    let place = |place: &Option<Location>| match place {
        Some(location) => location.to_string(),
        None => String::from("a place that is not known"),
    };
    let released = match hold.released.as_slice() {
        [] => String::from("not released"),
        places => {
            let places: Vec<String> = places.iter().map(place).collect();
            let longest = hold.longest.as_secs_f64();
            let places = places.join(" or ");
            format!("released at {places}; held for {longest:.3} s at most")
        }
    };
    let meanwhile = match hold.meanwhile.as_slice() {
        [] => String::new(),
        words => format!("; meanwhile its thread {}", words.join(", ")),
    };
    format!(
        "lock: taken {times} at {}, {released}{meanwhile}",
        hold.taken
    )
}
