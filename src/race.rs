//! Sends requests together, records what became of each, and draws it.
//!
//! A race looks at a server from outside, like any client. What it knows comes from the clock and
//! from the two headers.
//!
//! Read [`Lane`] and [`Recording`] first, then [`Verdict::of`], which is all the reasoning there
//! is. [`mod@chart`] and [`mod@svg`] draw; [`screen`] is the terminal; [`client`] sends one request
//! to a [`target`] and reads the [`response`]; [`server`] is a stage to race against, in a process of
//! its own; [`picture`] keeps a file that is there already until the new one is complete.

pub mod chart;
pub mod client;
pub mod picture;
pub mod response;
pub mod screen;
pub mod server;
pub mod svg;
pub mod target;

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Stage;
use client::Reply;
use screen::Screen;
use server::Server;
use target::Target;

/// One request. Times count from the start of the race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// When somebody began to work on it; until then it waited. `None` if the server does not tell.
    pub picked_up: Option<Duration>,
    /// The name of the thread that worked on it, if the server tells.
    pub thread: Option<String>,
    /// When it came to an end, and to which. `None` while it runs.
    pub end: Option<(Duration, Outcome)>,
}

impl Lane {
    /// When it was answered as it should be, with status 200. Any other answer is no evidence of how
    /// the server runs requests: an error page does not take the time that the page would.
    pub fn answered(&self) -> Option<Duration> {
        match self.end {
            Some((time, Outcome::Answered(200))) => Some(time),
            _ => None,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Answered, with this status; a 503 is an [`Outcome::Rejected`].
    Answered(u16),
    /// Turned away with 503: the server is too busy.
    Rejected,
    /// Not answered, and why.
    Failed(String),
}

/// All the requests of a race that went to one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Which server, for example `stage 1  single-threaded`.
    pub label: String,
    /// The requests.
    pub lanes: Vec<Lane>,
    /// Whether the race is told at once when a request is picked up, as it is by the servers that it
    /// starts. If not, what a running request does is not known until it is answered.
    pub reported: bool,
}

impl Recording {
    /// The requests in the order in which they were picked up, or else in which they ended; those
    /// that got no answer come last.
    fn in_order(&self) -> Vec<&Lane> {
        let mut lanes: Vec<&Lane> = self.lanes.iter().collect();
        lanes.sort_by_key(|lane| {
            let end = lane
                .end
                .as_ref()
                .map(|(end, _)| *end)
                .unwrap_or(Duration::MAX);
            let no_answer = lane.end.is_some() && lane.answered().is_none();
            (no_answer, lane.picked_up.unwrap_or(Duration::MAX), end)
        });
        lanes
    }

    /// The times of the answers, in order.
    fn answers(&self) -> Vec<Duration> {
        let mut answers: Vec<Duration> = self.lanes.iter().filter_map(Lane::answered).collect();
        answers.sort();
        answers
    }

    /// Whether every request was answered, with status 200.
    pub fn all_answered(&self) -> bool {
        self.answers().len() == self.lanes.len()
    }

    /// The result in a line, for people and programs: label, seconds to the last answer, verdict,
    /// with two spaces or more between them.
    pub fn result(&self) -> String {
        let (answers, all) = (self.answers(), self.lanes.len());
        let Some(last) = answers.last() else {
            return format!("{}  -  none of {all} answered", self.label);
        };
        let mut result = format!(
            "{}  {:.1} s  {}",
            self.label,
            last.as_secs_f64(),
            Verdict::of(&self.lanes)
        );
        if !self.all_answered() {
            result += &format!(", {} of {all} answered", answers.len());
        }
        result
    }
}

/// How the requests that were answered relate to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are not two to compare.
    Alone,
    /// They were over too soon to compare.
    TooQuick,
    /// No two of them overlapped.
    OneAfterAnother,
    /// All of them overlapped.
    SideBySide,
    /// So many at once, and others had to wait.
    AtATime(usize),
    /// What the server tells does not go with the times of the answers.
    Contradicted,
}

/// Below this, the time to start a thread or to open a connection is no longer small beside it.
const TOO_QUICK: Duration = Duration::from_millis(20);

/// A busy machine may take this long over work that is [`TOO_QUICK`].
const STILL_QUICK: Duration = Duration::from_millis(200);

