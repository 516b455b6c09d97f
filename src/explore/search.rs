//! Which schedule comes next, and which need not be run at all.
//!
//! The search is depth first. Two schedules that differ only in the order of steps which do not
//! touch the same object are of one kind: whatever one of them shows, the other shows too. The
//! search runs one schedule of each kind, by *dynamic partial-order reduction*:
//!
//! - C. Flanagan, P. Godefroid: Dynamic partial-order reduction for model checking software.
//!   POPL 2005.
//! - P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas: Optimal dynamic partial order reduction.
//!   POPL 2014. From it are the *initials*, of which one is enough.
//!
//! After a schedule has run, [`Search::next`] looks for its races: two steps of different threads
//! that depend on each other, of which the second could also have come first, because nothing
//! between them keeps them in order. A step that a thread still waits for in the end counts as the
//! second of two as well. For each race, it notes at the first of the two that another
//! thread should be tried there. A *sleep set* keeps the search from trying what it has tried in
//! another place: it has the threads whose next step has been the first one before, and has not met
//! any step since that it depends on.
//!
//! Without the reduction ([`Search::plain`]) every thread is tried everywhere. That is what the
//! tests compare the reduction with.

use super::clock::Clock;
use super::model::Op;
use crate::traced::step::{Action, Outcome};

/// So many threads there may be.
pub(crate) const MOST_THREADS: usize = 64;

/// A set of choices. A choice is a thread, which takes its step, or `MOST_THREADS` more than a
/// thread, which takes its step [spuriously](Op::spurious).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choices(u128);

/// The choice that a thread takes its step spuriously.
pub(crate) fn spurious(thread: usize) -> usize {
    thread.saturating_add(MOST_THREADS)
}

/// The thread that takes a step by this choice.
pub(crate) fn thread_of(choice: usize) -> usize {
    choice % MOST_THREADS
}

/// The step that is taken by this choice, of those that the threads want to take.
pub(crate) fn step_of(choice: usize, ops: &[Option<Op>]) -> Option<Op> {
    ops.get(thread_of(choice)).copied()??.of_choice(choice)
}

/// The choice by which a thread takes this step.
pub(super) fn choice(thread: usize, action: Action) -> usize {
    if action.is_spurious() {
        spurious(thread)
    } else {
        thread
    }
}

impl Op {
    /// This step, or the one that its thread takes by this choice for no reason.
    pub(crate) fn of_choice(self, choice: usize) -> Option<Op> {
        if choice < MOST_THREADS {
            Some(self)
        } else {
            self.spurious()
        }
    }
}

impl Choices {
    pub(crate) fn one(choice: usize) -> Choices {
        Choices(1 << choice)
    }

    /// Also of a choice that no thread can have: a caller may ask for any number.
    pub(crate) fn has(self, choice: usize) -> bool {
        choice < 2 * MOST_THREADS && self.0 & (1 << choice) != 0
    }

    pub(crate) fn insert(&mut self, choice: usize) {
        self.0 |= 1 << choice;
    }

    /// Those by which this thread takes a step.
    fn of_thread(self, thread: usize) -> Choices {
        self.and(Choices::one(thread).or(Choices::one(spurious(thread))))
    }

    /// Whether in all of them a step is taken for no reason.
    pub(crate) fn are_spurious(self) -> bool {
        self.with_a_reason().is_empty()
    }

