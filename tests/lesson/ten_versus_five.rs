//! Do two slow requests sent together take ten seconds, or five?
//!
//! The real program with its default of five seconds, real connections and a real clock. A busy machine
//! can only delay an answer, so the lower bounds are exact. "Five" may take up to ten seconds, and "ten" up
//! to fifteen.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use crate::common::{Server, sleep_together};
use ten_versus_five::compiled_in;

const ABOUT_FIVE: Range<Duration> = Duration::from_secs(5)..Duration::from_secs(10);
const ABOUT_TEN: Range<Duration> = Duration::from_secs(10)..Duration::from_secs(15);

/// Sleeping takes no processor time, so all stages can do it together.
#[test]
fn two_slow_requests_take_ten_five_five_and_ten_seconds() {
    thread::scope(|scope| {
        for stage in compiled_in() {
            let last = match stage.number {
                1 | 4 => ABOUT_TEN,
                _ => ABOUT_FIVE,
            };
            scope.spawn(move || two_slow_requests_take(stage.number, last));
        }
    });
}

fn two_slow_requests_take(stage: usize, last: Range<Duration>) {
    let server = Server::start(stage, &[]);
    let replies = sleep_together(server.addr, 2);
    for ((time, reply), expected) in replies.iter().zip([ABOUT_FIVE, last]) {
        assert_eq!(reply.status, 200);
        assert!(
            expected.contains(time),
            "stage {stage} answered after {time:?}, not {expected:?}"
        );
    }
}
