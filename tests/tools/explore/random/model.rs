//! What can come of a small program, by what the documentation of `std` says of each operation: a model of
//! it, and every order in which the threads can take their steps. No thread runs, nothing is left out, and nothing is
//! shared with the explorer, which has to come to the same.
//!
//! A state is all that the threads and the shared things are, with what each thread has seen so far. From each
//! state, each thread can go on in no way (it waits), in one, or in several: a wait can also end because it
//! was too long, and it is open which of several threads is notified.

use std::collections::{BTreeSet, HashSet};

use super::program::{ATOMICS, BARRIER, MUTEXES, Op, Program, Seen, outcome};

/// All that can come of a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcomes {
    pub all: BTreeSet<String>,
    /// At most so many jobs run at once.
    pub most_at_once: usize,
}

/// None if there are more states than `most`. `spurious`: so many waits of each thread may end without a reason.
pub fn outcomes(program: &Program, spurious: usize, most: usize) -> Option<Outcomes> {
    let start = State::new(program, spurious);
    let mut known = HashSet::from([start.clone()]);
    let mut left = vec![start];
    let mut found = Outcomes {
        all: BTreeSet::new(),
        most_at_once: 0,
    };
    while let Some(state) = left.pop() {
        found.most_at_once = found.most_at_once.max(state.jobs());
        let mut nexts = Vec::new();
        for thread in 0..state.threads.len() {
            state.next(program, thread, &mut nexts);
        }
        if nexts.is_empty() {
            let logs: Vec<Vec<Seen>> = state.threads.iter().map(|it| it.log.clone()).collect();
            found.all.insert(outcome(&logs));
        }
        for next in nexts {
            if !known.contains(&next) {
                known.insert(next.clone());
                left.push(next);
            }
        }
        if known.len() > most {
            return None;
        }
    }
    Some(found)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    threads: Vec<Thread>,
    mutexes: [Mutex; MUTEXES],
    rw: RwLock,
    atomics: [u8; ATOMICS],
    once: Option<u8>,
    /// A thread initialises it.
    once_busy: bool,
    /// The threads that wait at the barrier.
    meeting: Vec<usize>,
    channels: Vec<Channel>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Mutex {
    locked: bool,
    poisoned: bool,
    value: u8,
    /// The threads that wait at its condition variable.
    waiting: Vec<usize>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct RwLock {
    readers: usize,
    written: bool,
    poisoned: bool,
    value: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Channel {
    bound: Option<usize>,
    messages: Vec<u8>,
    senders: usize,
    receiver: bool,
    /// Without capacity: the senders that wait for the receiver, and the receiver that waits for them.
    offers: Vec<(usize, u8)>,
    asks: Option<usize>,
    /// The mutex of a receiver that is shared.
    shared: bool,
    locked: bool,
}

/// Adds the state to which a change leads.
type Add<'a> = dyn FnMut(&dyn Fn(&mut State)) + 'a;

/// What a thread is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    NotStarted,
    /// The next operation.
    Op,
    /// It waits at the condition variable ...
    Waits,
    /// ... and locks the mutex again, after too long a time or not ...
    LocksAgain {
        late: bool,
    },
    /// ... and waits once more, since it waits *while* something is so.
    WaitsOnce,
    /// It has the lock of a shared receiver, and receives.
    Receives,
    /// It waits until its message is taken, or a message is brought.
    Offers,
    Asks,
    /// It unlocks the shared receiver.
    HasReceived,
    Meets,
    /// It initialises the value that is set once, or has done so.
    Initialises,
    HasInitialised {
        value: u8,
    },
    /// It drops what it has, one after another.
    Leaves,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Block {
    Scope,
    Job,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Thread {
    at: At,
    /// Which operation is next.
    index: usize,
    log: Vec<Seen>,
    panics: bool,
    /// The lock that it drops next.
    has_poisoned: bool,
    holds: [bool; MUTEXES],
    reads: bool,
    writes: bool,
    senders: Vec<usize>,
    receivers: Vec<bool>,
    /// The threads that it can still start, join, unpark; those of its scope.
    children: Vec<usize>,
    handles: Vec<usize>,
    knows: Vec<usize>,
    scoped: Vec<usize>,
    unparked: bool,
    /// The scope or job that it is in, and which operation is the first behind it.
    block: Option<(Block, usize)>,
    spurious: usize,
}

impl State {
    fn new(program: &Program, spurious: usize) -> State {
        let count = |list: &[usize], of: usize| list.iter().filter(|it| **it == of).count();
        let threads = (0..program.threads.len()).map(|thread| Thread {
            at: if thread == 0 { At::Op } else { At::NotStarted },
            index: 0,
            log: Vec::new(),
            panics: false,
            has_poisoned: false,
            holds: [false; MUTEXES],
            reads: false,
            writes: false,
            senders: program
                .channels
                .iter()
                .map(|it| count(&it.senders, thread))
                .collect(),
            receivers: program
                .channels
                .iter()
                .map(|it| it.receiver == Some(thread))
                .collect(),
            children: program.children(thread),
            handles: Vec::new(),
            knows: vec![0],
            scoped: Vec::new(),
            unparked: false,
            block: None,
            spurious,
        });
        let channels = program.channels.iter().map(|channel| Channel {
            bound: channel.bound,
            messages: Vec::new(),
            senders: channel.senders.len(),
            receiver: true,
            offers: Vec::new(),
            asks: None,
            shared: channel.receiver.is_none(),
            locked: false,
        });
        State {
            threads: threads.collect(),
            mutexes: Default::default(),
            rw: RwLock::default(),
            atomics: [0; ATOMICS],
            once: None,
            once_busy: false,
            meeting: Vec::new(),
            channels: channels.collect(),
        }
    }

    fn jobs(&self) -> usize {
        let in_job = |thread: &&Thread| matches!(thread.block, Some((Block::Job, _)));
        self.threads.iter().filter(in_job).count()
    }

    /// Adds each state to which a step of this thread leads.
    fn next(&self, program: &Program, me: usize, nexts: &mut Vec<State>) {
        let thread = &self.threads[me];
        let op = program.threads[me].get(thread.index).copied();
        let mut add = |change: &dyn Fn(&mut State)| {
            let mut next = self.clone();
            change(&mut next);
            nexts.push(next);
        };
        match (thread.at, op) {
            (At::NotStarted | At::Ended | At::Offers | At::Meets, _) => {}
            (At::Leaves, _) => {
                if self.can_leave_block(me) {
                    add(&|next| next.leave(me));
                }
            }
            (At::Op, _) if thread.block.is_some_and(|(_, end)| thread.index >= end) => {
                if self.can_leave_block(me) {
                    add(&|next| next.end_block(me));
                }
            }
            (At::Op, None) => add(&|next| {
                next.threads[me].log.push(Seen::Ends);
                next.threads[me].at = At::Leaves;
            }),
            (At::Op, Some(op)) => self.next_op(program, me, op, &mut add),
            (At::Receives, Some(op)) => self.receive(me, op, &mut add),
            (At::HasReceived, _) => add(&|next| {
                // The operation is over already.
                let before = program.threads[me][thread.index - 1];
                let channel = before.channel().expect("it has received");
                next.channels[channel].locked = false;
                next.threads[me].at = At::Op;
            }),
            (At::Asks, Some(op)) => {
                if let Op::ReceiveTimeout(channel) = op {
                    add(&|next| {
                        next.channels[channel].asks = None;
                        next.received(me, channel, Seen::TimedOut);
                    });
                }
            }
            (At::Initialises, _) => add(&|next| {
                let value = next.atomics[0];
                next.atomics[0] = value.wrapping_add(1);
                next.threads[me].at = At::HasInitialised { value };
            }),
            (At::HasInitialised { value }, _) => add(&|next| {
                next.once = Some(value);
                next.once_busy = false;
                next.done(me, Seen::Value(value));
            }),
            (At::Waits | At::LocksAgain { .. } | At::WaitsOnce, Some(op)) => {
                self.next_of_wait(me, op, &mut add);
            }
            (_, None) => unreachable!("it is in the middle of an operation"),
        }
    }

    /// A step that begins an operation, and in most cases is the whole of it.
    fn next_op(&self, program: &Program, me: usize, op: Op, add: &mut Add<'_>) {
        let thread = &self.threads[me];
        match op {
            Op::Lock(mutex)
            | Op::TryLock(mutex)
            | Op::Put(mutex, _)
            | Op::Unlock(mutex)
            | Op::IsPoisoned(mutex)
            | Op::ClearPoison(mutex)
            | Op::Wait(mutex)
            | Op::WaitTimeout(mutex)
            | Op::WaitWhile(mutex)
            | Op::WaitTimeoutWhile(mutex)
            | Op::NotifyOne(mutex)
            | Op::NotifyAll(mutex) => self.next_of_mutex(me, op, mutex, add),
            Op::Read
            | Op::TryRead
            | Op::Write
            | Op::TryWrite
            | Op::PutWritten(_)
            | Op::StopReading
            | Op::StopWriting
            | Op::IsRwPoisoned
            | Op::ClearRwPoison => self.next_of_rw(me, op, add),
            Op::Load(_)
            | Op::Store(..)
            | Op::Swap(..)
            | Op::Add(..)
            | Op::CompareExchange(..)
            | Op::CompareExchangeWeak(..) => self.next_of_atomic(me, op, add),
            Op::OnceGet | Op::OnceSet(_) | Op::OnceInit | Op::OnceInitPanics => {
                self.next_of_once(me, op, add);
            }
            Op::Meet => add(&|next| {
                if next.meeting.len() + 1 < BARRIER {
                    next.meeting.push(me);
                    next.threads[me].at = At::Meets;
                    return;
                }
                for other in std::mem::take(&mut next.meeting) {
                    next.done(other, Seen::Is(false));
                }
                next.done(me, Seen::Is(true));
            }),
            Op::Send(channel, _) | Op::TrySend(channel, _) if thread.senders[channel] == 0 => {
                add(&|next| next.done(me, Seen::Skipped));
            }
            Op::Send(channel, value) => self.send(me, channel, value, true, add),
            Op::TrySend(channel, value) => self.send(me, channel, value, false, add),
            Op::CloneSender(channel) | Op::DropSender(channel) => add(&|next| {
                if next.threads[me].senders[channel] == 0 {
                    return next.done(me, Seen::Skipped);
                }
                if op == Op::CloneSender(channel) {
                    next.threads[me].senders[channel] += 1;
                    next.channels[channel].senders += 1;
                } else {
                    next.drop_sender(me, channel);
                }
                next.done(me, Seen::Done);
            }),
            Op::Receive(channel) | Op::TryReceive(channel) | Op::ReceiveTimeout(channel) => {
                if thread.receivers[channel] {
                    self.receive(me, op, add);
                } else if !self.channels[channel].shared {
                    add(&|next| next.done(me, Seen::Skipped));
                } else if !self.channels[channel].locked {
                    add(&|next| {
                        next.channels[channel].locked = true;
                        next.threads[me].at = At::Receives;
                    });
                }
            }
            Op::DropReceiver(channel) => add(&|next| {
                let has = next.threads[me].receivers[channel];
                next.drop_receiver(me, channel);
                next.done(me, if has { Seen::Done } else { Seen::Skipped });
            }),
            Op::Spawn(_)
            | Op::Join(_)
            | Op::IsFinished(_)
            | Op::Park
            | Op::ParkTimeout
            | Op::Unpark(_)
            | Op::Yield
            | Op::Sleep
            | Op::Scope(_)
            | Op::Job(_)
            | Op::Panic => {
                self.next_of_thread(program, me, op, add);
            }
        }
    }

    fn next_of_mutex(&self, me: usize, op: Op, mutex: usize, add: &mut Add<'_>) {
        let Mutex {
            locked, poisoned, ..
        } = self.mutexes[mutex];
        let holds = self.threads[me].holds[mutex];
        match op {
            Op::Lock(_) if holds => add(&|next| next.done(me, Seen::Skipped)),
            Op::Lock(_) if locked => {}
            Op::TryLock(_) if locked => add(&|next| next.done(me, Seen::Refused)),
            Op::Lock(_) | Op::TryLock(_) => add(&|next| {
                next.lock(me, mutex);
                let value = next.mutexes[mutex].value;
                let seen = if poisoned { Seen::Bad } else { Seen::Value };
                next.done(me, seen(value));
            }),
            Op::IsPoisoned(_) => add(&|next| next.done(me, Seen::Is(poisoned))),
            Op::ClearPoison(_) => add(&|next| {
                next.mutexes[mutex].poisoned = false;
                next.done(me, Seen::Done);
            }),
            Op::NotifyAll(_) => add(&|next| {
                for other in std::mem::take(&mut next.mutexes[mutex].waiting) {
                    next.threads[other].at = At::LocksAgain { late: false };
                }
                next.done(me, Seen::Done);
            }),
            Op::NotifyOne(_) => {
                let waiting = &self.mutexes[mutex].waiting;
                for other in waiting {
                    add(&|next| {
                        next.wake(*other, mutex, false);
                        next.done(me, Seen::Done);
                    });
                }
                if waiting.is_empty() {
                    add(&|next| next.done(me, Seen::Done));
                }
            }
            // The others need the lock.
            _ if !holds => add(&|next| next.done(me, Seen::Skipped)),
            Op::Unlock(_) => add(&|next| {
                next.unlock(me, mutex);
                next.done(me, Seen::Done);
            }),
            Op::Put(_, value) => add(&|next| {
                next.mutexes[mutex].value = value;
                next.done(me, Seen::Done);
            }),
            Op::WaitWhile(_) | Op::WaitTimeoutWhile(_) if self.mutexes[mutex].value != 0 => {
                add(&|next| next.done(me, Seen::Value(next.mutexes[mutex].value)));
            }
            _ => add(&|next| next.wait(me, mutex)),
        }
    }

    /// A step of a wait at a condition variable that has begun.
    fn next_of_wait(&self, me: usize, op: Op, add: &mut Add<'_>) {
        let (mutex, timed, again) = match op {
            Op::WaitTimeout(mutex) => (mutex, true, false),
            Op::WaitWhile(mutex) => (mutex, false, true),
            Op::WaitTimeoutWhile(mutex) => (mutex, true, true),
            Op::Wait(mutex) => (mutex, false, false),
            _ => unreachable!("{op:?} does not wait"),
        };
        let Mutex {
            locked,
            poisoned,
            value,
            ..
        } = self.mutexes[mutex];
        match self.threads[me].at {
            At::WaitsOnce => add(&|next| next.wait(me, mutex)),
            At::Waits => {
                if timed {
                    add(&|next| next.wake(me, mutex, true));
                }
                if self.threads[me].spurious > 0 {
                    add(&|next| {
                        next.threads[me].spurious -= 1;
                        next.wake(me, mutex, false);
                    });
                }
            }
            _ if locked => {}
            At::LocksAgain { late } => add(&|next| {
                next.lock(me, mutex);
                if again && !poisoned && value == 0 && !late {
                    next.threads[me].at = At::WaitsOnce;
                    return;
                }
                // One that waits *while* something is so, and finds that it is not so, is never late.
                let late = late && !(again && value != 0 && !poisoned);
                next.done(
                    me,
                    match (late, poisoned) {
                        (true, _) => Seen::Late(value, poisoned),
                        (false, true) => Seen::Bad(value),
                        (false, false) => Seen::Value(value),
                    },
                );
            }),
            _ => unreachable!("it does not wait"),
        }
    }

    fn next_of_rw(&self, me: usize, op: Op, add: &mut Add<'_>) {
        let RwLock {
            readers,
            written,
            poisoned,
            value,
        } = self.rw;
        let Thread { reads, writes, .. } = self.threads[me];
        let locked = if poisoned {
            Seen::Bad(value)
        } else {
            Seen::Value(value)
        };
        match op {
            Op::IsRwPoisoned => add(&|next| next.done(me, Seen::Is(poisoned))),
            Op::ClearRwPoison => add(&|next| {
                next.rw.poisoned = false;
                next.done(me, Seen::Done);
            }),
            Op::PutWritten(value) if writes => add(&|next| {
                next.rw.value = value;
                next.done(me, Seen::Done);
            }),
            Op::StopReading if reads => add(&|next| {
                next.stop_reading(me);
                next.done(me, Seen::Done);
            }),
            Op::StopWriting if writes => add(&|next| {
                next.stop_writing(me);
                next.done(me, Seen::Done);
            }),
            Op::PutWritten(_) | Op::StopReading | Op::StopWriting => {
                add(&|next| next.done(me, Seen::Skipped));
            }
            // A thread that has it already may panic, or wait for ever.
            _ if reads || writes => add(&|next| next.done(me, Seen::Skipped)),
            Op::TryRead if written => add(&|next| next.done(me, Seen::Refused)),
            Op::TryWrite if written || readers > 0 => add(&|next| next.done(me, Seen::Refused)),
            Op::Read if written => {}
            Op::Write if written || readers > 0 => {}
            Op::Read | Op::TryRead => add(&|next| {
                next.rw.readers += 1;
                next.threads[me].reads = true;
                next.done(me, locked);
            }),
            _ => add(&|next| {
                next.rw.written = true;
                next.threads[me].writes = true;
                next.done(me, locked);
            }),
        }
    }

    fn next_of_atomic(&self, me: usize, op: Op, add: &mut Add<'_>) {
        let (Op::Load(atomic)
        | Op::Store(atomic, _)
        | Op::Swap(atomic, _)
        | Op::Add(atomic, _)
        | Op::CompareExchange(atomic, ..)
        | Op::CompareExchangeWeak(atomic, ..)) = op
        else {
            unreachable!("{op:?} is about no atomic");
        };
        let before = self.atomics[atomic];
        let (after, seen) = match op {
            Op::Store(_, value) => (value, Seen::Done),
            Op::Swap(_, value) => (value, Seen::Value(before)),
            Op::Add(_, value) => (before.wrapping_add(value), Seen::Value(before)),
            Op::CompareExchange(_, from, to) | Op::CompareExchangeWeak(_, from, to) => {
                if from == before {
                    (to, Seen::Value(before))
                } else {
                    (before, Seen::Bad(before))
                }
            }
            _ => (before, Seen::Value(before)),
        };
        add(&|next| {
            next.atomics[atomic] = after;
            next.done(me, seen);
        });
        let weak = matches!(op, Op::CompareExchangeWeak(..)) && after != before;
        if weak && self.threads[me].spurious > 0 {
            add(&|next| {
                next.threads[me].spurious -= 1;
                next.done(me, Seen::Bad(before));
            });
        }
    }

    fn next_of_once(&self, me: usize, op: Op, add: &mut Add<'_>) {
        match (op, self.once) {
            (Op::OnceGet, value) => {
                add(&|next| next.done(me, value.map_or(Seen::Refused, Seen::Value)));
            }
            (Op::OnceSet(_), Some(_)) => add(&|next| next.done(me, Seen::Refused)),
            (_, Some(value)) => add(&|next| next.done(me, Seen::Value(value))),
            _ if self.once_busy => {}
            (Op::OnceSet(value), None) => add(&|next| {
                next.once = Some(value);
                next.done(me, Seen::Done);
            }),
            (Op::OnceInit, None) => add(&|next| {
                next.once_busy = true;
                next.threads[me].at = At::Initialises;
            }),
            _ => add(&|next| next.panic(me)),
        }
    }

    fn next_of_thread(&self, program: &Program, me: usize, op: Op, add: &mut Add<'_>) {
        let thread = &self.threads[me];
        let skips = match op {
            Op::Spawn(other) => !thread.children.contains(&other),
            Op::Join(other) | Op::IsFinished(other) => !thread.handles.contains(&other),
            Op::Unpark(other) => other != me && !thread.knows.contains(&other),
            Op::Scope(_) | Op::Job(_) => thread.block.is_some(),
            _ => false,
        };
        match op {
            _ if skips => add(&|next| next.done(me, Seen::Skipped)),
            Op::Spawn(other) => add(&|next| next.spawn(me, other)),
            Op::Join(other) if self.threads[other].at == At::Ended => add(&|next| {
                next.threads[me].handles.retain(|it| *it != other);
                let panics = next.threads[other].panics;
                next.done(me, if panics { Seen::Panicked } else { Seen::Done });
            }),
            Op::Join(_) => {}
            Op::IsFinished(other) => add(&|next| {
                next.done(me, Seen::Is(next.threads[other].at == At::Ended));
            }),
            Op::Park | Op::ParkTimeout => {
                if thread.unparked || op == Op::ParkTimeout {
                    add(&|next| {
                        next.threads[me].unparked = false;
                        next.done(me, Seen::Done);
                    });
                } else if thread.spurious > 0 {
                    add(&|next| {
                        next.threads[me].spurious -= 1;
                        next.done(me, Seen::Done);
                    });
                }
            }
            Op::Unpark(other) => add(&|next| {
                next.threads[other].unparked = true;
                next.done(me, Seen::Done);
            }),
            Op::Scope(length) | Op::Job(length) => add(&|next| {
                let block = if matches!(op, Op::Job(_)) {
                    Block::Job
                } else {
                    Block::Scope
                };
                let end = (thread.index + 1 + length).min(program.threads[me].len());
                next.threads[me].block = Some((block, end));
                next.done(me, Seen::Done);
            }),
            Op::Panic => add(&|next| next.panic(me)),
            _ => add(&|next| next.done(me, Seen::Done)),
        }
    }

    /// Sends, which waits until there is room, or fails if there is none.
    fn send(&self, me: usize, channel: usize, value: u8, waits: bool, add: &mut Add<'_>) {
        let state = &self.channels[channel];
        match state.bound {
            _ if !state.receiver => add(&|next| next.done(me, Seen::Closed)),
            Some(0) => {
                if let Some(receiver) = state.asks {
                    add(&|next| {
                        next.channels[channel].asks = None;
                        next.received(receiver, channel, Seen::Value(value));
                        next.done(me, Seen::Done);
                    });
                } else if waits {
                    add(&|next| {
                        next.channels[channel].offers.push((me, value));
                        next.threads[me].at = At::Offers;
                    });
                } else {
                    add(&|next| next.done(me, Seen::Refused));
                }
            }
            Some(bound) if state.messages.len() >= bound => {
                if !waits {
                    add(&|next| next.done(me, Seen::Refused));
                }
            }
            _ => add(&|next| {
                next.channels[channel].messages.push(value);
                next.done(me, Seen::Done);
            }),
        }
    }

    fn receive(&self, me: usize, op: Op, add: &mut Add<'_>) {
        let channel = op.channel().expect("it receives");
        let state = &self.channels[channel];
        if !state.messages.is_empty() {
            add(&|next| {
                let value = next.channels[channel].messages.remove(0);
                next.received(me, channel, Seen::Value(value));
            });
        } else if !state.offers.is_empty() {
            add(&|next| {
                let (sender, value) = next.channels[channel].offers.remove(0);
                next.done(sender, Seen::Done);
                next.received(me, channel, Seen::Value(value));
            });
        } else if state.senders == 0 {
            add(&|next| next.received(me, channel, Seen::Closed));
        } else if let Op::TryReceive(_) = op {
            add(&|next| next.received(me, channel, Seen::Refused));
        } else if state.bound == Some(0) {
            add(&|next| {
                next.channels[channel].asks = Some(me);
                next.threads[me].at = At::Asks;
            });
        } else if let Op::ReceiveTimeout(_) = op {
            add(&|next| next.received(me, channel, Seen::TimedOut));
        }
    }

    fn received(&mut self, me: usize, channel: usize, seen: Seen) {
        self.done(me, seen);
        if self.channels[channel].shared {
            self.threads[me].at = At::HasReceived;
        }
    }

    /// Has done this operation, and comes to the next one.
    fn done(&mut self, me: usize, seen: Seen) {
        let thread = &mut self.threads[me];
        thread.log.push(seen);
        thread.index += 1;
        thread.at = At::Op;
    }

    fn panic(&mut self, me: usize) {
        let thread = &mut self.threads[me];
        thread.log.push(Seen::Panics);
        thread.panics = true;
        thread.at = At::Leaves;
    }

    fn lock(&mut self, me: usize, mutex: usize) {
        self.mutexes[mutex].locked = true;
        self.threads[me].holds[mutex] = true;
    }

    fn unlock(&mut self, me: usize, mutex: usize) {
        self.mutexes[mutex].locked = false;
        self.threads[me].holds[mutex] = false;
        self.threads[me].has_poisoned = false;
    }

    fn wait(&mut self, me: usize, mutex: usize) {
        self.unlock(me, mutex);
        self.mutexes[mutex].waiting.push(me);
        self.mutexes[mutex].waiting.sort_unstable();
        self.threads[me].at = At::Waits;
    }

    fn wake(&mut self, thread: usize, mutex: usize, late: bool) {
        self.mutexes[mutex].waiting.retain(|it| *it != thread);
        self.threads[thread].at = At::LocksAgain { late };
    }

    fn stop_reading(&mut self, me: usize) {
        self.rw.readers -= 1;
        self.threads[me].reads = false;
        self.threads[me].has_poisoned = false;
    }

    fn stop_writing(&mut self, me: usize) {
        self.rw.written = false;
        self.threads[me].writes = false;
        self.threads[me].has_poisoned = false;
    }

    fn spawn(&mut self, me: usize, other: usize) {
        let mut knows = self.threads[me].knows.clone();
        knows.push(me);
        self.threads[other].knows = knows;
        self.threads[other].at = At::Op;
        let thread = &mut self.threads[me];
        thread.children.retain(|it| *it != other);
        thread.handles.push(other);
        thread.knows.push(other);
        if let Some((Block::Scope, _)) = thread.block {
            thread.scoped.push(other);
        }
        self.done(me, Seen::Done);
    }

    /// The last sender takes with it a receiver's reason to wait.
    fn drop_sender(&mut self, owner: usize, channel: usize) {
        self.threads[owner].senders[channel] -= 1;
        self.channels[channel].senders -= 1;
        if self.channels[channel].senders == 0 {
            if let Some(receiver) = self.channels[channel].asks.take() {
                self.received(receiver, channel, Seen::Closed);
            }
        }
    }

    fn drop_receiver(&mut self, owner: usize, channel: usize) {
        if !std::mem::take(&mut self.threads[owner].receivers[channel]) {
            return;
        }
        let state = &mut self.channels[channel];
        state.receiver = false;
        state.messages.clear();
        for (sender, _) in std::mem::take(&mut state.offers) {
            self.done(sender, Seen::Closed);
        }
    }

    /// Whether the scope that this thread is in, if it is in one, can end: its threads have.
    fn can_leave_block(&self, me: usize) -> bool {
        let ended = |other: &usize| self.threads[*other].at == At::Ended;
        self.threads[me].scoped.iter().all(ended)
    }

    /// Ends the job or the scope, which panics if one of its threads has, and has not been joined.
    fn end_block(&mut self, me: usize) {
        let thread = &self.threads[me];
        let left = |it: &usize| thread.handles.contains(it) && self.threads[*it].panics;
        let panics = thread.scoped.iter().any(left);
        let thread = &mut self.threads[me];
        let scoped = std::mem::take(&mut thread.scoped);
        thread.handles.retain(|it| !scoped.contains(it));
        thread.block = None;
        if panics {
            self.panic(me);
        } else {
            thread.log.push(Seen::Done);
        }
    }

    /// Drops one of the things that a thread has at its end, or when it panics: the locks, then what belongs to
    /// itself of the channels, then what belongs to the threads that it has not started.
    fn leave(&mut self, me: usize) {
        let thread = &mut self.threads[me];
        if thread.block.take().is_some() {
            thread.scoped.clear();
            return;
        }
        let poisons = thread.panics && !std::mem::replace(&mut thread.has_poisoned, true);
        if let Some(mutex) = thread.holds.iter().position(|holds| *holds) {
            if poisons {
                self.mutexes[mutex].poisoned = true;
                return;
            }
            return self.unlock(me, mutex);
        }
        if thread.reads {
            return self.stop_reading(me);
        }
        if thread.writes {
            if poisons {
                self.rw.poisoned = true;
                return;
            }
            return self.stop_writing(me);
        }
        let mut owners = vec![me];
        while let Some(owner) = owners.pop() {
            let thread = &self.threads[owner];
            if let Some(channel) = thread.senders.iter().position(|senders| *senders > 0) {
                return self.drop_sender(owner, channel);
            }
            if let Some(channel) = thread.receivers.iter().position(|receiver| *receiver) {
                return self.drop_receiver(owner, channel);
            }
            owners.extend(thread.children.iter().rev());
        }
        self.threads[me].at = At::Ended;
    }
}
