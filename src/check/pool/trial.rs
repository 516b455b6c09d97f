//! A pool under check: a thread that uses it, and what is seen of its jobs.
//!
//! One thread, the driver, does all that a user of the pool does: it makes it, gives it jobs, drops it.
//! Each of these may block for ever, so the check itself runs on another thread, and waits for
//! what it wants to see. The jobs meet in a room, which they leave when the check opens the doors.

use std::mem;
use std::panic::{self, AssertUnwindSafe, RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::{Check, Job, Pool};

/// The longest pause between two looks at what has happened. To be woken up for each event instead would
/// cost more than the jobs do.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// No pause counts for longer than this: a program that was suspended for a minute has not waited for one.
const MOST_OF_A_PAUSE: Duration = Duration::from_millis(100);

/// What a job says that panics. It is a panic like any other, which a pool may look for in a panic hook.
const PANIC: &str = "a job of the check panicked";

pub(super) struct Trial {
    calls: Sender<Call>,
    room: Arc<Room>,
    patience: Duration,
}

enum Call {
    New(usize),
    Execute(Job),
    Drop,
}

#[derive(Default)]
struct Room {
    state: Mutex<Seen>,
    doors_changed: Condvar,
}

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// Everything that happens is progress.
    events: usize,
    /// `new` has returned.
    pub created: bool,
    /// So many jobs were given to the driver, and so many calls of `execute` have returned.
    pub given: usize,
    pub accepted: usize,
    /// `drop` has begun, and returned.
    pub dropping: bool,
    pub dropped: bool,
    /// `new`, `execute` or `drop` panicked: which, and with what message.
    pub panicked: Option<String>,
    /// So many jobs have begun, and so many have ended.
    pub began: usize,
    pub done: usize,
    /// So many ran at one time, at most.
    pub peak: usize,
    /// The threads of the jobs in the room, in the order in which they came.
    pub inside: Vec<ThreadId>,
    doors: Doors,
}

/// Which jobs may leave the room.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Doors {
    #[default]
    Closed,
    OpenBut(ThreadId),
    Open,
}

impl Trial {
    /// A driver that has no pool yet.
    pub fn prepare(check: &Check) -> Trial {
        keep_panics_quiet();
        let (calls, receiver) = mpsc::channel();
        let room = Arc::new(Room::default());
        let new = Arc::clone(&check.new);
        let drivers = Arc::clone(&room);
        thread::spawn(move || drive(&receiver, &*new, &drivers));
        Trial {
            calls,
            room,
            patience: check.patience,
        }
    }

    /// A driver with a pool of so many workers.
    pub fn start(check: &Check, size: usize) -> Trial {
        let trial = Trial::prepare(check);
        trial.create(size);
        trial
    }

    pub fn create(&self, size: usize) {
        self.call(Call::New(size));
    }

    pub fn drop_pool(&self) {
        self.call(Call::Drop);
    }

    fn execute(&self, job: impl Fn() + Send + Sync + UnwindSafe + RefUnwindSafe + 'static) {
        self.room.note(|state| state.given += 1);
        self.call(Call::Execute(Box::new(job)));
    }

    fn call(&self, call: Call) {
        // The driver only ends when this trial does.
        let _ = self.calls.send(call);
    }

    /// Gives the pool so many jobs that go into the room.
    pub fn give_jobs_for_the_room(&self, count: usize) {
        for _ in 0..count {
            let room = Arc::clone(&self.room);
            self.execute(move || room.stay_in_the_room());
        }
    }

    /// Gives the pool so many short jobs.
    pub fn give_short_jobs(&self, count: usize) {
        for job in 0..count {
            let room = Arc::clone(&self.room);
            self.execute(move || room.run_short_job(job));
        }
    }

