//! Every state that a schedule can reach, each once.
//!
//! Two schedules that differ only in the order of steps which have nothing to do with each other
//! lead to the same state. So a state is a set of steps, each with what *happens before* it: a prefix
//! of a [trace](https://en.wikipedia.org/wiki/Trace_theory). [`Explorer::states`](super::Explorer::states) lists them all, with
//! the steps that lead from one to the next, and `page.rs` makes a page of them.
//!
//! It does not use the search of `search.rs`, and leaves no order out: at each state, every thread that
//! can take a step takes it. The search runs one schedule of each trace, so it runs as many as there
//! are states in which all is over. That is a test of both.
//!
//! One run shows all states along its path. What a step would lead to is known before it is taken,
//! because its clock is; so a run goes on where it has not been, and most steps need no run of their own.
#![doc = not_in_the_contract!()]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::clock::Clock;
use super::findings::{Findings, JobFindings, name_of};
use super::model::{Objects, Op};
use super::search::{Choices, Event, choice, spurious};
use crate::traced::ObjectKind;
use crate::traced::location::Place;
use crate::traced::step::{Action, Outcome};

/// All states of a program, and how one leads to another.
#[derive(Clone, Debug, Default)]
pub struct States {
    /// The names of the threads; the first is `main`.
    pub threads: Vec<String>,
    /// The first is the start.
    pub states: Vec<State>,
    /// Why these are not all, if they are not.
    pub missing: Option<String>,
    /// Why nothing here can be believed, if so.
    pub cannot_tell: Option<String>,
    /// How long it took to find them.
    pub time: Duration,
}

/// Where a schedule can be.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The numbers of the jobs that run.
    pub jobs: Vec<usize>,
    /// What can happen.
    pub steps: Vec<StateStep>,
    /// The threads that cannot go on. If there are no steps, they never can.
    pub waits: Vec<StateWait>,
    /// The jobs that were not run exactly once, and not rejected either, when all is over.
    pub lost: Vec<usize>,
}

/// A step that a thread can take.
#[derive(Clone, Debug)]
pub struct StateStep {
    /// Which thread, as an index into [`States::threads`].
    pub thread: usize,
    /// What it does.
    pub action: Action,
    /// What it does it to: the kind of the object, and its number among those of its kind.
    pub object: Option<(ObjectKind, usize)>,
    /// Where it does it: file, line and column. None if that is not known.
    pub at: Option<String>,
    /// The thread that it starts, if it does.
    pub starts: Option<usize>,
    /// It is not done: the lock is taken, the channel is full, empty or closed, the time is up.
    pub refused: bool,
    /// The state that comes then, as an index into [`States::states`]. None if it is not among them.
    pub to: Option<usize>,
}

/// A step that a thread cannot take yet.
#[derive(Clone, Debug)]
pub struct StateWait {
    /// Which thread, as an index into [`States::threads`].
    pub thread: usize,
    /// What it wants to do.
    pub action: Action,
    /// What it wants to do it to.
    pub object: Option<(ObjectKind, usize)>,
    /// Where, as in [`StateStep::at`].
    pub at: Option<String>,
    /// The threads that it waits for, where that is known: those that have the lock, or the one that
    /// has to end.
    pub waits_for: Vec<usize>,
}

impl State {
    /// Whether nothing can happen any more but what happens for no reason.
    pub fn is_end(&self) -> bool {
        self.steps.iter().all(|step| step.action.is_spurious())
    }
}

impl StateStep {
    /// The choice that leads on by this step, as in [`Schedule::choices`](super::Schedule::choices).
    pub fn choice(&self) -> usize {
        choice(self.thread, self.action)
    }
}

/// A point in a schedule at which a thread is to be chosen.
pub(crate) struct Point<'a> {
    pub(crate) enabled: Choices,
    /// The step that each thread wants to take; none if it has ended.
    pub(crate) ops: &'a [Option<Op>],
    pub(crate) objects: &'a Objects,
    pub(crate) jobs: &'a [JobFindings],
}

