//! Sends requests together, records what became of each, and draws it.
//!
//! A race sees a server from outside, as any client does. It knows what its own clock measures, and
//! what the server reports in two headers: `Server-Timing` and `X-Served-By`.
//!
//! The name is that of a running race. It is neither a data race nor a race condition.
//!
//! Read [`mod@recording`] first, then [`RaceVerdict::of`], which does all the reasoning.
//! [`mod@chart`] and [`mod@svg`] draw; [`screen`] is the terminal; [`options`] is the command line;
//! `progress` is a race as it goes on; [`server`] is a stage to race against, in a process of its own;
//! [`Lock`](crate::notes::lock::Lock) says which worker had the lock; [`mod@ask`] asks
//! for predictions.
#![doc = not_in_the_contract!()]

pub mod ask;
pub mod chart;
pub mod options;
mod progress;
pub mod recording;
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

use crate::client::metronome::Metronome;
use crate::client::target::Target;
use crate::client::{self, Progress};
use crate::output::{self, Ending};
use crate::whole_file;
pub use options::{Against, RaceOptions};
use progress::{Race, RaceEvent};
pub use recording::{Lane, RaceRecording};
use screen::Screen;
use server::StageServer;
pub use show::show;
pub use verdict::{Doubt, RaceVerdict};

/// Runs a race: draws it on standard output, live if that is a terminal, and then prints the
/// results. A success if every request was answered with status 200 and the results were written.
///
/// # Errors
///
/// Why the race could not be run, or the results or the picture not be written, as a sentence.
pub fn run(options: &RaceOptions) -> Result<Ending, String> {
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
    sender: &Sender<RaceEvent>,
) -> Result<(Vec<StageServer>, Targets), String> {
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
                    let _ = sender.send(RaceEvent::Reported(index, Instant::now(), report));
                };
                let server = StageServer::start(stage, *sleep, *workers, *queue, lock, report)?;
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
    fn send(self, sender: &Sender<RaceEvent>) {
        let Request { race, place, .. } = self;
        thread::sleep(self.due.saturating_sub(race.elapsed()));
        // `send` fails when the race is over and the receiver is dropped.
        let progress = |progress| {
            if let Progress::Connected(port) = progress {
                let _ = sender.send(RaceEvent::Connected(place, port, race.elapsed()));
            }
        };
        let reply = client::request(&self.target, self.timeout, progress);
        let _ = sender.send(RaceEvent::Ended(place, race.elapsed(), reply));
    }
}

/// Prints the chart and the results, and writes what else was asked for.
fn tell(
    options: &RaceOptions,
    screen: &mut Screen<io::Stdout>,
    recordings: &[RaceRecording],
    predictions: &[ask::Predictions],
) -> Result<Ending, String> {
    let compared = predictions.iter().zip(recordings);
    let compared = compared.flat_map(|(all, recording)| all.compare(recording));
    let results: Vec<String> = compared
        .chain(recordings.iter().map(RaceRecording::result))
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
    let answered = recordings.iter().all(RaceRecording::all_answered);
    Ok(drawn?
        .and(noted)
        .and(printed?)
        .and(Ending::success_if(answered)))
}

/// Writes the notes of each server, with its label at the beginning of each line.
fn write_notes(path: &Path, recordings: &[RaceRecording]) -> Result<Ending, String> {
    let mut text = String::new();
    for RaceRecording { label, lock, .. } in recordings {
        let lines = lock.iter().flat_map(|lock| lock.notes.lines(lock.start));
        lines.for_each(|line| text += &format!("{label}  {line}\n"));
    }
    if path == Path::new("-") {
        return output::print(&text);
    }
    whole_file::write(path, &text)?;
    Ok(Ending::Success)
}
