//! One schedule, to be looked at and to be run again.

use std::cell::RefCell;

use super::findings::{Findings, name_of};
use super::model::{Objects, Op};
use super::search::{Event, Search, choice, step_of, thread_of};
use crate::traced::location::Place;
use crate::traced::step::{Action, Outcome};
use crate::traced::{Location, ObjectKind};

/// The steps of one schedule, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// The names of the threads; a step has an index into these. The first one is `main`, the
    /// others have the names that they were given, or `thread-` and their index.
    pub threads: Vec<String>,
    /// What happened.
    pub steps: Vec<Step>,
    /// The threads that wait for ever, each with what it waits for.
    pub stuck: Vec<Wanted>,
    /// What the panics said that ended a thread.
    pub panics: Vec<String>,
}

/// One step of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Which thread, as an index into [`Schedule::threads`].
    pub thread: usize,
    /// What it did.
    pub action: Action,
    /// What it did it to: the kind of the object, and its number among those of its kind.
    pub object: Option<(ObjectKind, usize)>,
    /// The mutex that a step of a condition variable unlocks, or locks again.
    pub mutex: Option<(ObjectKind, usize)>,
    /// It was not done: the lock was taken, the channel full, empty or closed, the time up.
    pub refused: bool,
    /// Where it stands, if that is in the learner's own files, and known.
    pub location: Option<Location>,
    /// It stands in a file of this crate: it is a step of what runs the pool, or of its jobs.
    pub is_of_the_check: bool,
    /// The threads that could go on at this point, this one among them.
    pub ready: Vec<Wanted>,
    /// The threads that could not.
    pub waiting: Vec<Wanted>,
}

/// A step that a thread wants to take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// Which thread, as an index into [`Schedule::threads`].
    pub thread: usize,
    /// What it wants to do.
    pub action: Action,
    /// What it wants to do it to, as in [`Step::object`].
    pub object: Option<(ObjectKind, usize)>,
    /// As [`Step::mutex`].
    pub mutex: Option<(ObjectKind, usize)>,
    /// Where that stands, as in [`Step::location`].
    pub location: Option<Location>,
}

impl Step {
    /// It is no call, so without debug information it is not known where it stands.
    fn is_a_release(&self) -> bool {
        use Action::*;
        matches!(self.action, Unlock | StopReading | Poison)
    }
}

impl Schedule {
    /// Which thread took each step; 64 more than that if it did so for no reason.
    /// [`Explorer::replay`](super::Explorer::replay) runs it again.
    pub fn choices(&self) -> Vec<usize> {
        let steps = self.steps.iter();
        steps.map(|step| choice(step.thread, step.action)).collect()
    }

    /// The jobs that run after so many steps.
    pub(crate) fn jobs_at(&self, steps: usize) -> Vec<usize> {
        let mut jobs = Vec::new();
        let steps = self.steps.iter().take(steps);
        steps.for_each(|step| step.action.on_jobs(&mut jobs));
        jobs
    }

    /// What a thread is called. The fields are public, so it may be none of this schedule.
    pub(crate) fn name_of(&self, thread: usize) -> &str {
        self.threads.get(thread).map_or("?", String::as_str)
    }

    /// Becomes `again`, which has locations, if it is the same otherwise.
    pub(super) fn locate_as(&mut self, again: Schedule) {
        let is_same = self.choices() == again.choices()
            && self.threads == again.threads
            && self.stuck.len() == again.stuck.len();
        if is_same {
            *self = again;
        }
    }

    /// The locations of all steps, as far as they are known.
    pub(crate) fn locations(&self) -> impl Iterator<Item = &Location> {
        self.steps.iter().filter_map(|step| step.location.as_ref())
    }

    /// Whether a check takes this step for itself: it touches a lock or a number that only checks touch.
    pub(crate) fn is_of_a_check_alone(&self, step: &Step) -> bool {
        use ObjectKind::*;
        let is_its_own = |(kind, _)| matches!(kind, Mutex | RwLock | Atomic | Condvar);
        let steps = self.steps.iter();
        let mut touching = steps.filter(|other| other.object == step.object);
        let mut uses = touching.clone().filter(|other| !other.is_a_release());
        step.object.is_some_and(is_its_own)
            && touching.any(|other| other.is_of_the_check)
            && uses.all(|other| other.is_of_the_check)
    }

