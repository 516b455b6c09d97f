//! Runs a small program on the stand-in for `std`.

use ten_versus_five::traced as std;

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{
    self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError,
};
use std::sync::{
    Arc, Barrier, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard,
    RwLockWriteGuard,
    TryLockError::{Poisoned, WouldBlock},
    TryLockResult,
};
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle, Thread};
use std::time::Duration;

use super::program::{ATOMICS, BARRIER, MUTEXES, Op, Program, Seen, outcome};
use Op::*;
use Seen::{Bad, Closed, Done, Is, Late, Panicked, Panics, Refused, Skipped, TimedOut, Value};
use ten_versus_five::explore::Run;

const ORDER: Ordering = Ordering::SeqCst;
const TIME: Duration = Duration::from_millis(1);

/// What the threads of one run share.
pub struct World {
    program: Arc<Program>,
    /// What each thread has seen. Only one thread runs at a time, so this lock is never waited for.
    logs: ::std::sync::Mutex<Vec<Vec<Seen>>>,
    mutexes: [Mutex<u8>; MUTEXES],
    condvars: [Condvar; MUTEXES],
    rw: RwLock<u8>,
    atomics: [AtomicU8; ATOMICS],
    once: OnceLock<u8>,
    barrier: Barrier,
    receivers: Vec<Option<Mutex<Receiver<u8>>>>,
}

enum AnySender {
    Bounded(SyncSender<u8>),
    Unbounded(Sender<u8>),
}

/// What belongs to a thread when it starts.
struct Luggage {
    thread: usize,
    senders: Vec<Vec<AnySender>>,
    receivers: Vec<Option<Receiver<u8>>>,
    children: Vec<Luggage>,
}

/// A thread, with what it has. At its end these are dropped from top to bottom.
struct Actor<'w> {
    world: &'w Arc<World>,
    run: Run,
    me: usize,
    guards: [Option<MutexGuard<'w, u8>>; MUTEXES],
    reads: Option<RwLockReadGuard<'w, u8>>,
    writes: Option<RwLockWriteGuard<'w, u8>>,
    luggage: Luggage,
    handles: Vec<(usize, JoinHandle<()>)>,
    known: Vec<(usize, Thread)>,
}

/// A scope that a thread is in.
struct Scoped<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    handles: RefCell<Vec<(usize, ScopedJoinHandle<'scope, ()>)>>,
}

/// Runs the program once. The world that it returns has to outlive the run: who drops the last of it is no step.
pub fn run(program: &Arc<Program>, run: &Run, keep: impl FnOnce(Arc<World>)) {
    let (ends, shared): (Vec<_>, Vec<_>) = program
        .channels
        .iter()
        .map(|channel| {
            let (sender, receiver) = match channel.bound {
                Some(bound) => {
                    let (sender, receiver) = mpsc::sync_channel(bound);
                    (AnySender::Bounded(sender), receiver)
                }
                None => {
                    let (sender, receiver) = mpsc::channel();
                    (AnySender::Unbounded(sender), receiver)
                }
            };
            match channel.receiver {
                None => ((sender, None), Some(Mutex::new(receiver))),
                Some(_) => ((sender, Some(receiver)), None),
            }
        })
        .unzip();
    let world = Arc::new(World {
        program: Arc::clone(program),
        logs: ::std::sync::Mutex::new(vec![Vec::new(); program.threads.len()]),
        mutexes: Default::default(),
        condvars: Default::default(),
        rw: RwLock::default(),
        atomics: Default::default(),
        once: OnceLock::new(),
        barrier: Barrier::new(BARRIER),
        receivers: shared,
    });
    keep(Arc::clone(&world));
    run.outcome(outcome(&vec![Vec::new(); program.threads.len()]));
    let (senders, mut receivers): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    let luggage = Luggage::of(0, program, &senders, &mut receivers);
    drop(senders);
    let known = vec![(0, thread::current())];
    live(&world, run.clone(), luggage, known);
}

/// What a thread does.
fn live(world: &Arc<World>, run: Run, luggage: Luggage, known: Vec<(usize, Thread)>) {
    let me = luggage.thread;
    let mut actor = Actor {
        world,
        run,
        me,
        guards: Default::default(),
        reads: None,
        writes: None,
        luggage,
        handles: Vec::new(),
        known,
    };
    actor.perform(0, world.program.threads[me].len(), None);
    actor.log(Seen::Ends);
}

