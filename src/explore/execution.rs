//! Runs one schedule: every thread is a real one, and only the one that has the baton goes on.
//!
//! A thread that wants to take a step says so, and chooses the thread that goes next: itself, and then it just
//! goes on, or another one, and then it passes the baton on and waits for it. Between two steps of
//! a thread, no other thread does anything.
//!
//! A schedule that is stuck has to be taken apart without leaving a thread behind. The threads that
//! can go on do so. If there is none, the first one that waits is made to unwind, by a panic that
//! is not printed: what it drops lets others go on, and so forth.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::findings::{Findings, JobFindings, name_of};
use super::model::{Objects, Op, State};
use super::search::{Choice, Choices, Event, MOST_THREADS, Search, spurious, step_of, thread_of};
use super::states::{Point, Walk};
use crate::traced::context::{self, Watcher};
use crate::traced::location::{Caller, Place, Source};
use crate::traced::step::{
    Action, Dismissed, Member, NextStep, Outcome, Scheduler, Task, Touches, is_dismissal,
};
use crate::traced::{ObjectKind, next_number, threads};

/// How often in a row a thread's wait at one place of its program may come to its end for no other reason than time,
/// while others can go on. It is the same for a thread that yields or sleeps. Without a limit, a thread that looks
/// again and again would have schedules without end; where it leaves one out, it is told.
const EXPIRATIONS: usize = 2;

/// How many steps are left to a schedule that is not looked at any more.
const LAST_STEPS: usize = 2_000;

/// Why nothing can be told where the same steps do not come to the same end.
pub(crate) const DIFFERENT_END: &str = "the same steps did not come to the same end: something is different \
     each time, like a static, a random number or the clock";

/// One exploration's threads, and the schedule that runs.
pub(crate) struct Execution {
    inner: Mutex<Inner>,
    /// Where the exploration waits for the end of a schedule.
    explorer: Baton,
}

/// What a schedule may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One that has more is cut off.
    pub(crate) steps: usize,
    /// So often a thread may go on for no reason.
    pub(crate) spurious: usize,
    /// How long to wait for a step before it is clear that a thread is blocked by something else.
    pub(crate) no_step: Duration,
}

/// A thread of an execution.
#[derive(Clone)]
pub(crate) struct Participant {
    pub(crate) execution: Arc<Execution>,
    pub(crate) thread: usize,
}

struct Inner {
    search: Search,
    /// Chooses instead of the search, which then only keeps what was done.
    walk: Option<Walk>,
    objects: Objects,
    slots: Vec<Slot>,
    /// The real threads of this schedule, but for those of a scope.
    real_threads: Vec<JoinHandle<()>>,
    phase: Phase,
    /// Which thread took the last step, and how many steps were taken.
    last: usize,
    depth: usize,
    /// The step that was taken last, until it is known what came of it.
    last_event: Option<Event>,
    /// The steps that threads wait for, when the schedule is stuck or given up.
    wanted: Vec<Event>,
    findings: Findings,
    limits: Limits,
    /// Objects with a smaller number are older than this schedule.
    oldest: usize,
    /// A job has begun on a thread of no schedule.
    elsewhere: bool,
    /// How many steps threads may still take while they unwind.
    unwinding_steps: usize,
    /// Find out where in the learner's file each step stands, which takes time.
    locates: bool,
}

/// Something carries jobs that the explorer does not see.
const ELSEWHERE: &str = "does another crate carry the jobs, or is the line \
    `use ten_versus_five::traced as std;` missing in one of the files?";

/// Why nothing can be told when a job begins on a thread of no schedule.
pub(crate) fn elsewhere() -> String {
    format!("a job began on a thread that the explorer does not know: {ELSEWHERE}")
}

/// How long to wait for a job that has not begun when all threads have ended.
const LATE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// It is known how it ends, or that it does not. So many steps are left.
    Ending(usize),
    Over,
}

