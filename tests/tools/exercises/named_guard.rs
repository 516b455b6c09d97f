//! A guard with a name.

use super::{Variant, right, variant};

const BEFORE: &str = r#"        let guard = receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();
"#;

/// The call of a job.
const CALL: &str = r#"        job();
"#;

pub const VARIANTS: [Variant; 11] = [
    variant("as it stands", "broken two_jobs_run_at_once", &[]),
    right(
        "drop",
        &[(
            CALL,
            r#"        drop(guard);
        job();
"#,
        )],
    ),
    right(
        "a block",
        &[(
            BEFORE,
            r#"        let job = {
            let guard = receiver.lock().unwrap();
            guard.recv()
        };
        let Ok(job) = job else {
            break;
        };
        job();
"#,
        )],
    ),
    right(
        "no name",
        &[(
            BEFORE,
            r#"        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
"#,
        )],
    ),
    variant(
        "drop, too late",
        "broken two_jobs_run_at_once",
        &[(
            CALL,
            r#"        job();
        drop(guard);
"#,
        )],
    ),
    variant(
        "drop of a reference",
        "broken two_jobs_run_at_once",
        &[(
            CALL,
            r#"        drop(&guard);
        job();
"#,
        )],
    ),
    variant(
        "let underscore",
        "broken two_jobs_run_at_once",
        &[(
            CALL,
            r#"        let _ = guard;
        job();
"#,
        )],
    ),
    variant(
        "another name",
        "broken two_jobs_run_at_once",
        &[(
            CALL,
            r#"        let _guard = guard;
        job();
"#,
        )],
    ),
    variant(
        "the name for something else",
        "broken two_jobs_run_at_once",
        &[(
            CALL,
            r#"        let guard = ();
        job();
"#,
        )],
    ),
    variant(
        "forget",
        "broken every_job_runs_once",
        &[(
            CALL,
            r#"        std::mem::forget(guard);
        job();
"#,
        )],
    ),
    variant(
        "a borrow, and no name",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"        let guard = &*receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();
"#,
        )],
    ),
];