/// Walks from state to state, until it has been in all of them.
#[derive(Default)]
pub(crate) struct Walk {
    nodes: Vec<Node>,
    /// The states by the last step of each thread.
    known: HashMap<Vec<u32>, usize>,
    /// The number of a step: by that of the one that its thread took before, its choice and its clock.
    steps: HashMap<(u32, usize, Clock), u32>,
    /// The choices of schedules that are walked before all others.
    given: VecDeque<Vec<usize>>,
    /// States in which the walk has not been.
    open: VecDeque<usize>,
    /// In how many states it has been.
    pub(super) visited: usize,
    names: Vec<Option<String>>,
    /// Why nothing can be believed, if so.
    pub(super) cannot_tell: Option<String>,
    /// Why some states are missing, if so.
    missing: Option<String>,
    /// The program did something else than the last time.
    pub(super) different: bool,
    run: WalkedRun,
}

/// One run of the program.
#[derive(Default)]
struct WalkedRun {
    /// The choices that come next, so that it comes to where no run has been.
    planned: VecDeque<usize>,
    /// The choices of the schedule for which this run is, if one was given.
    given: Vec<usize>,
    here: usize,
    events: Vec<Event>,
    /// The states in which no run has been before this one.
    new: Vec<usize>,
}

#[derive(Default)]
struct Node {
    /// The last step of each thread, 0 for none.
    last: Vec<u32>,
    /// How many steps were taken.
    depth: usize,
    /// How to come here: the state before, and the choice there.
    from: Option<(usize, usize)>,
    /// What each thread wants to do here, once the walk has been here.
    wanted: Option<(Choices, Vec<Option<Op>>)>,
    /// Where what each thread wants to do stands.
    at: Vec<Option<String>>,
    /// No run can come here, because that would be a step too many.
    beyond: bool,
    state: State,
}

impl Walk {
    /// One that begins with these schedules, of which these are the choices.
    pub(super) fn new(given: impl IntoIterator<Item = Vec<usize>>) -> Walk {
        let mut walk = Walk {
            nodes: vec![Node::default()],
            known: HashMap::from([(Vec::new(), 0)]),
            given: given.into_iter().collect(),
            ..Walk::default()
        };
        walk.plan_given();
        walk
    }

    /// Plans one of the given schedules, if there is one left: from the last state on its way in which the walk has
    /// been, as it came there.
    fn plan_given(&mut self) -> bool {
        let Some(given) = self.given.pop_front() else {
            return false;
        };
        let (mut last, mut done) = (0, 0);
        while let Some(to) = given
            .get(done)
            .and_then(|choice| self.visited(last, *choice))
        {
            (last, done) = (to, done + 1);
        }
        let mut planned = self.way_to(last);
        planned.extend(&given[done..]);
        self.run = WalkedRun {
            planned,
            given,
            ..WalkedRun::default()
        };
        true
    }

    /// The state to which this choice leads, if the walk has been there.
    fn visited(&self, here: usize, choice: usize) -> Option<usize> {
        let mut steps = self.nodes[here].state.steps.iter();
        let to = steps.find(|step| step.choice() == choice)?.to?;
        self.nodes[to].wanted.is_some().then_some(to)
    }

    /// The choices with which the walk came to a state.
    fn way_to(&self, state: usize) -> VecDeque<usize> {
        let mut way = VecDeque::new();
        let mut from = self.nodes[state].from;
        while let Some((state, choice)) = from {
            way.push_front(choice);
            from = self.nodes[state].from;
        }
        way
    }

