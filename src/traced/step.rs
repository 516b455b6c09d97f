//! The words for a step: what a thread does, to what, and what comes of it.
//!
//! Before a thread of a watched program takes a step, its stand-in for `std` says so in these words. A
//! [`Scheduler`], if there is one, decides when the thread goes on. A [`Recorder`] only hears of it.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::location::Source;

/// What a thread does in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // The fields are in the sentences.
pub enum Action {
    /// Locks a mutex, or a reader-writer lock for writing, when it is free.
    Lock,
    /// Locks if it is free.
    TryLock,
    /// Unlocks.
    Unlock,
    /// Locks for reading when no thread writes.
    Read,
    /// Locks for reading if no thread writes.
    TryRead,
    /// Unlocks what it had locked for reading.
    StopReading,
    /// Looks at a lock without locking it: is it poisoned, is the value set?
    Look,
    /// Poisons a lock that it is about to unlock, because it panics.
    Poison,
    /// Clears the poison of a lock.
    ClearPoison,
    /// Sets the value that `Look` sees.
    Set,
    /// Unlocks a mutex and begins to wait at a condition variable.
    Wait,
    /// Has been notified, and locks the mutex again. If it is `timed`, it has been notified or has waited
    /// for long enough, and locks the mutex in its next step.
    Wake { timed: bool },
    /// Goes on for no reason, although it waits at a condition variable or to be unparked.
    SpuriousWake,
    /// Notifies one thread that waits.
    NotifyOne,
    /// Notifies all threads that wait.
    NotifyAll,
    /// Sends when there is room.
    Send,
    /// Has sent the message of this number to a channel without capacity, and goes on when it is taken.
    HandOff(usize),
    /// Sends if there is room.
    TrySend,
    /// Asks a channel without capacity for a message.
    Ask,
    /// Receives when there is a message, or no sender any more; or, if it is `timed`, gives up.
    Receive { timed: bool },
    /// Receives if there is a message.
    TryReceive,
    /// Drops a sender.
    DropSender,
    /// Drops the receiver.
    DropReceiver,
    /// Reads an atomic.
    Load,
    /// Changes an atomic. If it is `weak`, it may fail for no reason.
    Change { weak: bool },
    /// Does not change an atomic, for no reason: a weak compare-exchange may do so.
    SpuriousFailure,
    /// Starts another thread.
    Spawn,
    /// Is its first step.
    Start,
    /// Is its last step.
    End,
    /// Goes on when another thread has ended: one that it joins, or one of a `scope` that is over.
    Join { scope: bool },
    /// Drops its share in the result of a thread: the handle that could have joined it, or the thread
    /// itself, whose work is done. The later one of the two drops the result, if it is not joined.
    Detach,
    /// Asks whether another thread has ended.
    IsFinished,
    /// Goes on when it has been unparked, or, if it is `timed`, has waited for long enough.
    Park { timed: bool },
    /// Unparks another thread.
    Unpark,
    /// Sleeps.
    Sleep,
    /// Lets others go first.
    Yield,
    /// Begins the job of this number.
    BeginJob(usize),
    /// Ends the job of this number.
    EndJob(usize),
}

impl Action {
    /// Whether a thread does so for no reason, and could have done something else.
    pub(crate) fn is_spurious(self) -> bool {
        matches!(self, Action::SpuriousWake | Action::SpuriousFailure)
    }

    /// The lock that it takes (`true`) or gives back, if it does so with one of the objects that it touches.
    pub(crate) fn on_a_lock<O>(
        self,
        refused: bool,
        [first, second]: [Option<O>; 2],
    ) -> Option<(O, bool)> {
        use Action::*;
        let (lock, takes) = match self {
            TryLock | TryRead if refused => return None,
            Lock | TryLock | Read | TryRead => (first, true),
            Unlock | StopReading => (first, false),
            Wake { .. } | SpuriousWake => (second, true),
            Wait => (second, false),
            _ => return None,
        };
        Some((lock?, takes))
    }

