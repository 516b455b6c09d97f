//! What a step does to a lock, a channel or a thread, and when it can be taken.
//!
//! The real objects hold the values. What is in here is what the scheduler has to know of them: which
//! thread has a lock, how many messages are in a channel, which threads wait. While a schedule runs, a real lock is
//! only locked when it is free in here, so no thread ever blocks in a real one.

use std::collections::HashMap;

use super::clock::Clock;
use crate::traced::ObjectKind;
use crate::traced::step::{Action, Outcome};

/// A step that a thread wants to take: an action, and up to two objects. Only the two steps of a
/// condition variable touch two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) action: Action,
    pub(crate) objects: [Option<usize>; 2],
    /// It gives up after a while; or, if it changes an atomic, it may fail for no reason.
    pub(crate) timed: bool,
    /// For `HandOff`: which message.
    pub(crate) number: usize,
}

/// What a step is to the objects that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Reads,
    /// Whatever has no role of its own. Of a channel, that is what asks whether there is a message, or room, and goes on if
    /// there is none; and what drops the receiver.
    Changes,
    Sends,
    HandsOff,
    Receives,
    DropsSender,
}

const ROLES: [Role; 6] = [
    Role::Reads,
    Role::Changes,
    Role::Sends,
    Role::HandsOff,
    Role::Receives,
    Role::DropsSender,
];

impl Role {
    /// Whether it can make a difference which of two steps of different threads comes first, where both can be taken.
    ///
    /// One that sends puts its message behind the last one, and one that receives takes the first one. Where there is a message,
    /// and room for another one, it makes no difference which of the two is first. Where there is not, only one of the two can be
    /// taken. The other one may have to wait for it, and [happens after it](Objects::enabled_by) then, but cannot come first.
    /// So it is with a receiver that waits, and one who drops a sender.
    fn depends_on(self, other: Role) -> bool {
        use Role::*;
        let go_together = |one: Role, other: Role| {
            matches!(
                (one, other),
                (Reads, Reads)
                    | (Sends, HandsOff | Receives | DropsSender)
                    | (HandsOff, HandsOff | Receives | DropsSender)
                    | (Receives | DropsSender, DropsSender)
            )
        };
        !go_together(self, other) && !go_together(other, self)
    }
}

/// The state of one object.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Lock {
        written: bool,
        readers: usize,
    },
    Condvar {
        waiting: Vec<usize>,
        /// One for each notification that has woken no thread yet: which threads it may wake. So it is the
        /// scheduler that decides which one `notify_one` wakes, like everything else.
        notified: Vec<Vec<usize>>,
    },
    Channel {
        bound: Option<usize>,
        sent: usize,
        taken: usize,
        senders: usize,
        receiver: bool,
        /// Receivers that ask, if the channel has no capacity.
        asking: usize,
    },
    Atomic,
    Thread {
        ended: bool,
        unparked: bool,
    },
}

impl State {
    pub(crate) fn new(kind: ObjectKind) -> State {
        match kind {
            ObjectKind::Mutex | ObjectKind::RwLock => State::Lock {
                written: false,
                readers: 0,
            },
            ObjectKind::Condvar => State::Condvar {
                waiting: Vec::new(),
                notified: Vec::new(),
            },
            ObjectKind::Channel => State::Channel {
                bound: None,
                sent: 0,
                taken: 0,
                senders: 1,
                receiver: true,
                asking: 0,
            },
            ObjectKind::Atomic => State::Atomic,
            ObjectKind::Thread => State::Thread {
                ended: false,
                unparked: false,
            },
        }
    }
}

/// What happens before the next step on an object.
#[derive(Clone, Debug, Default)]
struct Clocks {
    /// The steps that were taken on it, by their role.
    by_role: [Clock; ROLES.len()],
    /// Of a channel: for each message, the step that sent it, and the one that received it.
    sent: Vec<Clock>,
    received: Vec<Clock>,
}

/// All objects of one schedule, in the order in which they were first used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    pub(crate) states: Vec<State>,
    pub(crate) kinds: Vec<ObjectKind>,
    clocks: Vec<Clocks>,
    numbers: HashMap<usize, usize>,
}

