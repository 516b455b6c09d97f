//! Sends requests together, records what became of each, and draws it.
//!
//! A race sees a server from outside, as any client does. It knows what its own clock measures, and
//! what the server reports in two headers: `Server-Timing` and `X-Served-By`.
//!
//! The name is that of a running race. It is neither a data race nor a race condition.
//!
//! Read [`Lane`] and [`Recording`] first, then [`Verdict::of`], which does all the reasoning.
//! [`mod@chart`] and [`mod@svg`] draw; [`screen`] is the terminal; [`options`] is the command line;
//! [`server`] is a stage to race against, in a process of its own; [`Lock`] says which worker had the
//! lock; [`picture`] writes the picture to a file; [`mod@ask`] asks for predictions.

pub mod ask;
pub mod chart;
pub mod options;
pub mod picture;
pub mod screen;
pub mod server;
mod show;
pub mod svg;

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::target::Target;
use crate::client::{self, Outcome, Reply};
use crate::output::{self, Ending};
use crate::traced::lock::Lock;
pub use options::{Against, Options};
use screen::Screen;
use server::{Report, Server};
pub use show::show;

/// One request. Times count from the start of the race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// When a thread picked it up; until then it waited. `None` if the server does not report that.
    pub picked_up: Option<Duration>,
    /// The name of the thread that worked on it, if the server reports it.
    pub thread: Option<String>,
    /// When it ended, and how. `None` while it runs.
    pub end: Option<(Duration, Outcome)>,
}

impl Lane {
    /// When it was answered with status 200, or `None` if it was not. Any other answer is no evidence
    /// of how the server runs requests: an error page does not take the time that the page would.
    pub fn answered(&self) -> Option<Duration> {
        match self.end {
            Some((time, Outcome::Answered(200))) => Some(time),
            _ => None,
        }
    }
}

/// All the requests of a race that went to one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Which server, for example `stage 1  single-threaded`.
    pub label: String,
    /// The requests.
    pub lanes: Vec<Lane>,
    /// Whether the server reports at once when a thread picks up a request. The servers that the race
    /// starts do. Of any other server, the race does not know what a running request does until it is
    /// answered.
    pub reported: bool,
    /// Which worker had the lock, if the race was asked for that and the server notes it.
    pub lock: Option<Lock>,
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
    /// They ended too soon to compare.
    TooQuick,
    /// No two of them overlapped.
    OneAfterAnother,
    /// All of them overlapped.
    SideBySide,
    /// At most so many overlapped, and others had to wait.
    AtATime(usize),
    /// What the server reports does not fit the times of the answers.
    Contradicted,
}

/// Work that takes less than this cannot be compared: to start a thread or to open a connection may
/// take as long.
const TOO_QUICK: Duration = Duration::from_millis(20);

/// A busy machine may need this long for work that is [`TOO_QUICK`].
const STILL_QUICK: Duration = Duration::from_millis(200);

impl Verdict {
    /// The verdict on the requests among these that were [answered](Lane::answered).
    ///
    /// The clock alone shows this much: equal requests that are sent together to an idle server come
    /// back in waves, and the size of the first wave is the number of requests that run at once.
    ///
    /// If the server reports when work began, the verdict compares the work itself. Two requests
    /// overlap if they do so for more than half of their time; a smaller overlap may come from a clock
    /// that was read late. A report may be wrong, so the verdict checks it against the clock:
    ///
    /// - The report shows more overlap than the first wave. Either the requests were not equal, or
    ///   the server counts waiting as work: no verdict.
    /// - The report shows less overlap, and work for less than a tenth of the time. Either the server
    ///   was busy with something else first, or it counts only a part of the work: no verdict.
    /// - The report shows less overlap, and more work than that. Then the answers came about as far
    ///   apart as the work is long, so the clock confirms the report: the report decides.
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
                let reported = most_at_once(&work);
                if longest < TOO_QUICK && first < STILL_QUICK {
                    return Verdict::TooQuick;
                }
                if reported > seen || (reported < seen && longest < first / 10) {
                    return Verdict::Contradicted;
                }
                reported
            }
        };
        match together {
            1 => Verdict::OneAfterAnother,
            all if all == answered.len() => Verdict::SideBySide,
            some => Verdict::AtATime(some),
        }
    }
}

