//! Runs a small program on the stand-in for `std`.

use ten_versus_five::traced as std;

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{
    self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError,
};
use std::sync::{
    Arc, Barrier, Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard,
    TryLockError,
};
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle, Thread};
use std::time::Duration;

use super::program::{ATOMICS, BARRIER, MUTEXES, Op, Program, Seen, outcome};
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
                Op::Scope(length) | Op::Job(length) if !in_block => {
                    let end = (index + length).min(to);
                    self.block(op, index, end);
                    index = end;
                }
                Op::Scope(_) | Op::Job(_) => self.log(Seen::Skipped),
                Op::Spawn(_) | Op::Join(_) | Op::IsFinished(_) => {
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
        if let Op::Job(_) = op {
            let job = self.run.job();
            job.run_with(|| {
                self.log(Seen::Done);
                self.perform(from, to, None);
            });
            return self.log(Seen::Done);
        }
        self.log(Seen::Done);
        let scoped = AssertUnwindSafe(|| {
            thread::scope(|scope| {
                let handles = RefCell::default();
                self.perform(from, to, Some(&Scoped { scope, handles }));
            });
        });
        if let Err(panic) = panic::catch_unwind(scoped) {
            if self.last() != Some(Seen::Panics) {
                self.log(Seen::Panics);
            }
            panic::resume_unwind(panic);
        }
        self.log(Seen::Done);
    }

    fn handle(&mut self, op: Op, scope: Option<&Scoped<'_, '_>>) -> Seen {
        match op {
            Op::Spawn(child) => {
                let mut children = self.luggage.children.iter();
                let Some(place) = children.position(|it| it.thread == child) else {
                    return Seen::Skipped;
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
                Seen::Done
            }
            Op::Join(child) => {
                let result = if let Some(place) = self.handles.iter().position(|it| it.0 == child) {
                    self.handles.remove(place).1.join()
                } else {
                    let scoped = scope.map(|it| &it.handles);
                    let place =
                        scoped.and_then(|it| it.borrow().iter().position(|it| it.0 == child));
                    let (Some(place), Some(scoped)) = (place, scoped) else {
                        return Seen::Skipped;
                    };
                    let handle = scoped.borrow_mut().remove(place).1;
                    handle.join()
                };
                result.map_or(Seen::Panicked, |()| Seen::Done)
            }
            Op::IsFinished(child) => {
                if let Some((_, handle)) = self.handles.iter().find(|it| it.0 == child) {
                    return Seen::Is(handle.is_finished());
                }
                let scoped = scope.map(|it| it.handles.borrow());
                let handle = scoped
                    .as_ref()
                    .and_then(|it| it.iter().find(|it| it.0 == child));
                handle.map_or(Seen::Skipped, |(_, handle)| Seen::Is(handle.is_finished()))
            }
            _ => unreachable!("{op:?} needs no handle"),
        }
    }

    fn step(&mut self, op: Op) -> Seen {
        match op {
            Op::Lock(index)
            | Op::TryLock(index)
            | Op::Put(index, _)
            | Op::Unlock(index)
            | Op::IsPoisoned(index)
            | Op::ClearPoison(index) => self.mutex(op, index),
            Op::Wait(index)
            | Op::WaitTimeout(index)
            | Op::WaitWhile(index)
            | Op::WaitTimeoutWhile(index)
            | Op::NotifyOne(index)
            | Op::NotifyAll(index) => self.condvar(op, index),
            Op::Read
            | Op::TryRead
            | Op::Write
            | Op::TryWrite
            | Op::PutWritten(_)
            | Op::StopReading
            | Op::StopWriting
            | Op::IsRwPoisoned
            | Op::ClearRwPoison => self.rw(op),
            Op::Load(index)
            | Op::Store(index, _)
            | Op::Swap(index, _)
            | Op::Add(index, _)
            | Op::CompareExchange(index, ..)
            | Op::CompareExchangeWeak(index, ..) => self.atomic(op, index),
            Op::OnceGet | Op::OnceSet(_) | Op::OnceInit | Op::OnceInitPanics => self.once(op),
            Op::Meet => Seen::Is(self.world.barrier.wait().is_leader()),
            Op::Send(..) | Op::TrySend(..) | Op::CloneSender(_) | Op::DropSender(_) => {
                self.sender(op)
            }
            Op::Receive(index) | Op::TryReceive(index) | Op::ReceiveTimeout(index) => {
                if let Some(receiver) = &self.luggage.receivers[index] {
                    return receive(op, receiver);
                }
                let shared = &self.world.receivers[index];
                shared.as_ref().map_or(Seen::Skipped, |shared| {
                    receive(op, &shared.lock().expect("no thread panics here"))
                })
            }
            Op::DropReceiver(index) => self.luggage.receivers[index]
                .take()
                .map_or(Seen::Skipped, |_| Seen::Done),
            Op::Park => done(thread::park),
            Op::ParkTimeout => done(|| thread::park_timeout(TIME)),
            Op::Unpark(index) if index == self.me => done(|| thread::current().unpark()),
            Op::Unpark(index) => {
                let known = self.known.iter().find(|it| it.0 == index);
                known.map_or(Seen::Skipped, |(_, thread)| done(|| thread.unpark()))
            }
            Op::Yield => done(thread::yield_now),
            Op::Sleep => done(|| thread::sleep(TIME)),
            Op::Panic => self.panic(),
            Op::Spawn(_) | Op::Join(_) | Op::IsFinished(_) | Op::Scope(_) | Op::Job(_) => {
                unreachable!("`perform` does it")
            }
        }
    }

    fn panic(&self) -> ! {
        self.log(Seen::Panics);
        panic!("as the program says");
    }

    fn mutex(&mut self, op: Op, index: usize) -> Seen {
        let mutex = &self.world.mutexes[index];
        let (guard, poisoned) = match op {
            Op::IsPoisoned(_) => return Seen::Is(mutex.is_poisoned()),
            Op::ClearPoison(_) => return done(|| mutex.clear_poison()),
            Op::Lock(_) if self.guards[index].is_none() => match mutex.lock() {
                Ok(guard) => (guard, false),
                Err(poisoned) => (poisoned.into_inner(), true),
            },
            Op::TryLock(_) => match mutex.try_lock() {
                Ok(guard) => (guard, false),
                Err(TryLockError::Poisoned(poisoned)) => (poisoned.into_inner(), true),
                Err(TryLockError::WouldBlock) => return Seen::Refused,
            },
            Op::Put(_, value) => {
                let guard = self.guards[index].as_mut();
                return guard.map_or(Seen::Skipped, |guard| done(|| **guard = value));
            }
            Op::Unlock(_) => {
                return self.guards[index]
                    .take()
                    .map_or(Seen::Skipped, |_| Seen::Done);
            }
            _ => return Seen::Skipped,
        };
        let seen = locked(*guard, poisoned);
        self.guards[index] = Some(guard);
        seen
    }

    fn condvar(&mut self, op: Op, index: usize) -> Seen {
        let condvar = &self.world.condvars[index];
        match op {
            Op::NotifyOne(_) => return done(|| condvar.notify_one()),
            Op::NotifyAll(_) => return done(|| condvar.notify_all()),
            _ => {}
        }
        let Some(guard) = self.guards[index].take() else {
            return Seen::Skipped;
        };
        let empty = |value: &mut u8| *value == 0;
        let (guard, late, poisoned) = match op {
            Op::Wait(_) | Op::WaitWhile(_) => {
                let result = match op {
                    Op::Wait(_) => condvar.wait(guard),
                    _ => condvar.wait_while(guard, empty),
                };
                let poisoned = result.is_err();
                (result.unwrap_or_else(|it| it.into_inner()), false, poisoned)
            }
            _ => {
                let result = match op {
                    Op::WaitTimeout(_) => condvar.wait_timeout(guard, TIME),
                    // Longer than a run takes, since this one looks at the clock.
                    _ => condvar.wait_timeout_while(guard, Duration::from_secs(3_600), empty),
                };
                let poisoned = result.is_err();
                let (guard, late) = result.unwrap_or_else(|it| it.into_inner());
                (guard, late.timed_out(), poisoned)
            }
        };
        let value = *guard;
        self.guards[index] = Some(guard);
        if late {
            Seen::Late(value, poisoned)
        } else {
            locked(value, poisoned)
        }
    }

    fn rw(&mut self, op: Op) -> Seen {
        let rw = &self.world.rw;
        let has_it = self.reads.is_some() || self.writes.is_some();
        match op {
            Op::IsRwPoisoned => Seen::Is(rw.is_poisoned()),
            Op::ClearRwPoison => done(|| rw.clear_poison()),
            Op::PutWritten(value) => {
                let guard = self.writes.as_mut();
                guard.map_or(Seen::Skipped, |guard| done(|| **guard = value))
            }
            Op::StopReading => self.reads.take().map_or(Seen::Skipped, |_| Seen::Done),
            Op::StopWriting => self.writes.take().map_or(Seen::Skipped, |_| Seen::Done),
            _ if has_it => Seen::Skipped,
            Op::Read | Op::TryRead => {
                let result = match op {
                    Op::Read => rw.read().map_err(TryLockError::Poisoned),
                    _ => rw.try_read(),
                };
                let (guard, poisoned) = match result {
                    Ok(guard) => (guard, false),
                    Err(TryLockError::Poisoned(poisoned)) => (poisoned.into_inner(), true),
                    Err(TryLockError::WouldBlock) => return Seen::Refused,
                };
                let seen = locked(*guard, poisoned);
                self.reads = Some(guard);
                seen
            }
            _ => {
                let result = match op {
                    Op::Write => rw.write().map_err(TryLockError::Poisoned),
                    _ => rw.try_write(),
                };
                let (guard, poisoned) = match result {
                    Ok(guard) => (guard, false),
                    Err(TryLockError::Poisoned(poisoned)) => (poisoned.into_inner(), true),
                    Err(TryLockError::WouldBlock) => return Seen::Refused,
                };
                let seen = locked(*guard, poisoned);
                self.writes = Some(guard);
                seen
            }
        }
    }

    fn atomic(&self, op: Op, index: usize) -> Seen {
        let atomic = &self.world.atomics[index];
        let result = match op {
            Op::Load(_) => Ok(atomic.load(ORDER)),
            Op::Store(_, value) => return done(|| atomic.store(value, ORDER)),
            Op::Swap(_, value) => Ok(atomic.swap(value, ORDER)),
            Op::Add(_, value) => Ok(atomic.fetch_add(value, ORDER)),
            Op::CompareExchange(_, from, to) => atomic.compare_exchange(from, to, ORDER, ORDER),
            Op::CompareExchangeWeak(_, from, to) => {
                atomic.compare_exchange_weak(from, to, ORDER, ORDER)
            }
            _ => unreachable!("{op:?} is about no atomic"),
        };
        result.map_or_else(Seen::Bad, Seen::Value)
    }

    fn once(&self, op: Op) -> Seen {
        let once = &self.world.once;
        match op {
            Op::OnceGet => once
                .get()
                .map_or(Seen::Refused, |value| Seen::Value(*value)),
            Op::OnceSet(value) => once.set(value).map_or(Seen::Refused, |()| Seen::Done),
            Op::OnceInit => {
                Seen::Value(*once.get_or_init(|| self.world.atomics[0].fetch_add(1, ORDER)))
            }
            _ => Seen::Value(*once.get_or_init(|| self.panic())),
        }
    }

    fn sender(&mut self, op: Op) -> Seen {
        let (Op::Send(index, _)
        | Op::TrySend(index, _)
        | Op::CloneSender(index)
        | Op::DropSender(index)) = op
        else {
            unreachable!("{op:?} needs no sender");
        };
        let senders = &mut self.luggage.senders[index];
        let Some(sender) = senders.last() else {
            return Seen::Skipped;
        };
        match (op, sender) {
            (Op::CloneSender(_), _) => {
                let sender = sender.clone();
                done(|| senders.push(sender))
            }
            (Op::Send(_, value) | Op::TrySend(_, value), AnySender::Unbounded(sender)) => {
                sender.send(value).map_or(Seen::Closed, |()| Seen::Done)
            }
            (Op::Send(_, value), AnySender::Bounded(sender)) => {
                sender.send(value).map_or(Seen::Closed, |()| Seen::Done)
            }
            (Op::TrySend(_, value), AnySender::Bounded(sender)) => match sender.try_send(value) {
                Ok(()) => Seen::Done,
                Err(TrySendError::Full(_)) => Seen::Refused,
                Err(TrySendError::Disconnected(_)) => Seen::Closed,
            },
            _ => done(|| drop(senders.pop())),
        }
    }
}

fn receive(op: Op, receiver: &Receiver<u8>) -> Seen {
    match op {
        Op::Receive(_) => receiver.recv().map_or(Seen::Closed, Seen::Value),
        Op::TryReceive(_) => match receiver.try_recv() {
            Ok(value) => Seen::Value(value),
            Err(TryRecvError::Empty) => Seen::Refused,
            Err(TryRecvError::Disconnected) => Seen::Closed,
        },
        _ => match receiver.recv_timeout(TIME) {
            Ok(value) => Seen::Value(value),
            Err(RecvTimeoutError::Timeout) => Seen::TimedOut,
            Err(RecvTimeoutError::Disconnected) => Seen::Closed,
        },
    }
}

fn locked(value: u8, poisoned: bool) -> Seen {
    if poisoned {
        Seen::Bad(value)
    } else {
        Seen::Value(value)
    }
}

fn done(effect: impl FnOnce()) -> Seen {
    effect();
    Seen::Done
}
