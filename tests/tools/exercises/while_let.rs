//! A `while let` that holds the lock.

use super::{RIGHT, WRONG};

const BEFORE: &str = "while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }";

variants! {
    "as it stands": "broken two_jobs_run_at_once", [];
    "a function": RIGHT, [(BEFORE, "fn next(receiver: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
        receiver.lock().unwrap().recv().ok()
    }
    while let Some(job) = next(receiver) {
        job();
    }")];
    "a closure": RIGHT, [(BEFORE, "let next = || receiver.lock().unwrap().recv();
    while let Ok(job) = next() {
        job();
    }")];
    "a block, in edition 2024": RIGHT, [
        (BEFORE, "while let Ok(job) = { receiver.lock().unwrap().recv() } {
        job();
    }")];
    "parentheses": "broken two_jobs_run_at_once", [
        (BEFORE, "while let Ok(job) = (receiver.lock().unwrap().recv()) {
        job();
    }")];
    "another method": "broken two_jobs_run_at_once", [
        (BEFORE, "while let Some(job) = receiver.lock().unwrap().recv().ok() {
        job();
    }")];
    "a function that returns the guard too": "broken two_jobs_run_at_once", [(BEFORE, "fn next(
        receiver: &Mutex<mpsc::Receiver<Job>>,
    ) -> (std::sync::MutexGuard<'_, mpsc::Receiver<Job>>, Option<Job>) {
        let guard = receiver.lock().unwrap();
        let job = guard.recv().ok();
        (guard, job)
    }
    while let (_guard, Some(job)) = next(receiver) {
        job();
    }")];
    "a guard before the loop": "broken two_jobs_run_at_once", [
        (BEFORE, "let receiver = receiver.lock().unwrap();
    while let Ok(job) = receiver.recv() {
        job();
    }")];
    "as long as there is one": WRONG, [
        (BEFORE, "while let Ok(job) = { receiver.lock().unwrap().try_recv() } {
        job();
    }")];
    "a thread for each job": "broken never_more_jobs_at_once_than_workers", [
        (BEFORE, "while let Ok(job) = receiver.lock().unwrap().recv() {
        thread::spawn(job);
    }")];
}