    /// Adds the job that it begins to those that run, or removes the one that it ends.
    pub(crate) fn on_jobs(self, running: &mut Vec<usize>) {
        match self {
            Action::BeginJob(job) => running.push(job),
            Action::EndJob(job) => {
                let ended = running.iter().position(|other| *other == job);
                ended.map(|place| running.remove(place));
            }
            _ => {}
        }
    }

    /// Whether a thread goes on after a while, whatever others do.
    pub(crate) fn can_expire(self) -> bool {
        use Action::*;
        matches!(
            self,
            Wake { timed: true } | Receive { timed: true } | Park { timed: true } | Sleep | Yield
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Action::Lock => "lock",
            Action::TryLock => "try_lock",
            Action::Unlock => "unlock",
            Action::Read => "read",
            Action::TryRead => "try_read",
            Action::StopReading => "unlock (read)",
            Action::Look => "look at",
            Action::Poison => "poison",
            Action::ClearPoison => "clear_poison",
            Action::Set => "set",
            Action::Wait => "wait",
            Action::Wake { .. } => "wake up",
            Action::SpuriousWake => "spurious wake-up",
            Action::NotifyOne => "notify_one",
            Action::NotifyAll => "notify_all",
            Action::Send => "send",
            Action::HandOff(_) => "hand off",
            Action::TrySend => "try_send",
            Action::Ask => "ask",
            Action::Receive { .. } => "recv",
            Action::TryReceive => "try_recv",
            Action::DropSender => "drop sender",
            Action::DropReceiver => "drop receiver",
            Action::Load => "load",
            Action::Change { .. } => "change",
            Action::SpuriousFailure => "spurious failure of",
            Action::Spawn => "spawn",
            Action::Start => "start",
            Action::End => "end",
            Action::Join { .. } => "join",
            Action::Detach => "detach",
            Action::IsFinished => "is_finished",
            Action::Park { .. } => "park",
            Action::Unpark => "unpark",
            Action::Sleep => "sleep",
            Action::Yield => "yield",
            Action::BeginJob(job) => return write!(f, "job {job} begins"),
            Action::EndJob(job) => return write!(f, "job {job} ends"),
        })
    }
}

impl Action {
    /// How to find out where such a step stands, to be asked where it is taken.
    #[track_caller]
    pub(crate) fn source(self) -> Source {
        use Action::*;
        match self {
            Start | End | BeginJob(_) | EndJob(_) => Source::None,
            Poison | Unlock | StopReading | Detach | DropSender | DropReceiver => Source::Drop,
            _ => Source::caller(),
        }
    }
}

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not: locked, full, empty, too late.
    Refused,
    /// It was not: the other side of the channel is gone.
    Closed,
}

/// What kind of object a step touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // They are the names of types.
#[non_exhaustive]
pub enum ObjectKind {
    Mutex,
    RwLock,
    Condvar,
    Channel,
    Atomic,
    Thread,
}

/// The identity of a lock, a channel, an atomic or a thread.
///
/// It gets its number when it is first asked for, so that making one needs nothing that a `static`
/// could not do.
#[derive(Debug)]
pub(crate) struct Object {
    kind: ObjectKind,
    number: AtomicUsize,
}

impl Object {
    pub(crate) fn id(&self) -> (ObjectKind, usize) {
        (self.kind, self.number())
    }

    pub(crate) const fn new(kind: ObjectKind) -> Object {
        Object {
            kind,
            number: AtomicUsize::new(0),
        }
    }

    /// No two objects have the same.
    pub(crate) fn number(&self) -> usize {
        match self.number.load(Ordering::Relaxed) {
            0 => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let (set, asked) = (Ordering::Relaxed, Ordering::Relaxed);
                // Another thread may have been quicker, and then its number counts.
                let first = self.number.compare_exchange(0, number, set, asked);
                first.map_or_else(|quicker| quicker, |_| number)
            }
            number => number,
        }
    }
}

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// All numbers given so far are smaller.
pub(crate) fn next_number() -> usize {
    NEXT.load(Ordering::Relaxed)
}

