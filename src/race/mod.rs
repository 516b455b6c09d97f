//! Sends requests together, records what became of each, and draws it.
//!
//! A race sees a server from outside, as any client does. It knows what its own clock measures, and
//! what the server reports in two headers: `Server-Timing` and `X-Served-By`.
//!
//! The name is that of a running race. It is neither a data race nor a race condition.
//!
//! Read [`Lane`] and [`Recording`] first, then [`Verdict::of`], which does all the reasoning.
//! [`mod@chart`] and [`mod@svg`] draw; [`screen`] is the terminal; [`options`] is the command line;
//! `progress` is a race as it goes on; [`server`] is a stage to race against, in a process of its own;
//! [`Lock`] says which worker had the lock; [`mod@ask`] asks
//! for predictions.

pub mod ask;
pub mod chart;
pub mod options;
mod progress;
pub mod screen;
pub mod server;
mod show;
pub mod svg;
mod verdict;

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::metronome::{Metronome, RECOVERY};
use crate::client::target::Target;
use crate::client::{self, Outcome};
use crate::output::{self, Ending};
use crate::traced::lock::Lock;
use crate::whole_file;
pub use options::{Against, Options};
use progress::{Event, Race};
use screen::Screen;
use server::Server;
pub use show::show;
pub use verdict::{Doubt, Verdict};

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
    pub end: Option<(Duration, Outcome)>,
    /// What its status may mean, if it has another one than 200.
    pub meaning: Option<String>,
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
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

impl Recording {
    /// The requests in the order in which they were sent, or, if they were sent together, in which they
    /// were picked up, or else in which they ended; those that got no answer come last.
    ///
    /// Where one thread is said to have worked on two requests at once, it is not known when it did.
    fn in_order(&self) -> Vec<Lane> {
        let doubtful = |lane: &Lane| {
            let others = self
                .lanes
                .iter()
                .filter(|other| !std::ptr::eq(*other, lane));
            others
                .into_iter()
                .any(|other| verdict::same_thread_at_once(lane, other))
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
    fn stood_still(&self, from: Duration, to: Duration) -> Duration {
        let pauses = self.pauses.iter();
        let touching = pauses.filter(|(start, end)| *start <= to && from <= *end + RECOVERY);
        let lengths = touching.map(|(start, end)| end.saturating_sub(*start));
        lengths.max().unwrap_or_default()
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
            return format!("{}  -  none of {all} answered with 200", self.label);
        };
        let mut result = format!(
            "{}  {:.1} s  {}",
            self.label,
            last.as_secs_f64(),
            Verdict::of(self)
        );
        if !self.all_answered() {
            result += &format!(", {} of {all} answered", answers.len());
        }
        result
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
        whole_file::check(path)?;
    }
    let predictions = match options.ask {
        true => ask::ask(options, &mut io::stdin().lock(), &mut io::stderr())
            .map_err(|error| format!("No predictions, so no race: {error}"))?,
        false => Vec::new(),
    };
    let (sender, events) = mpsc::channel();
    let (servers, targets) = start_servers(&options.against, options.lock, &sender)?;
    let all = targets.len() * options.count;
    let metronome = Metronome::start().map_err(|error| no_thread(all, &error))?;
    let labels = targets.iter().map(|(label, _)| label.as_str());
    let mut race = Race::new(options, labels);
    for (index, (_, target)) in targets.iter().enumerate() {
        for (lane, Lane { due, .. }) in race.recordings[index].lanes.iter().enumerate() {
            let request = Request {
                target: target.clone(),
                race: race.start,
                due: *due,
                timeout: options.timeout,
                place: (index, lane),
            };
            let sender = sender.clone();
            let thread = thread::Builder::new().spawn(move || request.send(&sender));
            thread.map_err(|error| no_thread(all, &error))?;
        }
    }
    let mut screen = Screen::of_standard_output();
    race.watch(&events, &mut screen, options.against.sleep());
    race.end(&metronome, servers, &events, options.lock);
    tell(options, &mut screen, &race.recordings, &predictions)
}

fn no_thread(requests: usize, error: &io::Error) -> String {
    format!("The system has no threads for {requests} requests: {error}. Send fewer with --count.")
}

/// A label for each server of a race, and where its requests go.
type Targets = Vec<(String, Target)>;

/// Starts a server for each stage to race against.
fn start_servers(
    against: &Against,
    lock: bool,
    sender: &Sender<Event>,
) -> Result<(Vec<Server>, Targets), String> {
    let (mut servers, mut targets) = (Vec::new(), Vec::new());
    match against {
        Against::Servers(running) => {
            let labelled = running.iter().map(|it| (it.to_string(), it.clone()));
            targets.extend(labelled);
        }
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
                let server = Server::start(stage, *sleep, *workers, *queue, lock, report)?;
                let label = format!("stage {}  {}", stage.number, stage.name);
                targets.push((label, Target::new(server.addr(), "/sleep")));
                servers.push(server);
            }
        }
    }
    Ok((servers, targets))
}

/// A request to be sent, on a thread of its own.
struct Request {
    target: Target,
    /// When the race began.
    race: Instant,
    due: Duration,
    timeout: Duration,
    /// The index of its server, and that of its lane.
    place: (usize, usize),
}

impl Request {
    /// Sends it when it is due, and tells what becomes of it.
    fn send(self, sender: &Sender<Event>) {
        let Request { race, place, .. } = self;
        thread::sleep(self.due.saturating_sub(race.elapsed()));
        // `send` fails when the race is over and the receiver is dropped.
        let connected = |port| drop(sender.send(Event::Connected(place, port, race.elapsed())));
        let reply = client::request(&self.target, self.timeout, connected);
        let _ = sender.send(Event::Ended(place, race.elapsed(), reply));
    }
}

/// Prints the chart and the results, and writes what else was asked for.
fn tell(
    options: &Options,
    screen: &mut Screen<io::Stdout>,
    recordings: &[Recording],
    predictions: &[ask::Predictions],
) -> Result<Ending, String> {
    let compared = predictions.iter().zip(recordings);
    let compared = compared.flat_map(|(all, recording)| all.compare(recording));
    let results: Vec<String> = compared
        .chain(recordings.iter().map(Recording::result))
        .collect();
    let drawn = output::written(screen.finish(recordings, results.len()));
    let noted = match &options.notes {
        Some(path) => write_notes(path, recordings)?,
        None => Ending::Success,
    };
    let printed = output::print(&(results.join("\n") + "\n"));
    if let Some(path) = &options.svg {
        whole_file::write(path, &svg::draw(recordings))?;
    }
    let answered = recordings.iter().all(Recording::all_answered);
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
    whole_file::write(path, &text)?;
    Ok(Ending::Success)
}