impl Luggage {
    fn of(
        thread: usize,
        program: &Program,
        senders: &[AnySender],
        receivers: &mut [Option<Receiver<u8>>],
    ) -> Luggage {
        let channels = program.channels.iter().enumerate();
        let own = |(index, channel): (usize, &super::program::Channel)| {
            let own = channel.senders.iter().filter(|it| **it == thread);
            own.map(|_| senders[index].clone()).collect()
        };
        Luggage {
            thread,
            senders: channels.clone().map(own).collect(),
            receivers: channels
                .map(|(index, channel)| {
                    let mine = channel.receiver == Some(thread);
                    receivers[index].take_if(|_| mine)
                })
                .collect(),
            children: program
                .children(thread)
                .into_iter()
                .map(|child| Luggage::of(child, program, senders, receivers))
                .collect(),
        }
    }
}

impl Clone for AnySender {
    fn clone(&self) -> AnySender {
        match self {
            AnySender::Bounded(sender) => AnySender::Bounded(sender.clone()),
            AnySender::Unbounded(sender) => AnySender::Unbounded(sender.clone()),
        }
    }
}

impl<'w> Actor<'w> {
    fn log(&self, seen: Seen) {
        let mut logs = self.world.logs.lock().expect("no thread panics here");
        logs[self.me].push(seen);
        self.run.outcome(outcome(&logs));
    }

    fn last(&self) -> Option<Seen> {
        let logs = self.world.logs.lock().expect("no thread panics here");
        logs[self.me].last().copied()
    }

    /// Does these operations, which are in a block if there is a scope, or if they are some of a job.
    fn perform(&mut self, from: usize, to: usize, scope: Option<&Scoped<'_, '_>>) {
        let in_block = from > 0;
        let mut index = from;
        while index < to {
            let op = self.world.program.threads[self.me][index];
            index += 1;
            match op {
                Scope(length) | Job(length) if !in_block => {
                    let end = (index + length).min(to);
                    self.block(op, index, end);
                    index = end;
                }
                Scope(_) | Job(_) => self.log(Skipped),
                Spawn(_) | Join(_) | IsFinished(_) => {
                    let seen = self.handle(op, scope);
                    self.log(seen);
                }
                op => {
                    let seen = self.step(op);
                    self.log(seen);
                }
            }
        }
    }

    fn block(&mut self, op: Op, from: usize, to: usize) {
        if let Job(_) = op {
            let job = self.run.job();
            job.run_with(|| {
                self.log(Done);
                self.perform(from, to, None);
            });
            return self.log(Done);
        }
        self.log(Done);
        let scoped = AssertUnwindSafe(|| {
            thread::scope(|scope| {
                let handles = RefCell::default();
                self.perform(from, to, Some(&Scoped { scope, handles }));
            });
        });
        if let Err(panic) = panic::catch_unwind(scoped) {
            if self.last() != Some(Panics) {
                self.log(Panics);
            }
            panic::resume_unwind(panic);
        }
        self.log(Done);
    }

    fn handle(&mut self, op: Op, scope: Option<&Scoped<'_, '_>>) -> Seen {
        match op {
            Spawn(child) => {
                let mut children = self.luggage.children.iter();
                let Some(place) = children.position(|it| it.thread == child) else {
                    return Skipped;
                };
                let luggage = self.luggage.children.remove(place);
                let mut known = self.known.clone();
                known.push((self.me, thread::current()));
                let (world, run) = (Arc::clone(self.world), self.run.clone());
                let work = move || live(&world, run, luggage, known);
                let thread = if let Some(scoped) = scope {
                    let handle = scoped.scope.spawn(work);
                    let thread = handle.thread().clone();
                    scoped.handles.borrow_mut().push((child, handle));
                    thread
                } else {
                    let handle = thread::spawn(work);
                    let thread = handle.thread().clone();
                    self.handles.push((child, handle));
                    thread
                };
                self.known.push((child, thread));
                Done
            }
            Join(child) => {
                let result = if let Some(place) = self.handles.iter().position(|it| it.0 == child) {
                    self.handles.remove(place).1.join()
                } else {
                    let scoped = scope.map(|it| &it.handles);
                    let place =
                        scoped.and_then(|it| it.borrow().iter().position(|it| it.0 == child));
                    let (Some(place), Some(scoped)) = (place, scoped) else {
                        return Skipped;
                    };
                    let handle = scoped.borrow_mut().remove(place).1;
                    handle.join()
                };
                result.map_or(Panicked, |()| Done)
            }
            IsFinished(child) => {
                if let Some((_, handle)) = self.handles.iter().find(|it| it.0 == child) {
                    return Is(handle.is_finished());
                }
                let scoped = scope.map(|it| it.handles.borrow());
                let handle = scoped
                    .as_ref()
                    .and_then(|it| it.iter().find(|it| it.0 == child));
                handle.map_or(Skipped, |(_, handle)| Is(handle.is_finished()))
            }
            _ => unreachable!("{op:?} needs no handle"),
        }
    }

