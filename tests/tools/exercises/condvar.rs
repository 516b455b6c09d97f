//! A condition variable.

use super::{Variant, right, variant};

const BEFORE: &str = r#"        let state = queue.state.lock().unwrap();
        let mut state = queue.changed.wait(state).unwrap();
        let Some(job) = state.jobs.pop_front() else {
            break; // Woken without a job: the pool is closed.
        };
        drop(state);
        job();
"#;

/// The right one.
const WAITS: (&str, &str) = (
    BEFORE,
    r#"        let mut state = queue.state.lock().unwrap();
        let wait = |state: &mut State| state.jobs.is_empty() && !state.closed;
        state = queue.changed.wait_while(state, wait).unwrap();
        let Some(job) = state.jobs.pop_front() else {
            break;
        };
        drop(state);
        job();
"#,
);

/// The same, as it was written before there was `wait_while`.
const LOOKS: (&str, &str) = (
    BEFORE,
    r#"        let mut state = queue.state.lock().unwrap();
        while state.jobs.is_empty() && !state.closed {
            state = queue.changed.wait(state).unwrap();
        }
        let Some(job) = state.jobs.pop_front() else {
            break;
        };
        drop(state);
        job();
"#,
);

pub const VARIANTS: [Variant; 12] = [
    variant("as it stands", "broken no_schedule_is_stuck", &[]),
    right("wait_while", &[WAITS]),
    right("while", &[LOOKS]),
    right(
        "a look before each wait",
        &[(
            BEFORE,
            r#"        let mut state = queue.state.lock().unwrap();
        if let Some(job) = state.jobs.pop_front() {
            drop(state);
            job();
        } else if state.closed {
            break;
        } else {
            drop(queue.changed.wait(state).unwrap());
        }
"#,
        )],
    ),
    variant(
        "if",
        "broken no_schedule_loses_a_job",
        &[LOOKS, ("while state", "if state")],
    ),
    variant(
        "the lock is released between the look and the wait",
        "broken no_schedule_is_stuck",
        &[(
            BEFORE,
            r#"        let state = queue.state.lock().unwrap();
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
        }
"#,
        )],
    ),
    variant(
        "closed is forgotten",
        "broken no_schedule_is_stuck",
        &[LOOKS, (" && !state.closed {", " {")],
    ),
    variant(
        "or for and",
        "broken no_schedule_is_stuck",
        &[LOOKS, ("&& !state", "|| !state")],
    ),
    variant(
        "the lock is held while a job runs",
        "broken every_worker_works_in_every_schedule",
        &[
            WAITS,
            (
                r#"        drop(state);
        job();
"#,
                r#"        job();
"#,
            ),
        ],
    ),
    variant(
        "jobs that wait are forgotten",
        "broken no_schedule_loses_a_job",
        &[
            WAITS,
            (
                r#"        let Some(job)"#,
                r#"        if state.closed {
            break;
        }
        let Some(job)"#,
            ),
        ],
    ),
    variant(
        "the first job only",
        "broken no_schedule_loses_a_job",
        &[
            WAITS,
            (
                r#"        job();
"#,
                r#"        job();
        break;
"#,
            ),
        ],
    ),
    variant(
        "looks again and again",
        "cannot tell no_schedule_is_stuck",
        &[(
            BEFORE,
            r#"        let mut state = queue.state.lock().unwrap();
        let job = state.jobs.pop_front();
        let closed = state.closed;
        drop(state);
        match job {
            Some(job) => job(),
            None if closed => break,
            None => thread::yield_now(),
        }
"#,
        )],
    ),
];
