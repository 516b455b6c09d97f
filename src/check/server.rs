//! Fourteen promises of a web server, and whether one that runs keeps them, in whatever language it is
//! written.
//!
//! What is looked at is what a client sees: answers, their order, and the clock; and, if the server runs on
//! this machine, whether it uses the processor when it has nothing to do. What a server says about
//! itself, in a header for example, is not believed. The unit of time is what one request takes to
//! the path that is asked for; it has to wait, rather than compute, for about a second. A verdict that
//! rests on times is only given when they are clear, by the [rule](crate::client::rule) of the race: when
//! this machine stood still, or a request alone takes longer than before, the attempt does not count.
//!
//! In the source, read `measure.rs` first; then `promises.rs`, `hold_up.rs` and `limits.rs` for requests that
//! come together, and `endurance.rs` for clients that behave badly.
#![doc = not_in_the_contract!()]

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::{Promise, Verdict, plain, tap};
use crate::args::{Arguments, Help, UsageError};
use crate::client::target::Target;
use crate::output::{self, Ending};
use crate::stage::{MAX_QUEUE, MAX_WORKERS};
use crate::terminal;

mod clients;
mod endurance;
mod hold_up;
mod limits;
mod measure;
mod processor;
mod promises;
mod requests;

use clients::BadClient;
use measure::ServerUnderTest;

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five check [OPTIONS] ADDR   say which promises a running server keeps, in any language\n",
    options: "\
Options of check:
  --workers N             demand that N requests run at once, and never more
  --queue N               demand that N requests wait, and that more are rejected with 503
  --tap                   write TAP on a terminal too [default: only to a file or a pipe]
  --strict                exit with 1 also if it cannot tell
",
};

/// What to check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Where the server is, and a path that takes about a second.
    pub target: Target,
    /// How many requests have to run at once, and no more, if that is demanded; at least 1.
    pub workers: Option<usize>,
    /// How many requests have to wait for a worker, and no more, if that is demanded.
    pub queue: Option<usize>,
    /// Whether the verdicts on a terminal are for programs too.
    pub tap: bool,
    /// Whether every promise has to be kept, and none untold.
    pub strict: bool,
}

/// Understands the arguments of `check`.
///
/// # Errors
///
/// The first mistake. If there is none, that there is no address.
pub fn parse(arguments: &mut Arguments) -> Result<CheckOptions, UsageError> {
    let (mut target, mut workers, mut queue) = (None, None, None);
    let (mut tap, mut strict) = (false, false);
    while let Some(mut argument) = arguments.next_argument() {
        match argument.name() {
            "--workers" => workers = Some(argument.whole_number(1..=MAX_WORKERS)?),
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "--tap" if argument.is_bare() => tap = true,
            "--strict" if argument.is_bare() => strict = true,
            _ if argument.is_positional() && target.is_some() => {
                let one = "check takes the address of one server. To see two beside each other, race them.";
                return Err(UsageError::new(one));
            }
            _ if argument.is_positional() => target = Some(argument.positional(Target::parse)?),
            _ => return Err(argument.means_nothing()),
        }
    }
    let missing = "check takes the address of a server that runs, like 127.0.0.1:7878/sleep.";
    Ok(CheckOptions {
        target: target.ok_or_else(|| UsageError::new(missing))?,
        workers,
        queue,
        tap,
        strict,
    })
}

/// Makes the table of the promises: a name, and the call that decides.
macro_rules! promises_of_a_server {
    ($($name:literal: $decide:ident($($kind:expr)?),)*) => {
        [$( Promise { name: $name, decide: |server| server.borrow_mut().$decide($($kind)?) } ),*]
    };
}

/// What is decided, in this order. Three names are relied on by programs that read the output: the second,
/// the fifth and the sixth.
const PROMISES: [Promise<RefCell<ServerUnderTest>>; 14] = promises_of_a_server![
    "a request is answered": answers(),
    "two requests run at once": two_at_once(),
    "a slow request does not hold up fast ones": slow_and_fast(),
    "as many requests run at once as there are workers": every_worker_works(),
    "never more requests at once than workers": never_more(),
    "requests beyond workers and queue are rejected with 503": rejects(),
    "silent clients do not hold up others": not_held_up(BadClient::Silent),
    "clients that send half a request do not hold up others": not_held_up(BadClient::Half),
    "clients that send a byte at a time do not hold up others": not_held_up(BadClient::Dripping),
    "clients that send half a body do not hold up others": not_held_up(BadClient::HalfBody),
    "clients that keep their connection do not hold up others": not_held_up(BadClient::Idle),
    "clients that do not read their answer do not hold up others": not_held_up(BadClient::Unread),
    "clients that vanish do not hold up others": vanishing_clients(),
    "a hundred bad requests change nothing": bad_requests(),
];

