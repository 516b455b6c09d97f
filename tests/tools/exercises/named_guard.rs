//! A guard with a name.

use super::RIGHT;

const BEFORE: &str = "let guard = receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();";

/// The call of a job.
const CALL: &str = "job();";

variants! {
    "as it stands": "broken two_jobs_run_at_once", [];
    "drop": RIGHT, [(CALL, "drop(guard);
        job();")];
    "a block": RIGHT, [(BEFORE, "let job = {
            let guard = receiver.lock().unwrap();
            guard.recv()
        };
        let Ok(job) = job else {
            break;
        };
        job();")];
    "no name": RIGHT, [(BEFORE, "let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();")];
    "drop, too late": "broken two_jobs_run_at_once", [(CALL, "job();
        drop(guard);")];
    "drop of a reference": "broken two_jobs_run_at_once", [(CALL, "drop(&guard);
        job();")];
    "let underscore": "broken two_jobs_run_at_once", [(CALL, "let _ = guard;
        job();")];
    "another name": "broken two_jobs_run_at_once", [(CALL, "let _guard = guard;
        job();")];
    "the name for something else": "broken two_jobs_run_at_once", [(CALL, "let guard = ();
        job();")];
    "forget": "broken every_job_runs_once", [(CALL, "std::mem::forget(guard);
        job();")];
    "a borrow, and no name": "broken two_jobs_run_at_once", [
        (BEFORE, "let guard = &*receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();")];
}
