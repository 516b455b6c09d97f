//! A stage to race against, in a process of its own.
//!
//! It could be a thread of the race, but for the workers of a pool, who say on standard output what
//! they do: standard output is where the chart is. So the race starts its own program again, with
//! another command, and reads what that says.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::server::connections::Connections;
use crate::server::rejections;
use crate::server::site::Site;
use crate::{Serve, Setup, Stage};

/// The word on the command line for what [`report`] does.
pub const COMMAND: &str = "race-server";

/// A server that lives as long as this value, or as this process if that ends first.
pub struct Server {
    child: Child,
    addr: String,
}

impl Server {
    /// Starts a stage, and waits until it can be reached. `picked_up` is then told, from a thread
    /// of its own, the port of every client whose connection is picked up, and by which thread.
    ///
    /// # Errors
    ///
    /// What kept it from starting, as a sentence.
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
        // If it ends before it can be reached, it has said why on standard error.
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

/// The other end of [`Server`]: serves a stage on a free port, says which, then what is picked up,
/// and ends when its standard input does. `check_for_threads` is called before it can be reached, and
/// when it has all threads but the stage's.
///
/// # Errors
///
/// When there is no port to listen on, or no thread for what has to be done beside serving; and
/// what `check_for_threads` says.
pub fn report(
    stage: &Stage,
    serve: Serve,
    site: Site,
    workers: usize,
    queue: usize,
    check_for_threads: impl FnOnce() -> Result<(), String>,
) -> Result<bool, String> {
    // The pipe is closed when the race is over, and also when the race is killed.
    let end_with_the_race = || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    };
    thread::Builder::new()
        .spawn(end_with_the_race)
        .map_err(|error| no_thread(&error))?;
    let listen = || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        Ok((listener.local_addr()?, listener))
    };
    let (addr, listener) = listen().map_err(|error: io::Error| error.to_string())?;
    let site = Arc::new(site);
    let (reject, _) =
        rejections::start(stage, Arc::clone(&site)).map_err(|error| no_thread(&error))?;
    check_for_threads()?;
    say(format_args!("{addr}"));

    let handler = move |connection: TcpStream| {
        if let Ok(client) = connection.peer_addr() {
            let current = thread::current();
            say(format_args!(
                "picked up {} {}",
                client.port(),
                current.name().unwrap_or("?")
            ));
        }
        site.handle(connection);
    };
    serve(Setup {
        connections: Box::new(Connections::new(listener)),
        handler: Arc::new(handler),
        reject,
        workers,
        queue,
    });
    Ok(true)
}

fn say(line: std::fmt::Arguments<'_>) {
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
}
