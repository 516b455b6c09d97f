//! The command line: arguments in, plain [`Options`] out, and a clear message for every mistake.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::check;
use crate::explore;
use crate::explore::command::Pool;
use crate::explore::loops::{SPELLINGS, Spelling};
use crate::race::target::Target;
use crate::race::{self, Against};
use crate::{STAGES, Serve, Stage, compiled_in};

/// What `--help` prints.
pub const HELP: &str = "\
A small web server to learn from. It runs its requests in one of seven ways, its stages.

Usage:
  ten-versus-five [OPTIONS]              serve one stage
  ten-versus-five race [OPTIONS]         send slow requests together to every stage, and draw a chart
  ten-versus-five race [OPTIONS] ADDR    the same with a server of your own, like 127.0.0.1:8000/slow
  ten-versus-five explore [OPTIONS]      run a stage's pool in every schedule of its threads
  ten-versus-five check [OPTIONS] ADDR   say which promises a running server keeps, in any language

Options:
  --stage N               which stage to run; needed when several are compiled in
  --addr HOST:PORT        where to listen; port 0 takes a free one [default: 127.0.0.1:7878]
  --sleep SECONDS         how long /sleep takes; fractions allowed [default: 5]
  --workers N             how many workers a pool has, from stage 3 on [default: 4]
  --queue N               the capacity of the queue, from stage 6 on [default: as many as workers]
  --requests N            stop after N connections [default: never]
  --read-timeout SECONDS  the whole time that one client gets to send its request, read the response
                          and close; the time that the page takes is not counted [default: 1]
  --lock                  also show on /race which worker has the lock

Options of race, besides --stage, --sleep, --workers and --queue:
  -n, --count N           how many requests to send together [default: 2]
  --svg FILE              also write the chart to FILE, as a picture
  --ask                   ask for predictions first, and compare them with the answers
  --timeout SECONDS       how long to wait for an answer, and for the address of a host [default: 60]
  --lock                  also draw which worker has the lock, for the stages that have one
  --notes FILE            with --lock: write the notes of locks, channels and threads, one a line;
                          - is standard output

Options of explore, besides --stage and --queue:
  --workers N             how many workers the pool has [default: 2]
  -n, --count N           how many jobs it gets [default: 2]
  --spelling NAME         a worker loop of docs/lock_scope.md in the place of a stage, like for_loop
  --step                  you say which thread takes the next step; needs a terminal

Options of check: --workers and --queue, what the server is meant to have [default: unknown].

  -h, --help              print this
  -V, --version           print the version
";

/// The maximum of workers. Some systems do not have more threads for one program.
const MAX_WORKERS: usize = 1024;

/// The maximum capacity of the queue, in connections. A bounded channel allocates it all at once.
const MAX_QUEUE: usize = 65_536;

/// A day: longer than any demonstration, and short enough that no clock overflows.
const MAX_SECONDS: f64 = 86_400.0;

/// The maximum of requests in a race. A system keeps about so many connections waiting to be accepted.
const MAX_COUNT: usize = 100;

/// What the command line asks for.
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Serve one stage.
    Serve(Options),
    /// Race.
    Race(race::Options),
    /// Explore.
    Explore(explore::command::Options),
    /// Check a server.
    Check(check::server::Options),
    /// Serve one stage for a race, see [`race::server`]. Only the race itself uses this command.
    RaceServer(Options),
}

/// How to serve.
pub struct Options {
    /// The stage.
    pub stage: &'static Stage,
    /// Its `serve`.
    pub serve: Serve,
    /// Host and port to listen on.
    pub addr: String,
    /// How long `/sleep` takes.
    pub sleep: Duration,
    /// The number of workers, at least 1.
    pub workers: usize,
    /// The capacity of the queue, in connections.
    pub queue: usize,
    /// After how many connections to stop. `None`: never.
    pub requests: Option<usize>,
    /// The whole time that one client gets to send its request, read the response and close; more than
    /// zero. The time that the page takes is not counted.
    pub read_timeout: Duration,
    /// Whether to see which worker has the lock. If so, `serve` is the traced one.
    pub lock: bool,
}

