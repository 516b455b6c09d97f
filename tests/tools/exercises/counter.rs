//! A counter in the wrong place.

use super::{Variant, right, variant};

/// Whether a job is accepted.
const CHECK: &str = r#"        if self.in_flight.load(Relaxed) == self.size {
            return Err(job);
        }
"#;

/// The job does not add itself.
const NOT_IN_THE_JOB: (&str, &str) = (
    r#"            in_flight.fetch_add(1, Relaxed);
"#,
    "",
);

/// It is added before it is sent.
const BEFORE_IT_IS_SENT: (&str, &str) = (
    r#"        let in_flight = Arc::clone(&self.in_flight);
"#,
    r#"        self.in_flight.fetch_add(1, Relaxed);
        let in_flight = Arc::clone(&self.in_flight);
"#,
);

/// Nor does it subtract itself.
const NOT_SUBTRACTED: (&str, &str) = (
    r#"            in_flight.fetch_sub(1, Relaxed);
"#,
    "",
);

pub const VARIANTS: [Variant; 13] = [
    variant(
        "as it stands",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[],
    ),
    right(
        "counted before it is sent",
        &[NOT_IN_THE_JOB, BEFORE_IT_IS_SENT],
    ),
    right(
        "one atomic update",
        &[
            NOT_IN_THE_JOB,
            (
                CHECK,
                r#"        let below = |count| (count < self.size).then_some(count + 1);
        if self.in_flight.fetch_update(Relaxed, Relaxed, below).is_err() {
            return Err(job);
        }
"#,
            ),
        ],
    ),
    right(
        "a permit",
        &[
            NOT_IN_THE_JOB,
            (
                NOT_SUBTRACTED.0,
                r#"            drop(permit);
"#,
            ),
            (
                BEFORE_IT_IS_SENT.0,
                r#"        struct Permit(Arc<AtomicUsize>);
        impl Drop for Permit {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Relaxed);
            }
        }
        self.in_flight.fetch_add(1, Relaxed);
        let permit = Permit(Arc::clone(&self.in_flight));
"#,
            ),
        ],
    ),
    variant(
        "a mutex around the number, still in the job",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[
            (
                r#"use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
"#,
                "",
            ),
            (
                "in_flight: Arc<AtomicUsize>",
                "in_flight: Arc<Mutex<usize>>",
            ),
            (
                "self.in_flight.load(Relaxed)",
                "*self.in_flight.lock().unwrap()",
            ),
            (
                NOT_IN_THE_JOB.0,
                r#"            *in_flight.lock().unwrap() += 1;
"#,
            ),
            (
                NOT_SUBTRACTED.0,
                r#"            *in_flight.lock().unwrap() -= 1;
"#,
            ),
        ],
    ),
    variant(
        "counted on the caller only",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[
            NOT_IN_THE_JOB,
            NOT_SUBTRACTED,
            (
                r#"        self.sender.send(Box::new(counted)).unwrap();
"#,
                r#"        self.in_flight.fetch_add(1, Relaxed);
        self.sender.send(Box::new(counted)).unwrap();
        self.in_flight.fetch_sub(1, Relaxed);
"#,
            ),
        ],
    ),
    variant(
        "never subtracted",
        "broken a_job_that_has_ended_makes_room",
        &[
            NOT_IN_THE_JOB,
            NOT_SUBTRACTED,
            (
                BEFORE_IT_IS_SENT.0,
                r#"        self.in_flight.fetch_add(1, Relaxed);
"#,
            ),
        ],
    ),
    variant(
        "one too many",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[
            NOT_IN_THE_JOB,
            BEFORE_IT_IS_SENT,
            ("== self.size", "> self.size"),
        ],
    ),
    variant(
        "a rejected job is counted too",
        "broken a_job_that_has_ended_makes_room",
        &[
            NOT_IN_THE_JOB,
            (
                "self.in_flight.load(Relaxed) == self.size",
                "self.in_flight.fetch_add(1, Relaxed) >= self.size",
            ),
        ],
    ),
    variant(
        "nothing is accepted",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[("== self.size", "<= self.size")],
    ),
    variant(
        "waits for a free worker",
        "cannot tell as_many_jobs_are_accepted_as_there_are_workers",
        &[
            NOT_IN_THE_JOB,
            BEFORE_IT_IS_SENT,
            (
                CHECK,
                r#"        while self.in_flight.load(Relaxed) == self.size {
            thread::yield_now();
        }
"#,
            ),
        ],
    ),
    variant(
        "another ordering",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[("Ordering::Relaxed", "Ordering::SeqCst as Relaxed")],
    ),
    variant(
        "without the stand-in",
        "cannot tell as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            r#"use ten_versus_five::traced as std;
"#,
            "",
        )],
    ),
];
