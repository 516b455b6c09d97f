//! `_` is not a name.

use super::RIGHT;

const BEFORE: &str = "let with_permit = move || {
            let _ = permit;
            job();
        };";

variants! {
    "as it stands": "broken as_many_jobs_are_accepted_as_there_are_workers", [];
    "a name": RIGHT, [(BEFORE, "let with_permit = move || {
            let _permit = permit;
            job();
        };")];
    "drop, after the job": RIGHT, [(BEFORE, "let with_permit = move || {
            job();
            drop(permit);
        };")];
    "a borrow": RIGHT, [(BEFORE, "let with_permit = move || {
            let _ = &permit;
            job();
        };")];
    "drop, before the job": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        (BEFORE, "let with_permit = move || {
            drop(permit);
            job();
        };")];
    "a name outside of the closure": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        (BEFORE, "let _permit = permit;
        let with_permit = move || {
            job();
        };")];
    "forget": "broken a_job_that_has_ended_makes_room", [(BEFORE, "let with_permit = move || {
            std::mem::forget(permit);
            job();
        };")];
    "a block": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        (BEFORE, "let with_permit = move || {
            {
                let _permit = permit;
            }
            job();
        };")];
    "match": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        (BEFORE, "let with_permit = move || {
            match permit {
                _ => job(),
            }
        };")];
    "another pattern that binds nothing": "broken as_many_jobs_are_accepted_as_there_are_workers", [
        (BEFORE, "let with_permit = move || {
            let Permit(..) = permit;
            job();
        };")];
    "given back by hand": "broken a_job_that_has_panicked_makes_room", [
        (BEFORE, "let in_flight = Arc::clone(&self.in_flight);
        std::mem::forget(permit);
        let with_permit = move || {
            job();
            in_flight.fetch_sub(1, Relaxed);
        };")];
}