/// A mistake in the command line. Displayed, it says what to type instead.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Understands the arguments that follow the program's name.
///
/// A value may follow its option as the next argument or after `=`. If an option is given twice, the
/// last one counts.
///
/// # Errors
///
/// The first mistake, from left to right. If there is none, that there is no stage to run, or no single
/// one.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut arguments = arguments.into_iter().peekable();
    if arguments.next_if(|first| first == "check").is_some() {
        return parse_check(&mut arguments);
    }
    if arguments.next_if(|first| first == "explore").is_some() {
        return parse_explore(&mut arguments);
    }
    let racing = arguments.next_if(|first| first == "race").is_some();
    let for_race = !racing
        && arguments
            .next_if(|first| first == race::server::COMMAND)
            .is_some();

    let mut stage = None;
    let mut addr = String::from("127.0.0.1:7878");
    let mut sleep = Duration::from_secs(5);
    let mut workers = 4;
    let mut queue = None;
    let mut requests = None;
    let mut read_timeout = Duration::from_secs(1);
    let mut target = None;
    let mut count = 2;
    let mut timeout = Duration::from_secs(60);
    let mut svg = None;
    let mut ask = false;
    let mut lock = false;
    let mut notes = None;

    while let Some(mut argument) = Argument::next(&mut arguments) {
        match argument.option.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            "--lock" if argument.inline.is_none() => lock = true,
            "--stage" => stage = Some(argument.whole_number(1..=usize::MAX)?),
            "--sleep" => sleep = argument.seconds()?,
            "--workers" => workers = argument.whole_number(1..=MAX_WORKERS)?,
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "--addr" if !racing => addr = argument.host_and_port()?,
            "--requests" if !racing => requests = Some(argument.whole_number(1..=usize::MAX)?),
            "--read-timeout" if !racing => read_timeout = argument.more_than_zero()?,
            "-n" | "--count" if racing => count = argument.whole_number(1..=MAX_COUNT)?,
            "--svg" if racing => svg = Some(PathBuf::from(argument.raw_value()?)),
            "--notes" if racing => notes = Some(PathBuf::from(argument.raw_value()?)),
            "--ask" if racing && argument.inline.is_none() => ask = true,
            "--timeout" if racing => timeout = argument.more_than_zero()?,
            option if racing && !option.starts_with('-') => target = Some(argument.target()?),
            _ => return Err(argument.means_nothing()),
        }
    }

    let queue = queue.unwrap_or(workers);
    if racing {
        if notes.is_some() && !lock {
            return Err(UsageError(String::from(
                "--notes are those of --lock: ask for both.",
            )));
        }
        if target.is_some() && lock {
            return Err(UsageError(String::from(
                "An address and --lock exclude each other: the race sees the lock of servers that it \
                 starts. A server of this program shows it itself, if it is started with --lock.",
            )));
        }
        let against = match (target, stage) {
            (Some(target), None) => Against::Address(target),
            (Some(_), Some(_)) => {
                return Err(UsageError(String::from(
                    "An address and --stage exclude each other: race against a server or a stage.",
                )));
            }
            (None, stage) => Against::Stages {
                stages: stages_to_race(stage)?,
                sleep,
                workers,
                queue,
            },
        };
        return Ok(Command::Race(race::Options {
            against,
            count,
            timeout,
            svg,
            ask,
            lock,
            notes,
        }));
    }
    let (stage, plain) = choose_stage(stage)?;
    let traced = stage.traced.filter(|_| lock);
    let options = Options {
        stage,
        serve: traced.unwrap_or(plain),
        addr,
        sleep,
        workers,
        queue,
        requests,
        read_timeout,
        lock,
    };
    Ok(if for_race {
        Command::RaceServer(options)
    } else {
        Command::Serve(options)
    })
}

/// What follows `explore`.
fn parse_explore(arguments: &mut dyn Iterator<Item = OsString>) -> Result<Command, UsageError> {
    let (mut stage, mut workers, mut jobs, mut queue) = (None, 2, 2, None);
    let (mut spelling, mut step) = (None, false);
    while let Some(mut argument) = Argument::next(arguments) {
        match argument.option.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            "--stage" => stage = Some(argument.whole_number(1..=usize::MAX)?),
            "--workers" => workers = argument.whole_number(1..=explore::command::MAX_WORKERS)?,
            "-n" | "--count" => jobs = argument.whole_number(1..=MAX_COUNT)?,
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "--spelling" => spelling = Some(argument.spelling()?),
            "--step" if argument.inline.is_none() => step = true,
            _ => return Err(argument.means_nothing()),
        }
    }
    let pools: Vec<Pool> = match (spelling, stage) {
        (Some(spelling), None) => vec![Pool::Spelling(spelling)],
        (Some(_), Some(_)) => {
            return Err(UsageError(String::from(
                "--spelling and --stage exclude each other: explore one or the other.",
            )));
        }
        (None, stage) => {
            let stages = stages_to_explore(stage)?;
            if step && stages.len() > 1 {
                return Err(UsageError(format!(
                    "--step is for one pool. Say which:\n    \
                     cargo run {} -- explore --step --stage {}",
                    features(),
                    stages[0].number
                )));
            }
            stages.into_iter().map(Pool::Stage).collect()
        }
    };
    Ok(Command::Explore(explore::command::Options {
        pools,
        workers,
        jobs,
        queue: queue.unwrap_or(workers),
        step,
    }))
}

