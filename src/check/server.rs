//! Eleven promises of a web server, and whether one that runs keeps them, in whatever language it is
//! written.
//!
//! All that is looked at is what a client sees: answers, their order, and the clock. What a server says about
//! itself, in a header for example, is not believed. The unit of time is what one request takes to
//! the path that is asked for; it has to wait, rather than compute, for about a second. A verdict that
//! rests on times is only given when they are clear: "at once" is less than one and a half units, "one
//! after the other" is nearly two, and when a request alone takes longer than before,
//! because the machine is busy, the attempt does not count.
//!
//! In the source, read `measure.rs` first; then `promises.rs` for requests that come together, and
//! `endurance.rs` for clients that behave badly.

use std::io::{self, IsTerminal, Write};

use super::{Verdict, tap};
use crate::args::{Arguments, Help, UsageError};
use crate::client::target::Target;
use crate::output::{self, Ending};
use crate::stage::{MAX_QUEUE, MAX_WORKERS};

mod clients;
mod endurance;
mod measure;
mod promises;
mod requests;

use measure::Server;

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five check [OPTIONS] ADDR   say which promises a running server keeps, in any language\n",
    options: "\
Options of check: --workers and --queue, what the server is meant to have [default: unknown].
",
};

/// What to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the server is, and a path that takes about a second.
    pub target: Target,
    /// How many workers the server is meant to have, if that is known; at least 1.
    pub workers: Option<usize>,
    /// How many requests may wait for a worker, if that is known.
    pub queue: Option<usize>,
}

/// Understands the arguments of `check`.
///
/// # Errors
///
/// The first mistake. If there is none, that there is no address.
pub fn parse(arguments: &mut Arguments) -> Result<Options, UsageError> {
    let (mut target, mut workers, mut queue) = (None, None, None);
    while let Some(mut argument) = arguments.next_argument() {
        match argument.name() {
            "--workers" => workers = Some(argument.whole_number(1..=MAX_WORKERS)?),
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            _ if argument.is_positional() => target = Some(argument.positional(Target::parse)?),
            _ => return Err(argument.means_nothing()),
        }
    }
    let missing = "check takes the address of a server that runs, like 127.0.0.1:7878/sleep.";
    Ok(Options {
        target: target.ok_or_else(|| UsageError::new(missing))?,
        workers,
        queue,
    })
}

/// What is decided, in this order: later promises build on what was found out about earlier ones.
type Promise = (&'static str, fn(&mut Server) -> Verdict);

/// The names are relied on by programs that read the output.
const PROMISES: [Promise; 11] = [
    ("a request is answered", Server::answers),
    ("two requests run at once", Server::two_at_once),
    (
        "a slow request does not hold up a fast one",
        Server::slow_and_fast,
    ),
    (
        "as many requests run at once as there are workers",
        Server::every_worker_works,
    ),
    (
        "never more requests at once than workers",
        Server::never_more,
    ),
    (
        "requests beyond workers and queue are rejected with 503",
        Server::rejects,
    ),
    (
        "silent clients do not hold up others",
        Server::silent_clients,
    ),
    (
        "clients that send half a request do not hold up others",
        Server::half_a_request,
    ),
    (
        "clients that send a byte at a time do not hold up others",
        Server::dripping_clients,
    ),
    (
        "clients that vanish do not hold up others",
        Server::vanishing_clients,
    ),
    (
        "a hundred bad requests change nothing",
        Server::bad_requests,
    ),
];

/// The command `check`: prints a verdict for each promise on standard output, in the Test Anything
/// Protocol, version 14, and what it is at on standard error, if that is a terminal.
///
/// A success if no promise is broken, and all could be printed. It takes about half a minute for a server
/// that waits for a second.
///
/// # Errors
///
/// What kept a verdict from being printed, as a sentence.
pub fn run(options: &Options) -> Result<Ending, String> {
    let shows = io::stderr().is_terminal();
    let progress = |what: &str| {
        if shows {
            // The next one, or the verdict, overwrites it. That it is not shown is no reason to stop.
            let _ = write!(io::stderr(), "\r{what:76}\r");
        }
    };
    match report(options, &mut io::stdout(), progress) {
        Ok(none_broken) => Ok(Ending::success_if(none_broken)),
        Err(error) => output::written(Err(error)),
    }
}

/// The same to any writer. `progress` is told what is being decided, and at the end of each nothing.
///
/// Returns whether no promise is broken.
///
/// # Errors
///
/// When a line cannot be written.
pub fn report(
    options: &Options,
    out: &mut impl Write,
    progress: impl Fn(&str),
) -> io::Result<bool> {
    let mut server = Server::new(options);
    let mut none_broken = true;
    tap::begin(out, PROMISES.len())?;
    for (number, (name, decide)) in (1..).zip(PROMISES) {
        out.flush()?;
        progress(&format!("  {number} of {}: {name} ...", PROMISES.len()));
        let verdict = decide(&mut server);
        progress("");
        none_broken &= !matches!(verdict, Verdict::Broken { .. });
        tap::verdict(out, number, name, &verdict)?;
    }
    out.flush()?;
    Ok(none_broken)
}
