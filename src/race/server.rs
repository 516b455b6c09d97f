//! A stage to race against, in a process of its own.
//!
//! It cannot be a thread of the race, because the workers of a pool print a line for each job, and
//! the race draws its chart on the same standard output. So the race starts its own program again, with
//! another command, and reads what that prints.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::notes::Recording;
use crate::server::{self, ServeOptions};
use crate::{Stage, output};

/// The word on the command line for what [`run`] does.
pub const COMMAND: &str = "race-server";

/// What a server reports, while it serves.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerReport {
    /// That it has picked up the connection of the client at this port, on the thread of this name.
    PickedUp(u16, String),
    /// What the clock of its notes shows now.
    Clock(Duration),
    /// Another line, which may be a [note](crate::notes::Notes::lines).
    Note(String),
    /// That it has ended. This is the last one.
    End,
}

/// A server that lives as long as this value, or as this process if that ends first.
#[derive(Debug)]
pub struct StageServer {
    child: Child,
    addr: String,
}

impl StageServer {
    /// Starts a stage, and waits until it listens. From then on, `report` is called with everything that
    /// the server reports, from a thread of its own. If `lock` is set, the server also reports its notes.
    ///
    /// # Errors
    ///
    /// Why the stage did not start, as a sentence.
    pub fn start(
        stage: &Stage,
        sleep: Duration,
        workers: usize,
        queue: usize,
        lock: bool,
        report: impl Fn(ServerReport) + Send + 'static,
    ) -> Result<StageServer, String> {
        let cannot = |error| format!("Cannot start stage {}: {error}", stage.number);
        let mut child = Command::new(env::current_exe().map_err(cannot)?)
            .arg(COMMAND)
            .args(["--addr", "127.0.0.1:0"])
            .args(["--stage", &stage.number.to_string()])
            .args(["--sleep", &sleep.as_secs_f64().to_string()])
            .args(["--workers", &workers.to_string()])
            .args(["--queue", &queue.to_string()])
            // Its clients are those of the race. They send at once, as soon as a busy machine lets them.
            .args(["--read-timeout", "30"])
            .args(lock.then_some("--lock"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
        let mut server = StageServer {
            child,
            addr: String::new(),
        };

        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // If it ends before it listens, it has printed the reason on standard error.
        let ended = || format!("Stage {} did not start.", stage.number);
        server.addr = lines.next().ok_or_else(ended)?;
        let read_reports = move || {
            for line in lines {
                report(parse_report(line));
            }
            report(ServerReport::End);
        };
        thread::Builder::new()
            .spawn(read_reports)
            .map_err(|error| no_thread(&error))?;
        Ok(server)
    }

    /// Asks it to shut down gracefully. Only a server that takes notes does.
    pub fn stop(&mut self) {
        if let Some(stdin) = &mut self.child.stdin {
            let _ = stdin.write_all(b"stop\n");
        }
    }

    /// Host and port.
    pub fn addr(&self) -> &str {
        &self.addr
    }
}

impl Drop for StageServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse_report(line: String) -> ServerReport {
    let picked_up = || {
        let (port, thread) = line.strip_prefix("picked up ")?.split_once(' ')?;
        Some(ServerReport::PickedUp(
            port.parse().ok()?,
            thread.to_owned(),
        ))
    };
    let clock = || {
        let seconds = line.strip_prefix("clock ")?.parse().ok()?;
        Some(ServerReport::Clock(
            Duration::try_from_secs_f64(seconds).ok()?,
        ))
    };
    picked_up()
        .or_else(clock)
        .unwrap_or_else(|| ServerReport::Note(line.clone()))
}

fn no_thread(error: &io::Error) -> String {
    format!("The system has no thread for a race: {error}.")
}

/// What ends the connections of a stage.
type Stop = Box<dyn Fn() + Send>;

/// The other end of [`StageServer`]: serves a stage, prints its address, then a line for each connection
/// that a thread picks up, and ends when its standard input ends.
///
/// With [`ServeOptions::lock`] it also prints the notes of the stage's threads, and a line on its standard
/// input makes it shut down gracefully.
///
/// # Errors
///
/// Why the stage cannot be served, as a sentence.
pub fn run(options: &ServeOptions) -> Result<(), String> {
    let (sender, stop) = mpsc::channel();
    let lock = options.lock;
    let end_with_the_race = move || {
        if lock && matches!(io::stdin().read_line(&mut String::new()), Ok(1..)) {
            // This fails if the server did not start.
            let _ = stop.recv().map(|stop: Stop| stop());
        }
        // The pipe is closed when the race is over, and also when the race is killed.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    };
    thread::Builder::new()
        .spawn(end_with_the_race)
        .map_err(|error| no_thread(&error))?;
    let server = server::Server::start(options, "race ")?;
    let stopper = server.stopper().map_err(|error| error.to_string())?;
    // The thread above takes it, if it is ever needed.
    let _ = sender.send(Box::new(stopper));
    let reporter = server.recording().map(Reporter::start).transpose();
    let reporter = reporter.map_err(|error| no_thread(&error))?;
    output::log(server.addr);
    reporter.iter().for_each(Reporter::begin);
    server.serve(|connection| {
        if let Ok(client) = connection.peer_addr() {
            let current = thread::current();
            let thread = current.name().unwrap_or("?");
            output::log(format_args!("picked up {} {thread}", client.port()));
        }
    });
    if let Some(reporter) = reporter {
        reporter.finish();
    }
    Ok(())
}

/// Prints what the threads of a stage note, while it serves.
struct Reporter {
    recording: Arc<Recording>,
    /// Gets a message when the reports may begin, and is dropped when the last notes are there.
    running: Sender<()>,
    thread: JoinHandle<()>,
}

/// How often new notes are printed.
const PRINT_INTERVAL: Duration = Duration::from_millis(25);

/// How long workers get to end after the stage has returned. Not every pool waits for its workers.
const WORKERS_END_TIMEOUT: Duration = Duration::from_secs(1);

impl Reporter {
    fn start(recording: Arc<Recording>) -> io::Result<Reporter> {
        let watched = Arc::clone(&recording);
        let (running, ended) = mpsc::channel();
        let report = move || {
            // The first line is the address, and not one of these.
            if ended.recv().is_err() {
                return;
            }
            let mut reported = 0;
            loop {
                let over =
                    ended.recv_timeout(PRINT_INTERVAL) == Err(RecvTimeoutError::Disconnected);
                let notes = watched.notes();
                let lines = notes.lines(Duration::ZERO).skip(reported);
                let mut lines: Vec<String> = lines.collect();
                reported += lines.len();
                let now = watched.start().elapsed().as_secs_f64();
                lines.push(format!("clock {now:.6}"));
                output::log(lines.join("\n"));
                if over {
                    break;
                }
            }
        };
        Ok(Reporter {
            recording,
            running,
            thread: thread::Builder::new().spawn(report)?,
        })
    }

    /// Prints from now on. The address has to be the first line.
    fn begin(&self) {
        // The thread waits for this.
        let _ = self.running.send(());
    }

    /// Waits until the workers have ended, and prints the last notes.
    fn finish(self) {
        self.recording.wait_for_threads(WORKERS_END_TIMEOUT);
        drop(self.running);
        // It does not panic.
        let _ = self.thread.join();
    }
}