    /// Whether some given schedules were not walked yet.
    pub(super) fn has_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// The choice that comes next. None if the run need not go on. `coming` is the step that would be
    /// taken now by a choice.
    pub(crate) fn choose(
        &mut self,
        point: &Point,
        coming: impl Fn(usize) -> Option<Event>,
    ) -> Option<usize> {
        let here = self.run.here;
        match &self.nodes[here].wanted {
            None => self.visit(point, &coming),
            Some((enabled, ops)) => {
                self.different |= *enabled != point.enabled || ops != point.ops;
            }
        }
        if self.different {
            return None;
        }
        let steps = self.nodes[here].state.steps.iter();
        let planned = self.run.planned.pop_front();
        let chosen = match planned {
            Some(choice) => steps.clone().find(|step| step.choice() == choice),
            None => steps.clone().find(|step| {
                let next = step.to.map(|to| &self.nodes[to]);
                next.is_some_and(|node| node.wanted.is_none() && !node.beyond)
            }),
        };
        let (choice, to) = chosen.and_then(|step| Some((step.choice(), step.to?)))?;
        let from = Some((here, choice));
        if self.nodes[to].wanted.is_none() {
            self.nodes[to].from = from;
        } else if self.nodes[to].from != from {
            // It has been there, and goes on from there as it came there: objects may have other indices on this way.
            self.given.push_front(std::mem::take(&mut self.run.given));
            return None;
        }
        self.run.events.extend(coming(choice));
        self.run.here = to;
        Some(choice)
    }

    /// Puts down what can happen here.
    fn visit(&mut self, point: &Point, coming: &impl Fn(usize) -> Option<Event>) {
        let here = self.run.here;
        for (thread, op) in point.ops.iter().enumerate() {
            let Some(op) = op else { continue };
            for choice in [thread, spurious(thread)] {
                let enabled = point.enabled.has(choice);
                let event = enabled.then(|| coming(choice)).flatten();
                self.can_happen(here, event, point);
            }
            if !point.enabled.has(thread) {
                let wait = self.wait(thread, op, point.objects);
                self.nodes[here].state.waits.push(wait);
            }
        }
        if point.enabled.are_spurious() {
            self.nodes[here].state.lost = lost(point.jobs);
        }
        self.arrive();
        self.nodes[here].wanted = Some((point.enabled, point.ops.to_vec()));
    }

    /// Puts down that this step can be taken, if there is one.
    fn can_happen(&mut self, here: usize, event: Option<Event>, point: &Point) {
        let Some(event) = event else { return };
        let (action, object) = (event.op.action, event.op.objects[0]);
        let step = StateStep {
            thread: event.thread,
            action,
            object: object.map(|object| (point.objects.kinds[object], object)),
            at: None,
            starts: (action == Action::Spawn).then_some(point.ops.len()),
            refused: matches!(event.outcome, Outcome::Refused | Outcome::Closed),
            to: Some(self.after(here, &event)),
        };
        self.nodes[here].state.steps.push(step);
    }

    /// Puts down where all is over, or stuck.
    fn visit_end(&mut self, stuck: &[Event], objects: &Objects) {
        let here = self.run.here;
        if self.nodes[here].wanted.is_some() {
            return;
        }
        for event in stuck {
            let wait = self.wait(event.thread, &event.op, objects);
            self.nodes[here].state.waits.push(wait);
        }
        self.arrive();
        self.nodes[here].wanted = Some((Choices::default(), Vec::new()));
    }

    fn arrive(&mut self) {
        self.visited += 1;
        self.run.new.push(self.run.here);
    }

    fn wait(&self, thread: usize, op: &Op, objects: &Objects) -> StateWait {
        let holders = holders(&self.run.events);
        let of_lock = |object: &usize| holders.get(object).cloned().unwrap_or_default();
        let waits_for = match op.action {
            Action::Join { .. } => {
                let joined = op.objects[0].map(|object| objects.rank(object));
                joined.into_iter().collect()
            }
            _ => op.objects.iter().flatten().flat_map(of_lock).collect(),
        };
        StateWait {
            thread,
            action: op.action,
            object: op.objects[0].map(|object| (objects.kinds[object], object)),
            at: None,
            waits_for,
        }
    }

