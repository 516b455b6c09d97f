//! What a recording shows: how many requests ran at once, or why that cannot be told.
//!
//! A race has two witnesses. Its own clock sees when each answer came; [`rule`](crate::client::rule)
//! says what that means. And a server may report how long a thread worked on each request. A verdict needs
//! one witness that is clear, and no other that contradicts it. Whatever makes the clock doubtful, a
//! machine that stood still or a slow connection, is named instead of a verdict.

use std::fmt::{self, Display};
use std::time::Duration;

use super::recording::{
    Lane, RaceRecording, TOO_QUICK, Work, length, most_at_once, same_thread_at_once,
};
use crate::client::rule::at_once;

/// How the requests that were answered relate to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RaceVerdict {
    /// There are not two to compare.
    Alone,
    /// They ended too soon to compare.
    TooQuick,
    /// No two of them overlapped.
    OneAfterAnother,
    /// All of them overlapped.
    SideBySide,
    /// At most so many overlapped, and others had to wait.
    AtATime(usize),
    /// They were sent at a fixed rate. The quickest answer took the first time, the slowest the second.
    Took(Duration, Duration),
    /// What was seen does not show it.
    CannotTell(Doubt),
}

/// Why a recording does not show how the requests ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// This machine stood still for so long while a request was sent or an answer came.
    StoodStill(Duration),
    /// One connection took so much longer than another that the requests were not sent together.
    Connecting(Duration),
    /// The server reports that this thread worked on two requests at once.
    TwoBars(String),
    /// The first answers are as far apart as this: too far for together, and too close for one by one.
    Uneven(Duration),
    /// The first answers say another number than the last ones.
    NoNumber,
    /// What the server reports does not fit the times of the answers.
    Contradicted,
}

/// A busy machine may need this long for work that is [`TOO_QUICK`].
const STILL_QUICK: Duration = Duration::from_millis(200);

/// Answers of one wave are not further apart than this, and not than a quarter of a unit. A server that
/// was busy with older requests may answer the first after three units and the second after four, one by
/// one: the distance gives it away.
const WAVE: Duration = Duration::from_millis(250);

/// A pause that is longer than this, or than a quarter of a unit, hides what happened. A shorter one
/// cannot make two waves of one, or one of two.
const HIDING_PAUSE: Duration = Duration::from_millis(500);

/// A request that was answered.
struct Answer<'a> {
    lane: &'a Lane,
    end: Duration,
    work: Option<Work>,
}

impl RaceVerdict {
    /// The verdict on the requests that were [answered](Lane::answered).
    pub fn of(recording: &RaceRecording) -> RaceVerdict {
        let answers = recording.lanes.iter().filter_map(|lane| {
            let end = lane.answered()?;
            let work = lane.picked_up.map(|picked_up| (picked_up, end));
            Some(Answer { lane, end, work })
        });
        let answers: Vec<Answer> = answers.collect();
        if answers.len() < 2 {
            return RaceVerdict::Alone;
        }
        if recording.every.is_some() {
            return took(recording, &answers);
        }
        let sent = answers.iter().filter_map(|answer| answer.lane.connected);
        let first_sent = sent.clone().min().unwrap_or_default();
        let times = answers.iter().map(|it| it.end.saturating_sub(first_sent));
        let times: Vec<Duration> = times.collect();
        let first = times.iter().min().copied().unwrap_or_default();
        let work: Option<Vec<Work>> = answers.iter().map(|answer| answer.work).collect();
        let longest = work.as_ref().and_then(|work| work.iter().map(length).max());
        match longest {
            None if first < TOO_QUICK => return RaceVerdict::TooQuick,
            Some(longest) if longest < TOO_QUICK && first < STILL_QUICK => {
                return RaceVerdict::TooQuick;
            }
            _ => {}
        }
        let last_sent = sent.max().unwrap_or_default();
        let most = HIDING_PAUSE.min(first / 4);
        let pause = longest_pause(recording, &answers);
        let seen = match last_sent - first_sent {
            _ if pause > most => Err(Doubt::StoodStill(pause)),
            late if late > most => Err(Doubt::Connecting(late)),
            _ => Ok(()),
        };
        let number = seen.and_then(|()| {
            if let Some(thread) = in_two_bars(&recording.lanes) {
                return Err(Doubt::TwoBars(thread));
            }
            let clock = by_the_clock(&times, first, pause);
            work.map_or(clock.clone(), |work| with_reports(&work, clock, first))
        });
        match number {
            Err(doubt) => RaceVerdict::CannotTell(doubt),
            Ok(1) => RaceVerdict::OneAfterAnother,
            Ok(all) if all == answers.len() => RaceVerdict::SideBySide,
            Ok(some) => RaceVerdict::AtATime(some),
        }
    }
}

/// How long the answers took, each since its request was due: a request that was sent late counts from
/// when it should have been sent.
fn took(recording: &RaceRecording, answers: &[Answer]) -> RaceVerdict {
    let times = answers.iter();
    let times = times.map(|answer| answer.end.saturating_sub(answer.lane.due));
    let shortest = times.clone().min().unwrap_or_default();
    let longest = times.max().unwrap_or_default();
    let most = HIDING_PAUSE.min(shortest / 4).max(TOO_QUICK);
    match longest_pause(recording, answers) {
        pause if pause > most => RaceVerdict::CannotTell(Doubt::StoodStill(pause)),
        _ => RaceVerdict::Took(shortest, longest),
    }
}

/// The longest time for which this machine stood still when a request was sent or an answer came.
fn longest_pause(recording: &RaceRecording, answers: &[Answer]) -> Duration {
    let touched = |from, to| recording.stood_still(from, to);
    let pauses = answers.iter().map(|answer| {
        let sent = answer.lane.connected.unwrap_or(answer.lane.due) + TOO_QUICK;
        touched(answer.lane.due, sent).max(touched(answer.end, answer.end))
    });
    pauses.max().unwrap_or_default()
}

