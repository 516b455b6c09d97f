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
//! between them keeps them in order. For each race, it notes at the first of the two that another
//! thread should be tried there. A *sleep set* keeps the search from trying what it has tried in
//! another place: it has the threads whose next step has been the first one before, and has not met
//! any step since that it depends on.
//!
//! Without the reduction ([`Search::plain`]) every thread is tried everywhere. That is what the
//! tests compare the reduction with.

use super::clock::Clock;
use super::model::{Action, Op, Outcome};

/// A set of threads, of which there may be 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Threads(u64);

impl Threads {
    pub(crate) const MOST: usize = 64;

    pub(crate) fn one(thread: usize) -> Threads {
        Threads(1 << thread)
    }

    pub(crate) fn has(self, thread: usize) -> bool {
        self.0 & (1 << thread) != 0
    }

    pub(crate) fn insert(&mut self, thread: usize) {
        self.0 |= 1 << thread;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn and(self, other: Threads) -> Threads {
        Threads(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Threads) -> Threads {
        Threads(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Threads) -> Threads {
        Threads(self.0 & !other.0)
    }

    pub(crate) fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..Threads::MOST).filter(move |thread| self.has(*thread))
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
    pub(crate) enabled: Threads,
    pub(crate) chosen: usize,
    /// Chosen here in earlier schedules.
    done: Threads,
    /// To be chosen here, now or later.
    to_try: Threads,
    /// Need not be chosen here.
    asleep: Threads,
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
    plain: bool,
    /// A thread has asked whether something is locked, or over.
    asks: bool,
    /// Every schedule begins with steps of these threads.
    prefix: Vec<usize>,
    /// There is one schedule, and no more.
    once: bool,
}

/// Which thread is to go on.
pub(crate) enum Choice {
    Thread(usize),
    /// None: all schedules that begin like this one are known.
    Known,
    /// The program did something else than the last time.
    Different,
}

impl Search {
    pub(crate) fn new(prefix: &[usize], plain: bool, asks: bool) -> Search {
        Search {
            prefix: prefix.to_vec(),
            plain,
            asks,
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

    /// The next step is one of this thread: one more is given.
    pub(crate) fn go_on_with(&mut self, thread: usize) {
        self.prefix.push(thread);
    }

    /// Chooses at `depth` one of `enabled`, of which there is at least one. `last` took the step
    /// before: as long as it can go on, that saves a change of threads.
    pub(crate) fn choose(
        &mut self,
        depth: usize,
        enabled: Threads,
        ops: Vec<Option<Op>>,
        last: usize,
    ) -> Choice {
        if let Some(level) = self.levels.get(depth).filter(|_| depth < self.decided) {
            let same = level.enabled == enabled && level.ops == ops;
            return if same {
                Choice::Thread(level.chosen)
            } else {
                Choice::Different
            };
        }
        self.asks |= ops.iter().flatten().any(Op::asks);
        let given = self.prefix.get(depth).copied();
        if given.is_some_and(|thread| !enabled.has(thread)) {
            return Choice::Different;
        }
        let asleep = match depth.checked_sub(1).map(|before| &self.levels[before]) {
            Some(before) if !self.plain => before.asleep_after(),
            _ => Threads::default(),
        };
        let op_of = |thread: usize| ops[thread].as_ref();
        let at_once = |thread: &usize| {
            self.plain && op_of(*thread).is_some_and(|op| op.can_be_taken_at_once(self.asks))
        };
        let at_once = enabled.iter().find(at_once);
        let awake = enabled.without(asleep);
        let eager = |thread: &usize| {
            op_of(*thread).is_some_and(|op| !op.timed && op.action != Action::Yield)
        };
        let chosen = given
            .or(at_once)
            .or(Some(last).filter(|last| awake.has(*last) && eager(last)))
            .or_else(|| awake.iter().find(eager))
            .or_else(|| awake.without(Threads::one(last)).first())
            .or_else(|| awake.first());
        let Some(chosen) = chosen else {
            return Choice::Known;
        };
        let everywhere = self.plain && at_once.is_none() && given.is_none();
        self.levels.truncate(depth);
        self.levels.push(Level {
            ops,
            enabled,
            chosen,
            done: Threads::default(),
            to_try: if everywhere {
                enabled
            } else {
                Threads::one(chosen)
            },
            asleep,
            event: None,
        });
        Choice::Thread(chosen)
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
        self.levels
            .iter()
            .map_while(|level| level.event.as_ref())
            .collect()
    }

    /// The same schedule once more.
    pub(crate) fn again(&mut self) {
        self.decided = self.levels.len();
    }

    /// How many steps of every schedule are given, and not to be looked at again.
    pub(crate) fn given(&self) -> usize {
        if self.once { 0 } else { self.prefix.len() }
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(crate) fn asks(&self) -> bool {
        self.asks
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
            level.done.insert(level.chosen);
            level.event = None;
            let left = level.to_try.without(level.done).without(level.asleep);
            if let Some(thread) = left.first() {
                level.chosen = thread;
                self.decided = self.levels.len();
                return true;
            }
            self.levels.pop();
        }
        false
    }

    /// Notes for each race that the second of the two steps should also come first.
    fn note_races(&mut self, stuck: &[Event]) {
        let mut found = Vec::new();
        let events = self.events();
        // Races among the steps that were decided before were noted by an earlier schedule.
        let new = events
            .iter()
            .copied()
            .skip(self.decided.saturating_sub(1))
            .chain(stuck);
        for (index, later) in (self.decided.saturating_sub(1)..).zip(new) {
            let earlier = &events[..index.min(events.len())];
            for (place, event) in earlier.iter().enumerate().skip(self.prefix.len()) {
                if event.races_with(later) && self.could_be_earlier(place, later) {
                    let between = &earlier[place + 1..];
                    found.push((place, later.thread, initials(event, between, later)));
                }
            }
        }
        for (place, thread, initials) in found {
            let level = &mut self.levels[place];
            let known = level.to_try.or(level.asleep);
            let possible = initials.and(level.enabled);
            if initials.and(known).is_empty() && !possible.is_empty() {
                let own = Some(thread).filter(|thread| possible.has(*thread));
                // One of them is enough: the others come up behind it.
                level
                    .to_try
                    .insert(own.or(possible.first()).unwrap_or(level.chosen));
            }
        }
    }

    /// A thread that wanted to take the very same step already, and could not, was waiting for
    /// what came in between.
    fn could_be_earlier(&self, place: usize, later: &Event) -> bool {
        let level = &self.levels[place];
        let waiting = later.before.of(later.thread) == self.taken_before(place, later.thread);
        !waiting || level.enabled.has(later.thread)
    }

    /// How many steps the thread had taken before this place.
    fn taken_before(&self, place: usize, thread: usize) -> u32 {
        let mut levels = self.levels[..place].iter().rev();
        let last = levels.find_map(|level| level.event.as_ref().filter(|e| e.thread == thread));
        last.map_or(0, |event| event.clock.of(thread))
    }
}

/// The threads with which one can begin, at the place of `event`, to take `later` before it: they
/// come first among the steps between the two that do not happen after `event`.
fn initials(event: &Event, between: &[&Event], later: &Event) -> Threads {
    let free = between.iter().filter(|other| !event.is_in(&other.clock));
    let mut before: Vec<&Event> = Vec::new();
    let mut initials = Threads::default();
    for other in free.copied().chain([later]) {
        if !before.iter().any(|first| first.is_in(&other.clock)) {
            initials.insert(other.thread);
        }
        before.push(other);
    }
    initials
}

impl Level {
    /// The threads that sleep after the chosen one has taken its step.
    fn asleep_after(&self) -> Threads {
        let mut asleep = Threads::default();
        let step = self.ops[self.chosen].as_ref();
        for thread in self
            .asleep
            .or(self.done)
            .iter()
            .filter(|it| *it != self.chosen)
        {
            let op = self.ops[thread].as_ref();
            if !op.zip(step).is_some_and(|(op, step)| op.depends_on(step)) {
                asleep.insert(thread);
            }
        }
        asleep
    }
}
