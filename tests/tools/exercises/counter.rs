//! A counter in the wrong place.

use super::RIGHT;

/// Whether a job is accepted.
const CHECK: &str = "if self.in_flight.load(Relaxed) == self.size {
            return Err(job);
        }";

/// The job does not add itself.
const NOT_IN_THE_JOB: (&str, &str) = ("in_flight.fetch_add(1, Relaxed);", "");

/// It is added before it is sent.
const BEFORE_IT_IS_SENT: (&str, &str) = (
    "let in_flight = Arc::clone(&self.in_flight);",
    "self.in_flight.fetch_add(1, Relaxed);
        let in_flight = Arc::clone(&self.in_flight);",
);

/// Nor does it subtract itself.
const NOT_SUBTRACTED: (&str, &str) = ("in_flight.fetch_sub(1, Relaxed);", "");

variants! {
    "as it stands": "broken as_many_jobs_are_accepted_as_there_are_workers", [];
    "counted before it is sent": RIGHT, [NOT_IN_THE_JOB, BEFORE_IT_IS_SENT];
    "one atomic update": RIGHT, [
        NOT_IN_THE_JOB,
        (CHECK, "let below = |count| (count < self.size).then_some(count + 1);
        if self.in_flight.fetch_update(Relaxed, Relaxed, below).is_err() {
            return Err(job);
        }")];
    "a permit": RIGHT, [
        NOT_IN_THE_JOB, (NOT_SUBTRACTED.0, "drop(permit);"),
        (BEFORE_IT_IS_SENT.0, "struct Permit(Arc<AtomicUsize>);
        impl Drop for Permit {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Relaxed);
            }
        }
        self.in_flight.fetch_add(1, Relaxed);
        let permit = Permit(Arc::clone(&self.in_flight));")];
    "a mutex around the number, still in the job": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        ("use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};", ""),
        ("in_flight: Arc<AtomicUsize>", "in_flight: Arc<Mutex<usize>>"),
        ("self.in_flight.load(Relaxed)", "*self.in_flight.lock().unwrap()"),
        (NOT_IN_THE_JOB.0, "*in_flight.lock().unwrap() += 1;"),
        (NOT_SUBTRACTED.0, "*in_flight.lock().unwrap() -= 1;")];
    "counted on the caller only": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        NOT_IN_THE_JOB, NOT_SUBTRACTED,
        ("self.sender.send(Box::new(counted)).unwrap();", "self.in_flight.fetch_add(1, Relaxed);
        self.sender.send(Box::new(counted)).unwrap();
        self.in_flight.fetch_sub(1, Relaxed);")];
    "never subtracted": "broken a_job_that_has_ended_makes_room", [
        NOT_IN_THE_JOB, NOT_SUBTRACTED,
        (BEFORE_IT_IS_SENT.0, "self.in_flight.fetch_add(1, Relaxed);")];
    "one too many": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        NOT_IN_THE_JOB, BEFORE_IT_IS_SENT, ("== self.size", "> self.size")];
    "a rejected job is counted too": "broken a_job_that_has_ended_makes_room", [
        NOT_IN_THE_JOB,
        ("self.in_flight.load(Relaxed) == self.size",
         "self.in_flight.fetch_add(1, Relaxed) >= self.size")];
    "nothing is accepted": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        ("== self.size", "<= self.size")];
    "waits for a free worker": "cannot tell as_many_jobs_are_accepted_as_there_are_workers", [
        NOT_IN_THE_JOB, BEFORE_IT_IS_SENT,
        (CHECK, "while self.in_flight.load(Relaxed) == self.size {
            thread::yield_now();
        }")];
    "another ordering": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        ("Ordering::Relaxed", "Ordering::SeqCst as Relaxed")];
    "without the stand-in": "cannot tell as_many_jobs_are_accepted_as_there_are_workers", [
        ("use ten_versus_five::traced as std;", "")];
}
