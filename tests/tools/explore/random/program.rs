//! A small program as data: each thread is a list of operations on a few things that all threads share.
//!
//! `model.rs` says what can come of it; `interpreter.rs` runs it on the stand-in for `std`. So that any
//! operation can be taken out and what is left is still a program, an operation that makes no sense where
//! it stands (unlocking what is not held, joining a thread that another thread has started) does nothing,
//! and is [`Seen::Skipped`].

use std::fmt::{self, Display};

pub const MUTEXES: usize = 2;
pub const ATOMICS: usize = 2;
/// A program has at most so many.
pub const CHANNELS: usize = 2;
/// How many threads have to come to the barrier.
pub const BARRIER: usize = 2;

/// What a thread does next. A number without a name is the index of a mutex, an atomic, a channel or a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    // A mutex, the number that it protects, and the condition variable that belongs to it.
    Lock(usize),
    TryLock(usize),
    /// Writes a number, under the lock.
    Put(usize, u8),
    Unlock(usize),
    IsPoisoned(usize),
    ClearPoison(usize),
    Wait(usize),
    WaitTimeout(usize),
    /// While the number is 0.
    WaitWhile(usize),
    WaitTimeoutWhile(usize),
    NotifyOne(usize),
    NotifyAll(usize),
    // The reader-writer lock, and the number in it.
    Read,
    TryRead,
    Write,
    TryWrite,
    /// Writes a number, with the lock for writing.
    PutWritten(u8),
    StopReading,
    StopWriting,
    IsRwPoisoned,
    ClearRwPoison,
    // Atomics.
    Load(usize),
    Store(usize, u8),
    Swap(usize, u8),
    Add(usize, u8),
    CompareExchange(usize, u8, u8),
    /// The weak one, which may fail without a reason.
    CompareExchangeWeak(usize, u8, u8),
    // The value that is set once.
    OnceGet,
    OnceSet(u8),
    /// Initialises it with what the first atomic held, to which it adds one.
    OnceInit,
    /// Panics while it initialises.
    OnceInitPanics,
    /// Waits at the barrier.
    Meet,
    // Channels.
    Send(usize, u8),
    /// As `Send` on a channel without a bound.
    TrySend(usize, u8),
    CloneSender(usize),
    DropSender(usize),
    Receive(usize),
    TryReceive(usize),
    ReceiveTimeout(usize),
    DropReceiver(usize),
    // Threads.
    Spawn(usize),
    Join(usize),
    IsFinished(usize),
    Park,
    ParkTimeout,
    Unpark(usize),
    Yield,
    Sleep,
    /// The next so many operations run in a scope, which waits for the threads that they spawn.
    Scope(usize),
    /// The next so many operations are a job.
    Job(usize),
    Panic,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub bound: Option<usize>,
    /// The threads that begin with a sender.
    pub senders: Vec<usize>,
    /// The thread that begins with the receiver; none if all share it behind a mutex, locked while one receives.
    pub receiver: Option<usize>,
}

/// The threads, of which the first is the one that starts, and the channels between them. What belongs to a thread
/// belongs, until it starts, to the one that spawns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub channels: Vec<Channel>,
    pub threads: Vec<Vec<Op>>,
}

/// What a thread has seen of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    Skipped,
    Done,
    Refused,
    Closed,
    TimedOut,
    Is(bool),
    Value(u8),
    /// Has a lock that is poisoned, or a value that is not the expected one.
    Bad(u8),
    /// Has waited for too long, and has the lock, which may be poisoned.
    Late(u8, bool),
    /// Has joined a thread that has panicked.
    Panicked,
    /// Panics, from here on.
    Panics,
    /// Has nothing more to do.
    Ends,
}

/// What came of a run, in words. A thread that neither ends nor panics is stuck in the operation after the last.
pub fn outcome(logs: &[Vec<Seen>]) -> String {
    let of_thread = |log: &Vec<Seen>| match log.last() {
        Some(Seen::Ends | Seen::Panics) => format!("{log:?}"),
        _ => format!("{log:?} stuck"),
    };
    logs.iter().map(of_thread).collect::<Vec<_>>().join("; ")
}

impl Op {
    /// Which channel it is about, if it is about one.
    pub fn channel(self) -> Option<usize> {
        use Op::*;
        match self {
            Send(index, _)
            | TrySend(index, _)
            | CloneSender(index)
            | DropSender(index)
            | Receive(index)
            | TryReceive(index)
            | ReceiveTimeout(index)
            | DropReceiver(index) => Some(index),
            _ => None,
        }
    }
}

impl Program {
    /// The threads that this one spawns, each once, in their order.
    pub fn children(&self, thread: usize) -> Vec<usize> {
        let mut children = Vec::new();
        for op in &self.threads[thread] {
            match op {
                Op::Spawn(child) if !children.contains(child) => children.push(*child),
                _ => {}
            }
        }
        children.sort_unstable();
        children
    }

    /// Whether each thread but the first is spawned by one that comes before it, and by no other.
    pub fn is_valid(&self) -> bool {
        let spawns = |of: usize| self.children(of);
        (1..self.threads.len()).all(|thread| {
            let parents = (0..self.threads.len()).filter(|of| spawns(*of).contains(&thread));
            let parents: Vec<usize> = parents.collect();
            parents.len() == 1 && parents[0] < thread
        })
    }
}

/// As it is pasted into a test.
impl Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "Program {{")?;
        writeln!(f, "    channels: vec![")?;
        for channel in &self.channels {
            let Channel {
                bound,
                senders,
                receiver,
            } = channel;
            writeln!(
                f,
                "        Channel {{ bound: {bound:?}, senders: vec!{senders:?}, receiver: {receiver:?} }},"
            )?;
        }
        writeln!(f, "    ],\n    threads: vec![")?;
        for ops in &self.threads {
            writeln!(f, "        vec!{ops:?},")?;
        }
        write!(f, "    ],\n}}")
    }
}