    fn step(&mut self, op: Op) -> Seen {
        if let Some(channel) = op.channel() {
            return self.channel(op, channel);
        }
        self.mutex(op)
            .or_else(|| self.condvar(op))
            .or_else(|| self.rw(op))
            .or_else(|| self.atomic(op))
            .or_else(|| self.once(op))
            .unwrap_or_else(|| self.thread(op))
    }

    fn thread(&self, op: Op) -> Seen {
        match op {
            Park => done(thread::park),
            ParkTimeout => done(|| thread::park_timeout(TIME)),
            Unpark(it) if it == self.me => done(|| thread::current().unpark()),
            Unpark(it) => {
                let known = self.known.iter().find(|known| known.0 == it);
                known.map_or(Skipped, |(_, thread)| done(|| thread.unpark()))
            }
            Yield => done(thread::yield_now),
            Sleep => done(|| thread::sleep(TIME)),
            Meet => Is(self.world.barrier.wait().is_leader()),
            Panic => self.panic(),
            _ => unreachable!("{op:?} is not known"),
        }
    }

    fn panic(&self) -> ! {
        self.log(Panics);
        panic!("as the program says");
    }

    fn mutex(&mut self, op: Op) -> Option<Seen> {
        let mutexes = &self.world.mutexes;
        Some(match op {
            Lock(it) if self.guards[it].is_some() => Skipped,
            Lock(it) => locked(mutexes[it].lock().map_err(Poisoned), &mut self.guards[it]),
            TryLock(it) => locked(mutexes[it].try_lock(), &mut self.guards[it]),
            IsPoisoned(it) => Is(mutexes[it].is_poisoned()),
            ClearPoison(it) => done(|| mutexes[it].clear_poison()),
            Put(it, value) => {
                let guard = self.guards[it].as_mut();
                guard.map_or(Skipped, |guard| done(|| **guard = value))
            }
            Unlock(it) => self.guards[it].take().map_or(Skipped, |_| Done),
            _ => return None,
        })
    }

    fn condvar(&mut self, op: Op) -> Option<Seen> {
        let condvars = &self.world.condvars;
        let (Wait(it) | WaitTimeout(it) | WaitWhile(it) | WaitTimeoutWhile(it)) = op else {
            return Some(match op {
                NotifyOne(it) => done(|| condvars[it].notify_one()),
                NotifyAll(it) => done(|| condvars[it].notify_all()),
                _ => return None,
            });
        };
        let Some(guard) = self.guards[it].take() else {
            return Some(Skipped);
        };
        let empty = |value: &mut u8| *value == 0;
        // Longer than a run takes, since this one looks at the clock.
        let long = Duration::from_secs(3_600);
        let result = match op {
            Wait(_) => condvars[it].wait(guard),
            WaitWhile(_) => condvars[it].wait_while(guard, empty),
            _ => {
                let result = match op {
                    WaitTimeout(_) => condvars[it].wait_timeout(guard, TIME),
                    _ => condvars[it].wait_timeout_while(guard, long, empty),
                };
                let poisoned = result.is_err();
                let (guard, late) = result.unwrap_or_else(|it| it.into_inner());
                if late.timed_out() {
                    let value = *guard;
                    self.guards[it] = Some(guard);
                    return Some(Late(value, poisoned));
                }
                if poisoned {
                    Err(PoisonError::new(guard))
                } else {
                    Ok(guard)
                }
            }
        };
        Some(locked(result.map_err(Poisoned), &mut self.guards[it]))
    }