    /// Those by which a step is not taken for no reason.
    fn with_a_reason(self) -> Choices {
        Choices(self.0 % Choices::one(MOST_THREADS).0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn and(self, other: Choices) -> Choices {
        Choices(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Choices) -> Choices {
        Choices(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Choices) -> Choices {
        Choices(self.0 & !other.0)
    }

    pub(crate) fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self;
        std::iter::from_fn(move || {
            let first = left.first()?;
            left = left.without(Choices::one(first));
            Some(first)
        })
    }
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) thread: usize,
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
    /// What an atomic held, so that a value which is different the next time is noticed.
    pub(crate) seen: u64,
    /// What happens before the step, if only its own thread's steps count ...
    pub(crate) before: Clock,
    /// ... and with all that it depends on, and itself.
    pub(crate) clock: Clock,
}

impl Event {
    /// The choice by which it was taken.
    pub(crate) fn choice(&self) -> usize {
        choice(self.thread, self.op.action)
    }

    /// Whether it happens before what has this clock, or is the same.
    pub(crate) fn is_in(&self, clock: &Clock) -> bool {
        clock.of(self.thread) >= self.clock.of(self.thread)
    }

    fn races_with(&self, later: &Event) -> bool {
        self.thread != later.thread
            && self.op.depends_on(&later.op)
            && !self.is_in(&later.before)
            && !self.op.makes_way_for(&later.op)
    }
}

/// A point in a schedule at which a thread was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// The step that each thread wants to take; none if it has ended.
    pub(crate) ops: Vec<Option<Op>>,
    pub(crate) enabled: Choices,
    /// None if the schedule ends here, although a thread could go on for no reason.
    pub(crate) chosen: Option<usize>,
    /// Chosen here in earlier schedules.
    done: Choices,
    /// To be chosen here, now or later.
    to_try: Choices,
    /// Need not be chosen here.
    asleep: Choices,
    /// What was done then; none as long as it has not been.
    pub(crate) event: Option<Event>,
}

/// The search: the schedule that runs, with what is still to be tried at each of its points.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) levels: Vec<Level>,
    /// So many levels are decided before the schedule starts.
    decided: usize,
    /// Try every thread everywhere.
    pub(super) plain: bool,
    /// A thread has taken a step that is a [probe](Op::is_probe).
    pub(super) probes: bool,
    /// Every schedule begins with steps of these threads.
    prefix: Vec<usize>,
    /// There is one schedule, and no more.
    once: bool,
}

/// Which thread is to go on.
pub(crate) enum Choice {
    /// This one: a thread, or a thread's spurious step.
    Of(usize),
    /// None: what could go on could do so only for no reason, and does not.
    Stuck,
    /// None: all schedules that begin like this one are known.
    Known,
    /// The program did something else than the last time.
    Different,
}

impl Search {
    pub(crate) fn new(prefix: &[usize], plain: bool, probes: bool) -> Search {
        Search {
            prefix: prefix.to_vec(),
            plain,
            probes,
            ..Search::default()
        }
    }

    pub(crate) fn of_one(choices: &[usize]) -> Search {
        Search {
            prefix: choices.to_vec(),
            once: true,
            ..Search::default()
        }
    }

    /// The next step is taken by this choice: one more is given.
    pub(crate) fn go_on_with(&mut self, choice: usize) {
        self.prefix.push(choice);
    }

    /// Chooses at `depth` one of `enabled`, of which there is at least one. `last` took the step
    /// before: as long as it can go on, that saves a change of threads.
    pub(crate) fn choose(
        &mut self,
        depth: usize,
        enabled: Choices,
        ops: Vec<Option<Op>>,
        last: usize,
    ) -> Choice {
        if let Some(level) = self.levels.get(depth).filter(|_| depth < self.decided) {
            let same = level.enabled == enabled && level.ops == ops;
            return match level.chosen {
                _ if !same => Choice::Different,
                Some(chosen) => Choice::Of(chosen),
                None => Choice::Stuck,
            };
        }
        self.probes |= ops.iter().flatten().any(Op::is_probe);
        let given = self.prefix.get(depth).copied();
        if given.is_some_and(|choice| !enabled.has(choice)) {
            return Choice::Different;
        }
        let asleep = match depth.checked_sub(1).map(|before| &self.levels[before]) {
            Some(before) if !self.plain => before.asleep_after(),
            _ => Choices::default(),
        };
        let step = |choice: &usize| step_of(*choice, &ops);
        let at_once = |choice: &usize| {
            self.plain && step(choice).is_some_and(|op| op.can_be_taken_at_once(self.probes))
        };
        let at_once = enabled.iter().find(at_once);
        let awake = enabled.without(asleep);
        let chosen = given.or(at_once).or_else(|| one_of(awake, &ops, last));
        let ends = given.is_none() && enabled.are_spurious();
        if chosen.is_none() && !ends {
            return Choice::Known;
        }
        let to_try = match (chosen, given.or(at_once)) {
            (_, Some(one)) => Choices::one(one),
            (_, None) if self.plain => enabled,
            // What need not happen at all does not race with a schedule that is stuck without it.
            (Some(chosen), None) if chosen >= MOST_THREADS => enabled,
            // Whatever can come of a thread's step has to be tried where that is.
            (Some(chosen), None) => enabled.of_thread(thread_of(chosen)),
            (None, None) => Choices::default(),
        };
        let chosen = chosen.filter(|_| !ends);
        self.levels.truncate(depth);
        self.levels.push(Level {
            ops,
            enabled,
            chosen,
            done: Choices::default(),
            to_try,
            asleep,
            event: None,
        });
        chosen.map_or(Choice::Stuck, Choice::Of)
    }