/// What a real thread runs.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// Hears what a thread does. Each thread has its own.
pub(crate) trait Recorder: Send + Sync {
    /// The thread does something, or is about to if there is no outcome yet. To be called where it stands.
    fn note(
        &self,
        action: Action,
        outcome: Option<Outcome>,
        object: Option<&Object>,
        source: Source,
    );

    /// The recorder of a thread that this one has started, to be asked for by that thread.
    fn of_this_thread(&self) -> Arc<dyn Recorder>;
}

/// Decides when a thread goes on. Each thread of a schedule has its own, which is asked before each step.
pub(crate) trait Scheduler: Send + Sync {
    /// Which thread of the schedule it is for.
    fn thread(&self) -> usize;

    /// Returns when the step is taken.
    fn step(&self, step: NextStep) -> Outcome;

    /// What the real object held when the last step was taken.
    fn saw(&self, value: u64);

    /// A new channel, for which nothing is a step yet.
    fn add_channel(&self, number: usize, capacity: Option<usize>);

    /// A sender was cloned. That is no step: as there is one, it makes no difference to any thread.
    fn add_sender(&self, number: usize);

    /// A thread that was started in the last step. A real thread has to [`live`](Scheduler::live) for it.
    fn add_thread(&self, name: Option<String>) -> Member;

    /// Starts a real thread, which is waited for at the end of the schedule.
    fn start(&self, task: Task) -> thread::Thread;

    /// Does what a thread does from its first turn on. What comes of `work` is given to `keep` before the
    /// end, so that it is there for a thread that joins. Both are called once at most.
    fn live(&self, work: &mut dyn FnMut(), keep: &mut dyn FnMut(thread::Result<()>));

    /// Whether the schedule is still looked at.
    fn is_running(&self) -> bool;
}

/// A step that a thread wants to take.
pub(crate) struct NextStep {
    pub(crate) action: Action,
    pub(crate) touches: Touches,
    /// How to find out where it stands.
    pub(crate) source: Source,
}

/// What a step is about.
pub(crate) enum Touches {
    /// One object, or two, or none.
    Objects([Option<(ObjectKind, usize)>; 2]),
    /// A thread of the schedule.
    Thread(usize),
}

/// A thread's place in a schedule.
#[derive(Clone)]
pub(crate) struct Member(Arc<dyn Scheduler>);

impl Member {
    pub(crate) fn new(scheduler: impl Scheduler + 'static) -> Member {
        Member(Arc::new(scheduler))
    }

    /// A step that touches one object, or two, or none.
    #[track_caller]
    pub(crate) fn step(
        &self,
        action: Action,
        objects: [Option<(ObjectKind, usize)>; 2],
    ) -> Outcome {
        self.0.step(NextStep {
            action,
            touches: Touches::Objects(objects),
            source: action.source(),
        })
    }

    /// A step that is about another thread, or about itself.
    #[track_caller]
    pub(crate) fn step_of(&self, action: Action, thread: usize) -> Outcome {
        self.0.step(NextStep {
            action,
            touches: Touches::Thread(thread),
            source: action.source(),
        })
    }

    /// Starts a thread of the schedule, for which a real thread has to live.
    #[track_caller]
    pub(crate) fn spawn(&self, name: Option<String>) -> Member {
        self.step(Action::Spawn, [None; 2]);
        self.add_thread(name)
    }
}

impl Deref for Member {
    type Target = dyn Scheduler;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// What unwinds a thread whose schedule is over.
pub(crate) struct Dismissed;

/// Whether a thread unwinds because its schedule is over.
pub(crate) fn is_dismissal(panic: &(dyn Any + Send)) -> bool {
    panic.is::<Dismissed>()
}
