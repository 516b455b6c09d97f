//! What watches the current thread. Threads inherit their watcher from the thread that starts them,
//! so two tests that run at the same time do not see each other's threads.

use std::cell::RefCell;
use std::mem;
use std::panic;

use super::notes::{Recorder, Recording, What};
use super::step::{Action, Member, Object, Outcome};

/// What watches a thread.
#[derive(Clone, Default)]
pub(crate) enum Watcher {
    /// No watcher: the stand-in does what `std` does.
    #[default]
    None,
    /// A recording, which takes notes.
    Recorder(Recorder),
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

/// Takes a note, if a recording watches this thread.
#[track_caller]
pub(crate) fn note(what: What, object: &Object) {
    let caller = panic::Location::caller();
    ask(|watcher| {
        if let Watcher::Recorder(recorder) = watcher {
            recorder.note(what, Some(object), Some(caller));
        }
    });
}

/// The same of something that is dropped: it has no caller.
pub(crate) fn note_of_drop(what: What, object: &Object) {
    ask(|watcher| {
        if let Watcher::Recorder(recorder) = watcher {
            recorder.note(what, Some(object), None);
        }
    });
}

/// Takes a note that is about the thread and nothing else.
pub(crate) fn note_of_thread(what: What) {
    ask(|watcher| {
        if let Watcher::Recorder(recorder) = watcher {
            recorder.note(what, None, None);
        }
    });
}

/// This thread's place in a schedule, if it is in one.
pub(crate) fn explored() -> Option<Member> {
    ask(|watcher| match watcher {
        Watcher::Explorer(member) => Some(member.clone()),
        _ => None,
    })
}

/// Takes a step, if this thread is in a schedule.
#[track_caller]
pub(crate) fn step(action: Action, object: &Object) -> Option<Outcome> {
    let member = explored()?;
    Some(member.step(action, [Some(object.id()), None]))
}

/// Takes a step that touches nothing.
#[track_caller]
pub(crate) fn step_alone(action: Action) -> Option<Outcome> {
    let member = explored()?;
    Some(member.step_alone(action))
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

impl Recording {
    /// Runs `work` on this thread and takes notes of it, and of the threads it starts.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        watched_by(Watcher::Recorder(Recorder::of(self)), work)
    }
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
            step_alone(Action::EndJob(self.0));
            note_of_thread(What::EndsJob(self.0));
        }
    }
    step_alone(Action::BeginJob(number));
    note_of_thread(What::BeginsJob(number));
    let _end = End(number);
    work()
}
