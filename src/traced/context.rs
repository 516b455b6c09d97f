//! What watches the current thread. Threads inherit their watcher from the thread that starts them,
//! so two tests that run at the same time do not see each other's threads.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use super::location::Source;
use super::step::{Action, Member, NextStep, Object, Outcome, Recorder, Scheduler, Touches};

/// What watches a thread.
#[derive(Clone, Default)]
pub(crate) enum Watcher {
    /// No watcher: the stand-in does what `std` does.
    #[default]
    None,
    /// A recorder, which takes notes.
    Recorder(Arc<dyn Recorder>),
    /// A scheduler, which decides when this thread goes on.
    Explorer(Member),
}

thread_local! {
    static WATCHER: RefCell<Watcher> = const { RefCell::new(Watcher::None) };
}

/// Asks the watcher of this thread. At the very end of a thread, it has no watcher any more.
pub(crate) fn ask<R>(question: impl FnOnce(&Watcher) -> R) -> R {
    let mut question = Some(question);
    WATCHER
        .try_with(|watcher| question.take().map(|ask| ask(&watcher.borrow())))
        .ok()
        .flatten()
        .unwrap_or_else(|| {
            // `question` is gone only if it was asked, and then there is an answer.
            question.take().expect("not asked yet")(&Watcher::None)
        })
}

/// Before an action that may take a while. A scheduler decides when it can be done, and says what comes of
/// it; a recorder notes that this thread is about to do it, and hears in a [`note`] what came of it.
#[track_caller]
pub(crate) fn begin<'a>(action: Action, object: impl Into<Option<&'a Object>>) -> Option<Outcome> {
    tell(action, None, object.into(), action.source())
}

/// Before an action that is done at once: a scheduler decides when; a recorder notes that it is done.
#[track_caller]
pub(crate) fn act<'a>(action: Action, object: impl Into<Option<&'a Object>>) -> Option<Outcome> {
    tell(action, Some(Outcome::Done), object.into(), action.source())
}

fn tell(
    action: Action,
    outcome: Option<Outcome>,
    object: Option<&Object>,
    source: Source,
) -> Option<Outcome> {
    ask(|watcher| match watcher {
        Watcher::None => None,
        Watcher::Recorder(recorder) => {
            recorder.note(action, outcome, object, source);
            None
        }
        Watcher::Explorer(member) => {
            let touches = Touches::Objects([object.map(Object::id), None]);
            let step = NextStep {
                action,
                touches,
                source,
            };
            Some(Scheduler::step(&**member, step))
        }
    })
}

/// Takes a note of an action, and of what has come of it, if a recorder watches this thread.
#[track_caller]
pub(crate) fn note<'a>(
    action: Action,
    outcome: impl Into<Option<Outcome>>,
    object: impl Into<Option<&'a Object>>,
) {
    let (outcome, object, source) = (outcome.into(), object.into(), Source::caller());
    ask(|watcher| {
        if let Watcher::Recorder(recorder) = watcher {
            recorder.note(action, outcome, object, source);
        }
    });
}

/// Does what is no step of a schedule, and takes notes before and after. What is only tried is not wanted.
#[track_caller]
pub(crate) fn noted<'a, R>(
    action: Action,
    object: impl Into<Option<&'a Object>>,
    outcome: impl FnOnce(&R) -> Outcome,
    work: impl FnOnce() -> R,
) -> R {
    let object = object.into();
    if !matches!(action, Action::TrySend | Action::TryReceive) {
        note(action, None, object);
    }
    let result = work();
    note(action, outcome(&result), object);
    result
}

/// This thread's place in a schedule, if it is in one.
pub(crate) fn explored() -> Option<Member> {
    ask(|watcher| match watcher {
        Watcher::Explorer(member) => Some(member.clone()),
        _ => None,
    })
}

/// Takes a step, if this thread is in a schedule. No recorder hears of it.
#[track_caller]
pub(crate) fn step<'a>(action: Action, object: impl Into<Option<&'a Object>>) -> Option<Outcome> {
    let object = object.into().map(Object::id);
    Some(explored()?.step(action, [object, None]))
}

/// Lets this watcher watch the thread to its end.
pub(crate) fn watch(watcher: Watcher) {
    WATCHER.set(watcher);
}

/// Runs `work` with this watcher, and brings back the one before it, also if `work` panics.
pub(crate) fn watched_by<R>(watcher: Watcher, work: impl FnOnce() -> R) -> R {
    struct Restore(Watcher);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = mem::take(&mut self.0);
            let _ = WATCHER.try_with(|watcher| watcher.replace(before));
        }
    }
    let _restore = Restore(WATCHER.replace(watcher));
    work()
}

/// Runs a job, and has it noted when it begins and when it ends, also if it panics.
///
/// The stand-in cannot know which part of a program is a job. A handler that is to be seen at work
/// calls this.
///
/// # Panics
///
/// If `work` does.
pub fn job<R>(number: usize, work: impl FnOnce() -> R) -> R {
    struct End(usize);
    impl Drop for End {
        fn drop(&mut self) {
            act(Action::EndJob(self.0), None);
        }
    }
    act(Action::BeginJob(number), None);
    let _end = End(number);
    work()
}
