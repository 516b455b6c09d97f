//! How many threads does each stage have, at rest and under load?
//!
//! Linux lists the threads of every process. So does `top -H`.

#![cfg(target_os = "linux")]

use std::thread;
use std::time::Duration;

use crate::common::{Server, sleep_together, wait_until};
use ten_versus_five::{Concurrency, Stage, compiled_in};

#[test]
fn only_stage_2_takes_a_thread_for_every_request() {
    thread::scope(|scope| {
        for stage in compiled_in() {
            scope.spawn(|| threads_of(stage));
        }
    });
}

/// The thread of the accept loop, two workers if there is a pool, and the thread for rejections if the
/// stage needs one.
fn threads_of(stage: &Stage) {
    let workers = if stage.has_pool { 2 } else { 0 };
    let at_rest = 1 + workers + usize::from(stage.rejects);
    let under_load = at_rest
        + if stage.concurrency == Concurrency::Unbounded {
            3
        } else {
            0
        };

    let server = Server::start(stage.number, &["--workers", "2", "--sleep", "1"]);
    let threads = || server.threads_and_files().0;
    wait_until("the threads to start", || threads() == at_rest);

    let addr = server.addr;
    let requests = thread::spawn(move || sleep_together(addr, 3));
    let mut most = 0;
    while !requests.is_finished() {
        most = most.max(threads());
        thread::sleep(Duration::from_millis(5));
    }
    requests.join().unwrap();
    assert_eq!(most, under_load, "stage {}", stage.number);
}
