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
}

/// What a step is to the objects that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Reads,
    /// Whatever has no role of its own. Of a channel, that is what asks whether there is a message, or room, and
    /// goes on if there is none; and what drops the receiver.
    Changes,
    Sends,
    HandsOff,
    Receives,
    DropsSender,
    Notifies,
    /// Of a condition variable, and it cannot time out.
    Wakes,
}

const ROLES: [Role; 8] = [
    Role::Reads,
    Role::Changes,
    Role::Sends,
    Role::HandsOff,
    Role::Receives,
    Role::DropsSender,
    Role::Notifies,
    Role::Wakes,
];

impl Role {
    /// Whether it can make a difference which of two steps of different threads comes first, where both can be taken.
    ///
    /// One that sends puts its message behind the last one, and one that receives takes the first one. Where there is
    /// a message, and room for another one, it makes no difference which of the two is first. Where there is not, only
    /// one of the two can be taken. The other one may have to wait for it, and [happens after
    /// it](Objects::enabled_by) then, but cannot come first. So it is with a receiver that waits, and one who drops a
    /// sender. A thread that can wake up is woken by the oldest notification, so a new one is not for it.
    fn depends_on(self, other: Role) -> bool {
        use Role::*;
        let go_together = |one: Role, other: Role| {
            matches!(
                (one, other),
                (Reads, Reads)
                    | (Sends, HandsOff | Receives | DropsSender)
                    | (HandsOff, HandsOff | Receives | DropsSender)
                    | (Receives | DropsSender, DropsSender)
                    | (Notifies, Wakes)
            )
        };
        !go_together(self, other) && !go_together(other, self)
    }

    /// Whether the other one may have to wait for this one, although it does not depend on it.
    fn can_enable(self, other: Role) -> bool {
        use Role::*;
        matches!(
            (self, other),
            (Sends | DropsSender, Receives) | (Receives, Sends | HandsOff) | (Notifies, Wakes)
        )
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
        /// Those that have woken no thread yet.
        notified: Vec<Notification>,
        /// How many steps have notified threads.
        notifications: usize,
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

/// What wakes one thread that waits. It is the scheduler that decides which one `notify_one` wakes, like everything
/// else.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    /// Which step it comes from, of all that notify threads at the condition variable.
    number: usize,
    /// The threads that it may wake.
    whom: Vec<usize>,
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
                notifications: 0,
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
    /// Of a channel: for each message, the step that sent it, and the one that received it. Of a condition variable:
    /// for each notification, the step that sent it.
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
        let mut states = op.objects().map(|(_, object)| &self.states[object]);
        let ready = match states.next() {
            Some(State::Lock { written, readers }) => match op.action {
                Action::Lock => !written && *readers == 0,
                Action::Read => !written,
                _ => true,
            },
            Some(State::Condvar { notified, .. }) => match op.action {
                Action::Wake { timed } => {
                    let free = !matches!(states.next(), Some(State::Lock { written: true, .. }));
                    let woken = notification(notified, thread).is_some();
                    return free && (woken || (timed && expires));
                }
                _ => true,
            },
            Some(State::Channel {
                bound,
                sent,
                taken,
                senders,
                receiver,
                ..
            }) => match op.action {
                Action::Send if *receiver => {
                    bound.is_none_or(|bound| bound == 0 || sent - taken < bound)
                }
                Action::HandOff(number) => *taken >= number || !receiver,
                Action::Receive { .. } => sent > taken || *senders == 0,
                _ => true,
            },
            Some(State::Thread { ended, unparked }) => match op.action {
                Action::Join { .. } => *ended,
                Action::Park { .. } => *unparked,
                _ => true,
            },
            Some(State::Atomic) | None => !matches!(op.action, Action::Sleep | Action::Yield),
        };
        ready || (expires && op.action.can_expire())
    }

    /// Whether `thread` could take the [spurious](Op::spurious) step instead of this one now.
    pub(crate) fn can_be_spurious(&self, thread: usize, op: &Op) -> bool {
        let state = op.objects[0].map(|object| &self.states[object]);
        let mutex = op.objects[1].map(|object| &self.states[object]);
        match (op.action, state) {
            (Action::Wake { .. }, Some(State::Condvar { notified, .. })) => {
                // One that can time out leaves before it locks, so it makes no difference if it is notified.
                let late = mutex.is_none() && notification(notified, thread).is_some();
                !late && !matches!(mutex, Some(State::Lock { written: true, .. }))
            }
            (Action::Park { timed }, Some(State::Thread { unparked, .. })) => !timed && !unparked,
            (Action::Change { weak }, _) => weak,
            _ => false,
        }
    }

