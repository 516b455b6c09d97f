//! The words for a step: what a thread does, to what, and what comes of it.
//!
//! Before a thread of a watched program takes a step, its stand-in for `std` says so in these words.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a thread does in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    /// Has been notified, and locks the mutex again. If it can time out, it has been notified or has
    /// waited for long enough, and locks the mutex in its next step.
    Wake,
    /// Notifies one thread that waits.
    NotifyOne,
    /// Notifies all threads that wait.
    NotifyAll,
    /// Sends when there is room.
    Send,
    /// Has sent to a channel without capacity, and goes on when the message is taken.
    HandOff,
    /// Sends if there is room.
    TrySend,
    /// Asks a channel without capacity for a message.
    Ask,
    /// Receives when there is a message, or no sender any more.
    Receive,
    /// Receives if there is a message.
    TryReceive,
    /// Drops a sender.
    DropSender,
    /// Drops the receiver.
    DropReceiver,
    /// Reads an atomic.
    Load,
    /// Changes an atomic.
    Change,
    /// Starts another thread.
    Spawn,
    /// Is its first step.
    Start,
    /// Is its last step.
    End,
    /// Goes on when another thread has ended.
    Join,
    /// Drops its share in the result of a thread: the handle that could have joined it, or the thread
    /// itself, whose work is done. The later one of the two drops the result, if it is not joined.
    Detach,
    /// Asks whether another thread has ended.
    IsFinished,
    /// Goes on when it has been unparked.
    Park,
    /// Unparks another thread.
    Unpark,
    /// Sleeps, or lets others go first.
    Yield,
    /// Begins the job of this number.
    BeginJob(usize),
    /// Ends the job of this number.
    EndJob(usize),
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
            Action::Wait => "wait at",
            Action::Wake => "wake at",
            Action::NotifyOne => "notify_one",
            Action::NotifyAll => "notify_all",
            Action::Send => "send",
            Action::HandOff => "hand off",
            Action::TrySend => "try_send",
            Action::Ask => "ask",
            Action::Receive => "recv",
            Action::TryReceive => "try_recv",
            Action::DropSender => "drop sender",
            Action::DropReceiver => "drop receiver",
            Action::Load => "load",
            Action::Change => "change",
            Action::Spawn => "spawn",
            Action::Start => "start",
            Action::End => "end",
            Action::Join => "join",
            Action::Detach => "detach",
            Action::IsFinished => "is_finished",
            Action::Park => "park",
            Action::Unpark => "unpark",
            Action::Yield => "yield",
            Action::BeginJob(job) => return write!(f, "job {job} begins"),
            Action::EndJob(job) => return write!(f, "job {job} ends"),
        })
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It was not: locked, full, empty, too late.
    Refused,
    /// The other side of the channel is gone.
    Closed,
    /// A number: of a thread, of a message.
    Number(usize),
}

/// What kind of object a step touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // They are the names of types.
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
