//! How many threads does each stage have, at rest and under load?
//!
//! Linux lists the threads of every process. So does `top -H`.

#![cfg(target_os = "linux")]

use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Server, WATCH, send, wait_until};
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

    let server = Server::start(stage.number, &["--workers", "2", "--sleep", "600"]);
    let threads = || server.threads_and_files().0;
    wait_until("the threads to start", || threads() == at_rest);

    let _requests = [0; 3].map(|_| send(server.addr, b"GET /sleep HTTP/1.1\r\n\r\n"));
    wait_until("a request to be taken", || {
        threads() == under_load && (!stage.has_pool || server.jobs() > 0)
    });
    let end = Instant::now() + WATCH;
    while Instant::now() < end {
        assert_eq!(threads(), under_load, "stage {}", stage.number);
        thread::sleep(Duration::from_millis(5));
    }
}
