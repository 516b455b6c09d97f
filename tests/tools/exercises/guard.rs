//! Stage 4, to be fixed.

use super::RIGHT;

const BEFORE: &str = "for job in receiver.lock().unwrap().iter() {
        job();
    }";

variants! {
    "as it stands": "broken two_jobs_run_at_once", [];
    "let else": RIGHT, [(BEFORE, "loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }")];
    "a block": RIGHT, [(BEFORE, "loop {
        let job = {
            let receiver = receiver.lock().unwrap();
            receiver.recv()
        };
        match job {
            Ok(job) => job(),
            Err(_) => break,
        }
    }")];
    "a function": RIGHT, [(BEFORE, "fn next(receiver: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
        receiver.lock().unwrap().recv().ok()
    }
    while let Some(job) = next(receiver) {
        job();
    }")];
    "while let": "broken two_jobs_run_at_once", [
        (BEFORE, "while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }")];
    "match": "broken two_jobs_run_at_once", [(BEFORE, "loop {
        match receiver.lock().unwrap().recv() {
            Ok(job) => job(),
            Err(_) => break,
        }
    }")];
    "if let": "broken two_jobs_run_at_once", [(BEFORE, "loop {
        if let Ok(job) = receiver.lock().unwrap().recv() {
            job();
        } else {
            break;
        }
    }")];
    "a named guard": "broken two_jobs_run_at_once", [
        (BEFORE, "let receiver = receiver.lock().unwrap();
    for job in receiver.iter() {
        job();
    }")];
    "a thread for each job": "broken never_more_jobs_at_once_than_workers", [
        (BEFORE, "for job in receiver.lock().unwrap().iter() {
        thread::spawn(job);
    }")];
    "all jobs first": "broken every_job_runs_once", [
        (BEFORE, "let jobs: Vec<Job> = receiver.lock().unwrap().iter().collect();
    for job in jobs {
        job();
    }")];
    "one job and gone": "broken every_job_runs_once", [
        (BEFORE, "let job = receiver.lock().unwrap().recv();
    if let Ok(job) = job {
        job();
    }")];
    "looks again and again": "broken an_idle_pool_uses_no_processor", [(BEFORE, "loop {
        let job = receiver.lock().unwrap().try_recv();
        match job {
            Ok(job) => job(),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }")];
}