impl Verdict {
    /// The verdict on those among these that were [answered](Lane::answered).
    ///
    /// The clock alone says this much: equal requests, sent together to a server with nothing else to
    /// do, come back in waves, and the first wave shows how many run at once.
    ///
    /// Where the server tells when work began, the work itself is compared: two requests overlap if
    /// they do for more than half of their time. The rest may be a clock read late. But what the
    /// server tells may be wrong, so it is weighed against the clock:
    ///
    /// - It tells of more overlap than the first wave shows. Either the requests were not equal, or
    ///   the server counts waiting as work: no verdict.
    /// - It tells of less overlap, and of work for less than a tenth of the time. Either the server had
    ///   something else to do first, or it counts only a part of the work: no verdict.
    /// - It tells of less overlap, and of more work than that. Then the answers came about as far apart
    ///   as the work is long, which the clock has seen too: the server is believed.
    pub fn of(lanes: &[Lane]) -> Verdict {
        let answered: Vec<(Option<Duration>, Duration)> = lanes
            .iter()
            .filter_map(|lane| Some((lane.picked_up, lane.answered()?)))
            .collect();
        let ends = || answered.iter().map(|(_, end)| *end);
        let Some(first) = ends().min().filter(|_| answered.len() > 1) else {
            return Verdict::Alone;
        };
        let seen = ends().filter(|end| *end < first.mul_f64(1.5)).count();

        let work: Option<Vec<(Duration, Duration)>> = answered
            .iter()
            .map(|&(start, end)| Some((start?, end)))
            .collect();
        let together = match work {
            None if first < TOO_QUICK => return Verdict::TooQuick,
            None => seen,
            Some(work) => {
                let times = work.iter().map(|(start, end)| end.saturating_sub(*start));
                let longest = times.max().unwrap_or_default();
                let told = most_at_once(&work);
                if longest < TOO_QUICK && first < STILL_QUICK {
                    return Verdict::TooQuick;
                }
                if told > seen || (told < seen && longest < first / 10) {
                    return Verdict::Contradicted;
                }
                told
            }
        };
        match together {
            1 => Verdict::OneAfterAnother,
            all if all == answered.len() => Verdict::SideBySide,
            some => Verdict::AtATime(some),
        }
    }
}

/// How many of these periods, each shortened by a quarter at both ends, share a moment at most; 1 at
/// least, also when they are no more than moments.
fn most_at_once(periods: &[(Duration, Duration)]) -> usize {
    let shortened = periods.iter().map(|&(start, end)| {
        let quarter = end.saturating_sub(start) / 4;
        (start + quarter, end.saturating_sub(quarter))
    });
    let shortened: Vec<(Duration, Duration)> = shortened.collect();
    // If some share a moment, they share the one in which the last of them starts.
    let at = |moment| {
        shortened
            .iter()
            .filter(|(start, end)| (*start..*end).contains(&moment))
            .count()
    };
    shortened
        .iter()
        .map(|(start, _)| at(*start))
        .fold(1, usize::max)
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Alone => f.write_str("nothing to compare"),
            Verdict::TooQuick => f.write_str("too quick to compare"),
            Verdict::OneAfterAnother => f.write_str("one after another"),
            Verdict::SideBySide => f.write_str("side by side"),
            Verdict::AtATime(count) => write!(f, "{count} at a time"),
            Verdict::Contradicted => f.write_str("cannot tell: the server and the clock disagree"),
        }
    }
}

/// What to race against, and how.
pub struct Options {
    /// Against whom.
    pub against: Against,
    /// How many requests to send together to each of them, at least 1.
    pub count: usize,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Where to write the chart as a picture too.
    pub svg: Option<PathBuf>,
}

/// Whom to race against.
pub enum Against {
    /// Stages, each in a server that is started for the race.
    Stages {
        /// Which ones.
        stages: Vec<&'static Stage>,
        /// How long their `/sleep` takes.
        sleep: Duration,
        /// How many workers their pools have, at least 1.
        workers: usize,
        /// How many requests may wait for these, from stage 6 on.
        queue: usize,
    },
    /// A server that is there already.
    Address(Target),
}

