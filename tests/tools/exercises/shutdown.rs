//! The end of a pool.

use super::{Variant, right, variant};

const BEFORE: &str = r#"        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
        self.sender = None;
"#;

/// The right order.
const SENDER_FIRST: (&str, &str) = (
    BEFORE,
    r#"        self.sender = None;
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
"#,
);

pub const VARIANTS: [Variant; 14] = [
    variant("as it stands", "broken no_schedule_is_stuck", &[]),
    right("the sender first", &[SENDER_FIRST]),
    right(
        "take",
        &[(
            BEFORE,
            r#"        drop(self.sender.take());
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
"#,
        )],
    ),
    right(
        "a message for each worker",
        &[
            (
                BEFORE,
                r#"        for _ in &self.workers {
            self.sender.as_ref().unwrap().send(None).unwrap();
        }
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
"#,
            ),
            (
                "type Job = Box<dyn FnOnce() + Send>;",
                "type Job = Option<Box<dyn FnOnce() + Send>>;",
            ),
            ("send(Box::new(job))", "send(Some(Box::new(job)))"),
            ("let Ok(job) =", "let Ok(Some(job)) ="),
        ],
    ),
    variant(
        "nothing is waited for",
        "broken drop_waits_for_every_job_in_every_schedule",
        &[(
            BEFORE,
            r#"        self.sender = None;
"#,
        )],
    ),
    variant(
        "a pause",
        "broken drop_waits_for_every_job_in_every_schedule",
        &[(
            BEFORE,
            r#"        self.sender = None;
        thread::sleep(std::time::Duration::from_secs(1));
"#,
        )],
    ),
    variant(
        "the first worker only",
        "broken drop_waits_for_every_job_in_every_schedule",
        &[(
            BEFORE,
            r#"        self.sender = None;
        for worker in self.workers.drain(..).take(1) {
            worker.join().unwrap();
        }
"#,
        )],
    ),
    variant(
        "all but the first",
        "broken drop_waits_for_every_job_in_every_schedule",
        &[(
            BEFORE,
            r#"        self.sender = None;
        for worker in self.workers.drain(..).skip(1) {
            worker.join().unwrap();
        }
"#,
        )],
    ),
    variant(
        "in the middle",
        "broken no_schedule_is_stuck",
        &[(
            BEFORE,
            r#"        for worker in self.workers.drain(..) {
            worker.join().unwrap();
            self.sender = None;
        }
"#,
        )],
    ),
    variant(
        "a reference is dropped",
        "broken no_schedule_is_stuck",
        &[(
            BEFORE,
            r#"        drop(&self.sender);
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
"#,
        )],
    ),
    variant(
        "a clone is dropped",
        "broken no_schedule_is_stuck",
        &[(
            BEFORE,
            r#"        drop(self.sender.clone());
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
"#,
        )],
    ),
    variant(
        "a worker that unwraps",
        "broken no_thread_panics",
        &[
            SENDER_FIRST,
            (
                r#"        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
"#,
                r#"        let job = receiver.lock().unwrap().recv().unwrap();
"#,
            ),
        ],
    ),
    variant(
        "the lock is held while a job runs",
        "broken every_worker_works_in_every_schedule",
        &[
            SENDER_FIRST,
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
        job();
"#,
            ),
        ],
    ),
    variant(
        "a worker that leaves after one job",
        "broken no_thread_panics",
        &[
            SENDER_FIRST,
            (
                r#"    loop {
        let Ok(job)"#,
                r#"    for _ in 0..1 {
        let Ok(job)"#,
            ),
        ],
    ),
];
