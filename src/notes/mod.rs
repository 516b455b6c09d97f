//! Notes of what locks, channels and threads do, as a recording hears it from the [stand-in for
//! `std`](crate::traced), and what they tell of a [`lock`].
//!
//! A note is put into the next free slot of an array that is there from the start. Nothing blocks,
//! nothing is allocated, and once the array is full, further notes are only counted.
//!
//! The order of the slots is the order in which things happened, as far as one thread can tell it
//! from another: a thread notes *has* after it has locked a mutex, and *released* before it unlocks
//! it, and so the notes of one mutex never show two holders.
#![doc = not_in_the_contract!()]

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::traced::context::{Watcher, watched_by};
use crate::traced::location::{self, Source};
use crate::traced::step::{Object, Recorder};

pub mod lock;
mod text;

pub use crate::traced::location::Location;
pub use crate::traced::step::{Action, ObjectKind, Outcome};

/// Takes notes of every thread that it watches.
///
/// It watches the thread that calls [`watch`](Recording::watch), for as long as that lasts, and all
/// threads that a watched thread starts, until the recording is dropped.
///
/// ```
/// use ten_versus_five::notes::{Action, Outcome, Recording};
/// use ten_versus_five::traced::sync::Mutex;
///
/// let recording = Recording::new();
/// recording.watch(|| *Mutex::new(1).lock().unwrap() += 1);
///
/// let [wants, has, releases] = recording.notes().notes.try_into().unwrap();
/// assert_eq!((wants.action, wants.outcome), (Action::Lock, None));
/// assert_eq!((has.action, has.outcome), (Action::Lock, Some(Outcome::Done)));
/// assert_eq!((releases.action, releases.outcome), (Action::Unlock, Some(Outcome::Done)));
/// ```
pub struct Recording {
    pages: Arc<Pages>,
}

/// Where the notes are.
struct Pages {
    start: Instant,
    on: AtomicBool,
    slots: Box<[OnceLock<Slot>]>,
    /// The first free slot, or how many there would have to be.
    next: AtomicUsize,
    threads: Mutex<Vec<(ThreadId, String)>>,
    /// Where guards were dropped, for the first notes of that kind.
    drops: Box<[OnceLock<Dropped>]>,
    next_drop: AtomicUsize,
}

/// So many drops have a location in a recording. Each takes some microseconds, while the lock is held.
const DROPS: usize = 1_000;

struct Slot {
    note: Note,
    at: At,
}

/// How the location of a note is found, when it is asked for.
#[derive(Clone, Copy)]
enum At {
    Nowhere,
    Caller(&'static panic::Location<'static>),
    /// As an index into the drops.
    Drop(usize),
}

struct Dropped {
    backtrace: Backtrace,
    location: OnceLock<Option<Location>>,
}

impl Dropped {
    fn location(&self) -> Option<Location> {
        let find = || location::of_backtrace(&format!("{:#}", self.backtrace));
        let location = || find().location().cloned();
        self.location.get_or_init(location).clone()
    }
}

/// What a recording has noted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// The names of the threads; a note has an index into these. A thread without a name is called
    /// `thread-` and its index.
    pub threads: Vec<String>,
    /// The notes, in the order in which things happened.
    pub notes: Vec<Note>,
    /// How many notes came when the recording was full. They are the last ones.
    pub missed: usize,
    /// Where things happened; a note has an index into these.
    pub locations: Vec<Location>,
}

impl Notes {
    /// The index of a location among the others.
    fn index_of(&mut self, location: Location) -> usize {
        let known = self.locations.iter().position(|known| *known == location);
        known.unwrap_or_else(|| {
            self.locations.push(location);
            self.locations.len() - 1
        })
    }
}

/// That a thread did something, or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, since the start of the recording.
    pub time: Duration,
    /// Which thread, as an index into [`Notes::threads`].
    pub thread: usize,
    /// What. A lock that was tried is noted as [`Action::Lock`] or [`Action::Read`] once the thread has it.
    pub action: Action,
    /// What came of it, as far as that is known. None if the thread is about to do it, and may have to wait.
    /// An unlock is noted before it is done: afterwards, another thread could have the lock already.
    pub outcome: Option<Outcome>,
    /// What kind of object it did it to, and which: two notes are about the same object if the
    /// numbers are equal. The numbers are those of no particular order. A thread that is joined or
    /// unparked is an object too.
    pub object: Option<(ObjectKind, usize)>,
    /// Where in the learner's own file, as an index into [`Notes::locations`], if it is about a lock, and
    /// the location is known. Of the drops of guards, only the first 1,000 have one.
    pub location: Option<usize>,
}

impl Recording {
    /// A recording of up to 65,536 notes.
    pub fn new() -> Recording {
        Recording::with_capacity(1 << 16)
    }

    /// A recording of up to so many notes, for which it takes the memory now.
    pub fn with_capacity(notes: usize) -> Recording {
        location::prepare();
        let slots = (0..notes).map(|_| OnceLock::new()).collect();
        Recording {
            pages: Arc::new(Pages {
                // After the memory is there, which may take a while.
                start: Instant::now(),
                on: AtomicBool::new(true),
                slots,
                next: AtomicUsize::new(0),
                threads: Mutex::default(),
                drops: (0..DROPS).map(|_| OnceLock::new()).collect(),
                next_drop: AtomicUsize::new(0),
            }),
        }
    }

