//! What can come of a small program, by what the documentation of `std` says of each operation: a model of
//! it, and every order in which the threads can take their steps. No thread runs, nothing is left out, and nothing is
//! shared with the explorer, which has to come to the same.
//!
//! A state is all that the threads and the shared things are, with what each thread has seen so far. From each
//! state, each thread can go on in no way (it waits), in one, or in several: a wait can also end because it
//! was too long, and it is open which of several threads is notified.

use std::collections::{BTreeSet, HashSet};

use super::program::{ATOMICS, BARRIER, CHANNELS, MUTEXES, Op, Program, Seen, outcome};
use Op::*;
use Seen::{Bad, Closed, Done, Is, Late, Panicked, Panics, Refused, Skipped, TimedOut, Value};

/// All that can come of a program.
#[derive(Debug, Default, PartialEq, Eq)]
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
    let mut found = Outcomes::default();
    while let Some(state) = left.pop() {
        found.most_at_once = found.most_at_once.max(state.jobs());
        let threads = 0..state.threads.len();
        let nexts: Vec<State> = threads.flat_map(|it| state.next(program, it)).collect();
        let for_no_reason = spurious > 0 && state.only_goes_on_for_no_reason(program);
        if nexts.is_empty() || for_no_reason {
            let logs: Vec<Vec<Seen>> = state.threads.iter().map(|it| it.log.clone()).collect();
            found.all.insert(outcome(&logs));
        }
        for next in nexts {
            if known.insert(next.clone()) {
                left.push(next);
            }
        }
        if known.len() > most {
            return None;
        }
    }
    Some(found)
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct State {
    threads: Vec<Thread>,
    mutexes: [Mutex; MUTEXES],
    rw: RwLock,
    atomics: [u8; ATOMICS],
    once: Option<u8>,
    /// A thread initialises it.
    once_busy: bool,
    /// The threads that wait at the barrier.
    meeting: Set,
    channels: Vec<Queue>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Mutex {
    locked: bool,
    poisoned: bool,
    value: u8,
    /// The threads that wait at its condition variable.
    waiting: Set,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct RwLock {
    readers: usize,
    written: bool,
    poisoned: bool,
    value: u8,
}

/// A channel.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Queue {
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

/// A few small numbers: of threads, of channels.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Set(u8);

impl Set {
    fn has(self, number: usize) -> bool {
        self.0 & 1 << number != 0
    }

    fn add(&mut self, number: usize) {
        self.0 |= 1 << number;
    }

    fn remove(&mut self, number: usize) {
        self.0 &= !(1 << number);
    }

    fn iter(self) -> impl DoubleEndedIterator<Item = usize> {
        (0..8).filter(move |number| self.has(*number))
    }
}

impl FromIterator<usize> for Set {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Set {
        let mut set = Set::default();
        numbers.into_iter().for_each(|number| set.add(number));
        set
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Block {
    Scope,
    Job,
}

/// What a thread is about to do.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
enum At {
    #[default]
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
    WaitsAgain,
    /// It has the lock of a shared receiver, and receives.
    Receives,
    /// It waits until its message is taken, or a message is brought.
    Offers,
    Asks,
    /// It unlocks the shared receiver of this channel.
    HasReceived(usize),
    Meets,
    /// It initialises the value that is set once, or has done so.
    Initialises,
    HasInitialised(u8),
    /// It drops what it has, one after another.
    Leaves,
    Ended,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
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
    senders: [usize; CHANNELS],
    receivers: Set,
    /// The threads that it can still start, join, unpark; those of its scope.
    children: Set,
    handles: Set,
    knows: Set,
    scoped: Set,
    unparked: bool,
    /// The scope or job that it is in, and which operation is the first behind it.
    block: Option<(Block, usize)>,
    spurious: usize,
}

impl State {
    /// Whether nothing can happen but that a wait ends without a reason, which it need not do.
    fn only_goes_on_for_no_reason(&self, program: &Program) -> bool {
        let mut calm = self.clone();
        calm.threads.iter_mut().for_each(|it| it.spurious = 0);
        (0..calm.threads.len()).all(|thread| calm.next(program, thread).is_empty())
    }

    fn new(program: &Program, spurious: usize) -> State {
        let channels = program.channels.iter();
        let threads = (0..program.threads.len()).map(|thread| {
            let mut senders = [0; CHANNELS];
            let mut receivers = Set::default();
            for (index, channel) in channels.clone().enumerate() {
                senders[index] = channel.senders.iter().filter(|it| **it == thread).count();
                if channel.receiver == Some(thread) {
                    receivers.add(index);
                }
            }
            Thread {
                at: if thread == 0 { At::Op } else { At::NotStarted },
                senders,
                receivers,
                children: program.children(thread).into_iter().collect(),
                knows: Set::from_iter([0, thread]),
                spurious,
                ..Thread::default()
            }
        });
        let queues = channels.clone().map(|channel| Queue {
            bound: channel.bound,
            senders: channel.senders.len(),
            receiver: true,
            shared: channel.receiver.is_none(),
            ..Queue::default()
        });
        State {
            threads: threads.collect(),
            channels: queues.collect(),
            ..State::default()
        }
    }

    fn jobs(&self) -> usize {
        let in_job = |thread: &&Thread| matches!(thread.block, Some((Block::Job, _)));
        self.threads.iter().filter(in_job).count()
    }

    /// The state after this change.
    fn after(&self, change: impl FnOnce(&mut State)) -> Vec<State> {
        let mut next = self.clone();
        change(&mut next);
        vec![next]
    }

    /// The state after a thread has done its operation, which changes nothing else ...
    fn sees(&self, me: usize, seen: Seen) -> Vec<State> {
        self.after(|next| next.done(me, seen))
    }

    /// ... or changes this.
    fn does(&self, me: usize, change: impl FnOnce(&mut State)) -> Vec<State> {
        self.after(|next| {
            change(next);
            next.done(me, Done);
        })
    }

    /// Each state to which a step of this thread leads; none if it waits, or has ended.
    fn next(&self, program: &Program, me: usize) -> Vec<State> {
        let thread = &self.threads[me];
        let op = program.threads[me].get(thread.index).copied();
        let block_ends = thread.block.is_some_and(|(_, end)| thread.index >= end);
        match (thread.at, op) {
            (At::Leaves, _) | (At::Op, _) if block_ends || thread.at == At::Leaves => {
                let ended = |other: usize| self.threads[other].at == At::Ended;
                if !thread.scoped.iter().all(ended) {
                    return Vec::new();
                }
                self.after(|next| match thread.at {
                    At::Op => next.end_block(me),
                    _ => next.leave(me),
                })
            }
            (At::Op, None) => self.after(|next| {
                next.threads[me].log.push(Seen::Ends);
                next.threads[me].at = At::Leaves;
            }),
            (At::Op, Some(op)) => self
                .of_mutex(me, op)
                .or_else(|| self.of_condvar(me, op))
                .or_else(|| self.of_rw(me, op))
                .or_else(|| self.of_atomic(me, op))
                .or_else(|| self.of_once(me, op))
                .or_else(|| self.of_channel(me, op))
                .or_else(|| self.of_threads(me, op))
                .unwrap_or_else(|| self.of_thread(program, me, op)),
            (At::Waits | At::LocksAgain { .. } | At::WaitsAgain, Some(op)) => self.waits(me, op),
            (At::Receives, Some(op)) => self.receive(me, op),
            (At::Asks, Some(ReceiveTimeout(it))) => self.after(|next| {
                next.channels[it].asks = None;
                next.received(me, it, TimedOut);
            }),
            (At::HasReceived(it), _) => self.after(|next| {
                next.channels[it].locked = false;
                next.threads[me].at = At::Op;
            }),
            (At::Initialises, _) => self.after(|next| {
                next.threads[me].at = At::HasInitialised(next.atomics[0]);
                next.atomics[0] = next.atomics[0].wrapping_add(1);
            }),
            (At::HasInitialised(value), _) => self.after(|next| {
                next.once = Some(value);
                next.once_busy = false;
                next.done(me, Value(value));
            }),
            _ => Vec::new(),
        }
    }

    fn of_mutex(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let holds = &self.threads[me].holds;
        Some(match op {
            Lock(it) if holds[it] => self.sees(me, Skipped),
            Lock(it) if self.mutexes[it].locked => Vec::new(),
            TryLock(it) if self.mutexes[it].locked => self.sees(me, Refused),
            Lock(it) | TryLock(it) => self.after(|next| {
                next.lock(me, it);
                next.done(
                    me,
                    locked(self.mutexes[it].value, self.mutexes[it].poisoned),
                );
            }),
            IsPoisoned(it) => self.sees(me, Is(self.mutexes[it].poisoned)),
            ClearPoison(it) => self.does(me, |next| next.mutexes[it].poisoned = false),
            Put(it, value) if holds[it] => self.does(me, |next| next.mutexes[it].value = value),
            Unlock(it) if holds[it] => self.does(me, |next| next.unlock(me, it)),
            Put(..) | Unlock(_) => self.sees(me, Skipped),
            _ => return None,
        })
    }

    fn of_condvar(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let holds = &self.threads[me].holds;
        Some(match op {
            NotifyAll(it) => self.does(me, |next| {
                let waiting = self.mutexes[it].waiting.iter();
                waiting.for_each(|other| next.wake(other, it, false));
            }),
            NotifyOne(it) if self.mutexes[it].waiting == Set::default() => self.sees(me, Done),
            NotifyOne(it) => {
                let waiting = self.mutexes[it].waiting.iter();
                let wake = |other| self.does(me, |next| next.wake(other, it, false));
                waiting.flat_map(wake).collect()
            }
            Wait(it) | WaitTimeout(it) | WaitWhile(it) | WaitTimeoutWhile(it) if !holds[it] => {
                self.sees(me, Skipped)
            }
            WaitWhile(it) | WaitTimeoutWhile(it) if self.mutexes[it].value != 0 => {
                self.sees(me, Value(self.mutexes[it].value))
            }
            Wait(it) | WaitTimeout(it) | WaitWhile(it) | WaitTimeoutWhile(it) => {
                self.after(|next| next.wait(me, it))
            }
            _ => return None,
        })
    }

    /// A wait at a condition variable goes on.
    fn waits(&self, me: usize, op: Op) -> Vec<State> {
        let (it, timed, again) = match op {
            WaitTimeout(it) => (it, true, false),
            WaitWhile(it) => (it, false, true),
            WaitTimeoutWhile(it) => (it, true, true),
            Wait(it) => (it, false, false),
            _ => unreachable!("{op:?} does not wait"),
        };
        let (poisoned, value) = (self.mutexes[it].poisoned, self.mutexes[it].value);
        match self.threads[me].at {
            At::Waits => {
                let mut nexts = Vec::new();
                if timed {
                    nexts.extend(self.after(|next| next.wake(me, it, true)));
                }
                nexts.extend(self.spuriously(me, |next| next.wake(me, it, false)));
                nexts
            }
            At::WaitsAgain => self.after(|next| next.wait(me, it)),
            _ if self.mutexes[it].locked => Vec::new(),
            At::LocksAgain { late } => self.after(|next| {
                next.lock(me, it);
                if again && !poisoned && value == 0 && !late {
                    next.threads[me].at = At::WaitsAgain;
                    return;
                }
                // One that waits *while* something is so, and finds that it is not so, is never late.
                let late = late && (!again || poisoned || value == 0);
                next.done(
                    me,
                    match late {
                        true => Late(value, poisoned),
                        false => locked(value, poisoned),
                    },
                );
            }),
            _ => unreachable!("it does not wait"),
        }
    }

    /// What can also happen, but not as often as one likes.
    fn spuriously(&self, me: usize, change: impl FnOnce(&mut State)) -> Vec<State> {
        if self.threads[me].spurious == 0 {
            return Vec::new();
        }
        self.after(|next| {
            next.threads[me].spurious -= 1;
            change(next);
        })
    }

    fn of_rw(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let Thread { reads, writes, .. } = self.threads[me];
        let (readers, written) = (self.rw.readers, self.rw.written);
        let (poisoned, value) = (self.rw.poisoned, self.rw.value);
        let has_it = reads || writes;
        Some(match op {
            IsRwPoisoned => self.sees(me, Is(poisoned)),
            ClearRwPoison => self.does(me, |next| next.rw.poisoned = false),
            PutWritten(value) if writes => self.does(me, |next| next.rw.value = value),
            StopReading if reads => self.does(me, |next| next.stop_reading(me)),
            StopWriting if writes => self.does(me, |next| next.stop_writing(me)),
            PutWritten(_) | StopReading | StopWriting => self.sees(me, Skipped),
            // A thread that has it already may panic, or wait for ever.
            Read | TryRead | Write | TryWrite if has_it => self.sees(me, Skipped),
            Read if written => Vec::new(),
            TryRead if written => self.sees(me, Refused),
            Read | TryRead => self.after(|next| {
                next.rw.readers += 1;
                next.threads[me].reads = true;
                next.done(me, locked(value, poisoned));
            }),
            Write if written || readers > 0 => Vec::new(),
            TryWrite if written || readers > 0 => self.sees(me, Refused),
            Write | TryWrite => self.after(|next| {
                next.rw.written = true;
                next.threads[me].writes = true;
                next.done(me, locked(value, poisoned));
            }),
            _ => return None,
        })
    }

    fn of_atomic(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let atomics = self.atomics;
        let change = |it: usize, value: u8, seen: Seen| {
            self.after(|next| {
                next.atomics[it] = value;
                next.done(me, seen);
            })
        };
        Some(match op {
            Load(it) => self.sees(me, Value(atomics[it])),
            Store(it, value) => change(it, value, Done),
            Swap(it, value) => change(it, value, Value(atomics[it])),
            Add(it, value) => change(it, atomics[it].wrapping_add(value), Value(atomics[it])),
            CompareExchange(it, from, _) | CompareExchangeWeak(it, from, _)
                if from != atomics[it] =>
            {
                self.sees(me, Bad(atomics[it]))
            }
            CompareExchange(it, from, to) => change(it, to, Value(from)),
            CompareExchangeWeak(it, from, to) => {
                let mut nexts = change(it, to, Value(from));
                nexts.extend(self.spuriously(me, |next| next.done(me, Bad(from))));
                nexts
            }
            _ => return None,
        })
    }

    fn of_once(&self, me: usize, op: Op) -> Option<Vec<State>> {
        Some(match (op, self.once) {
            (OnceGet, value) => self.sees(me, value.map_or(Refused, Value)),
            (OnceSet(_), Some(_)) => self.sees(me, Refused),
            (OnceInit | OnceInitPanics, Some(value)) => self.sees(me, Value(value)),
            (OnceSet(_) | OnceInit | OnceInitPanics, _) if self.once_busy => Vec::new(),
            (OnceSet(value), None) => self.does(me, |next| next.once = Some(value)),
            (OnceInit, None) => self.after(|next| {
                next.once_busy = true;
                next.threads[me].at = At::Initialises;
            }),
            (OnceInitPanics, None) => self.after(|next| next.panic(me)),
            _ => return None,
        })
    }

    fn of_channel(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let it = op.channel()?;
        let (senders, receivers) = (self.threads[me].senders, self.threads[me].receivers);
        let Queue { shared, locked, .. } = self.channels[it];
        Some(match op {
            Send(..) | TrySend(..) | CloneSender(_) | DropSender(_) if senders[it] == 0 => {
                self.sees(me, Skipped)
            }
            Send(_, value) => self.send(me, it, value, true),
            TrySend(_, value) => self.send(me, it, value, false),
            CloneSender(_) => self.does(me, |next| {
                next.threads[me].senders[it] += 1;
                next.channels[it].senders += 1;
            }),
            DropSender(_) => self.does(me, |next| next.drop_sender(me, it)),
            DropReceiver(_) if receivers.has(it) => {
                self.does(me, |next| next.drop_receiver(me, it))
            }
            DropReceiver(_) => self.sees(me, Skipped),
            _ if receivers.has(it) => self.receive(me, op),
            _ if !shared => self.sees(me, Skipped),
            _ if locked => Vec::new(),
            _ => self.after(|next| {
                next.channels[it].locked = true;
                next.threads[me].at = At::Receives;
            }),
        })
    }

    /// Sends, which waits until there is room, or fails if there is none.
    fn send(&self, me: usize, it: usize, value: u8, waits: bool) -> Vec<State> {
        let queue = &self.channels[it];
        match (queue.bound, queue.asks) {
            _ if !queue.receiver => self.sees(me, Closed),
            (Some(0), Some(receiver)) => self.does(me, |next| {
                next.channels[it].asks = None;
                next.received(receiver, it, Value(value));
            }),
            (Some(bound), _) if queue.messages.len() >= bound && !waits => self.sees(me, Refused),
            (Some(0), None) => self.after(|next| {
                next.channels[it].offers.push((me, value));
                next.threads[me].at = At::Offers;
            }),
            (Some(bound), _) if queue.messages.len() >= bound => Vec::new(),
            _ => self.does(me, |next| next.channels[it].messages.push(value)),
        }
    }

    fn receive(&self, me: usize, op: Op) -> Vec<State> {
        let it = op.channel().expect("it receives");
        let queue = &self.channels[it];
        if !queue.messages.is_empty() {
            return self.after(|next| {
                let value = next.channels[it].messages.remove(0);
                next.received(me, it, Value(value));
            });
        }
        if !queue.offers.is_empty() {
            return self.after(|next| {
                let (sender, value) = next.channels[it].offers.remove(0);
                next.done(sender, Done);
                next.received(me, it, Value(value));
            });
        }
        match op {
            _ if queue.senders == 0 => self.after(|next| next.received(me, it, Closed)),
            TryReceive(_) => self.after(|next| next.received(me, it, Refused)),
            _ if queue.bound == Some(0) => self.after(|next| {
                next.channels[it].asks = Some(me);
                next.threads[me].at = At::Asks;
            }),
            ReceiveTimeout(_) => self.after(|next| next.received(me, it, TimedOut)),
            _ => Vec::new(),
        }
    }

    fn of_threads(&self, me: usize, op: Op) -> Option<Vec<State>> {
        let thread = &self.threads[me];
        let ended = |other: usize| self.threads[other].at == At::Ended;
        Some(match op {
            Spawn(other) if !thread.children.has(other) => self.sees(me, Skipped),
            Join(other) | IsFinished(other) if !thread.handles.has(other) => self.sees(me, Skipped),
            Unpark(other) if !thread.knows.has(other) => self.sees(me, Skipped),
            Spawn(other) => self.does(me, |next| next.spawn(me, other)),
            Join(other) if ended(other) => self.after(|next| {
                next.threads[me].handles.remove(other);
                let panics = next.threads[other].panics;
                next.done(me, if panics { Panicked } else { Done });
            }),
            Join(_) => Vec::new(),
            IsFinished(other) => self.sees(me, Is(ended(other))),
            Unpark(other) => self.does(me, |next| next.threads[other].unparked = true),
            _ => return None,
        })
    }

    /// What touches the thread alone, and the barrier.
    fn of_thread(&self, program: &Program, me: usize, op: Op) -> Vec<State> {
        let thread = &self.threads[me];
        match op {
            Park if thread.unparked => self.does(me, |next| next.threads[me].unparked = false),
            Park => self.spuriously(me, |next| next.done(me, Done)),
            ParkTimeout => self.does(me, |next| next.threads[me].unparked = false),
            Scope(_) | Job(_) if thread.block.is_some() => self.sees(me, Skipped),
            Scope(length) | Job(length) => self.does(me, |next| {
                let end = (thread.index + 1 + length).min(program.threads[me].len());
                let is_job = matches!(op, Job(_));
                let block = if is_job { Block::Job } else { Block::Scope };
                next.threads[me].block = Some((block, end));
            }),
            Panic => self.after(|next| next.panic(me)),
            Meet if self.meeting.iter().count() + 1 < BARRIER => self.after(|next| {
                next.meeting.add(me);
                next.threads[me].at = At::Meets;
            }),
            Meet => self.after(|next| {
                for other in std::mem::take(&mut next.meeting).iter() {
                    next.done(other, Is(false));
                }
                next.done(me, Is(true));
            }),
            Yield | Sleep => self.sees(me, Done),
            _ => unreachable!("{op:?} is not known"),
        }
    }

    fn received(&mut self, me: usize, channel: usize, seen: Seen) {
        self.done(me, seen);
        if self.channels[channel].shared {
            self.threads[me].at = At::HasReceived(channel);
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
        thread.log.push(Panics);
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
        self.mutexes[mutex].waiting.add(me);
        self.threads[me].at = At::Waits;
    }

    fn wake(&mut self, thread: usize, mutex: usize, late: bool) {
        self.mutexes[mutex].waiting.remove(thread);
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
        self.threads[other].knows.0 |= self.threads[me].knows.0;
        self.threads[other].at = At::Op;
        let thread = &mut self.threads[me];
        thread.children.remove(other);
        thread.handles.add(other);
        thread.knows.add(other);
        if let Some((Block::Scope, _)) = thread.block {
            thread.scoped.add(other);
        }
    }

    /// The last sender takes with it a receiver's reason to wait.
    fn drop_sender(&mut self, owner: usize, channel: usize) {
        self.threads[owner].senders[channel] -= 1;
        self.channels[channel].senders -= 1;
        if self.channels[channel].senders == 0 {
            if let Some(receiver) = self.channels[channel].asks.take() {
                self.received(receiver, channel, Closed);
            }
        }
    }

    fn drop_receiver(&mut self, owner: usize, channel: usize) {
        self.threads[owner].receivers.remove(channel);
        let state = &mut self.channels[channel];
        state.receiver = false;
        state.messages.clear();
        for (sender, _) in std::mem::take(&mut state.offers) {
            self.done(sender, Closed);
        }
    }

    /// Ends the job or the scope, which panics if one of its threads has, and has not been joined.
    fn end_block(&mut self, me: usize) {
        let (handles, scoped) = (self.threads[me].handles, self.threads[me].scoped);
        let panics = |it| handles.has(it) && self.threads[it].panics;
        let panics = scoped.iter().any(panics);
        let thread = &mut self.threads[me];
        thread.handles.0 &= !scoped.0;
        thread.scoped = Set::default();
        thread.block = None;
        if panics {
            self.panic(me);
        } else {
            thread.log.push(Done);
        }
    }

    /// Drops one of the things that a thread has at its end, or when it panics: the locks, then what belongs to
    /// itself of the channels, then what belongs to the threads that it has not started.
    fn leave(&mut self, me: usize) {
        let thread = &mut self.threads[me];
        if thread.block.take().is_some() {
            thread.scoped = Set::default();
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
            if let Some(channel) = thread.receivers.iter().next() {
                return self.drop_receiver(owner, channel);
            }
            owners.extend(thread.children.iter().rev());
        }
        self.threads[me].at = At::Ended;
    }
}

/// What a thread sees that has locked something.
fn locked(value: u8, poisoned: bool) -> Seen {
    if poisoned { Bad(value) } else { Value(value) }
}