    /// Takes the step, which has to be enabled. `before` happens before it; the clock says what does so
    /// with all that the step depends on, and itself.
    pub(crate) fn take_step(&mut self, thread: usize, op: &Op, before: &Clock) -> (Outcome, Clock) {
        let notification = self.notification(thread, op).cloned();
        let outcome = self.perform(thread, op);
        let mut clock = self.clock_of(op, before);
        let enabled_by = op.objects[0].and_then(|object| self.enabled_by(object, op, outcome));
        for enabled_by in notification.iter().chain(enabled_by) {
            clock.join(enabled_by);
        }
        clock.tick(thread);
        for (place, object) in op.objects() {
            let clocks = &mut self.clocks[object];
            clocks.by_role[op.role(place) as usize].join(&clock);
            match (op.action, outcome) {
                (Action::Send | Action::TrySend, Outcome::Done)
                | (Action::NotifyOne | Action::NotifyAll, _) => {
                    clocks.sent.push(clock.clone());
                }
                (Action::Receive { .. } | Action::TryReceive, Outcome::Done) => {
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
        for (place, object) in op.objects() {
            for role in ROLES {
                if op.role(place).depends_on(role) {
                    clock.join(&self.clocks[object].by_role[role as usize]);
                }
            }
        }
        clock
    }

    /// What had to be done on a channel before the step that has just been taken there could be, although the two
    /// do not [depend](Op::depends_on) on each other.
    fn enabled_by(&self, object: usize, op: &Op, outcome: Outcome) -> Option<&Clock> {
        let State::Channel {
            bound, sent, taken, ..
        } = self.states[object]
        else {
            return None;
        };
        let clocks = &self.clocks[object];
        match (op.action, outcome) {
            (Action::Send, Outcome::Done) => {
                let freed = sent.checked_sub(bound.filter(|bound| *bound > 0)?)?;
                clocks.received.get(freed.checked_sub(1)?)
            }
            (Action::HandOff(number), Outcome::Done) => clocks.received.get(number - 1),
            (Action::Receive { .. }, Outcome::Done) => clocks.sent.get(taken - 1),
            (Action::Receive { .. }, Outcome::Closed) => {
                Some(&clocks.by_role[Role::DropsSender as usize])
            }
            _ => None,
        }
    }

    /// What happens before the notification that wakes a thread which wakes up now.
    fn notification(&self, thread: usize, op: &Op) -> Option<&Clock> {
        let object = op.objects[0].filter(|_| matches!(op.action, Action::Wake { .. }))?;
        let State::Condvar { notified, .. } = &self.states[object] else {
            return None;
        };
        let by = &notified[notification(notified, thread)?];
        self.clocks[object].sent.get(by.number)
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
            State::Condvar { .. } => condvar(op.action, thread, state),
            State::Channel { .. } => channel(op.action, state),
            State::Atomic => done(op.action != Action::SpuriousFailure),
            State::Thread { ended, unparked } => match op.action {
                Action::IsFinished if !*ended => Outcome::Refused,
                Action::Park { .. } => done(std::mem::take(unparked)),
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

/// The oldest notification that may wake this thread: those after it may wake all that it may, and perhaps some more.
fn notification(notified: &[Notification], thread: usize) -> Option<usize> {
    notified.iter().position(|it| it.whom.contains(&thread))
}

fn condvar(action: Action, thread: usize, state: &mut State) -> Outcome {
    let State::Condvar {
        waiting,
        notified,
        notifications,
    } = state
    else {
        return Outcome::Done;
    };
    let mut outcome = Outcome::Done;
    match action {
        Action::Wait => waiting.push(thread),
        Action::NotifyOne | Action::NotifyAll => {
            let notification = Notification {
                number: *notifications,
                whom: waiting.clone(),
            };
            let all = action == Action::NotifyAll;
            let count = if all { waiting.len() } else { 1 };
            notified.extend(vec![notification; count]);
            *notifications += 1;
        }
        Action::Wake { .. } | Action::SpuriousWake => {
            let by = notification(notified, thread).filter(|_| !action.is_spurious());
            by.map(|by| notified.remove(by));
            waiting.retain(|other| *other != thread);
            for notification in notified.iter_mut() {
                notification.whom.retain(|other| *other != thread);
            }
            outcome = done(by.is_some() || action.is_spurious());
        }
        _ => {}
    }
    notified.retain(|notification| !notification.whom.is_empty());
    outcome
}

fn channel(action: Action, state: &mut State) -> Outcome {
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
    match action {
        Action::Send | Action::TrySend if !*receiver => return Outcome::Closed,
        Action::TrySend if bound.is_some_and(|bound| inside >= bound.max(*asking)) => {
            return Outcome::Refused;
        }
        Action::Send | Action::TrySend => {
            *sent += 1;
        }
        Action::HandOff(number) if *taken < number => return Outcome::Closed,
        Action::Ask => *asking += 1,
        Action::Receive { .. } | Action::TryReceive => {
            if action != Action::TryReceive {
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
        self.shares(other, Role::depends_on)
    }

    /// Whether the other one may have to wait until this one has been taken, although they do not depend on each other.
    pub(crate) fn can_enable(&self, other: &Op) -> bool {
        self.shares(other, Role::can_enable)
    }

    /// Whether this is so of what the two steps are to an object that both touch.
    fn shares(&self, other: &Op, is: fn(Role, Role) -> bool) -> bool {
        for (mine, object) in self.objects.iter().enumerate() {
            for (theirs, same) in other.objects.iter().enumerate() {
                if object.is_some() && object == same && is(self.role(mine), other.role(theirs)) {
                    return true;
                }
            }
        }
        false
    }

    /// The objects that it touches, with their places.
    fn objects(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let objects = self.objects.into_iter().enumerate();
        objects.filter_map(|(place, object)| Some((place, object?)))
    }

    /// What it is to the object in this place.
    fn role(&self, place: usize) -> Role {
        use Action::*;
        match self.action {
            NotifyOne | NotifyAll => Role::Notifies,
            Wake { .. } | SpuriousWake if place == 0 && self.objects[1].is_some() => Role::Wakes,
            Look | Load | SpuriousFailure | IsFinished | Join { .. } => Role::Reads,
            Read | TryRead | StopReading => Role::Reads,
            Send => Role::Sends,
            HandOff(_) => Role::HandsOff,
            Receive { timed: false } => Role::Receives,
            Ask => Role::Receives,
            DropSender => Role::DropsSender,
            _ => Role::Changes,
        }
    }

    /// The step that a thread can take instead of this one for no reason, if there is one.
    pub(crate) fn spurious(&self) -> Option<Op> {
        let action = match self.action {
            Action::Wake { .. } | Action::Park { .. } => Action::SpuriousWake,
            Action::Change { .. } => Action::SpuriousFailure,
            _ => return None,
        };
        Some(Op { action, ..*self })
    }

    /// Whether it may have to wait until another thread has taken a step.
    pub(crate) fn can_wait(&self) -> bool {
        use Action::*;
        matches!(
            self.action,
            Lock | Read
                | Send
                | Wake { .. }
                | SpuriousWake
                | HandOff(_)
                | Receive { .. }
                | Join { .. }
                | Park { .. }
        )
    }

    /// Whether it finds out if something is locked or over, without waiting for it. Then it can make a difference how
    /// early that is unlocked or over, beyond that others need not wait so long.
    pub(crate) fn is_probe(&self) -> bool {
        use Action::*;
        matches!(self.action, TryLock | TryRead | Look | IsFinished)
    }

    /// Whether no schedule is missed if this step is taken as soon as it can be: it touches nothing,
    /// or only makes way for others. Jobs are to be seen in every order.
    pub(crate) fn can_be_taken_at_once(&self, probes: bool) -> bool {
        use Action::*;
        match self.action {
            BeginJob(_) | EndJob(_) => false,
            Unlock | StopReading | End => !probes,
            _ => self.objects == [None; 2],
        }
    }

    /// Whether this step is what the other one has to wait for, so that the other one can never
    /// come first.
    pub(crate) fn makes_way_for(&self, other: &Op) -> bool {
        use Action::*;
        match (self.action, other.action) {
            (Unlock | StopReading | Wait, Lock) | (End, Join { .. }) => true,
            (Unlock, Read | Wake { .. } | SpuriousWake) => true,
            // One that can time out locks in a step of its own.
            (Wait, Wake { .. } | SpuriousWake) => other.objects[1] == self.objects[1],
            _ => false,
        }
    }
}