    fn rw(&mut self, op: Op) -> Option<Seen> {
        let rw = &self.world.rw;
        let has_it = self.reads.is_some() || self.writes.is_some();
        Some(match op {
            Read | TryRead | Write | TryWrite if has_it => Skipped,
            Read => locked(rw.read().map_err(Poisoned), &mut self.reads),
            TryRead => locked(rw.try_read(), &mut self.reads),
            Write => locked(rw.write().map_err(Poisoned), &mut self.writes),
            TryWrite => locked(rw.try_write(), &mut self.writes),
            IsRwPoisoned => Is(rw.is_poisoned()),
            ClearRwPoison => done(|| rw.clear_poison()),
            PutWritten(value) => {
                let guard = self.writes.as_mut();
                guard.map_or(Skipped, |guard| done(|| **guard = value))
            }
            StopReading => self.reads.take().map_or(Skipped, |_| Done),
            StopWriting => self.writes.take().map_or(Skipped, |_| Done),
            _ => return None,
        })
    }

    fn atomic(&self, op: Op) -> Option<Seen> {
        let atomics = &self.world.atomics;
        let result = match op {
            Load(it) => Ok(atomics[it].load(ORDER)),
            Store(it, value) => return Some(done(|| atomics[it].store(value, ORDER))),
            Swap(it, value) => Ok(atomics[it].swap(value, ORDER)),
            Add(it, value) => Ok(atomics[it].fetch_add(value, ORDER)),
            CompareExchange(it, from, to) => atomics[it].compare_exchange(from, to, ORDER, ORDER),
            CompareExchangeWeak(it, from, to) => {
                atomics[it].compare_exchange_weak(from, to, ORDER, ORDER)
            }
            _ => return None,
        };
        Some(result.map_or_else(Bad, Value))
    }

    fn once(&self, op: Op) -> Option<Seen> {
        let once = &self.world.once;
        let add = || self.world.atomics[0].fetch_add(1, ORDER);
        Some(match op {
            OnceGet => once.get().map_or(Refused, |value| Value(*value)),
            OnceSet(value) => once.set(value).map_or(Refused, |()| Done),
            OnceInit => Value(*once.get_or_init(add)),
            OnceInitPanics => Value(*once.get_or_init(|| self.panic())),
            _ => return None,
        })
    }

    fn channel(&mut self, op: Op, it: usize) -> Seen {
        let Luggage {
            senders, receivers, ..
        } = &mut self.luggage;
        match op {
            Receive(_) | TryReceive(_) | ReceiveTimeout(_) => {
                if let Some(receiver) = &receivers[it] {
                    return receive(op, receiver);
                }
                let shared = self.world.receivers[it].as_ref();
                return shared.map_or(Skipped, |it| receive(op, &it.lock().expect("no panic")));
            }
            DropReceiver(_) => return receivers[it].take().map_or(Skipped, |_| Done),
            _ => {}
        }
        let Some(sender) = senders[it].last() else {
            return Skipped;
        };
        match (op, sender) {
            (Send(_, value) | TrySend(_, value), AnySender::Unbounded(sender)) => {
                sender.send(value).map_or(Closed, |()| Done)
            }
            (Send(_, value), AnySender::Bounded(sender)) => {
                sender.send(value).map_or(Closed, |()| Done)
            }
            (TrySend(_, value), AnySender::Bounded(sender)) => match sender.try_send(value) {
                Ok(()) => Done,
                Err(TrySendError::Full(_)) => Refused,
                Err(TrySendError::Disconnected(_)) => Closed,
            },
            (CloneSender(_), sender) => {
                let sender = sender.clone();
                done(|| senders[it].push(sender))
            }
            _ => done(|| drop(senders[it].pop())),
        }
    }
}

fn receive(op: Op, receiver: &Receiver<u8>) -> Seen {
    match op {
        Receive(_) => receiver.recv().map_or(Closed, Value),
        TryReceive(_) => match receiver.try_recv() {
            Ok(value) => Value(value),
            Err(TryRecvError::Empty) => Refused,
            Err(TryRecvError::Disconnected) => Closed,
        },
        _ => match receiver.recv_timeout(TIME) {
            Ok(value) => Value(value),
            Err(RecvTimeoutError::Timeout) => TimedOut,
            Err(RecvTimeoutError::Disconnected) => Closed,
        },
    }
}

/// Keeps the guard, if there is one.
fn locked<G: Deref<Target = u8>>(result: TryLockResult<G>, keep: &mut Option<G>) -> Seen {
    let (guard, poisoned) = match result {
        Ok(guard) => (guard, false),
        Err(Poisoned(poisoned)) => (poisoned.into_inner(), true),
        Err(WouldBlock) => return Refused,
    };
    let value = *guard;
    *keep = Some(guard);
    if poisoned { Bad(value) } else { Value(value) }
}

fn done(effect: impl FnOnce()) -> Seen {
    effect();
    Done
}