/// One thread.
struct Slot {
    object: usize,
    op: Option<Op>,
    outcome: Outcome,
    /// It has to unwind.
    dismissed: bool,
    panicking: bool,
    /// It has done its work, and drops what its `thread_local!`s hold. That must not unwind.
    leaving: bool,
    ended: bool,
    clock: Clock,
    /// The call of the step that it wants to take, and how often in a row such calls have expired.
    call: Caller,
    expirations: Vec<(Caller, usize)>,
    /// How often it has gone on for no reason.
    spurious: usize,
    baton: Arc<Baton>,
}

impl Slot {
    /// Whether it wants to take its last step, or has.
    fn has_left(&self) -> bool {
        self.ended || self.op.is_some_and(|op| op.action == Action::End)
    }

    /// Whether the wait that it is in has expired often enough.
    fn is_limited(&self) -> bool {
        let mut all = self.expirations.iter();
        all.any(|(call, count)| *call == self.call && *count >= EXPIRATIONS)
    }

    fn expires(&mut self) {
        let call = self.call;
        match self.expirations.iter_mut().find(|(it, _)| *it == call) {
            Some((_, count)) => *count += 1,
            None => self.expirations.push((call, 1)),
        }
    }
}

/// Where a thread waits for its turn.
#[derive(Default)]
pub(crate) struct Baton {
    here: AtomicBool,
    waits: Mutex<Option<thread::Thread>>,
}

impl Baton {
    /// To be called by the thread that is going to wait.
    fn is_mine(&self) {
        *unpoisoned(&self.waits) = Some(thread::current());
    }

    fn hand_over(&self) {
        self.here.store(true, Ordering::Release);
        if let Some(thread) = &*unpoisoned(&self.waits) {
            thread.unpark();
        }
    }

    pub(crate) fn wait(&self) {
        self.is_mine();
        while !self.here.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }

    /// The same, for a while. Whether it came.
    fn wait_for(&self, time: Duration) -> bool {
        self.is_mine();
        let deadline = Instant::now() + time;
        while !self.here.swap(false, Ordering::Acquire) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return false;
            };
            thread::park_timeout(left);
        }
        true
    }
}

thread_local! {
    /// What the panics of this thread said.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Takes the last step of this thread when it is dropped.
    static LAST_STEP: RefCell<Option<LastStep>> = const { RefCell::new(None) };
}

struct LastStep(Participant);

impl Drop for LastStep {
    /// Does not wait until that step is taken.
    fn drop(&mut self) {
        let Participant { execution, thread } = &self.0;
        let mut inner = execution.lock();
        if inner.phase == Phase::Over {
            return;
        }
        if inner.locates && inner.phase == Phase::Running {
            inner.findings.locations[*thread].push(Place::Unknown);
        }
        let slot = &mut inner.slots[*thread];
        slot.op = Some(Op {
            action: Action::End,
            objects: [Some(slot.object), None],
        });
        slot.call = None;
        let next = inner.choose();
        self.0.pass_on(inner, next);
    }
}

/// Keeps panics in a schedule from being printed, thousands of times. All others are as before.
///
/// A panic that is about to end the process is not kept: it says what is known.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let Some(member) = this_thread() else {
                return before(info);
            };
            let _ = PANICS.try_with(|panics| panics.borrow_mut().push(info.to_string()));
            if is_the_last(info) || member.is_leaving() {
                eprintln!("{}", member.last_words());
            }
        }));
    });
}

/// This thread's place among those of a schedule, if it is in one.
pub(crate) fn this_thread() -> Option<Participant> {
    let member = |last: &RefCell<Option<LastStep>>| Some(last.borrow().as_ref()?.0.clone());
    LAST_STEP.try_with(member).ok().flatten()
}