/// What follows `check`.
fn parse_check(arguments: &mut dyn Iterator<Item = OsString>) -> Result<Command, UsageError> {
    let (mut target, mut workers, mut queue) = (None, None, None);
    while let Some(mut argument) = Argument::next(arguments) {
        match argument.option.as_str() {
            "-h" | "--help" => return Ok(Command::Help),
            "-V" | "--version" => return Ok(Command::Version),
            "--workers" => workers = Some(argument.whole_number(1..=MAX_WORKERS)?),
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            option if !option.starts_with('-') => target = Some(argument.target()?),
            _ => return Err(argument.means_nothing()),
        }
    }
    let missing = "check takes the address of a server that runs, like 127.0.0.1:7878/sleep.";
    Ok(Command::Check(check::server::Options {
        target: target.ok_or_else(|| UsageError(String::from(missing)))?,
        workers,
        queue,
    }))
}

/// An argument, and where its value comes from if it is an option that takes one.
struct Argument<'a> {
    typed: OsString,
    option: String,
    /// What stands after a `=`.
    inline: Option<OsString>,
    rest: &'a mut dyn Iterator<Item = OsString>,
}

impl Argument<'_> {
    fn next(rest: &mut dyn Iterator<Item = OsString>) -> Option<Argument<'_>> {
        let typed = rest.next()?;
        let (option, inline) = split(&typed);
        Some(Argument {
            typed,
            option,
            inline,
            rest,
        })
    }

    /// The value. Only the name of a file may be something other than text.
    fn raw_value(&mut self) -> Result<OsString, UsageError> {
        let value = self.inline.take().or_else(|| self.rest.next());
        value.ok_or_else(|| {
            let option = &self.option;
            UsageError(format!("{option} needs a value; --help shows which."))
        })
    }

    fn value(&mut self) -> Result<String, UsageError> {
        let value = self.raw_value()?.into_string();
        value.map_err(|value| UsageError(format!("{} does not take {value:?}.", self.option)))
    }

    fn whole_number(&mut self, range: RangeInclusive<usize>) -> Result<usize, UsageError> {
        let value = self.value()?;
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let upper = match range.end() {
                    &usize::MAX => String::from("on"),
                    end => format!("to {end}"),
                };
                Err(UsageError(format!(
                    "{} takes a whole number from {} {upper}, not {value:?}.",
                    self.option,
                    range.start()
                )))
            }
        }
    }

    fn seconds(&mut self) -> Result<Duration, UsageError> {
        let value = self.value()?;
        match value.parse() {
            Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => {
                Ok(Duration::from_secs_f64(seconds))
            }
            _ => Err(UsageError(format!(
                "{} takes a number of seconds, like 5 or 0.25, up to {MAX_SECONDS}, not {value:?}.",
                self.option
            ))),
        }
    }

    fn more_than_zero(&mut self) -> Result<Duration, UsageError> {
        match self.seconds()? {
            Duration::ZERO => Err(UsageError(format!(
                "{} must be more than 0 seconds.",
                self.option
            ))),
            seconds => Ok(seconds),
        }
    }

    fn host_and_port(&mut self) -> Result<String, UsageError> {
        let value = self.value()?;
        match value.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(value),
            _ => Err(UsageError(format!(
                "{} takes a host and a port, like 127.0.0.1:7878, not {value:?}.",
                self.option
            ))),
        }
    }

    /// One of the loops, by its name.
    fn spelling(&mut self) -> Result<&'static Spelling, UsageError> {
        let value = self.value()?;
        let found = SPELLINGS.iter().find(|spelling| spelling.name == value);
        found.ok_or_else(|| {
            let names: Vec<&str> = SPELLINGS.iter().map(|spelling| spelling.name).collect();
            UsageError(format!(
                "There is no spelling {value:?}. There are {}.",
                names.join(", ")
            ))
        })
    }

    /// The argument itself, as the address of a server.
    fn target(&self) -> Result<Target, UsageError> {
        let not_text = || UsageError(format!("An address is text, not {:?}.", self.typed));
        let typed = self.typed.to_str().ok_or_else(not_text)?;
        Target::parse(typed).map_err(UsageError)
    }

    fn means_nothing(&self) -> UsageError {
        UsageError(format!(
            "{:?} means nothing here. To see all options:\n    cargo run -- --help",
            self.typed
        ))
    }
}

