//! What a race records: each request, and all those that went to one server.

use std::time::Duration;

use crate::client::RequestOutcome;
use crate::client::metronome::RECOVERY;
use crate::notes::lock::Lock;

/// One request. Times count from the start of the race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// When it had to be sent. Zero if all are sent together.
    pub due: Duration,
    /// When its connection was there.
    pub connected: Option<Duration>,
    /// When a thread picked it up; until then it waited. `None` if the server does not report that.
    pub picked_up: Option<Duration>,
    /// The name of the thread that worked on it, if the server reports it.
    pub thread: Option<String>,
    /// When it ended, and how. `None` while it runs.
    pub end: Option<(Duration, RequestOutcome)>,
    /// What its status may mean, if it has another one than 200.
    pub meaning: Option<String>,
}

impl Lane {
    /// When it was answered with status 200, or `None` if it was not. Any other answer is no evidence
    /// of how the server runs requests: an error page does not take the time that the page would.
    pub fn answered(&self) -> Option<Duration> {
        match self.end {
            Some((time, RequestOutcome::Answered(200))) => Some(time),
            _ => None,
        }
    }
}

/// All the requests of a race that went to one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RaceRecording {
    /// Which server, for example `stage 1  single-threaded`.
    pub label: String,
    /// The requests.
    pub lanes: Vec<Lane>,
    /// Whether the server reports at once when a thread picks up a request. The servers that the race
    /// starts do. Of any other server, the race does not know what a running request does until it is
    /// answered.
    pub reported: bool,
    /// How long after each request the next one was sent. `None`: they were sent together.
    pub every: Option<Duration>,
    /// When this machine stood still, from and to.
    pub pauses: Vec<(Duration, Duration)>,
    /// Which worker had the lock, if the race was asked for that and the server notes it.
    pub lock: Option<Lock>,
}

impl RaceRecording {
    /// The requests in the order in which they were sent, or, if they were sent together, in which they
    /// were picked up, or else in which they ended; those that got no answer come last.
    ///
    /// Where one thread is said to have worked on two requests at once, it is not known when it did.
    pub(super) fn in_order(&self) -> Vec<Lane> {
        let doubtful = |lane: &Lane| {
            let mut lanes = self.lanes.iter();
            lanes.any(|other| !std::ptr::eq(other, lane) && same_thread_at_once(lane, other))
        };
        let lanes = self.lanes.iter().map(|lane| Lane {
            picked_up: lane.picked_up.filter(|_| !doubtful(lane)),
            ..lane.clone()
        });
        let mut lanes: Vec<Lane> = lanes.collect();
        lanes.sort_by_key(|lane| {
            let end = lane.end.as_ref().map_or(Duration::MAX, |(end, _)| *end);
            let no_answer = lane.end.is_some() && lane.answered().is_none();
            let together = self.every.is_none();
            let picked_up = lane.picked_up.unwrap_or(Duration::MAX);
            (lane.due, together.then_some((no_answer, picked_up, end)))
        });
        lanes
    }

    /// For how long this machine stood still at most between these times, or so shortly before that what
    /// happened then was seen too late.
    pub(super) fn stood_still(&self, from: Duration, to: Duration) -> Duration {
        let pauses = self.pauses.iter();
        let touching = pauses.filter(|(start, end)| *start <= to && from <= *end + RECOVERY);
        let lengths = touching.map(|(start, end)| end.saturating_sub(*start));
        lengths.max().unwrap_or_default()
    }

    /// The times of the answers, in order.
    pub(super) fn answers(&self) -> Vec<Duration> {
        let mut answers: Vec<Duration> = self.lanes.iter().filter_map(Lane::answered).collect();
        answers.sort();
        answers
    }

    /// Whether every request was answered, with status 200.
    pub fn all_answered(&self) -> bool {
        self.answers().len() == self.lanes.len()
    }
}

/// When a thread picked up a request, and when it was answered.
pub(super) type Work = (Duration, Duration);

/// Work that takes less than this cannot be compared: to start a thread or to open a connection may
/// take as long.
pub(super) const TOO_QUICK: Duration = Duration::from_millis(20);

/// How long a thread worked.
pub(super) fn length(work: &Work) -> Duration {
    work.1.saturating_sub(work.0)
}

/// The largest number of these periods that share a moment, when each is shortened by this part of it at
/// both ends. At least 1, even if the periods have no length.
///
/// Two equal periods overlap by more than half of their length if they do so when shortened by a quarter,
/// and by more than a quarter if they do so when shortened by an eighth. That is the same gap between
/// together and apart as that of the clock.
pub(super) fn most_at_once(periods: &[Work], part: u32) -> usize {
    let shortened = periods.iter().map(|&(start, end)| {
        let part = end.saturating_sub(start) / part;
        (start + part, end.saturating_sub(part))
    });
    let shortened: Vec<Work> = shortened.collect();
    // Periods that share a moment share the moment in which the last of them starts.
    let at = |moment| {
        let shared = |(start, end): &&Work| (*start..*end).contains(&moment);
        shortened.iter().filter(shared).count()
    };
    let counts = shortened.iter().map(|(start, _)| at(*start));
    counts.fold(1, usize::max)
}

/// Whether one thread is said to have worked on both, for more than a quarter of the time.
pub(super) fn same_thread_at_once(one: &Lane, other: &Lane) -> bool {
    let work = |lane: &Lane| Some((lane.picked_up?, lane.end.as_ref()?.0));
    match (work(one), work(other)) {
        (Some(work), Some(other_work)) => {
            let same = one.thread.is_some() && one.thread == other.thread;
            let long = length(&work).min(length(&other_work)) >= TOO_QUICK;
            same && long && most_at_once(&[work, other_work], 8) > 1
        }
        _ => false,
    }
}
