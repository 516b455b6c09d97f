//! The rows of a program's own threads.

use std::io::{self, Write};
use std::time::Duration;

use super::chart;
use super::recording;
use super::screen::Screen;
use crate::terminal::Style;
use crate::traced::Recording;
use crate::traced::lock::Lock;

/// How long threads have to end after the closure has returned.
const END: Duration = Duration::from_secs(10);

/// Runs `work`, and draws on standard output which of the threads that it starts had a lock, which
/// waited for one, and what ran meanwhile. Then it says during how many jobs a lock was held.
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
    lines.push(result);
    lines.join("\n") + "\n"
}
