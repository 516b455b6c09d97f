//! `_` is not a name.

use super::{Variant, right, variant};

const BEFORE: &str = r#"        let with_permit = move || {
            let _ = permit;
            job();
        };
"#;

pub const VARIANTS: [Variant; 11] = [
    variant(
        "as it stands",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[],
    ),
    right(
        "a name",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            let _permit = permit;
            job();
        };
"#,
        )],
    ),
    right(
        "drop, after the job",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            job();
            drop(permit);
        };
"#,
        )],
    ),
    right(
        "a borrow",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            let _ = &permit;
            job();
        };
"#,
        )],
    ),
    variant(
        "drop, before the job",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            drop(permit);
            job();
        };
"#,
        )],
    ),
    variant(
        "a name outside of the closure",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            BEFORE,
            r#"        let _permit = permit;
        let with_permit = move || {
            job();
        };
"#,
        )],
    ),
    variant(
        "forget",
        "broken a_job_that_has_ended_makes_room",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            std::mem::forget(permit);
            job();
        };
"#,
        )],
    ),
    variant(
        "a block",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            {
                let _permit = permit;
            }
            job();
        };
"#,
        )],
    ),
    variant(
        "match",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            match permit {
                _ => job(),
            }
        };
"#,
        )],
    ),
    variant(
        "another pattern that binds nothing",
        "broken as_many_jobs_are_accepted_as_there_are_workers",
        &[(
            BEFORE,
            r#"        let with_permit = move || {
            let Permit(..) = permit;
            job();
        };
"#,
        )],
    ),
    variant(
        "given back by hand",
        "broken a_job_that_has_panicked_makes_room",
        &[(
            BEFORE,
            r#"        let in_flight = Arc::clone(&self.in_flight);
        std::mem::forget(permit);
        let with_permit = move || {
            job();
            in_flight.fetch_sub(1, Relaxed);
        };
"#,
        )],
    ),
];
