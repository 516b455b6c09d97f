//! The end of a pool.

use super::RIGHT;

const BEFORE: &str = "for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
        self.sender = None;";

/// The right order.
const SENDER_FIRST: (&str, &str) = (
    BEFORE,
    "self.sender = None;
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }",
);

variants! {
    "as it stands": "broken no_schedule_is_stuck", [];
    "the sender first": RIGHT, [SENDER_FIRST];
    "take": RIGHT, [(BEFORE, "drop(self.sender.take());
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }")];
    "a message for each worker": RIGHT, [
        (BEFORE, "for _ in &self.workers {
            self.sender.as_ref().unwrap().send(None).unwrap();
        }
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }"),
        ("type Job = Box<dyn FnOnce() + Send>;", "type Job = Option<Box<dyn FnOnce() + Send>>;"),
        ("send(Box::new(job))", "send(Some(Box::new(job)))"),
        ("let Ok(job) =", "let Ok(Some(job)) =")];
    "nothing is waited for": "broken drop_waits_for_every_job_in_every_schedule", [
        (BEFORE, "self.sender = None;")];
    "a pause": "broken drop_waits_for_every_job_in_every_schedule", [(BEFORE, "self.sender = None;
        thread::sleep(std::time::Duration::from_secs(1));")];
    "the first worker only": "broken drop_waits_for_every_job_in_every_schedule", [
        (BEFORE, "self.sender = None;
        for worker in self.workers.drain(..).take(1) {
            worker.join().unwrap();
        }")];
    "all but the first": "broken drop_waits_for_every_job_in_every_schedule", [
        (BEFORE, "self.sender = None;
        for worker in self.workers.drain(..).skip(1) {
            worker.join().unwrap();
        }")];
    "in the middle": "broken no_schedule_is_stuck", [
        (BEFORE, "for worker in self.workers.drain(..) {
            worker.join().unwrap();
            self.sender = None;
        }")];
    "a reference is dropped": "broken no_schedule_is_stuck", [(BEFORE, "drop(&self.sender);
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }")];
    "a clone is dropped": "broken no_schedule_is_stuck", [(BEFORE, "drop(self.sender.clone());
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }")];
    "a worker that unwraps": "broken no_thread_panics", [
        SENDER_FIRST,
        ("let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };", "let job = receiver.lock().unwrap().recv().unwrap();")];
    // Only with two workers, and the one below only with two jobs.
    "a worker that tries the lock": "broken no_thread_panics", [
        SENDER_FIRST, ("receiver.lock()", "receiver.try_lock()")];
    "a worker that leaves after one job": "broken no_thread_panics", [SENDER_FIRST, ("loop {
        let Ok(job)", "for _ in 0..1 {
        let Ok(job)")];
    "the lock is held while a job runs": "broken every_worker_works_in_every_schedule", [
        SENDER_FIRST,
        ("let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();", "let receiver = receiver.lock().unwrap();
        let Ok(job) = receiver.recv() else {
            break;
        };
        job();")];
}