    /// Waits until the threads that it watches have ended, for this long at most, and says whether they
    /// have. A program may wait for its threads or not; the last notes are there when they have ended.
    pub fn wait_for_threads(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        // Each of them has a share in the pages, from before it starts.
        while Arc::strong_count(&self.pages) > 1 {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Runs `work` on this thread and takes notes of it, and of the threads it starts.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        watched_by(
            Watcher::Recorder(ThreadRecorder::of_this_thread(&self.pages)),
            work,
        )
    }

    /// When the recording began, which is the zero of its times.
    pub fn start(&self) -> Instant {
        self.pages.start
    }

    /// The notes so far.
    pub fn notes(&self) -> Notes {
        let pages = &self.pages;
        let taken = pages.next.load(Ordering::Relaxed);
        // A slot that is taken and empty belongs to a thread that is writing right now. What comes
        // after it is left for the next time, so that nothing is ever missing in the middle.
        let slots = pages.slots.iter().map_while(OnceLock::get);
        let mut notes = Notes {
            missed: taken.saturating_sub(pages.slots.len()),
            ..Notes::default()
        };
        for Slot { note, at } in slots {
            let location = pages.location(*at);
            let location = location.map(|location| notes.index_of(location));
            notes.notes.push(Note { location, ..*note });
        }
        // A thread is there before its notes are.
        let threads = pages.threads.lock().unwrap_or_else(PoisonError::into_inner);
        notes.threads = threads.iter().map(|(_, name)| name.clone()).collect();
        notes
    }
}

impl Default for Recording {
    fn default() -> Recording {
        Recording::new()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.pages.on.store(false, Ordering::Relaxed);
    }
}

debug_by_name!(Recording);

impl Pages {
    fn location(&self, at: At) -> Option<Location> {
        match at {
            At::Nowhere => None,
            At::Caller(caller) => location::of_caller(caller).location().cloned(),
            At::Drop(index) => self.drops.get(index)?.get()?.location(),
        }
    }

    /// To be called where it happens.
    fn at(&self, action: Action, source: Source) -> At {
        use Action::*;
        let is_of_a_lock = matches!(
            action,
            Lock | TryLock | Unlock | Read | TryRead | StopReading
        );
        match source {
            Source::Caller(caller) if is_of_a_lock => At::Caller(caller),
            Source::Drop if is_of_a_lock => {
                let index = self.next_drop.fetch_add(1, Ordering::Relaxed);
                if let Some(slot) = self.drops.get(index) {
                    let _ = slot.set(Dropped {
                        backtrace: Backtrace::force_capture(),
                        location: OnceLock::new(),
                    });
                }
                At::Drop(index)
            }
            _ => At::Nowhere,
        }
    }
}

/// One thread's share in a recording.
struct ThreadRecorder {
    pages: Arc<Pages>,
    thread: usize,
}

impl ThreadRecorder {
    fn of_this_thread(pages: &Arc<Pages>) -> Arc<ThreadRecorder> {
        let this = thread::current();
        let mut threads = pages.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let known = threads.iter().position(|(known, _)| *known == this.id());
        let thread = known.unwrap_or(threads.len());
        if known.is_none() {
            let name = this.name();
            let name = name.map_or_else(|| format!("thread-{thread}"), str::to_owned);
            threads.push((this.id(), name));
        }
        Arc::new(ThreadRecorder {
            pages: Arc::clone(pages),
            thread,
        })
    }
}

impl Recorder for ThreadRecorder {
    fn of_this_thread(&self) -> Arc<dyn Recorder> {
        ThreadRecorder::of_this_thread(&self.pages)
    }

    fn note(
        &self,
        action: Action,
        outcome: Option<Outcome>,
        object: Option<&Object>,
        source: Source,
    ) {
        let pages = &self.pages;
        if !pages.on.load(Ordering::Relaxed) {
            return;
        }
        if let Some(object) = object {
            notice_what_it_has(action, outcome, object.number(), source);
        }
        let at = pages.at(action, source);
        let note = Note {
            time: pages.start.elapsed(),
            thread: self.thread,
            action,
            outcome,
            object: object.map(Object::id),
            location: None,
        };
        // Relaxed is enough: all threads agree on the order of changes to one atomic, and what
        // happens before something else gets the smaller number.
        let index = pages.next.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = pages.slots.get(index) {
            let _ = slot.set(Slot { note, at }); // It is free: no other thread got this index.
        }
    }
}

thread_local! {
    /// The locks that this thread has, and where it took them.
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// The number of a lock, how it was taken, and where.
type Held = (usize, Action, &'static panic::Location<'static>);

/// A thread that locks what it has waits for ever, and there will be no drawing that says why.
fn notice_what_it_has(action: Action, outcome: Option<Outcome>, lock: usize, source: Source) {
    use Action::{Lock, Read, StopReading, Unlock};
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        let mine = held.iter().rposition(|held| held.0 == lock);
        match (action, outcome, mine, source.known_caller()) {
            (Lock | Read, Some(Outcome::Done), _, Some(caller)) => {
                held.push((lock, action, caller))
            }
            (Unlock | StopReading, _, Some(mine), _) => drop(held.remove(mine)),
            (Lock, None, Some(mine), Some(caller)) => say_that_it_has_it(held[mine].2, caller),
            (Read, None, Some(mine), Some(caller)) if held[mine].1 == Lock => {
                say_that_it_has_it(held[mine].2, caller);
            }
            _ => {}
        }
    });
}

fn say_that_it_has_it(taken: &panic::Location, again: &panic::Location) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a thread");
    let at = |caller| place(location::of_caller(caller).location());
    eprintln!(
        "`{name}` waits for the lock at {}. `{name}` has it itself: taken at {}. So it waits for ever.",
        at(again),
        at(taken)
    );
}

/// A location in a sentence.
fn place(location: Option<&Location>) -> String {
    location.map_or_else(
        || String::from("a place that is not known"),
        Location::to_string,
    )
}