/// Whether this panic cannot unwind, as one that leaves a `drop` while another panic unwinds. It is
/// `core` itself that panics then.
fn is_the_last(info: &PanicHookInfo) -> bool {
    let file = info.location().map_or("", |location| location.file());
    file.ends_with("panicking.rs") && file.contains("core")
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Execution {
    /// If there is a walk, that chooses the schedules.
    pub(crate) fn new(search: Search, walk: Option<Walk>, limits: Limits) -> Arc<Execution> {
        keep_panics_quiet();
        Arc::new(Execution {
            inner: Mutex::new(Inner {
                search,
                walk,
                objects: Objects::default(),
                slots: Vec::new(),
                real_threads: Vec::new(),
                phase: Phase::Over,
                last: 0,
                depth: 0,
                last_event: None,
                wanted: Vec::new(),
                findings: Findings::default(),
                limits,
                oldest: 0,
                elsewhere: false,
                unwinding_steps: 0,
                locates: false,
            }),
            explorer: Baton::default(),
        })
    }

    /// Runs `work`, as the first thread, in the schedule that the search has prepared.
    pub(crate) fn run(
        self: &Arc<Execution>,
        work: impl FnOnce(&Participant) + Send + 'static,
    ) -> Findings {
        let member = Participant {
            execution: Arc::clone(self),
            thread: 0,
        };
        let mut inner = self.lock();
        inner.objects = Objects::default();
        inner.slots.clear();
        inner.phase = Phase::Running;
        (inner.last, inner.depth) = (0, 0);
        inner.last_event = None;
        inner.wanted.clear();
        inner.findings = Findings::default();
        inner.oldest = next_number();
        inner.unwinding_steps = LAST_STEPS;
        inner.add_thread(None, Clock::default());
        let first = inner.choose();
        let no_step = inner.limits.no_step;
        drop(inner);
        let main = Member::new(member.clone());
        threads::start_main(&main, Box::new(move || work(&member)));
        if let Some(first) = first {
            self.lock().slots[first].baton.hand_over();
        }

        let mut steps = 0;
        while !self.explorer.wait_for(no_step) {
            let mut inner = self.lock();
            if inner.depth == steps {
                // One of these threads is blocked for good, so none is waited for.
                inner.phase = Phase::Over;
                inner.real_threads.clear();
                let starts = |slot: &&Slot| slot.op.is_some_and(|op| op.action == Action::Start);
                // They have nothing to unwind, and end at once.
                let starting = inner.slots.iter().filter(starts);
                starting.for_each(|slot| slot.baton.hand_over());
                inner.findings.cannot_tell = Some(format!(
                    "no step for {} s: a thread waits for something that the explorer does not see, \
                     or computes for long",
                    no_step.as_secs()
                ));
                break;
            }
            steps = inner.depth;
        }
        let real_threads = std::mem::take(&mut self.lock().real_threads);
        for thread in real_threads {
            let _ = thread.join(); // It does not panic: it catches what it runs.
        }
        let mut inner = self.lock();
        inner.settle();
        if inner.elsewhere {
            inner.findings.cannot_tell = Some(elsewhere());
        }
        inner.findings.clone()
    }

    /// Waits for jobs that exist when all threads have ended, and have not begun: if a thread that is none of the
    /// schedule's carries them, they begin now. Returns whether one has.
    pub(crate) fn begins_elsewhere(&self) -> bool {
        let end = Instant::now() + LATE;
        loop {
            let inner = self.lock();
            let may_begin = |job: &JobFindings| {
                job.begun == 0 && !job.rejected && job.exists.strong_count() > 0
            };
            let waits = inner.findings.jobs.iter().any(may_begin);
            if inner.elsewhere || !waits || Instant::now() >= end {
                return inner.elsewhere;
            }
            drop(inner);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Asks the search, between two schedules.
    pub(crate) fn with_search<R>(
        &self,
        ask: impl FnOnce(&mut Search, &[Event], &Objects) -> R,
    ) -> R {
        let inner = &mut *self.lock();
        ask(&mut inner.search, &inner.wanted, &inner.objects)
    }

    /// Whether it finds out the locations of steps from now on.
    pub(crate) fn locate(&self, locates: bool) {
        self.lock().locates = locates;
    }

    /// Asks the walk, between two schedules. None if there is no walk.
    pub(crate) fn with_walk<R>(
        &self,
        ask: impl FnOnce(&mut Walk, &[Event], &Objects) -> R,
    ) -> Option<R> {
        let inner = &mut *self.lock();
        inner.search = Search::of_one(&[]);
        let walk = inner.walk.as_mut()?;
        Some(ask(walk, &inner.wanted, &inner.objects))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        unpoisoned(&self.inner)
    }
}

impl Inner {
    fn add_thread(&mut self, name: Option<String>, clock: Clock) -> usize {
        let thread = self.slots.len();
        debug_assert!(thread < MOST_THREADS);
        // No object has a number as high as these.
        let object = self.objects.index(ObjectKind::Thread, usize::MAX - thread);
        self.findings.names.push(name);
        // To start has no location.
        self.findings.locations.push(vec![Place::Unknown]);
        self.slots.push(Slot {
            object,
            op: Some(Op::of_thread(Action::Start)),
            outcome: Outcome::Done,
            dismissed: false,
            panicking: false,
            leaving: false,
            ended: false,
            clock,
            call: None,
            expirations: Vec::new(),
            spurious: 0,
            baton: Arc::default(),
        });
        thread
    }

    /// The index of an object that a step touches.
    fn object(&mut self, (kind, number): (ObjectKind, usize)) -> usize {
        if number < self.oldest && self.phase == Phase::Running {
            self.cannot_tell(format!(
                "a {kind:?} is older than the schedule that uses it, like a static"
            ));
        }
        self.objects.index(kind, number)
    }

    /// The threads that can take their step, and not for no reason.
    fn enabled(&self, any_expires: bool) -> Choices {
        let mut enabled = Choices::default();
        for (thread, slot) in self.slots.iter().enumerate() {
            let expires = any_expires || !slot.is_limited();
            let is_enabled = |op: Op| self.objects.is_enabled(thread, &op, expires);
            if slot.op.is_some_and(is_enabled) {
                enabled.insert(thread);
            }
        }
        enabled
    }

    /// The threads whose step can be taken for no reason.
    fn spurious(&self) -> Choices {
        let mut choices = Choices::default();
        for (thread, slot) in self.slots.iter().enumerate() {
            let can_be = |op: Op| self.objects.can_be_spurious(thread, &op);
            if slot.spurious < self.limits.spurious && slot.op.is_some_and(can_be) {
                choices.insert(spurious(thread));
            }
        }
        choices
    }

    /// Chooses the next thread and takes its step. None if all have ended.
    fn choose(&mut self) -> Option<usize> {
        loop {
            let next = self.choose_one();
            // A thread that has ended does not go on: it did not wait for its last step.
            if !next.is_some_and(|thread| self.slots[thread].ended) {
                return next;
            }
        }
    }

    fn choose_one(&mut self) -> Option<usize> {
        self.settle();
        if self.phase == Phase::Running {
            if self.slots.iter().all(|slot| slot.ended) {
                return None;
            }
            let mut enabled = self.enabled(false);
            let is_limited = self.slots.iter().any(Slot::is_limited);
            let without_limit = if is_limited {
                self.enabled(true)
            } else {
                enabled
            };
            self.findings.cut |= enabled != without_limit;
            if enabled.is_empty() {
                // When nothing else can happen, time goes by.
                enabled = without_limit;
            }
            let enabled = enabled.or(self.spurious());
            if enabled.is_empty() {
                self.is_stuck();
                self.phase = Phase::Ending(LAST_STEPS);
            } else if self.depth >= self.limits.steps {
                (self.findings.cut, self.findings.endless) = (true, true);
                self.phase = Phase::Ending(0);
            } else {
                let ops: Vec<Option<Op>> = self.slots.iter().map(|slot| slot.op).collect();
                let choice = if self.walk(enabled, &ops) {
                    self.search.choose(self.depth, enabled, ops, self.last)
                } else {
                    Choice::Known
                };
                match choice {
                    Choice::Of(choice) => {
                        self.last_event = Some(self.take_step(choice));
                        return Some(thread_of(choice));
                    }
                    Choice::Stuck => self.is_stuck(),
                    Choice::Known => {
                        self.findings.known = true;
                        self.wanted = self.wanted_by_all_but(enabled);
                    }
                    Choice::Different => self.is_different(),
                }
                self.phase = Phase::Ending(LAST_STEPS);
            }
        }
        self.choose_an_end()
    }

    fn is_stuck(&mut self) {
        self.findings.stuck = true;
        self.wanted = self.wanted_by_all_but(Choices::default());
    }

    /// Has the walk choose, if there is one. Whether the schedule is to go on.
    fn walk(&mut self, enabled: Choices, ops: &[Option<Op>]) -> bool {
        let Some(mut walk) = self.walk.take() else {
            return true;
        };
        let point = Point {
            enabled,
            ops,
            objects: &self.objects,
            jobs: &self.findings.jobs,
        };
        let chosen = walk.choose(&point, |choice| self.coming(choice));
        if let Some(choice) = chosen {
            self.search.go_on_with(choice);
        }
        if walk.different {
            self.is_different();
        }
        self.walk = Some(walk);
        chosen.is_some()
    }

    /// The step that would be taken now by this choice.
    fn coming(&self, choice: usize) -> Option<Event> {
        let slot = &self.slots[thread_of(choice)];
        let mut objects = self.objects.clone();
        Some(Event::of_step(&mut objects, choice, slot.op?, &slot.clock))
    }

    /// Chooses when it does not matter any more which thread goes on, only that all come to an end.
    fn choose_an_end(&mut self) -> Option<usize> {
        let Phase::Ending(left) = self.phase else {
            return None;
        };
        let enabled = self.enabled(true);
        let waiting = |slot: &Slot| {
            slot.op.is_some_and(|op| op.may_unwind()) && !slot.panicking && !slot.leaving
        };
        let dismissible = self.slots.iter().position(waiting);
        if left > 0 {
            if let Some(thread) = enabled.first() {
                // By turns, or one that waits for another in a loop would keep it from moving.
                let later = enabled.iter().find(|thread| *thread > self.last);
                let thread = later.unwrap_or(thread);
                self.phase = Phase::Ending(left - 1);
                self.take_step(thread);
                return Some(thread);
            }
        }
        if let Some(thread) = dismissible {
            let slot = &mut self.slots[thread];
            slot.dismissed = true;
            slot.op = None;
            return Some(thread);
        }
        if let Some(thread) = enabled.first().filter(|_| self.unwinding_steps > 0) {
            self.unwinding_steps -= 1;
            self.take_step(thread);
            return Some(thread);
        }
        // Threads that panic already, and wait for each other while they do. Nothing can make them
        // go on, so they stay where they are.
        if self.slots.iter().any(|slot| !slot.ended) {
            self.real_threads.clear();
        }
        None
    }

    /// Takes the step that a thread wants to take, or its spurious one.
    fn take_step(&mut self, choice: usize) -> Event {
        let thread = thread_of(choice);
        let slot = &mut self.slots[thread];
        // It is chosen, so it is enabled, so there is a step.
        let op = slot.op.take().unwrap_or(Op::of_thread(Action::Start));
        let event = Event::of_step(&mut self.objects, choice, op, &slot.clock);
        let op = event.op;
        let outcome = event.outcome;
        slot.clock = event.clock.clone();
        slot.outcome = outcome;
        slot.spurious += usize::from(op.action.is_spurious());
        match (op.action, outcome) {
            (Action::SpuriousFailure, _) => {}
            (Action::Sleep | Action::Yield, _) => slot.expires(),
            (_, Outcome::Refused) if op.action.can_expire() => slot.expires(),
            (Action::Receive { .. } | Action::BeginJob(_) | Action::EndJob(_), _) => {
                slot.expirations.clear();
            }
            _ => {}
        }
        slot.ended |= op.action == Action::End;
        if let (Action::BeginJob(job), Phase::Running) = (op.action, self.phase) {
            if let Some(job) = self.findings.jobs.get_mut(job) {
                job.begun += 1;
                let (maker, steps) = job.made;
                if event.clock.of(maker) <= steps {
                    self.cannot_tell(format!(
                        "a job came to its thread in a way that the explorer does not see: {ELSEWHERE}"
                    ));
                }
            }
        }
        self.last = thread;
        event
    }

    /// Puts down the last step, now that it is known what came of it.
    fn settle(&mut self) {
        if let Some(event) = self.last_event.take() {
            if !self.search.record(self.depth, event) {
                self.is_different();
                self.phase = Phase::Ending(LAST_STEPS);
            }
            self.depth += 1;
        }
    }

    /// The steps that threads wait for which are not `enabled`, as events that have not happened.
    fn wanted_by_all_but(&self, enabled: Choices) -> Vec<Event> {
        let threads = self.slots.iter().enumerate();
        let wanted = threads.filter_map(|(thread, slot)| {
            let op = slot.op.filter(|_| !enabled.has(thread))?;
            let mut clock = self.objects.clock_of(&op, &slot.clock);
            clock.tick(thread);
            Some(Event {
                thread,
                op,
                outcome: Outcome::Refused,
                seen: 0,
                before: slot.clock.clone(),
                clock,
            })
        });
        wanted.collect()
    }

    fn is_different(&mut self) {
        self.cannot_tell(
            "the same choices did not lead to the same steps: something is different each time, \
             like a static, a random number or the clock",
        );
    }

    /// Why nothing can be told. What was found out first counts.
    fn cannot_tell(&mut self, why: impl Into<String>) {
        self.findings.cannot_tell.get_or_insert_with(|| why.into());
    }
}

impl Event {
    /// Takes the step that a thread wants to take, or its spurious one, which has to be enabled.
    fn of_step(objects: &mut Objects, choice: usize, op: Op, before: &Clock) -> Event {
        let thread = thread_of(choice);
        let op = op.of_choice(choice).unwrap_or(op);
        let (outcome, clock) = objects.take_step(thread, &op, before);
        Event {
            thread,
            op,
            outcome,
            seen: 0,
            before: before.clone(),
            clock,
        }
    }
}

impl Op {
    /// A step that touches nothing.
    pub(crate) fn of_thread(action: Action) -> Op {
        Op {
            action,
            objects: [None; 2],
        }
    }

    /// Steps that are taken while something is dropped do not unwind: a second panic there would
    /// end the process.
    fn may_unwind(&self) -> bool {
        use Action::*;
        let drops = matches!(
            self.action,
            Poison
                | Unlock
                | StopReading
                | Detach
                | DropSender
                | DropReceiver
                | Start
                | End
                | EndJob(_)
        );
        // At its end, a scope waits for its threads whatever comes.
        !drops && self.action != (Join { scope: true })
    }
}

impl Scheduler for Participant {
    fn thread(&self) -> usize {
        self.thread
    }

    fn step(&self, step: NextStep) -> Outcome {
        let mut inner = self.execution.lock();
        let objects = match step.touches {
            Touches::Objects(objects) => objects.map(|object| Some(inner.object(object?))),
            Touches::Thread(thread) => [inner.slots.get(thread).map(|slot| slot.object), None],
        };
        let op = Op {
            action: step.action,
            objects,
        };
        self.take(inner, op, step.source)
    }

    fn saw(&self, value: u64) {
        if let Some(event) = &mut self.execution.lock().last_event {
            event.seen = value;
        }
    }

    fn add_channel(&self, number: usize, capacity: Option<usize>) {
        let inner = &mut *self.execution.lock();
        let index = inner.objects.index(ObjectKind::Channel, number);
        if let State::Channel { bound, .. } = &mut inner.objects.states[index] {
            *bound = capacity;
        }
    }

    fn add_sender(&self, number: usize) {
        let inner = &mut *self.execution.lock();
        let index = inner.objects.index(ObjectKind::Channel, number);
        if let State::Channel { senders, .. } = &mut inner.objects.states[index] {
            *senders += 1;
        }
    }

    fn add_thread(&self, name: Option<String>) -> Member {
        let mut inner = self.execution.lock();
        if inner.slots.len() == MOST_THREADS {
            inner.cannot_tell(format!(
                "more than {MOST_THREADS} threads in a schedule, and the explorer has room for no more"
            ));
            if inner.phase == Phase::Running {
                inner.phase = Phase::Ending(LAST_STEPS);
            }
            drop(inner);
            // The thread that asks for one more unwinds, and the others come to their end.
            panic::resume_unwind(Box::new(Dismissed));
        }
        let clock = inner.slots[self.thread].clock.clone();
        Member::new(Participant {
            execution: Arc::clone(&self.execution),
            thread: inner.add_thread(name, clock),
        })
    }

    /// Each is a new one in every schedule, so that what a `thread_local!` holds is made anew, and dropped
    /// at the end of the thread.
    fn start(&self, task: Task) -> thread::Thread {
        let thread = thread::spawn(task);
        let handle = thread.thread().clone();
        self.execution.lock().real_threads.push(thread);
        handle
    }

    /// The end itself comes when the real thread drops what its `thread_local!`s hold.
    fn live(&self, work: &mut dyn FnMut(), keep: &mut dyn FnMut(thread::Result<()>)) {
        // Before all others that the program may use, so it is dropped after them.
        LAST_STEP.set(Some(LastStep(self.clone())));
        context::watch(Watcher::Explorer(Member::new(self.clone())));
        let baton = Arc::clone(&self.execution.lock().slots[self.thread].baton);
        baton.wait();
        if self.execution.lock().phase == Phase::Over {
            return;
        }
        let result = panic::catch_unwind(AssertUnwindSafe(work));
        if let Err(panic) = &result {
            self.panicked(&**panic);
        }
        // A result that no thread can join any more is dropped here.
        let kept = panic::catch_unwind(AssertUnwindSafe(|| keep(result)));
        if let Err(panic) = &kept {
            self.panicked(&**panic);
        }
        self.execution.lock().slots[self.thread].leaving = true;
        // Windows starts and ends no thread as long as another one drops what its `thread_local!`s hold. So none may
        // wait for a step there.
        if cfg!(windows) {
            drop(LAST_STEP.take());
        }
    }

    fn is_running(&self) -> bool {
        self.execution.lock().phase == Phase::Running
    }
}

impl Participant {
    fn take<'a>(&'a self, mut inner: MutexGuard<'a, Inner>, op: Op, source: Source) -> Outcome {
        let me = self.thread;
        if inner.slots.get(me).is_some_and(Slot::has_left) {
            inner.cannot_tell("on Windows, a step is not seen when a `thread_local!` is dropped");
            return Outcome::Closed;
        }
        if inner.locates && inner.phase == Phase::Running {
            let mut place = Place::Unknown;
            if inner.walk.as_ref().is_none_or(Walk::is_new_here) {
                drop(inner);
                place = source.locate();
                inner = self.execution.lock();
            }
            inner.findings.locations[me].push(place);
        }
        if inner.phase == Phase::Over {
            // It comes back from where the explorer does not see, and all the others have ended.
            drop(inner);
            if op.may_unwind() && !thread::panicking() {
                panic::resume_unwind(Box::new(Dismissed));
            }
            return Outcome::Closed;
        }
        let slot = &mut inner.slots[me];
        slot.op = Some(op);
        slot.call = source.known_caller();
        slot.panicking = thread::panicking();
        let next = inner.choose();
        if next != Some(me) {
            let baton = Arc::clone(&inner.slots[me].baton);
            self.pass_on(inner, next);
            baton.wait();
            inner = self.execution.lock();
        }
        let slot = &mut inner.slots[me];
        let outcome = slot.outcome;
        if std::mem::take(&mut slot.dismissed) {
            drop(inner);
            panic::resume_unwind(Box::new(Dismissed));
        }
        outcome
    }

    fn pass_on(&self, mut inner: MutexGuard<'_, Inner>, next: Option<usize>) {
        match next.map(|thread| Arc::clone(&inner.slots[thread].baton)) {
            Some(baton) => {
                // Before the other thread wants the lock.
                drop(inner);
                baton.hand_over();
            }
            None => {
                inner.phase = Phase::Over;
                drop(inner);
                self.execution.explorer.hand_over();
            }
        }
    }

    /// Notes that this thread has panicked, unless it was made to.
    fn panicked(&self, panic: &(dyn Any + Send)) {
        if !is_dismissal(panic) {
            let inner = &mut *self.execution.lock();
            if inner.phase == Phase::Running {
                // One that was resumed, and not begun, has no message.
                let last = PANICS.take().pop();
                inner.findings.panics.push(last.unwrap_or_default());
            }
        }
    }

    /// Whether this thread has done its work. A panic ends the process from then on.
    fn is_leaving(&self) -> bool {
        self.execution.lock().slots[self.thread].leaving
    }

    /// What is known when a panic of this thread is about to end the process.
    fn last_words(&self) -> String {
        let panics = PANICS.try_with(RefCell::take).unwrap_or_default();
        let inner = &*self.execution.lock();
        let names = &inner.findings.names;
        let name = |thread: usize| name_of((thread, names.get(thread).unwrap_or(&None)));
        let steps = inner.search.levels.iter().filter_map(|level| {
            let step = step_of(level.chosen?, &level.ops)?;
            Some(format!(
                "  {}: {}",
                name(thread_of(level.chosen?)),
                step.action
            ))
        });
        format!(
            "\nThe explorer runs a schedule that ends the process: {} panics in a `drop` while another \
             panic unwinds, or at its very end. Its panics:\n{}\nThe steps:\n{}\n",
            name(self.thread),
            panics.join("\n"),
            steps.collect::<Vec<_>>().join("\n")
        )
    }

    /// A job, which exists as long as what is returned with its number.
    pub(crate) fn add_job(&self) -> (usize, Arc<()>) {
        let inner = &mut *self.execution.lock();
        let exists = Arc::new(());
        inner.findings.jobs.push(JobFindings {
            made: (self.thread, inner.slots[self.thread].clock.of(self.thread)),
            exists: Arc::downgrade(&exists),
            ..JobFindings::default()
        });
        (inner.findings.jobs.len() - 1, exists)
    }

    /// A job begins on a thread that is none of this exploration's.
    pub(crate) fn begin_elsewhere(&self) {
        self.execution.lock().elsewhere = true;
    }

    pub(crate) fn reject_job(&self, job: usize) {
        let inner = &mut *self.execution.lock();
        if let (Some(job), Phase::Running) = (inner.findings.jobs.get_mut(job), inner.phase) {
            job.rejected = true;
        }
    }

    pub(crate) fn set_outcome(&self, outcome: String) {
        let inner = &mut *self.execution.lock();
        if inner.phase == Phase::Running {
            inner.findings.outcome = Some(outcome);
        }
    }
}
