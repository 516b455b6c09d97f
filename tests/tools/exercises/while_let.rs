//! A `while let` that holds the lock.

use super::{Variant, right, variant};

const BEFORE: &str = r#"    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
"#;

pub const VARIANTS: [Variant; 10] = [
    variant("as it stands", "broken two_jobs_run_at_once", &[]),
    right(
        "a function",
        &[(
            BEFORE,
            r#"    fn next(receiver: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
        receiver.lock().unwrap().recv().ok()
    }
    while let Some(job) = next(receiver) {
        job();
    }
"#,
        )],
    ),
    right(
        "a closure",
        &[(
            BEFORE,
            r#"    let next = || receiver.lock().unwrap().recv();
    while let Ok(job) = next() {
        job();
    }
"#,
        )],
    ),
    right(
        "a block, in edition 2024",
        &[(
            BEFORE,
            r#"    while let Ok(job) = { receiver.lock().unwrap().recv() } {
        job();
    }
"#,
        )],
    ),
    variant(
        "parentheses",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    while let Ok(job) = (receiver.lock().unwrap().recv()) {
        job();
    }
"#,
        )],
    ),
    variant(
        "another method",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    while let Some(job) = receiver.lock().unwrap().recv().ok() {
        job();
    }
"#,
        )],
    ),
    variant(
        "a function that returns the guard too",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    fn next(
        receiver: &Mutex<mpsc::Receiver<Job>>,
    ) -> (std::sync::MutexGuard<'_, mpsc::Receiver<Job>>, Option<Job>) {
        let guard = receiver.lock().unwrap();
        let job = guard.recv().ok();
        (guard, job)
    }
    while let (_guard, Some(job)) = next(receiver) {
        job();
    }
"#,
        )],
    ),
    variant(
        "a guard before the loop",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    let receiver = receiver.lock().unwrap();
    while let Ok(job) = receiver.recv() {
        job();
    }
"#,
        )],
    ),
    variant(
        "as long as there is one",
        "wrong",
        &[(
            BEFORE,
            r#"    while let Ok(job) = { receiver.lock().unwrap().try_recv() } {
        job();
    }
"#,
        )],
    ),
    variant(
        "a thread for each job",
        "broken never_more_jobs_at_once_than_workers",
        &[(
            BEFORE,
            r#"    while let Ok(job) = receiver.lock().unwrap().recv() {
        thread::spawn(job);
    }
"#,
        )],
    ),
];