impl Objects {
    /// The index of the object of this number, which is made if it is new.
    pub(crate) fn index(&mut self, kind: ObjectKind, number: usize) -> usize {
        *self.numbers.entry(number).or_insert_with(|| {
            self.states.push(State::new(kind));
            self.kinds.push(kind);
            self.clocks.push(Default::default());
            self.states.len() - 1
        })
    }

    /// The number of an object among those of its kind, in the order in which they were made.
    pub(crate) fn rank(&self, index: usize) -> usize {
        let number = |index: usize| {
            let mut numbers = self.numbers.iter();
            numbers.find_map(|(number, it)| (*it == index).then_some(*number))
        };
        let mine = number(index);
        let same = (0..self.kinds.len()).filter(|other| self.kinds[*other] == self.kinds[index]);
        if self.kinds[index] == ObjectKind::Thread {
            return same.filter(|other| number(*other) > mine).count();
        }
        same.filter(|other| number(*other) < mine).count()
    }

    /// Whether `thread` could take this step now. `expires`: it may also give up now.
    pub(crate) fn is_enabled(&self, thread: usize, op: &Op, expires: bool) -> bool {
        let mut states = op
            .objects
            .iter()
            .flatten()
            .map(|object| &self.states[*object]);
        let ready = match (op.action, states.next()) {
            (Action::Lock, Some(State::Lock { written, readers })) => !written && *readers == 0,
            (Action::Read, Some(State::Lock { written, .. })) => !written,
            (Action::Wake, Some(State::Condvar { notified, .. })) => {
                let free = !matches!(states.next(), Some(State::Lock { written: true, .. }));
                let woken = notified.iter().any(|whom| whom.contains(&thread));
                return free && (woken || (op.timed && expires));
            }
            (
                Action::Send,
                Some(State::Channel {
                    bound: Some(bound),
                    sent,
                    taken,
                    receiver: true,
                    ..
                }),
            ) => *bound == 0 || sent - taken < *bound,
            (
                Action::HandOff,
                Some(State::Channel {
                    taken, receiver, ..
                }),
            ) => *taken >= op.number || !receiver,
            (
                Action::Receive,
                Some(State::Channel {
                    sent,
                    taken,
                    senders,
                    ..
                }),
            ) => sent > taken || *senders == 0,
            (Action::Join, Some(State::Thread { ended, .. })) => *ended,
            (Action::Park, Some(State::Thread { unparked, .. })) => *unparked,
            (Action::Yield, _) => false,
            _ => true,
        };
        ready || (expires && (op.timed || op.action == Action::Yield))
    }

    /// Whether `thread` could take the [spurious](Op::spurious) step instead of this one now.
    pub(crate) fn can_be_spurious(&self, thread: usize, op: &Op) -> bool {
        let state = op.objects[0].map(|object| &self.states[object]);
        let mutex = op.objects[1].map(|object| &self.states[object]);
        match (op.action, state) {
            (Action::Wake, Some(State::Condvar { notified, .. })) => {
                // If the notification could wake no other thread, it makes no difference.
                let woken_by = notified.iter().find(|whom| whom.contains(&thread));
                let alone = woken_by.is_some_and(|whom| mutex.is_none() || whom.len() == 1);
                !alone && !matches!(mutex, Some(State::Lock { written: true, .. }))
            }
            (Action::Park, Some(State::Thread { unparked, .. })) => !op.timed && !unparked,
            (Action::Change, _) => op.timed,
            _ => false,
        }
    }

    /// Takes the step, which has to be enabled. `before` happens before it; the clock says what does so
    /// with all that the step depends on, and itself.
    pub(crate) fn take_step(&mut self, thread: usize, op: &Op, before: &Clock) -> (Outcome, Clock) {
        let outcome = self.perform(thread, op);
        let mut clock = self.clock_of(op, before);
        if let Some(object) = op.objects[0] {
            if let Some(by) = self.enabled_by(object, op, outcome) {
                clock.join(by);
            }
        }
        clock.tick(thread);
        for object in op.objects.into_iter().flatten() {
            let clocks = &mut self.clocks[object];
            clocks.by_role[op.role() as usize].join(&clock);
            match (op.action, outcome) {
                (Action::Send | Action::TrySend, Outcome::Number(_)) => {
                    clocks.sent.push(clock.clone());
                }
                (Action::Receive | Action::TryReceive, Outcome::Done) => {
                    clocks.received.push(clock.clone());
                }
                _ => {}
            }
        }
        (outcome, clock)
    }

