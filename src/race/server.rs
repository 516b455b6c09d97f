//! A stage to race against, in a process of its own.
//!
//! It cannot be a thread of the race, because the workers of a pool print a line for each job, and
//! the race draws its chart on the same standard output. So the race starts its own program again, with
//! another command, and reads what that prints.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::cli::Options;
use crate::{Stage, output, server};

/// The word on the command line for what [`run`] does.
pub const COMMAND: &str = "race-server";

/// A server that lives as long as this value, or as this process if that ends first.
pub struct Server {
    child: Child,
    addr: String,
}

impl Server {
    /// Starts a stage, and waits until it listens. From then on, `picked_up` is called for every
    /// connection that the stage picks up, with the port of the client and the name of the thread that
    /// picks it up. The call comes from a thread of its own.
    ///
    /// # Errors
    ///
    /// Why the stage did not start, as a sentence.
    pub fn start(
        stage: &Stage,
        sleep: Duration,
        workers: usize,
        queue: usize,
        picked_up: impl Fn(u16, String) + Send + 'static,
    ) -> Result<Server, String> {
        let cannot = |error| format!("Cannot start stage {}: {error}", stage.number);
        let mut child = Command::new(env::current_exe().map_err(cannot)?)
            .arg(COMMAND)
            .args(["--addr", "127.0.0.1:0"])
            .args(["--stage", &stage.number.to_string()])
            .args(["--sleep", &sleep.as_secs_f64().to_string()])
            .args(["--workers", &workers.to_string()])
            .args(["--queue", &queue.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| cannot(io::ErrorKind::BrokenPipe.into()))?;
        let mut server = Server {
            child,
            addr: String::new(),
        };

        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // If it ends before it listens, it has printed the reason on standard error.
        let ended = || format!("Stage {} did not start.", stage.number);
        server.addr = lines.next().ok_or_else(ended)?;
        let read_reports = move || {
            for line in lines {
                if let Some((port, thread)) = parse_report(&line) {
                    picked_up(port, thread);
                }
            }
        };
        thread::Builder::new()
            .spawn(read_reports)
            .map_err(|error| no_thread(&error))?;
        Ok(server)
    }

    /// Host and port.
    pub fn addr(&self) -> &str {
        &self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse_report(line: &str) -> Option<(u16, String)> {
    let (port, thread) = line.strip_prefix("picked up ")?.split_once(' ')?;
    Some((port.parse().ok()?, thread.to_owned()))
}

fn no_thread(error: &io::Error) -> String {
    format!("The system has no thread for a race: {error}.")
}

/// The other end of [`Server`]: serves a stage, prints its address, then a line for each connection
/// that a thread picks up, and ends when its standard input ends.
///
/// # Errors
///
/// Why the stage cannot be served, as a sentence.
pub fn run(options: &Options) -> Result<(), String> {
    // The pipe is closed when the race is over, and also when the race is killed.
    let end_with_the_race = || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    };
    thread::Builder::new()
        .spawn(end_with_the_race)
        .map_err(|error| no_thread(&error))?;
    let server = server::Server::start(options, "race ")?;
    output::log(server.addr);
    server.serve(|connection| {
        if let Ok(client) = connection.peer_addr() {
            let current = thread::current();
            let thread = current.name().unwrap_or("?");
            output::log(format_args!("picked up {} {thread}", client.port()));
        }
    });
    Ok(())
}
