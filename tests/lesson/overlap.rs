//! Which requests can run at the same moment?
//!
//! No test here measures time. Requests meet in a room: a thread that enters it stays until the test lets
//! it out. Two requests that are in the room together do overlap, on a fast machine and on a slow one.
//!
//! No wait is long enough to prove that two requests do *not* overlap. But two requests that ran on one
//! and the same thread cannot have overlapped, and a test can see that.
//!
//! These are the four stages of the lesson; `beyond.rs` tests the others.

#![cfg(any(
    feature = "stage1",
    feature = "stage2",
    feature = "stage3",
    feature = "stage4"
))]

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::ThreadId;

use crate::common::{PATIENCE, Room, Running, WATCH, ran_quietly};

/// Sends `requests` requests to a stage with four workers, if it has workers. `together` of them must run
/// at once, and no more; when the test lets those out, the others must follow, all on so many threads.
fn at_work_at_once(stage: usize, together: usize, requests: usize, threads: usize) {
    if stage > 2 && ran_quietly() {
        return;
    }
    let room = Room::new();
    let inside = Arc::clone(&room);
    let running = Running::start(stage, 4, Arc::new(move |_connection| inside.visit()));
    let _clients: Vec<TcpStream> = (0..requests).map(|_| running.connect()).collect();

    let meet = room.holds(together, PATIENCE);
    assert!(meet, "{together} should run at once");
    if requests > together {
        let more = room.holds(together + 1, WATCH);
        assert!(!more, "no more than {together} should");
    }
    room.let_out(requests);
    room.wait_until_left(requests);
    running.stop();
    let different: HashSet<ThreadId> = room.visitors().into_iter().collect();
    assert_eq!(different.len(), threads);
}

/// A slow request runs. Checks whether a fast request that comes after it is answered meanwhile.
fn slow_then_fast(stage: usize, fast_is_answered: bool) {
    if stage > 2 && ran_quietly() {
        return;
    }
    let room = Room::new();
    let inside = Arc::clone(&room);
    let running = Running::start(
        stage,
        4,
        Arc::new(move |mut connection: TcpStream| {
            let mut request = [0];
            connection.read_exact(&mut request).unwrap();
            if request == *b"s" {
                inside.visit();
            }
            connection.write_all(b"!").unwrap();
        }),
    );
    let (mut slow, mut fast) = (running.connect(), running.connect());
    slow.write_all(b"s").unwrap();
    fast.write_all(b"f").unwrap();
    assert!(room.holds(1, PATIENCE), "the slow request should run");

    // The slow request stays in the room until `let_out`, whatever the fast one does.
    let time = if fast_is_answered { PATIENCE } else { WATCH };
    fast.set_read_timeout(Some(time)).unwrap();
    let mut answer = [0];
    assert_eq!(fast.read_exact(&mut answer).is_ok(), fast_is_answered);

    room.let_out(1);
    slow.read_exact(&mut answer)
        .expect("the slow request is answered when it is let out");
    if !fast_is_answered {
        fast.set_read_timeout(Some(PATIENCE)).unwrap();
        fast.read_exact(&mut answer)
            .expect("and then the fast one is");
    }
    running.stop();
}

#[cfg(feature = "stage1")]
mod stage1 {
    use super::*;

    #[test]
    fn the_second_request_waits_until_the_first_is_done() {
        at_work_at_once(1, 1, 2, 1);
    }

    #[test]
    fn a_slow_request_holds_up_a_fast_one() {
        slow_then_fast(1, false);
    }
}

#[cfg(feature = "stage2")]
mod stage2 {
    use super::*;

    #[test]
    fn two_requests_meet() {
        at_work_at_once(2, 2, 2, 2);
    }

    #[test]
    fn eight_requests_all_run_on_a_thread_each() {
        at_work_at_once(2, 8, 8, 8);
    }

    #[test]
    fn a_slow_request_does_not_hold_up_a_fast_one() {
        slow_then_fast(2, true);
    }
}

#[cfg(feature = "stage3")]
mod stage3 {
    use super::*;

    #[test]
    fn two_requests_meet() {
        at_work_at_once(3, 2, 2, 2);
    }

    #[test]
    fn four_workers_are_all_busy_and_a_fifth_request_waits() {
        at_work_at_once(3, 4, 5, 4);
    }

    #[test]
    fn a_slow_request_does_not_hold_up_a_fast_one() {
        slow_then_fast(3, true);
    }
}

#[cfg(feature = "stage4")]
mod stage4 {
    use super::*;

    #[test]
    fn the_second_request_waits_until_the_first_is_done() {
        at_work_at_once(4, 1, 2, 1);
    }

    #[test]
    fn one_of_four_workers_does_every_job() {
        at_work_at_once(4, 1, 8, 1);
    }

    #[test]
    fn a_slow_request_holds_up_a_fast_one() {
        slow_then_fast(4, false);
    }
}