    /// What happens before a step that is taken next: `before`, and all that it depends on.
    pub(crate) fn clock_of(&self, op: &Op, before: &Clock) -> Clock {
        let mut clock = before.clone();
        for object in op.objects.into_iter().flatten() {
            for role in ROLES {
                if op.role().depends_on(role) {
                    clock.join(&self.clocks[object].by_role[role as usize]);
                }
            }
        }
        clock
    }

    /// What had to be done on a channel before the step that has just been taken there could be, although the two
    /// do not [depend](Op::depends_on) on each other.
    fn enabled_by(&self, object: usize, op: &Op, outcome: Outcome) -> Option<&Clock> {
        let State::Channel { bound, taken, .. } = self.states[object] else {
            return None;
        };
        let Clocks {
            by_role,
            sent,
            received,
        } = &self.clocks[object];
        match (op.action, outcome) {
            (Action::Send, Outcome::Number(number)) => {
                let freed = number.checked_sub(bound.filter(|bound| *bound > 0)?)?;
                received.get(freed.checked_sub(1)?)
            }
            (Action::HandOff, Outcome::Done) => received.get(op.number - 1),
            (Action::Receive, Outcome::Done) => sent.get(taken - 1),
            (Action::Receive, Outcome::Closed) => Some(&by_role[Role::DropsSender as usize]),
            _ => None,
        }
    }

    fn perform(&mut self, thread: usize, op: &Op) -> Outcome {
        let [first, second] = op.objects;
        if let Some(State::Lock { written, .. }) = second.map(|lock| &mut self.states[lock]) {
            *written = op.action != Action::Wait;
        }
        let Some(state) = first.map(|object| &mut self.states[object]) else {
            return Outcome::Done;
        };
        match state {
            State::Lock { written, readers } => lock(op.action, written, readers),
            State::Condvar { waiting, notified } => condvar(op.action, thread, waiting, notified),
            State::Channel { .. } => channel(op, state),
            State::Atomic => done(op.action != Action::SpuriousFailure),
            State::Thread { ended, unparked } => match op.action {
                Action::IsFinished if !*ended => Outcome::Refused,
                Action::Park => done(std::mem::take(unparked)),
                Action::Unpark => {
                    *unparked = true;
                    Outcome::Done
                }
                Action::End => {
                    *ended = true;
                    Outcome::Done
                }
                _ => Outcome::Done,
            },
        }
    }
}

fn done(done: bool) -> Outcome {
    if done {
        Outcome::Done
    } else {
        Outcome::Refused
    }
}

fn lock(action: Action, written: &mut bool, readers: &mut usize) -> Outcome {
    match action {
        Action::Lock => *written = true,
        Action::TryLock if *written || *readers > 0 => return Outcome::Refused,
        Action::TryLock => *written = true,
        Action::Unlock => *written = false,
        Action::TryRead if *written => return Outcome::Refused,
        Action::Read | Action::TryRead => *readers += 1,
        Action::StopReading => *readers -= 1,
        _ => {}
    }
    Outcome::Done
}

fn condvar(
    action: Action,
    thread: usize,
    waiting: &mut Vec<usize>,
    notified: &mut Vec<Vec<usize>>,
) -> Outcome {
    match action {
        Action::Wait => waiting.push(thread),
        Action::NotifyOne => notified.push(waiting.clone()),
        Action::NotifyAll => *notified = vec![waiting.clone(); waiting.len()],
        Action::Wake | Action::SpuriousWake => {
            // The oldest that may wake this thread: those after it may wake all that it may, and
            // perhaps some more.
            let by = notified.iter().position(|whom| whom.contains(&thread));
            let by = by.filter(|_| action == Action::Wake);
            by.map(|by| notified.remove(by));
            waiting.retain(|other| *other != thread);
            notified
                .iter_mut()
                .for_each(|whom| whom.retain(|other| *other != thread));
            notified.retain(|whom| !whom.is_empty());
            return done(by.is_some() || action == Action::SpuriousWake);
        }
        _ => {}
    }
    notified.retain(|whom| !whom.is_empty());
    Outcome::Done
}

