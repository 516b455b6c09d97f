//! A condition variable.

use super::RIGHT;

const BEFORE: &str = "let state = queue.state.lock().unwrap();
        let mut state = queue.changed.wait(state).unwrap();
        let Some(job) = state.jobs.pop_front() else {
            break; // Woken without a job: the pool is closed.
        };
        drop(state);
        job();";

/// The right one.
const WAITS: (&str, &str) = (
    BEFORE,
    "let mut state = queue.state.lock().unwrap();
        let wait = |state: &mut State| state.jobs.is_empty() && !state.closed;
        state = queue.changed.wait_while(state, wait).unwrap();
        let Some(job) = state.jobs.pop_front() else {
            break;
        };
        drop(state);
        job();",
);

/// The same, as it was written before there was `wait_while`.
const LOOKS: (&str, &str) = (
    BEFORE,
    "let mut state = queue.state.lock().unwrap();
        while state.jobs.is_empty() && !state.closed {
            state = queue.changed.wait(state).unwrap();
        }
        let Some(job) = state.jobs.pop_front() else {
            break;
        };
        drop(state);
        job();",
);

variants! {
    "as it stands": "broken no_schedule_is_stuck", [];
    "wait_while": RIGHT, [WAITS];
    "while": RIGHT, [LOOKS];
    "a look before each wait": RIGHT, [(BEFORE, "let mut state = queue.state.lock().unwrap();
        if let Some(job) = state.jobs.pop_front() {
            drop(state);
            job();
        } else if state.closed {
            break;
        } else {
            drop(queue.changed.wait(state).unwrap());
        }")];
    "if": "broken no_schedule_loses_a_job", [LOOKS, ("while state", "if state")];
    "the lock is released between the look and the wait": "broken no_schedule_is_stuck", [
        (BEFORE, "let state = queue.state.lock().unwrap();
        let waits = state.jobs.is_empty() && !state.closed;
        drop(state);
        let mut state = queue.state.lock().unwrap();
        if waits && !state.closed {
            state = queue.changed.wait(state).unwrap();
        }
        match state.jobs.pop_front() {
            Some(job) => {
                drop(state);
                job();
            }
            None if state.closed => break,
            None => {}
        }")];
    "closed is forgotten": "broken no_schedule_is_stuck", [LOOKS, ("&& !state.closed {", "{")];
    "or for and": "broken no_schedule_is_stuck", [LOOKS, ("&& !state", "|| !state")];
    "the lock is held while a job runs": "broken every_worker_works_in_every_schedule", [
        WAITS,
        ("drop(state);
        job();", "job();")];
    "jobs that wait are forgotten": "broken no_schedule_loses_a_job", [
        WAITS,
        ("let Some(job)", "if state.closed {
            break;
        }
        let Some(job)")];
    "the first job only": "broken no_schedule_loses_a_job", [WAITS, ("job();", "job();
        break;")];
    "looks again and again": "cannot tell no_schedule_is_stuck", [
        (BEFORE, "let mut state = queue.state.lock().unwrap();
        let job = state.jobs.pop_front();
        let closed = state.closed;
        drop(state);
        match job {
            Some(job) => job(),
            None if closed => break,
            None => thread::yield_now(),
        }")];
}
