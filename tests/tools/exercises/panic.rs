//! A job that panics.

use super::RIGHT;

/// The call of a job.
const CALL: &str = "job();";

/// What a catch needs.
const IMPORTS: (&str, &str) = (
    "use std::process::ExitCode;",
    "use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;",
);

variants! {
    "as it stands": "broken a_panic_costs_no_worker", [];
    "catch_unwind": RIGHT, [IMPORTS, (CALL, "let _ = catch_unwind(AssertUnwindSafe(job));")];
    "a thread for the job": RIGHT, [(CALL, "let _ = thread::spawn(job).join();")];
    "a worker that is replaced": RIGHT, [
        ("thread::spawn(move || work(&receiver));", "start(receiver);"),
        ("fn work(", "fn start(receiver: Arc<Mutex<mpsc::Receiver<Job>>>) {
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

fn work(")];
    "a catch around the loop": "broken a_panic_costs_no_worker", [IMPORTS, ("work(&receiver)", "{
                let _ = catch_unwind(AssertUnwindSafe(|| work(&receiver)));
            }")];
    "a catch where the job is sent": "broken a_panic_costs_no_worker", [
        IMPORTS,
        ("self.sender.send(Box::new(job)).unwrap();",
         "let _ = catch_unwind(AssertUnwindSafe(|| self.sender.send(Box::new(job)).unwrap()));")];
    "a catch with the lock held": "broken two_jobs_run_at_once", [
        IMPORTS,
        ("let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();", "let receiver = receiver.lock().unwrap();
        let Ok(job) = receiver.recv() else {
            break;
        };
        let _ = catch_unwind(AssertUnwindSafe(job));")];
    "a catch, and the loop ends": "broken a_panic_costs_no_worker", [
        IMPORTS,
        (CALL, "if catch_unwind(AssertUnwindSafe(job)).is_err() {
            break;
        }")];
    "a catch, and on it goes": "broken a_panic_costs_no_worker", [
        IMPORTS,
        (CALL, "if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
            std::panic::resume_unwind(panic);
        }")];
    "a thread for the job, not waited for": "broken never_more_jobs_at_once_than_workers", [
        (CALL, "thread::spawn(job);")];
    "the result ignored": "broken a_panic_costs_no_worker", [(CALL, "let _ = job();")];
    "a pause after a panic that never ends": "broken a_panic_costs_no_worker", [
        IMPORTS,
        (CALL, "if catch_unwind(AssertUnwindSafe(job)).is_err() {
            loop {
                thread::park();
            }
        }")];
}