/// Runs a race: draws it on standard output, live if that is a terminal, and then prints the
/// results. Returns whether every request was answered, with status 200, and the results could be
/// written: if the reader of standard output has gone, there is nobody to tell why not.
///
/// # Errors
///
/// What kept it from being run, or from being written to a file, as a sentence.
pub fn run(options: &Options) -> Result<bool, String> {
    if let Some(path) = &options.svg {
        picture::check(path)?;
    }
    let (sender, events) = mpsc::channel();
    let mut servers = Vec::new();
    let mut targets = Vec::new();
    match &options.against {
        Against::Address(target) => targets.push((target.to_string(), target.clone())),
        Against::Stages {
            stages,
            sleep,
            workers,
            queue,
        } => {
            for (index, stage) in stages.iter().enumerate() {
                let sender = sender.clone();
                let server =
                    Server::start(stage, *sleep, *workers, *queue, move |port, thread| {
                        // Nobody listens any more once the race is over.
                        let _ = sender.send(Event::PickedUp(index, port, Instant::now(), thread));
                    })?;
                let label = format!("stage {}  {}", stage.number, stage.name);
                targets.push((label, Target::new(server.addr(), "/sleep")));
                servers.push(server);
            }
        }
    }

    let labels = targets.iter().map(|(label, _)| label.clone());
    let (reported, sleep) = match &options.against {
        Against::Address(_) => (false, FIRST_AXIS),
        Against::Stages { sleep, .. } => (true, *sleep),
    };
    let mut race = Race::new(labels, options.count, reported);
    for (index, (_, target)) in targets.into_iter().enumerate() {
        for lane in 0..options.count {
            let (target, sender) = (target.clone(), sender.clone());
            let (start, timeout) = (race.start, options.timeout);
            let send = move || {
                let connected = |port| drop(sender.send(Event::Connected(index, lane, port)));
                let reply = client::request(&target, timeout, connected);
                let _ = sender.send(Event::Ended(index, lane, start.elapsed(), reply));
            };
            let thread = thread::Builder::new().spawn(send);
            thread.map_err(|error| {
                let all = race.recordings.len() * options.count;
                format!(
                    "The system has no threads for {all} requests: {error}. Send fewer with --count."
                )
            })?;
        }
    }

    let mut screen = Screen::of_standard_output();
    // A chart that cannot be written does not stop the race.
    let _ = screen.begin();
    while race.running() {
        match events.recv_timeout(FRAME) {
            Ok(event) => race.apply(event),
            Err(_) => {
                let now = race.start.elapsed();
                let _ = screen.redraw(&race.recordings, chart::horizon(sleep, now), now);
            }
        }
    }
    drop(servers);
    let drawn = written(screen.finish(&race.recordings));
    let said = say_results(&race.recordings);
    if let Some(path) = &options.svg {
        picture::write(path, &svg::draw(&race.recordings))?;
    }
    Ok(drawn? && said? && race.recordings.iter().all(Recording::all_answered))
}

/// Prints a line for each.
fn say_results(recordings: &[Recording]) -> Result<bool, String> {
    let mut stdout = io::stdout().lock();
    let mut results = recordings.iter().map(Recording::result);
    let said = results.try_for_each(|result| writeln!(stdout, "{result}"));
    written(said.and_then(|()| stdout.flush()))
}

/// Whether what was written to standard output has a reader. One that has closed the pipe has read
/// enough, and need not be told; but nor is all well.
///
/// # Errors
///
/// What else kept it from being written, as a sentence.
pub fn written(result: io::Result<()>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("Cannot write to standard output: {error}")),
    }
}

/// How long the axis is at first, where it is not known how long one request takes. It is what our
/// own `/sleep` takes, if nothing else is said.
const FIRST_AXIS: Duration = Duration::from_secs(5);

/// How often a live chart is drawn anew.
const FRAME: Duration = Duration::from_millis(50);

/// What happens in a race: to which server (its index), and to which request (the index of its lane
/// or, as the server knows it, the client's port).
enum Event {
    Connected(usize, usize, u16),
    PickedUp(usize, u16, Instant, String),
    Ended(usize, usize, Duration, Reply),
}

/// A race as it goes on.
struct Race {
    start: Instant,
    recordings: Vec<Recording>,
    /// Who came from which port, and who picked up the connection from there; either may be known
    /// before the other.
    lanes: HashMap<(usize, u16), usize>,
    pick_ups: HashMap<(usize, u16), (Duration, String)>,
}

impl Race {
    fn new(labels: impl Iterator<Item = String>, count: usize, reported: bool) -> Race {
        let lanes = vec![Lane::default(); count];
        Race {
            start: Instant::now(),
            recordings: labels
                .map(|label| Recording {
                    label,
                    lanes: lanes.clone(),
                    reported,
                })
                .collect(),
            lanes: HashMap::new(),
            pick_ups: HashMap::new(),
        }
    }

    fn running(&self) -> bool {
        self.recordings
            .iter()
            .flat_map(|recording| &recording.lanes)
            .any(|lane| lane.end.is_none())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Connected(server, lane, port) => {
                self.lanes.insert((server, port), lane);
                self.match_up(server, port);
            }
            Event::PickedUp(server, port, at, thread) => {
                let since_start = at.saturating_duration_since(self.start);
                self.pick_ups.insert((server, port), (since_start, thread));
                self.match_up(server, port);
            }
            Event::Ended(server, lane, time, reply) => {
                let lane = &mut self.recordings[server].lanes[lane];
                if let Some(handled) = reply.handled {
                    lane.picked_up = Some(time.saturating_sub(handled));
                }
                lane.thread = reply.thread.or(lane.thread.take());
                lane.end = Some((time, reply.outcome));
            }
        }
    }

    fn match_up(&mut self, server: usize, port: u16) {
        let key = (server, port);
        if let (Some(&lane), Some((time, thread))) = (self.lanes.get(&key), self.pick_ups.get(&key))
        {
            let lane = &mut self.recordings[server].lanes[lane];
            if lane.end.is_none() {
                lane.picked_up = Some(*time);
                lane.thread = Some(thread.clone());
            }
        }
    }
}