    /// The event at this depth has come to its end. Whether it is the one that it was before.
    pub(crate) fn record(&mut self, depth: usize, event: Event) -> bool {
        let Some(level) = self.levels.get_mut(depth) else {
            return true;
        };
        let same = level.event.as_ref().is_none_or(|before| {
            (before.op, before.outcome, before.seen) == (event.op, event.outcome, event.seen)
        });
        level.event = Some(event);
        same
    }

    /// The steps of the schedule that has run.
    pub(crate) fn events(&self) -> Vec<&Event> {
        let levels = self.levels.iter();
        levels.map_while(|level| level.event.as_ref()).collect()
    }

    /// The same schedule once more.
    pub(crate) fn again(&mut self) {
        self.decided = self.levels.len();
    }

    /// How many steps of every schedule are given, and not to be looked at again.
    pub(crate) fn given(&self) -> usize {
        if self.once { 0 } else { self.prefix.len() }
    }

    /// It was the first schedule that has run, and none of its races is known yet.
    pub(crate) fn as_if_new(&mut self) {
        self.decided = 0;
    }

    /// Prepares for the next schedule, if there is one. `stuck` are the steps that threads wanted
    /// to take and never could.
    pub(crate) fn next(&mut self, stuck: &[Event]) -> bool {
        if self.once {
            return false;
        }
        if !self.plain {
            self.note_races(stuck);
        }
        while let Some(level) = self.levels.last_mut() {
            if let Some(chosen) = level.chosen {
                level.done.insert(chosen);
            }
            level.event = None;
            let left = level.to_try.without(level.done).without(level.asleep);
            if let Some(choice) = left.first() {
                level.chosen = Some(choice);
                self.decided = self.levels.len();
                return true;
            }
            self.levels.pop();
        }
        false
    }

    /// Notes for each race that the second of the two steps should also come first.
    fn note_races(&mut self, wanted: &[Event]) {
        let mut found = Vec::new();
        let events = self.events();
        // Races among the steps that were decided before were noted by an earlier schedule.
        let decided = self.decided.saturating_sub(1);
        let new = events.iter().copied().skip(decided).chain(wanted);
        for (index, later) in (decided..).zip(new) {
            let earlier = &events[..index.min(events.len())];
            for (place, event) in earlier.iter().enumerate().skip(self.prefix.len()) {
                if event.races_with(later) {
                    let between = &earlier[place + 1..];
                    let reversal = self.reversal(place, event, between, later);
                    found.push((place, later.thread, reversal));
                }
            }
        }
        for (place, later, Reversal { one_of, all_of }) in found {
            let level = &mut self.levels[place];
            let enabled = |thread: usize| level.enabled.of_thread(thread);
            let possible = |thread: &usize| !enabled(*thread).is_empty();
            let known = level.to_try.or(level.asleep);
            let is_known = |thread: usize| enabled(thread).without(known).is_empty();
            let mut new = Choices::default();
            if one_of.is_empty() {
                new = all_of.iter().map(enabled).fold(new, Choices::or);
            } else if !one_of.iter().filter(possible).any(is_known) {
                let own = Some(later).filter(|thread| one_of.has(*thread) && possible(thread));
                new = own.or(one_of.iter().find(possible)).map_or(new, enabled);
            }
            level.to_try = level.to_try.or(new);
        }
    }

