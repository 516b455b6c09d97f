//! Which requests can be at work at the same moment?
//!
//! No test here measures time. Requests meet in a room: whoever enters stays until the test lets
//! somebody out. Two that are in the room together do overlap, on a fast machine and on a slow one.
//!
//! That two do *not* overlap cannot be seen by waiting, however long one waits. But requests that
//! were handled by one and the same thread cannot have overlapped, and that can be seen.
//!
//! This is about the four stages of the lesson; `beyond.rs` is about those after it.

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

use crate::common::{PATIENCE, Room, Running, WATCH};

/// Sends `requests` to a stage with four workers, if it has workers. `together` of them must be at
/// work at once, and no more; when those are let go, the others must follow. Returns who did what.
fn at_work_at_once(stage: usize, together: usize, requests: usize) -> Vec<ThreadId> {
    let room = Room::new();
    let inside = Arc::clone(&room);
    let running = Running::start(stage, 4, Arc::new(move |_connection| inside.visit()));
    let _clients: Vec<TcpStream> = (0..requests).map(|_| running.connect()).collect();

    assert!(
        room.holds(together, PATIENCE),
        "{together} should be at work at once"
    );
    if requests > together {
        assert!(
            !room.holds(together + 1, WATCH),
            "no more than {together} should be"
        );
    }
    room.let_out(requests);
    room.wait_until_left(requests);
    running.stop();
    room.visitors()
}

fn different(threads: &[ThreadId]) -> usize {
    threads.iter().collect::<HashSet<_>>().len()
}

/// A stage at work on a slow request, and the answer to a fast one, if that comes within `time`.
fn slow_then_fast(stage: usize, fast_is_answered: bool) {
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
    assert!(
        room.holds(1, PATIENCE),
        "the slow request should be at work"
    );

    // The slow request stays in the room until the end of this block, whatever the fast one does.
    let time = if fast_is_answered { PATIENCE } else { WATCH };
    fast.set_read_timeout(Some(time)).unwrap();
    let mut answer = [0];
    assert_eq!(fast.read_exact(&mut answer).is_ok(), fast_is_answered);

    room.let_out(1);
    slow.read_exact(&mut answer)
        .expect("the slow request is answered when it is let go");
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
        let threads = at_work_at_once(1, 1, 2);
        assert_eq!(different(&threads), 1);
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
        at_work_at_once(2, 2, 2);
    }

    #[test]
    fn eight_requests_are_all_at_work_on_a_thread_each() {
        let threads = at_work_at_once(2, 8, 8);
        assert_eq!(different(&threads), 8);
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
        at_work_at_once(3, 2, 2);
    }

    #[test]
    fn four_workers_are_all_at_work_and_a_fifth_request_waits() {
        let threads = at_work_at_once(3, 4, 5);
        assert_eq!(different(&threads), 4);
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
        let threads = at_work_at_once(4, 1, 2);
        assert_eq!(different(&threads), 1);
    }

    #[test]
    fn one_of_four_workers_does_every_job() {
        let threads = at_work_at_once(4, 1, 8);
        assert_eq!(different(&threads), 1);
    }

    #[test]
    fn a_slow_request_holds_up_a_fast_one() {
        slow_then_fast(4, false);
    }
}