/// An option and, if there is one after a `=`, its value.
fn split(argument: &OsStr) -> (String, Option<OsString>) {
    let text = argument.to_string_lossy();
    let Some((option, value)) = text.split_once('=').filter(|_| text.starts_with("--")) else {
        return (text.into_owned(), None);
    };
    // The value as it was typed, even if it is not UTF-8. The standard library can split such an argument
    // only on Unix.
    #[cfg(unix)]
    let value = {
        use std::os::unix::ffi::OsStrExt;
        let mut parts = argument.as_bytes().splitn(2, |byte| *byte == b'=');
        parts.nth(1).map_or(OsStr::new(value), OsStr::from_bytes)
    };
    (option.to_owned(), Some(value.into()))
}

fn stage_by_number(number: usize) -> Result<(&'static Stage, Serve), UsageError> {
    let Some(stage) = STAGES.iter().find(|stage| stage.number == number) else {
        let last = STAGES.len();
        return Err(UsageError(format!(
            "There is no stage {number}. They go from 1 to {last}."
        )));
    };
    let not_compiled_in = || {
        UsageError(format!(
            "Stage {number} is not compiled in. To run it:\n    \
             cargo run --features stage{number}"
        ))
    };
    Ok((stage, stage.serve.ok_or_else(not_compiled_in)?))
}

fn stages_to_race(wanted: Option<usize>) -> Result<Vec<&'static Stage>, UsageError> {
    if let Some(number) = wanted {
        return Ok(vec![stage_by_number(number)?.0]);
    }
    let stages: Vec<&Stage> = compiled_in().collect();
    if stages.is_empty() {
        return Err(UsageError(String::from(
            "No stage is compiled in. To race against all of them:\n    \
             cargo run --all-features -- race",
        )));
    }
    Ok(stages)
}

/// Those with a pool.
fn stages_to_explore(wanted: Option<usize>) -> Result<Vec<&'static Stage>, UsageError> {
    let stages = match wanted {
        Some(number) => vec![stage_by_number(number)?.0],
        None => compiled_in().filter(|stage| stage.number >= 3).collect(),
    };
    let message = match stages.as_slice() {
        [] => String::from("No stage with a pool is compiled in. To explore them all:"),
        [Stage { number, .. }] if *number < 3 => {
            format!("Stage {number} has no pool. To explore those that have one:")
        }
        _ => return Ok(stages),
    };
    Err(UsageError(format!(
        "{message}\n    cargo run --all-features -- explore"
    )))
}

fn choose_stage(wanted: Option<usize>) -> Result<(&'static Stage, Serve), UsageError> {
    if let Some(number) = wanted {
        return stage_by_number(number);
    }
    let compiled_in: Vec<&Stage> = compiled_in().collect();
    let mut message = match compiled_in.as_slice() {
        [only] => return stage_by_number(only.number),
        [] => String::from("Choose a stage. Each of them is a Cargo feature:"),
        _ => String::from("More than one stage is compiled in. Say which one to run:"),
    };
    for stage in STAGES
        .iter()
        .filter(|stage| compiled_in.is_empty() || stage.serve.is_some())
    {
        let Stage {
            number,
            name,
            summary,
            ..
        } = stage;
        let command = match compiled_in.len() {
            0 => format!("cargo run --features stage{number}"),
            _ => format!("cargo run {} -- --stage {number}", features()),
        };
        message += &format!("\n    {command}    # {name}: {summary}");
    }
    Err(UsageError(message))
}

/// The options of Cargo that select the features of this program. With other features, Cargo would build
/// it again, and Windows does not allow that while it runs.
pub fn features() -> String {
    let compiled_in: Vec<String> = compiled_in()
        .map(|stage| format!("stage{}", stage.number))
        .collect();
    if compiled_in.len() == STAGES.len() {
        String::from("--all-features")
    } else {
        format!("--features {}", compiled_in.join(","))
    }
}
