//! What to race against, and how that is said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::{Arguments, Help, UsageError};
use crate::client::target::Target;
use crate::stage::{self, MAX_QUEUE, MAX_WORKERS, Stage, compiled_in};

/// The maximum of requests in a race. A system keeps about so many connections waiting to be accepted.
const MAX_COUNT: usize = 100;

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five race [OPTIONS]         send slow requests together, draw a chart
  ten-versus-five race [OPTIONS] ADDR    the same with one or more servers of your own, like 127.0.0.1:8000/slow
",
    options: "\
Options of race, besides --sleep, --workers and --queue:
  --stage N               which stage to race against, or all [default: those of 1 to 4]
  -n, --count N           how many requests to send together [default: 2]
  --every SECONDS         send a request each SECONDS, and not all together
  --svg FILE              also write the chart to FILE, as a picture
  --ask                   ask for predictions first, and compare them with the answers
  --timeout SECONDS       how long to wait for an answer, and for the address of a host [default: 60]
  --lock                  also draw which worker has the lock, for the stages that have one
  --notes FILE            with --lock: write the notes of locks, channels and threads, one a line; - is standard output
",
};

/// What to race against, and how.
#[derive(Debug)]
pub struct RaceOptions {
    /// The stages or the servers to race against.
    pub against: Against,
    /// How many requests to send to each of them, at least 1.
    pub count: usize,
    /// How long after each request to send the next one. `None`: all are sent together.
    pub every: Option<Duration>,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Where to write the chart as a picture too.
    pub svg: Option<PathBuf>,
    /// Whether to ask for predictions on standard input first, and to compare them afterwards.
    pub ask: bool,
    /// Whether to see which worker has the lock, in the servers that are started for the race.
    pub lock: bool,
    /// Where to write the notes of that, as [lines](crate::notes::Notes::lines) behind the label of the
    /// server; `-` is standard output.
    pub notes: Option<PathBuf>,
}

/// What to race against.
#[derive(Debug)]
pub enum Against {
    /// Stages, each in a server that is started for the race.
    Stages {
        /// Which ones.
        stages: Vec<&'static Stage>,
        /// How long their `/sleep` takes.
        sleep: Duration,
        /// How many workers their pools have, at least 1.
        workers: usize,
        /// The capacity of the queue, in connections, from stage 6 on.
        queue: usize,
    },
    /// Servers that run already, at least one.
    Servers(Vec<Target>),
}

/// How long the axis is at first, if the race does not know how long one request takes: as long as
/// `/sleep` of a stage takes by default.
const FIRST_AXIS: Duration = Duration::from_secs(5);

impl Against {
    /// Whether the servers report at once when a thread picks up a request.
    pub(super) fn reports(&self) -> bool {
        matches!(self, Against::Stages { .. })
    }

    /// How long one request takes, about.
    pub(super) fn sleep(&self) -> Duration {
        match self {
            Against::Stages { sleep, .. } => *sleep,
            Against::Servers(_) => FIRST_AXIS,
        }
    }
}

// What does not go together.
const NOTES_WITHOUT_LOCK: &str = "--notes are those of --lock: ask for both.";
const ASK_AND_EVERY: &str = "--ask and --every exclude each other: the predictions are about requests \
                             that are sent together.";
const ADDRESS_AND_LOCK: &str = "An address and --lock exclude each other: the race sees the lock of \
                                servers that it starts. A server of this program shows it itself, if \
                                it is started with --lock.";
const ADDRESS_AND_STAGE: &str =
    "An address and --stage exclude each other: race against a server or a stage.";

/// Understands the arguments of `race`.
///
/// # Errors
///
/// The first mistake. If there is none, options that exclude each other, or that there is no stage.
pub fn parse(arguments: &mut Arguments) -> Result<RaceOptions, UsageError> {
    let (mut stage, mut servers) = (None, Vec::new());
    let (mut sleep, mut workers, mut queue) = (Duration::from_secs(5), 4, None);
    let mut options = RaceOptions {
        against: Against::Servers(Vec::new()),
        count: 2,
        every: None,
        timeout: Duration::from_secs(60),
        svg: None,
        ask: false,
        lock: false,
        notes: None,
    };
    while let Some(mut argument) = arguments.next_argument() {
        match argument.name() {
            "--stage" => {
                stage = Some(match &*argument.value()? {
                    "all" => None,
                    number => Some(argument.as_whole_number(number, 1..=usize::MAX)?),
                });
            }
            "--sleep" => sleep = argument.seconds()?,
            "--workers" => workers = argument.whole_number(1..=MAX_WORKERS)?,
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "-n" | "--count" => options.count = argument.whole_number(1..=MAX_COUNT)?,
            "--every" => options.every = Some(argument.more_than_zero()?),
            "--timeout" => options.timeout = argument.more_than_zero()?,
            "--svg" => options.svg = Some(PathBuf::from(argument.raw_value()?)),
            "--notes" => options.notes = Some(PathBuf::from(argument.raw_value()?)),
            "--ask" if argument.is_bare() => options.ask = true,
            "--lock" if argument.is_bare() => options.lock = true,
            _ if argument.is_positional() => servers.push(argument.positional(Target::parse)?),
            _ => return Err(argument.means_nothing()),
        }
    }
    let given = !servers.is_empty();
    let contradictions = [
        (options.notes.is_some() && !options.lock, NOTES_WITHOUT_LOCK),
        (options.ask && options.every.is_some(), ASK_AND_EVERY),
        (given && options.lock, ADDRESS_AND_LOCK),
        (given && stage.is_some(), ADDRESS_AND_STAGE),
    ];
    if let Some((_, mistake)) = contradictions.iter().find(|(found, _)| *found) {
        return Err(UsageError::new(*mistake));
    }
    options.against = match given {
        true => Against::Servers(servers),
        false => Against::Stages {
            stages: stages_to_race(stage)?,
            sleep,
            workers,
            queue: queue.unwrap_or(workers),
        },
    };
    Ok(options)
}

/// What follows `--stage`: a number, or none for `all`. Without that option, the race is about the lesson:
/// the first four stages.
fn stages_to_race(wanted: Option<Option<usize>>) -> Result<Vec<&'static Stage>, UsageError> {
    if let Some(Some(number)) = wanted {
        return Ok(vec![stage::by_number(number)?.0]);
    }
    let mut stages: Vec<&Stage> = compiled_in().collect();
    let of_the_lesson = |stage: &&Stage| stage.number <= 4;
    if wanted.is_none() && stages.iter().any(of_the_lesson) {
        stages.retain(of_the_lesson);
    }
    if stages.is_empty() {
        return Err(UsageError::new(
            "No stage is compiled in. To race against those of the lesson:\n    \
             cargo run --all-features -- race",
        ));
    }
    Ok(stages)
}
