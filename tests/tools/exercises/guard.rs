//! Stage 4, to be fixed.

use super::{Variant, right, variant};

const BEFORE: &str = r#"    for job in receiver.lock().unwrap().iter() {
        job();
    }
"#;

pub const VARIANTS: [Variant; 12] = [
    variant("as it stands", "broken two_jobs_run_at_once", &[]),
    right(
        "let else",
        &[(
            BEFORE,
            r#"    loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
"#,
        )],
    ),
    right(
        "a block",
        &[(
            BEFORE,
            r#"    loop {
        let job = {
            let receiver = receiver.lock().unwrap();
            receiver.recv()
        };
        match job {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
"#,
        )],
    ),
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
    variant(
        "while let",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
"#,
        )],
    ),
    variant(
        "match",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    loop {
        match receiver.lock().unwrap().recv() {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
"#,
        )],
    ),
    variant(
        "if let",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    loop {
        if let Ok(job) = receiver.lock().unwrap().recv() {
            job();
        } else {
            break;
        }
    }
"#,
        )],
    ),
    variant(
        "a named guard",
        "broken two_jobs_run_at_once",
        &[(
            BEFORE,
            r#"    let receiver = receiver.lock().unwrap();
    for job in receiver.iter() {
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
            r#"    for job in receiver.lock().unwrap().iter() {
        thread::spawn(job);
    }
"#,
        )],
    ),
    variant(
        "all jobs first",
        "broken every_job_runs_once",
        &[(
            BEFORE,
            r#"    let jobs: Vec<Job> = receiver.lock().unwrap().iter().collect();
    for job in jobs {
        job();
    }
"#,
        )],
    ),
    variant(
        "one job and gone",
        "broken every_job_runs_once",
        &[(
            BEFORE,
            r#"    let job = receiver.lock().unwrap().recv();
    if let Ok(job) = job {
        job();
    }
"#,
        )],
    ),
    variant(
        "looks again and again",
        "broken an_idle_pool_uses_no_processor",
        &[(
            BEFORE,
            r#"    loop {
        let job = receiver.lock().unwrap().try_recv();
        match job {
            Ok(job) => job(),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }
"#,
        )],
    ),
];
