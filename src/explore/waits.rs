//! Why threads wait for ever: a sentence for each of them.

use super::schedule::{Schedule, Step, Wanted};
use crate::traced::step::Action;
use crate::traced::{Location, ObjectKind};

/// A sentence for each thread that is stuck at the end of a schedule, or several.
pub(crate) fn sentences(schedule: &Schedule) -> Vec<String> {
    let stuck = schedule.stuck.iter();
    stuck.map(|wanted| sentence(schedule, wanted)).collect()
}

fn sentence(schedule: &Schedule, wanted: &Wanted) -> String {
    let name = schedule.name_of(wanted.thread);
    let here = at(wanted.location.as_ref());
    let what = match wanted.action {
        Action::Lock | Action::Read => format!("`{name}` waits for the lock{here}."),
        Action::Wake { .. } => {
            format!("`{name}` waits{here} to be notified, and no thread is left to notify it.")
        }
        Action::Receive { .. } => format!(
            "`{name}` waits for a message{here}. The channel is empty, and has a sender that does not send."
        ),
        Action::Send => format!(
            "`{name}` waits{here} to send. The channel is full, and has a receiver that does not receive."
        ),
        Action::HandOff(_) => format!("`{name}` waits{here} until its message is received."),
        Action::Join { .. } => match wanted.object {
            Some((ObjectKind::Thread, other)) if other < schedule.threads.len() => {
                let other = schedule.name_of(other);
                format!("`{name}` waits for the end of `{other}`{here}.")
            }
            _ => format!("`{name}` waits for the end of another thread{here}."),
        },
        Action::Park { .. } => {
            format!("`{name}` is parked{here}, and no thread is left to unpark it.")
        }
        action => format!("`{name}` waits{here}: {action}."),
    };
    let lock = wanted.mutex.or(wanted.object);
    let holders = holders(&schedule.steps, lock).into_iter();
    let holders = holders.map(|step| holder(schedule, wanted, step));
    let sentences: Vec<String> = [what].into_iter().chain(holders).collect();
    sentences.join(" ")
}

fn at(location: Option<&Location>) -> String {
    location.map_or_else(String::new, |location| format!(" at `{location}`"))
}

/// What is said of a thread that has a lock, which it took in this step.
fn holder(schedule: &Schedule, wanted: &Wanted, taken: &Step) -> String {
    let name = schedule.name_of(taken.thread);
    let itself = if taken.thread == wanted.thread {
        " itself"
    } else {
        ""
    };
    let place = taken.location.as_ref();
    let place = place.map_or_else(String::new, |place| format!(": taken at `{place}`"));
    let released = match released(schedule, taken).as_slice() {
        [] => String::new(),
        places => {
            let places: Vec<String> = places.iter().map(|place| short(place, taken)).collect();
            format!(
                "; a guard from there was dropped at {} before",
                places.join(" or ")
            )
        }
    };
    format!("`{name}` has it{itself}{place}{released}.")
}

/// A location in the same file needs no file.
fn short(location: &Location, near: &Step) -> String {
    let file = |location: &Location| location.file.clone();
    if near.location.as_ref().map(file) == Some(file(location)) {
        return format!("`{}:{}`", location.line, location.column);
    }
    format!("`{location}`")
}

/// Where guards that were taken at the same location were released before, in this schedule.
fn released<'a>(schedule: &'a Schedule, taken: &Step) -> Vec<&'a Location> {
    let mut places = Vec::new();
    let lock = taken.mutex.or(taken.object);
    let same = |step: &Step| {
        step.action == taken.action && !step.refused && step.location == taken.location
    };
    for (index, step) in schedule.steps.iter().enumerate() {
        if !same(step) || step.location.is_none() {
            continue;
        }
        let mut later = schedule.steps[index + 1..].iter();
        let release =
            later.find(|later| later.thread == step.thread && changes(later, lock, false));
        match release.map(|release| release.location.as_ref()) {
            // Then one cannot say where else it is released.
            Some(None) => return Vec::new(),
            Some(Some(location)) if !places.contains(&location) => places.push(location),
            _ => {}
        }
    }
    places
}

pub(super) type LockId = Option<(ObjectKind, usize)>;

/// Whether a step takes this lock, or gives it back.
fn changes(step: &Step, lock: LockId, takes: bool) -> bool {
    let objects = [step.object, step.mutex];
    let on_a_lock = step.action.on_a_lock(step.refused, objects);
    lock.is_some_and(|lock| on_a_lock == Some((lock, takes)))
}

/// The steps in which threads took a lock that they have after all of these.
pub(super) fn holders(steps: &[Step], lock: LockId) -> Vec<&Step> {
    let mut holders: Vec<&Step> = Vec::new();
    let is_lock = |(kind, _)| matches!(kind, ObjectKind::Mutex | ObjectKind::RwLock);
    if !lock.is_some_and(is_lock) {
        return holders;
    }
    for step in steps {
        if changes(step, lock, true) {
            holders.push(step);
        } else if changes(step, lock, false) {
            let held = holders.iter().rposition(|held| held.thread == step.thread);
            held.map(|held| holders.remove(held));
        }
    }
    holders
}
