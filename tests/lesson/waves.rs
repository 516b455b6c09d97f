//! What happens to six slow requests when there are four workers?
//!
//! Four workers answer four of them after one sleep. The other two wait for a worker, and are answered
//! after two sleeps. This is the real program and a real clock: `ten_versus_five.rs` says what the bounds
//! rely on, and `overlap.rs` shows the same without a clock.

#![cfg(feature = "stage3")]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{Server, sleep_together};

#[test]
fn six_requests_come_back_in_two_waves() {
    let server = Server::start(3, &["--sleep", "2", "--workers", "4"]);
    let replies = sleep_together(server.addr, 6);

    let seconds: Vec<u64> = replies.iter().map(|(time, _)| time.as_secs()).collect();
    let (first_wave, second_wave) = replies.split_at(4);
    let two = Duration::from_secs(2);
    assert!(
        first_wave
            .iter()
            .all(|(time, _)| (two..2 * two).contains(time)),
        "{seconds:?}"
    );
    assert!(
        second_wave
            .iter()
            .all(|(time, _)| (2 * two..3 * two).contains(time)),
        "{seconds:?}"
    );

    let workers: BTreeSet<_> = first_wave
        .iter()
        .map(|(_, reply)| reply.header("X-Served-By").unwrap())
        .collect();
    assert_eq!(
        workers,
        BTreeSet::from(["worker-0", "worker-1", "worker-2", "worker-3"])
    );
}