    pub(super) fn of(
        search: &Search,
        stuck: &[Event],
        objects: &Objects,
        findings: &Findings,
    ) -> Schedule {
        let object = |index: Option<usize>| {
            let index = index?;
            let kind = objects.kinds[index];
            let same = objects.kinds[..index].iter().filter(|it| **it == kind);
            Some((kind, same.count()))
        };
        // How many steps each thread has taken: its next location has this index.
        let taken = RefCell::new(vec![0; findings.names.len()]);
        let place = |thread: usize| {
            let places = findings.locations.get(thread)?;
            places.get(taken.borrow()[thread])
        };
        let location = |thread: usize| place(thread)?.location().cloned();
        let wanted = |thread: usize, op: &Op| Wanted {
            thread,
            action: op.action,
            object: object(op.objects[0]),
            mutex: object(op.objects[1]),
            location: location(thread),
        };
        let steps = search.levels.iter().filter_map(|level| {
            let event = level.event.as_ref()?;
            let ready = level.enabled.iter().filter_map(|choice| {
                let op = step_of(choice, &level.ops)?;
                Some(wanted(thread_of(choice), &op))
            });
            let waits = |thread: &usize| !level.enabled.has(*thread);
            let waiting = (0..level.ops.len()).filter(waits);
            let waiting = waiting.filter_map(|it| Some(wanted(it, level.ops[it].as_ref()?)));
            let (ready, waiting) = (ready.collect(), waiting.collect());
            let step = Step {
                thread: event.thread,
                action: event.op.action,
                object: object(event.op.objects[0]),
                mutex: object(event.op.objects[1]),
                refused: matches!(event.outcome, Outcome::Refused | Outcome::Closed),
                location: location(event.thread),
                is_of_the_check: place(event.thread) == Some(&Place::Check),
                ready,
                waiting,
            };
            taken.borrow_mut()[event.thread] += 1;
            Some(step)
        });
        let steps = steps.collect();
        let stuck = stuck.iter().map(|event| wanted(event.thread, &event.op));
        Schedule {
            threads: findings.names.iter().enumerate().map(name_of).collect(),
            steps,
            stuck: stuck.collect(),
            panics: findings.panics.clone(),
        }
    }
}

/// How many jobs ran at once, at most, in this very schedule after the first `given` steps, and its
/// choices.
pub(super) fn at_once(events: &[&Event], given: usize) -> (usize, Vec<usize>) {
    let (mut now, mut most) = (0_usize, 0);
    for (index, event) in events.iter().enumerate() {
        match event.op.action {
            Action::BeginJob(_) => now += 1,
            Action::EndJob(_) => now -= 1,
            _ => {}
        }
        if index + 1 >= given {
            most = most.max(now);
        }
    }
    (most, events.iter().map(|event| event.choice()).collect())
}

/// How many jobs ran at once, at most, in this schedule or in another one of its kind that begins
/// with the same `given` steps; and the choices that lead there.
///
/// Two jobs can run at once in one of them if neither has to end before the other begins, that is,
/// if the end of the one does not *happen before* the begin of the other. And as many as can do so
/// two by two can do so all together. What has ended in the given steps is over.
pub(super) fn most_at_once(events: &[&Event], given: usize) -> (usize, Vec<usize>) {
    let mut jobs: Vec<(&Event, Option<&Event>)> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match event.op.action {
            Action::BeginJob(_) => jobs.push((event, None)),
            Action::EndJob(_) => {
                let open = |job: &(&Event, Option<&Event>)| {
                    job.0.thread == event.thread && job.1.is_none()
                };
                let Some(job) = jobs.iter().rposition(open) else {
                    continue;
                };
                if index < given {
                    jobs.remove(job);
                } else {
                    jobs[job].1 = Some(event);
                }
            }
            _ => {}
        }
    }
    let comes_before = |one: usize, other: usize| {
        let end = jobs[one].1;
        end.is_some_and(|end| end.is_in(&jobs[other].0.clock))
    };
    let together =
        |one: usize, other: usize| !comes_before(one, other) && !comes_before(other, one);
    let most = largest(Vec::new(), (0..jobs.len()).collect(), &together);

    // The given steps, all that has to come before the begin of one of these, and then the rest.
    let (given_events, events) = events.split_at(given.min(events.len()));
    let first = |event: &&&Event| most.iter().any(|job| event.is_in(&jobs[*job].0.clock));
    let before = events.iter().filter(first);
    let after = events.iter().filter(|event| !first(event));
    let order = given_events.iter().chain(before).chain(after);
    if given > 0 {
        return (most.len(), order.map(|event| event.choice()).collect());
    }
    // A thread starts as soon as it is there, so that one can see what it waits for.
    let mut choices = Vec::with_capacity(events.len());
    let mut spawned = 0;
    for event in order {
        match event.op.action {
            Action::Start if event.thread > 0 => {}
            _ => choices.push(event.choice()),
        }
        if event.op.action == Action::Spawn {
            spawned += 1;
            choices.push(spawned);
        }
    }
    (most.len(), choices)
}

/// Whether the first thread ends, in this schedule or in another one of its kind, before this number of jobs have
/// ended: not each of their ends *happens before* its own. Returns the choices that lead there.
pub(super) fn returns_early(events: &[&Event], jobs: usize) -> Option<Vec<usize>> {
    let is_end = |event: &&&Event| event.thread == 0 && event.op.action == Action::End;
    let end = events.iter().find(is_end)?;
    let before = |event: &&&Event| event.is_in(&end.clock);
    let ends = |event: &&&Event| matches!(event.op.action, Action::EndJob(_));
    if events.iter().filter(before).filter(ends).count() >= jobs {
        return None;
    }
    let after = events.iter().filter(|event| !before(event));
    let order = events.iter().filter(before).chain(after);
    Some(order.map(|event| event.thread).collect())
}

/// The largest set of jobs that can run together, two by two: those in `chosen`, and some more.
fn largest(
    chosen: Vec<usize>,
    candidates: Vec<usize>,
    together: &impl Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let mut best = chosen.clone();
    for (index, job) in candidates.iter().enumerate() {
        let left = candidates[index + 1..].iter().copied();
        let left: Vec<usize> = left.filter(|it| together(*job, *it)).collect();
        if chosen.len() + 1 + left.len() > best.len() {
            let with = [&chosen[..], &[*job]].concat();
            let set = largest(with, left, together);
            if set.len() > best.len() {
                best = set;
            }
        }
    }
    best
}