/// How many ran at once as the times of the answers alone show it. The first answer is the unit. An answer
/// may have been seen so much too late as this machine stood still.
fn by_the_clock(times: &[Duration], first: Duration, pause: Duration) -> Result<usize, Doubt> {
    let mut times = times.to_vec();
    times.sort();
    let number = at_once(&times, first).ok_or(());
    let earlier: Vec<_> = times
        .iter()
        .map(|time| first.max(time.saturating_sub(pause)))
        .collect();
    let doubtful = number.is_ok() && at_once(&earlier, first).ok_or(()) != number;
    let together = times.iter().take_while(|time| **time < first * 7 / 4);
    let together: Vec<_> = together.collect();
    let gaps = together.windows(2).map(|pair| *pair[1] - *pair[0]);
    let most = WAVE.min(first / 4);
    match gaps.max() {
        Some(gap) if gap > most => Err(Doubt::Uneven(gap)),
        Some(gap) if gap + pause > most => Err(Doubt::StoodStill(pause)),
        _ if doubtful => Err(Doubt::StoodStill(pause)),
        _ => number.map_err(|()| Doubt::NoNumber),
    }
}

/// How many ran at once, if the server reports when its threads worked and the clock shows this.
///
/// Where both are clear, they have to agree. Where the clock is not clear, because the server was busy
/// with something else before, or the requests are not equal, the report decides, unless a server that
/// reports wrong times could have sent it:
///
/// - Requests that ran at once took about equally long. If not, the server may count waiting as work.
/// - No thread was idle while a request waited: each that waited was picked up when another one
///   was answered. If not, the server may count only a part of the work.
/// - There is more than hardly any work. If not, the server was busy with something else.
fn with_reports(
    work: &[Work],
    clock: Result<usize, Doubt>,
    first: Duration,
) -> Result<usize, Doubt> {
    let number = most_at_once(work, 4);
    let clear = number == most_at_once(work, 8);
    let longest = work.iter().map(length).max().unwrap_or_default();
    let shortest = work.iter().map(length).min().unwrap_or_default();
    let believable = match clock {
        Ok(seen) => seen == number,
        Err(_) => {
            let leeway = WAVE.min(longest / 8);
            let mut waited: Vec<&Work> = work.iter().collect();
            waited.sort();
            let no_idle = waited[number..].iter().all(|(start, _)| {
                let near = |(_, end): &Work| end.abs_diff(*start) <= leeway;
                work.iter().any(near)
            });
            let equal = number == 1 || longest - shortest <= leeway;
            longest >= first / 10 && no_idle && equal
        }
    };
    if clear && believable {
        Ok(number)
    } else {
        Err(Doubt::Contradicted)
    }
}

/// A thread that is said to have worked on two requests at once, which is impossible.
fn in_two_bars(lanes: &[Lane]) -> Option<String> {
    let twice = |(index, lane): (usize, &Lane)| {
        let others = lanes[..index].iter();
        let same = |other: &Lane| same_thread_at_once(lane, other);
        others.clone().any(same).then(|| lane.thread.clone())?
    };
    lanes.iter().enumerate().find_map(twice)
}

impl RaceRecording {
    /// The result in a line, for people and programs: label, seconds to the last answer, verdict and, if
    /// it is known, during how many jobs the lock was held, with two spaces or more between them.
    pub fn result(&self) -> String {
        let held = self.lock.as_ref();
        match held.and_then(|lock| lock.held_during(Duration::MAX)) {
            Some((held, jobs)) => {
                let result = self.result_of_requests();
                format!("{result}  lock held during {held} of {jobs} jobs")
            }
            None => self.result_of_requests(),
        }
    }

    fn result_of_requests(&self) -> String {
        let (answers, all) = (self.answers(), self.lanes.len());
        let Some(last) = answers.last() else {
            return format!("{}  -  none of {all} answered with 200", self.label);
        };
        let mut result = format!(
            "{}  {:.1} s  {}",
            self.label,
            last.as_secs_f64(),
            RaceVerdict::of(self)
        );
        if !self.all_answered() {
            result += &format!(", {} of {all} answered", answers.len());
        }
        result
    }
}

impl Display for RaceVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RaceVerdict::Alone => f.write_str("nothing to compare"),
            RaceVerdict::TooQuick => f.write_str("too quick to compare"),
            RaceVerdict::OneAfterAnother => f.write_str("one after another"),
            RaceVerdict::SideBySide => f.write_str("side by side"),
            RaceVerdict::AtATime(count) => write!(f, "{count} at a time"),
            RaceVerdict::Took(shortest, longest) => {
                let (shortest, longest) = (shortest.as_secs_f64(), longest.as_secs_f64());
                write!(f, "answers took {shortest:.1} to {longest:.1} s")
            }
            RaceVerdict::CannotTell(doubt) => write!(f, "cannot tell: {doubt}"),
        }
    }
}

impl Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = Duration::as_secs_f64;
        match self {
            Doubt::StoodStill(time) => {
                write!(f, "this machine stood still for {:.1} s", seconds(time))
            }
            Doubt::Connecting(time) => {
                write!(
                    f,
                    "a connection took {:.1} s longer than another",
                    seconds(time)
                )
            }
            Doubt::TwoBars(thread) => write!(f, "{thread} is in two bars at once"),
            Doubt::Uneven(time) => write!(
                f,
                "{:.1} s between answers is neither together nor apart",
                seconds(time)
            ),
            Doubt::NoNumber => f.write_str("no number at a time fits all answers"),
            Doubt::Contradicted => f.write_str("the server and the clock disagree"),
        }
    }
}