/// The largest number of these periods that share a moment, when each is shortened by a quarter at both
/// ends. At least 1, even if the periods have no length.
fn most_at_once(periods: &[(Duration, Duration)]) -> usize {
    let shortened = periods.iter().map(|&(start, end)| {
        let quarter = end.saturating_sub(start) / 4;
        (start + quarter, end.saturating_sub(quarter))
    });
    let shortened: Vec<(Duration, Duration)> = shortened.collect();
    // Periods that share a moment share the moment in which the last of them starts.
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

/// Runs a race: draws it on standard output, live if that is a terminal, and then prints the
/// results. A success if every request was answered with status 200 and the results were written.
///
/// # Errors
///
/// Why the race could not be run, or the results or the picture not be written, as a sentence.
pub fn run(options: &Options) -> Result<Ending, String> {
    if let Some(path) = &options.svg {
        picture::check(path)?;
    }
    let predictions = match options.ask {
        true => ask::ask(options, &mut io::stdin().lock(), &mut io::stderr())
            .map_err(|error| format!("No predictions, so no race: {error}"))?,
        false => Vec::new(),
    };
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
                let report = move |report| {
                    // `send` fails when the race is over and the receiver is dropped.
                    let _ = sender.send(Event::Reported(index, Instant::now(), report));
                };
                let server = Server::start(stage, *sleep, *workers, *queue, options.lock, report)?;
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
    let mut race = Race::new(labels, options.count, reported, options.lock);
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
    let mut next_frame = Duration::ZERO;
    while race.running() {
        if let Ok(event) = events.recv_timeout(FRAME) {
            race.apply(event);
        }
        let now = race.start.elapsed();
        if now >= next_frame {
            let _ = screen.redraw(&race.recordings, chart::horizon(sleep, now), now);
            next_frame = now + FRAME;
        }
    }
    if options.lock {
        servers.iter_mut().for_each(Server::stop);
        race.hear_out(&events, servers.len());
    }
    drop(servers);
    let drawn = output::written(screen.finish(&race.recordings));
    let noted = match &options.notes {
        Some(path) => write_notes(path, &race.recordings)?,
        None => Ending::Success,
    };
    let compared = predictions.iter().zip(&race.recordings);
    let compared = compared.flat_map(|(all, recording)| all.compare(recording));
    let results = compared.chain(race.recordings.iter().map(Recording::result));
    let results = results.map(|line| line + "\n");
    let printed = output::print(&results.collect::<String>());
    if let Some(path) = &options.svg {
        picture::write(path, &svg::draw(&race.recordings))?;
    }
    let answered = race.recordings.iter().all(Recording::all_answered);
    Ok(drawn?
        .and(noted)
        .and(printed?)
        .and(Ending::success_if(answered)))
}

/// Writes the notes of each server, with its label at the beginning of each line.
fn write_notes(path: &Path, recordings: &[Recording]) -> Result<Ending, String> {
    let mut text = String::new();
    for Recording { label, lock, .. } in recordings {
        let lines = lock.iter().flat_map(|lock| lock.notes.lines(lock.start));
        lines.for_each(|line| text += &format!("{label}  {line}\n"));
    }
    if path == Path::new("-") {
        return output::print(&text);
    }
    picture::write(path, &text)?;
    Ok(Ending::Success)
}

/// How long the axis is at first, if the race does not know how long one request takes: as long as
/// `/sleep` of a stage takes by default.
const FIRST_AXIS: Duration = Duration::from_secs(5);

/// How often a live chart is redrawn.
const FRAME: Duration = Duration::from_millis(50);

/// How long servers get after a race to end, and to report what their workers did.
const END: Duration = Duration::from_secs(5);

/// What happens in a race. The first field is the index of the server. The second says which request
/// it is: the index of its lane or, because a server does not know that one, the port of the client.
enum Event {
    Connected(usize, usize, u16),
    Reported(usize, Instant, Report),
    Ended(usize, usize, Duration, Reply),
}

/// A race as it goes on.
struct Race {
    start: Instant,
    recordings: Vec<Recording>,
    /// Which lane's client has which port, and which thread picked up the connection from that port.
    /// Either may be known before the other.
    lanes: HashMap<(usize, u16), usize>,
    pick_ups: HashMap<(usize, u16), (Duration, String)>,
    /// How many servers have said all that they had to say.
    ended: usize,
}

impl Race {
    fn new(labels: impl Iterator<Item = String>, count: usize, reported: bool, lock: bool) -> Race {
        let lanes = vec![Lane::default(); count];
        Race {
            start: Instant::now(),
            recordings: labels
                .map(|label| Recording {
                    label,
                    lanes: lanes.clone(),
                    reported,
                    lock: lock.then(Lock::default),
                })
                .collect(),
            lanes: HashMap::new(),
            pick_ups: HashMap::new(),
            ended: 0,
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
            Event::Reported(server, at, report) => self.hear(server, at, report),
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

    fn hear(&mut self, server: usize, at: Instant, report: Report) {
        match report {
            Report::PickedUp(port, thread) => {
                let since_start = at.saturating_duration_since(self.start);
                self.pick_ups.insert((server, port), (since_start, thread));
                self.match_up(server, port);
            }
            Report::Note(line) => {
                if let Some(lock) = &mut self.recordings[server].lock {
                    // What is not a note is a line of a worker's.
                    let _ = lock.notes.add_line(&line);
                }
            }
            Report::Clock(time) => {
                if let Some(lock) = &mut self.recordings[server].lock {
                    lock.hear_clock(time, at, self.start);
                }
            }
            Report::End => self.ended += 1,
        }
    }

    /// Hears what so many servers have to say until they have ended, if that does not take too long.
    fn hear_out(&mut self, events: &Receiver<Event>, servers: usize) {
        let deadline = Instant::now() + END;
        while self.ended < servers {
            let time = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = events.recv_timeout(time) else {
                break;
            };
            self.apply(event);
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