    /// Gives the pool so many short jobs, and counts for each how often it ran.
    pub fn give_counted_jobs(&self, count: usize) -> Arc<[AtomicUsize]> {
        let runs: Arc<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(0)).collect();
        for job in 0..count {
            let (room, runs) = (Arc::clone(&self.room), Arc::clone(&runs));
            self.execute(move || {
                runs[job].fetch_add(1, Ordering::SeqCst);
                room.run_short_job(job);
            });
        }
        runs
    }

    /// Gives the pool so many jobs that panic.
    pub fn give_jobs_that_panic(&self, count: usize) {
        for _ in 0..count {
            let room = Arc::clone(&self.room);
            self.execute(move || {
                room.note(Seen::begin);
                room.note(Seen::end);
                panic::panic_any(PANIC);
            });
        }
    }

    pub fn set_doors(&self, doors: Doors) {
        self.room.note(|state| state.doors = doors);
        self.room.doors_changed.notify_all();
    }

    pub fn see<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.room.lock())
    }

    /// Waits until this is so. Returns `false` when it is not, and nothing has happened for as long
    /// as the check's patience lasts, or what the driver called has panicked.
    pub fn until(&self, reached: impl Fn(&Seen) -> bool) -> bool {
        self.until_quiet_for(self.patience, reached)
    }

    /// The same with another patience. No verdict may depend on how long that is.
    pub fn until_quiet_for(&self, patience: Duration, reached: impl Fn(&Seen) -> bool) -> bool {
        let (mut events, mut quiet) = (0, Duration::ZERO);
        let mut pause = Duration::from_micros(20);
        loop {
            let state = self.room.lock();
            if reached(&state) {
                return true;
            }
            if state.events != events {
                (events, quiet) = (state.events, Duration::ZERO);
            }
            if quiet >= patience || state.panicked.is_some() {
                return false;
            }
            drop(state);
            let paused = Instant::now();
            thread::sleep(pause);
            quiet += paused.elapsed().min(MOST_OF_A_PAUSE);
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}

/// Keeps the panics of a check's own jobs from being printed. A hook that a pool sets comes before this one.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&PANIC) {
                before(info);
            }
        }));
    });
}

/// What the driver does, until the trial is over. It leaves a pool that it was not told to drop alone:
/// what `drop` does is the business of one promise only.
fn drive(calls: &Receiver<Call>, new: &dyn Fn(usize) -> Pool, room: &Room) {
    let mut pool = None;
    for call in calls {
        let (called, result) = match call {
            Call::New(size) => ("new", attempt(|| pool = Some(new(size)))),
            Call::Execute(job) => match &mut pool {
                Some(execute) => ("execute", attempt(|| execute(job))),
                None => continue, // `new` panicked, which has been noted.
            },
            Call::Drop => {
                room.note(|state| state.dropping = true);
                ("drop", attempt(|| drop(pool.take())))
            }
        };
        room.note(|state| match (called, result) {
            ("new", Ok(())) => state.created = true,
            ("drop", Ok(())) => state.dropped = true,
            (_, Ok(())) => state.accepted += 1,
            (_, Err(message)) => state.panicked = Some(format!("`{called}` panicked: {message}")),
        });
    }
    mem::forget(pool);
}

/// Calls it, and returns the message of its panic if it panics.
fn attempt(call: impl FnOnce()) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let message = payload.downcast_ref::<&str>().map(|text| text.to_string());
        message
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| String::from("no message"))
    })
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        let mut state = self.lock();
        change(&mut state);
        state.events += 1;
    }

    /// What a job does that goes into the room.
    fn stay_in_the_room(&self) {
        let this = thread::current().id();
        self.note(|state| {
            state.begin();
            state.inside.push(this);
        });
        let mut state = self.lock();
        while matches!(state.doors, Doors::Closed) || state.doors == Doors::OpenBut(this) {
            state = self
                .doors_changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.note(|state| {
            state.inside.retain(|thread| *thread != this);
            state.end();
        });
    }

    /// What a short job does. Every eighth is there for a moment, so that others may come meanwhile: on a busy
    /// machine, that moment is as long as all other programs want to run.
    fn run_short_job(&self, job: usize) {
        self.note(Seen::begin);
        if job % 8 == 0 {
            thread::yield_now();
        }
        self.note(Seen::end);
    }
}

impl Seen {
    fn begin(&mut self) {
        self.began += 1;
        self.peak = self.peak.max(self.began - self.done);
    }

    fn end(&mut self) {
        self.done += 1;
    }
}