/// A check of a server: which promises, and with how much patience.
#[derive(Clone, Debug)]
pub struct ServerCheck {
    options: CheckOptions,
    /// The names of the promises, or all of them.
    only: Option<Vec<String>>,
    hold_up: Duration,
}

/// What the verdicts are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Programs: the Test Anything Protocol, version 14.
    Tap,
    /// People, in lines of at most so many columns.
    Plain(usize),
}

/// How many promises got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that are kept.
    pub kept: usize,
    /// Those that are broken.
    pub broken: usize,
    /// Those that the check cannot decide.
    pub untold: usize,
}

impl ServerCheck {
    /// A check of all promises. Nothing may hold up a request for longer than five seconds.
    pub fn new(options: CheckOptions) -> ServerCheck {
        ServerCheck {
            options,
            only: None,
            hold_up: Duration::from_secs(5),
        }
    }

    /// A check of the promises with these names only. What has to be known for them is measured all the same.
    pub fn only(self, names: &[&str]) -> ServerCheck {
        let names = names.iter().map(|name| (*name).to_owned());
        ServerCheck {
            only: Some(names.collect()),
            ..self
        }
    }

    /// The same with another limit for what holds up a request. An answer within four fifths of it is
    /// in time, and none within six fifths is not.
    pub fn hold_up(self, hold_up: Duration) -> ServerCheck {
        ServerCheck { hold_up, ..self }
    }

    /// Decides one promise after the other, and writes each verdict when it is known. `progress` is told
    /// what is being decided, and at the end of each nothing.
    ///
    /// # Errors
    ///
    /// When a line cannot be written.
    pub fn report(
        &self,
        out: &mut impl Write,
        format: Format,
        progress: impl Fn(&str),
    ) -> io::Result<Count> {
        let wanted = |name: &str| {
            let only = self.only.as_ref();
            only.is_none_or(|only| only.iter().any(|it| it == name))
        };
        let promises = PROMISES.into_iter().filter(|promise| wanted(promise.name));
        let promises: Vec<Promise<_>> = promises.collect();
        let server = RefCell::new(ServerUnderTest::new(self));
        let mut count = Count::default();
        let mut questions = Vec::new();
        if format == Format::Tap {
            tap::begin(out, promises.len())?;
        }
        for (number, Promise { name, decide }) in (1..).zip(&promises) {
            out.flush()?;
            progress(&format!("  {number} of {}: {name} ...", promises.len()));
            let verdict = decide(&server);
            let seen = server.borrow_mut().take_seen(&verdict);
            progress("");
            match &verdict {
                Verdict::Kept => count.kept += 1,
                Verdict::Broken { .. } => count.broken += 1,
                Verdict::CannotTell(_) => count.untold += 1,
            }
            match format {
                Format::Tap => {
                    tap::verdict(out, number, name, &verdict)?;
                    tap::comment(out, &seen)?;
                }
                Format::Plain(width) => {
                    plain::verdict(out, width, name, &verdict, &seen, &mut questions)?;
                }
            }
        }
        if let Format::Plain(_) = format {
            let (kept, broken, untold) = (count.kept, count.broken, count.untold);
            writeln!(out, "\n{kept} kept, {broken} broken, {untold} cannot tell")?;
        }
        out.flush()?;
        Ok(count)
    }
}

/// The command `check`: writes a verdict for each promise to standard output, for people if that is a
/// terminal, and what it is at to standard error, if that is one.
///
/// A success if no promise is broken, and all could be written; with `--strict`, if all are kept. It takes
/// about half a minute for a server that waits for a second.
///
/// # Errors
///
/// What kept a verdict from being written, as a sentence.
pub fn run(options: &CheckOptions) -> Result<Ending, String> {
    let shows = io::stderr().is_terminal();
    let progress = |what: &str| {
        if shows {
            // The next one, or the verdict, overwrites it. That it is not shown is no reason to stop.
            let _ = write!(io::stderr(), "\r{what:76}\r");
        }
    };
    let format = if options.tap || !io::stdout().is_terminal() {
        Format::Tap
    } else {
        Format::Plain(terminal::style().width)
    };
    let check = ServerCheck::new(options.clone());
    match check.report(&mut io::stdout(), format, progress) {
        Ok(count) => Ok(Ending::success_if(
            count.broken == 0 && (count.untold == 0 || !options.strict),
        )),
        Err(error) => output::written(Err(error)),
    }
}