    /// The state that comes after this one when `event` happens.
    fn after(&mut self, here: usize, event: &Event) -> usize {
        let mut last = self.nodes[here].last.clone();
        last.resize(last.len().max(event.thread + 1), 0);
        let new = self.steps.len() as u32 + 1;
        let step = (last[event.thread], event.choice(), event.clock.clone());
        last[event.thread] = *self.steps.entry(step).or_insert(new);
        if let Some(known) = self.known.get(&last) {
            return *known;
        }
        let mut jobs = self.nodes[here].state.jobs.clone();
        event.op.action.on_jobs(&mut jobs);
        let index = self.nodes.len();
        self.known.insert(last.clone(), index);
        self.open.push_back(index);
        self.nodes.push(Node {
            last,
            depth: self.nodes[here].depth + 1,
            from: Some((here, event.choice())),
            state: State {
                jobs,
                ..State::default()
            },
            ..Node::default()
        });
        index
    }

    /// Puts down how a run has ended, in which threads wait in vain for the steps that are `stuck`.
    pub(crate) fn end_run(&mut self, findings: &Findings, stuck: &[Event], objects: &Objects) {
        if findings.endless {
            self.nodes[self.run.here].beyond = true;
            self.missing = Some(String::from("some schedule has no end"));
        } else if !findings.known && findings.cannot_tell.is_none() {
            self.visit_end(stuck, objects);
            self.nodes[self.run.here].state.lost = lost(&findings.jobs);
        }
        if findings.cut {
            let why = "a wait can end in vain more often than is tried";
            self.missing.get_or_insert_with(|| String::from(why));
        }
        let names = &findings.names;
        let same = self.names.iter().zip(names);
        if !same.clone().all(|(one, other)| one == other) {
            self.cannot_tell = Some(String::from("threads are started in different orders"));
        }
        if names.len() > self.names.len() {
            self.names = names.clone();
        }
        self.locate(&findings.locations);
        self.number_objects(objects);
    }

    /// Whether no run has been here before. Then the location of the next step of the thread that took the
    /// last one is not known yet; those of the others are.
    pub(crate) fn is_new_here(&self) -> bool {
        self.nodes[self.run.here].wanted.is_none()
    }

    /// Puts down where the steps stand in the states that are new.
    fn locate(&mut self, places: &[Vec<Place>]) {
        for &new in &self.run.new {
            let taken = &self.run.events[..self.nodes[new].depth];
            let mut at = match self.nodes[new].from {
                Some((from, _)) => self.nodes[from].at.clone(),
                None => Vec::new(),
            };
            if let Some(Event { thread, .. }) = taken.last() {
                let index = taken.iter().filter(|event| event.thread == *thread).count();
                let place = places.get(*thread).and_then(|places| places.get(index));
                at.resize(at.len().max(thread + 1), None);
                at[*thread] = place.and_then(Place::location).map(ToString::to_string);
            }
            let state = &mut self.nodes[new].state;
            for step in &mut state.steps {
                step.at = at.get(step.thread).cloned().flatten();
            }
            for wait in &mut state.waits {
                wait.at = at.get(wait.thread).cloned().flatten();
            }
            self.nodes[new].at = at;
        }
    }

    /// Objects have indices in the order in which they are first used, which differs from run to run.
    /// From now on they have numbers in the order in which they were made.
    fn number_objects(&mut self, objects: &Objects) {
        for new in std::mem::take(&mut self.run.new) {
            let state = &mut self.nodes[new].state;
            let steps = state.steps.iter_mut().map(|step| &mut step.object);
            let waits = state.waits.iter_mut().map(|wait| &mut wait.object);
            for (_, object) in steps.chain(waits).flatten() {
                *object = objects.rank(*object);
            }
        }
    }

    /// Plans the next run, if there is a schedule or a state in which the walk has not been.
    pub(crate) fn plan(&mut self) -> bool {
        if self.plan_given() {
            return true;
        }
        let nodes = &self.nodes;
        let is_open = |index: &usize| nodes[*index].wanted.is_none() && !nodes[*index].beyond;
        let open = std::iter::from_fn(|| self.open.pop_front()).find(is_open);
        let Some(open) = open else {
            return false;
        };
        self.run = WalkedRun {
            planned: self.way_to(open),
            ..WalkedRun::default()
        };
        true
    }