fn channel(op: &Op, state: &mut State) -> Outcome {
    let State::Channel {
        bound,
        sent,
        taken,
        senders,
        receiver,
        asking,
    } = state
    else {
        return Outcome::Done;
    };
    let inside = *sent - *taken;
    match op.action {
        Action::Send | Action::TrySend if !*receiver => return Outcome::Closed,
        Action::TrySend if bound.is_some_and(|bound| inside >= bound.max(*asking)) => {
            return Outcome::Refused;
        }
        Action::Send | Action::TrySend => {
            *sent += 1;
            return Outcome::Number(*sent);
        }
        Action::HandOff if *taken < op.number => return Outcome::Closed,
        Action::Ask => *asking += 1,
        Action::Receive | Action::TryReceive => {
            if op.action == Action::Receive {
                *asking = asking.saturating_sub(1);
            }
            if inside == 0 {
                return if *senders == 0 {
                    Outcome::Closed
                } else {
                    Outcome::Refused
                };
            }
            *taken += 1;
        }
        Action::DropSender => *senders -= 1,
        Action::DropReceiver => *receiver = false,
        _ => {}
    }
    Outcome::Done
}

impl Op {
    /// Whether the order of the two steps, of two threads, makes a difference: they touch the same
    /// object, and in [roles](Role::depends_on) that do not go together.
    pub(crate) fn depends_on(&self, other: &Op) -> bool {
        let shared = |object: &usize| other.objects.contains(&Some(*object));
        self.objects.iter().flatten().any(shared) && self.role().depends_on(other.role())
    }

    /// What it is to its objects.
    fn role(&self) -> Role {
        use Action::*;
        match self.action {
            Look | Load | SpuriousFailure | IsFinished | Join | Read | TryRead | StopReading => {
                Role::Reads
            }
            Send => Role::Sends,
            HandOff => Role::HandsOff,
            Receive if !self.timed => Role::Receives,
            Ask => Role::Receives,
            DropSender => Role::DropsSender,
            _ => Role::Changes,
        }
    }

    /// The step that a thread can take instead of this one for no reason, if there is one.
    pub(crate) fn spurious(&self) -> Option<Op> {
        let action = match self.action {
            Action::Wake | Action::Park => Action::SpuriousWake,
            Action::Change => Action::SpuriousFailure,
            _ => return None,
        };
        Some(Op { action, ..*self })
    }

    /// Whether it may have to wait until another thread has taken a step.
    pub(crate) fn can_wait(&self) -> bool {
        use Action::*;
        matches!(
            self.action,
            Lock | Read | Wake | SpuriousWake | Send | HandOff | Receive | Join | Park
        )
    }

    /// Whether it can make a difference how early something is unlocked or over, beyond that others
    /// need not wait so long.
    pub(crate) fn asks(&self) -> bool {
        use Action::*;
        matches!(self.action, TryLock | TryRead | Look | IsFinished)
    }

    /// Whether no schedule is missed if this step is taken as soon as it can be: it touches nothing,
    /// or only makes way for others. Jobs are to be seen in every order.
    pub(crate) fn can_be_taken_at_once(&self, asks: bool) -> bool {
        use Action::*;
        match self.action {
            BeginJob(_) | EndJob(_) => false,
            Unlock | StopReading | End => !asks,
            _ => self.objects == [None; 2],
        }
    }

    /// Whether this step is what the other one has to wait for, so that the other one can never
    /// come first.
    pub(crate) fn makes_way_for(&self, other: &Op) -> bool {
        use Action::*;
        match (self.action, other.action) {
            (Unlock | StopReading | Wait, Lock) | (End, Join) => true,
            (Unlock, Read | Wake | SpuriousWake) => true,
            // One that can time out locks in a step of its own.
            (Wait, Wake | SpuriousWake) => other.objects[1] == self.objects[1],
            _ => false,
        }
    }
}
