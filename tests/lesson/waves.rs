//! What happens to six slow requests when there are four workers?
//!
//! Four workers answer four of them after one sleep. The other two wait for a worker, and are answered
//! after two sleeps. This is the real program and a real clock: `ten_versus_five.rs` says what the bounds
//! rely on, and `overlap.rs` shows the same without a clock.

#![cfg(feature = "stage3")]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{Server, sleep_together};

/// How late a busy machine may be.
const LATE: Duration = Duration::from_secs(6);

#[test]
fn six_requests_come_back_in_two_waves() {
    let server = Server::start(3, &["--sleep", "2", "--workers", "4"]);
    let replies = sleep_together(server.addr, 6);

    let (first_wave, second_wave) = replies.split_at(4);
    let two = Duration::from_secs(2);
    let in_time = |wave: &[(Duration, _)], from: Duration| {
        wave.iter()
            .all(|(time, _)| (from..from + LATE).contains(time))
    };
    assert!(in_time(first_wave, two), "{first_wave:?}");
    assert!(in_time(second_wave, 2 * two), "{second_wave:?}");

    let workers: BTreeSet<_> = first_wave
        .iter()
        .map(|(_, reply)| reply.header("X-Served-By").unwrap())
        .collect();
    assert_eq!(
        workers,
        BTreeSet::from(["worker-0", "worker-1", "worker-2", "worker-3"])
    );
}
