//! A thread that wakes up again and again, and so finds out when this machine stood still.
//!
//! A program measures time only while it runs. If it is stopped for two seconds, or if the processor
//! works for others, an answer seems to come later than it came, and two answers seem to come together.
//! From the answers alone, that cannot be seen. But a thread that wants to wake up every ten
//! milliseconds, and wakes up two seconds late, shows it.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the thread wants to wake up.
const BEAT: Duration = Duration::from_millis(10);

/// What is less late than this is no pause: any system needs a few milliseconds to wake up a thread.
const SHORTEST: Duration = Duration::from_millis(20);

/// When a program runs again, its threads do not run all at once, and on a busy machine some of them
/// wait longer than the metronome. What a thread sees so shortly after a pause, it may have been kept from
/// seeing before.
pub const RECOVERY: Duration = Duration::from_millis(500);

/// A time in which this machine, or this program on it, stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The last moment before it in which the program ran.
    pub from: Instant,
    /// The first moment after it.
    pub to: Instant,
}

impl Pause {
    /// How long it was.
    pub fn length(&self) -> Duration {
        self.to.saturating_duration_since(self.from)
    }
}

/// The pauses up to the last time at which the thread ran, which comes last.
#[derive(Debug)]
struct Pauses {
    pauses: Vec<Pause>,
    last: Instant,
}

impl Pauses {
    /// The thread, or one that asks, runs now.
    fn beat(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.last + BEAT);
        if late >= SHORTEST {
            self.pauses.push(Pause {
                from: self.last,
                to: now,
            });
        }
        self.last = now;
    }
}

/// Watches this machine from its start until it is dropped.
#[derive(Debug)]
pub struct Metronome {
    seen: Arc<Mutex<Pauses>>,
    /// The thread ends when this is dropped.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Metronome {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub fn start() -> io::Result<Metronome> {
        let seen = Arc::new(Mutex::new(Pauses {
            pauses: Vec::new(),
            last: Instant::now(),
        }));
        let (running, ended) = mpsc::channel::<()>();
        let watched = Arc::clone(&seen);
        let beat = move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let mut seen = watched.lock().unwrap_or_else(PoisonError::into_inner);
                seen.beat(Instant::now());
            }
        };
        let thread = thread::Builder::new().name(String::from("metronome"));
        Ok(Metronome {
            seen,
            running: Some(running),
            thread: Some(thread.spawn(beat)?),
        })
    }

    /// The pauses so far, also one that has just ended.
    pub fn pauses(&self) -> Vec<Pause> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread that asks may be quicker than the metronome, after a pause.
        seen.beat(Instant::now());
        seen.pauses.clone()
    }

    /// The longest pause that may have kept this program from seeing what happened between these two
    /// moments; zero if there was none.
    pub fn stood_still(&self, from: Instant, to: Instant) -> Duration {
        let pauses = self.pauses().into_iter();
        let touching = pauses.filter(|pause| pause.from <= to && from <= pause.to + RECOVERY);
        touching
            .map(|pause| pause.length())
            .max()
            .unwrap_or_default()
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }
}