    /// What was found. States in which the walk has not been are left out, and no step leads there.
    pub(crate) fn take_states(
        &mut self,
        cannot_tell: Option<String>,
        missing: Option<String>,
    ) -> States {
        let mut places = vec![None; self.nodes.len()];
        let been = |node: &Node| node.wanted.is_some();
        let nodes = self.nodes.iter().enumerate();
        for (place, (index, _)) in nodes.filter(|(_, node)| been(node)).enumerate() {
            places[index] = Some(place);
        }
        let nodes = std::mem::take(&mut self.nodes).into_iter();
        let mut states: Vec<State> = nodes.filter(been).map(|node| node.state).collect();
        for step in states.iter_mut().flat_map(|state| &mut state.steps) {
            step.to = step.to.and_then(|to| places[to]);
        }
        States {
            threads: self.names.iter().enumerate().map(name_of).collect(),
            states,
            missing: missing.or(self.missing.take()),
            cannot_tell,
            time: Duration::ZERO,
        }
    }
}

/// The numbers of the jobs that are lost if all is over now.
fn lost(jobs: &[JobFindings]) -> Vec<usize> {
    let jobs = jobs.iter().enumerate();
    let lost = jobs.filter(|(_, job)| job.is_lost());
    lost.map(|(number, _)| number).collect()
}

/// The threads that have each lock after these steps.
fn holders(events: &[Event]) -> BTreeMap<usize, Vec<usize>> {
    let mut holders: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for event in events {
        let refused = event.outcome == Outcome::Refused;
        let Some((lock, takes)) = event.op.action.on_a_lock(refused, event.op.objects) else {
            continue;
        };
        let threads = holders.entry(lock).or_default();
        if takes {
            threads.push(event.thread);
        } else {
            let place = threads.iter().position(|thread| *thread == event.thread);
            place.map(|place| threads.remove(place));
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::explore::{Explorer, Report, Schedule};
    use crate::traced::sync::{Arc, Mutex};
    use crate::traced::thread;

    /// Two threads take two locks, each in another order.
    fn deadlock() {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let same = Arc::clone(&locks);
        let thread = thread::spawn(move || {
            let _held = (same.1.lock(), same.0.lock());
        });
        let held = (locks.0.lock(), locks.1.lock());
        drop(held);
        let _ = thread.join();
    }

    #[test]
    fn where_the_schedules_of_a_report_lead_is_there_however_short_the_time_is() {
        let report = Explorer::new().run(|_| deadlock());
        let stuck = report.stuck_schedule.clone().unwrap();
        let is_there = |report: &Report| {
            let explorer = Explorer::new().time_limit(Duration::ZERO);
            let states = explorer.states_with(report, 1, |_| deadlock());
            assert!(states.missing.is_some());
            let end = stuck.choices().into_iter().try_fold(0, |state, choice| {
                let mut steps = states.states[state].steps.iter();
                steps.find(|step| step.choice() == choice)?.to
            });
            end.is_some_and(|end| !states.states[end].waits.is_empty())
        };
        assert!(is_there(&report));
        let first: Vec<usize> = report.shown().map(Schedule::choices).next().unwrap();
        assert_ne!(first, stuck.choices());
        assert!(!is_there(&Report::default()));
    }

    /// The ways of two schedules part and meet again.
    #[cfg(feature = "stage4")]
    #[test]
    fn it_makes_no_difference_to_all_states_which_schedules_come_first() {
        let program = || crate::explore::stages::program(4, 2, 2, 2).unwrap();
        let explorer = Explorer::new().without_locations();
        let report = explorer.run(program());
        let states = explorer.states(1_000, program());
        let given = explorer.states_with(&report, 1_000, program());
        assert!(report.shown().count() > 1);
        assert_eq!((&given.cannot_tell, &given.missing), (&None, &None));
        let ends = |states: &super::States| {
            let ends = states.states.iter().filter(|state| state.is_end());
            ends.count()
        };
        assert_eq!(given.states.len(), states.states.len());
        assert_eq!(
            (ends(&given), ends(&states)),
            (report.schedules, report.schedules)
        );
    }
}
