//! A job that panics.

use super::{Variant, right, variant};

/// The call of a job.
const CALL: &str = r#"        job();
"#;

/// What a catch needs.
const IMPORTS: (&str, &str) = (
    r#"use std::process::ExitCode;
"#,
    r#"use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
"#,
);

pub const VARIANTS: [Variant; 12] = [
    variant("as it stands", "broken a_panic_costs_no_worker", &[]),
    right(
        "catch_unwind",
        &[
            IMPORTS,
            (
                CALL,
                r#"        let _ = catch_unwind(AssertUnwindSafe(job));
"#,
            ),
        ],
    ),
    right(
        "a thread for the job",
        &[(
            CALL,
            r#"        let _ = thread::spawn(job).join();
"#,
        )],
    ),
    right(
        "a worker that is replaced",
        &[
            (
                "thread::spawn(move || work(&receiver));",
                "start(receiver);",
            ),
            (
                "fn work(",
                r#"fn start(receiver: Arc<Mutex<mpsc::Receiver<Job>>>) {
    struct Sentinel(Arc<Mutex<mpsc::Receiver<Job>>>);
    impl Drop for Sentinel {
        fn drop(&mut self) {
            if thread::panicking() {
                start(Arc::clone(&self.0));
            }
        }
    }
    thread::spawn(move || {
        let sentinel = Sentinel(receiver);
        work(&sentinel.0);
    });
}

fn work("#,
            ),
        ],
    ),
    variant(
        "a catch around the loop",
        "broken a_panic_costs_no_worker",
        &[
            IMPORTS,
            (
                "work(&receiver)",
                r#"{
                let _ = catch_unwind(AssertUnwindSafe(|| work(&receiver)));
            }"#,
            ),
        ],
    ),
    variant(
        "a catch where the job is sent",
        "broken a_panic_costs_no_worker",
        &[
            IMPORTS,
            (
                r#"        self.sender.send(Box::new(job)).unwrap();
"#,
                r#"        let _ = catch_unwind(AssertUnwindSafe(|| self.sender.send(Box::new(job)).unwrap()));
"#,
            ),
        ],
    ),
    variant(
        "a catch with the lock held",
        "broken two_jobs_run_at_once",
        &[
            IMPORTS,
            (
                r#"        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
"#,
                r#"        let receiver = receiver.lock().unwrap();
        let Ok(job) = receiver.recv() else {
            break;
        };
        let _ = catch_unwind(AssertUnwindSafe(job));
"#,
            ),
        ],
    ),
    variant(
        "a catch, and the loop ends",
        "broken a_panic_costs_no_worker",
        &[
            IMPORTS,
            (
                CALL,
                r#"        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            break;
        }
"#,
            ),
        ],
    ),
    variant(
        "a catch, and on it goes",
        "broken a_panic_costs_no_worker",
        &[
            IMPORTS,
            (
                CALL,
                r#"        if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
            std::panic::resume_unwind(panic);
        }
"#,
            ),
        ],
    ),
    variant(
        "a thread for the job, not waited for",
        "broken never_more_jobs_at_once_than_workers",
        &[(
            CALL,
            r#"        thread::spawn(job);
"#,
        )],
    ),
    variant(
        "the result ignored",
        "broken a_panic_costs_no_worker",
        &[(
            CALL,
            r#"        let _ = job();
"#,
        )],
    ),
    variant(
        "a pause after a panic that never ends",
        "broken a_panic_costs_no_worker",
        &[
            IMPORTS,
            (
                CALL,
                r#"        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            loop {
                thread::park();
            }
        }
"#,
            ),
        ],
    ),
];