    /// With which threads to begin at `place` so that `later` may come before `event`.
    fn reversal(&self, place: usize, event: &Event, between: &[&Event], later: &Event) -> Reversal {
        let level = &self.levels[place];
        // What can be done without `event`, as it does not happen after it.
        let free = between.iter().copied();
        let free: Vec<&Event> = free.filter(|other| !event.is_in(&other.clock)).collect();
        let wants_it = later.before.of(later.thread) == self.taken_before(place, later.thread);
        let ready = wants_it && level.enabled.has(later.choice());
        let touches = |op: &Op| op.depends_on(&later.op) || (!ready && op.can_enable(&later.op));
        let touched = free.iter().any(|other| touches(&other.op));
        let mut reversal = Reversal::default();
        if wants_it && !touched && level.enabled.of_thread(later.thread).is_empty() {
            return reversal; // Nothing but `event`, or what comes after it, makes way for it.
        }
        for (index, first) in free.iter().enumerate() {
            if free[..index].iter().any(|other| other.is_in(&first.clock)) {
                continue;
            }
            if touches(&first.op) && !first.is_in(&later.before) {
                reversal.all_of.insert(first.thread);
            } else {
                reversal.one_of.insert(first.thread);
            }
        }
        if wants_it && !touched {
            reversal.one_of.insert(later.thread);
        } else if !later.op.can_wait() {
            reversal.one_of = reversal.one_of.or(reversal.all_of);
        } else if wants_it {
            reversal.all_of.insert(later.thread);
        }
        reversal
    }

    /// How many steps the thread had taken before this place.
    fn taken_before(&self, place: usize, thread: usize) -> u32 {
        let mut levels = self.levels[..place].iter().rev();
        let last = levels.find_map(|level| level.event.as_ref().filter(|e| e.thread == thread));
        last.map_or(0, |event| event.clock.of(thread))
    }
}

/// The thread that took the last step, if it can go on; otherwise one that neither waits for time to go by nor goes on
/// for no reason, if there is one.
fn one_of(awake: Choices, ops: &[Option<Op>], last: usize) -> Option<usize> {
    let eager = |choice: &usize| {
        step_of(*choice, ops).is_some_and(|op| !op.action.can_expire() && !op.action.is_spurious())
    };
    let others = awake.without(Choices::one(last));
    Some(last)
        .filter(|last| awake.has(*last) && eager(last))
        .or_else(|| awake.iter().find(eager))
        .or_else(|| others.with_a_reason().first())
        .or_else(|| awake.with_a_reason().first())
        // As long as there is anything else, since it need not come at all.
        .or_else(|| awake.first())
}

/// The threads with which one can begin so that the later step of a race comes first.
///
/// Some schedules do so by steps that this one has taken between the two. A thread whose first
/// step there has nothing to do with the later one takes nothing away from any of them, so one such
/// thread is enough. But if the later step had to wait in this schedule, a step that it depends on may have come
/// between the two for that reason alone. Then it is not known which of those threads is needed, and all are tried.
#[derive(Default)]
struct Reversal {
    /// One of these is enough: the others come up behind it.
    one_of: Choices,
    /// If there is none of those, all of these.
    all_of: Choices,
}

impl Level {
    /// The choices that sleep after the chosen one.
    fn asleep_after(&self) -> Choices {
        let mut asleep = Choices::default();
        let Some(chosen) = self.chosen else {
            return asleep;
        };
        let step = step_of(chosen, &self.ops);
        let others = self.asleep.or(self.done).iter();
        for other in others.filter(|it| thread_of(*it) != thread_of(chosen)) {
            let op = step_of(other, &self.ops);
            if !op.zip(step).is_some_and(|(op, step)| op.depends_on(&step)) {
                asleep.insert(other);
            }
        }
        asleep
    }
}
