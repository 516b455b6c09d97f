//! How to serve a stage, and how that is said on the command line.

use std::time::Duration;

use crate::args::{Arguments, Help, UsageError};
use crate::stage::{self, MAX_QUEUE, MAX_WORKERS, STAGES, Serve, Stage, compiled_in, features};

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five [OPTIONS]              serve one stage\n",
    options: "\
Options:
  --stage N               which stage to run; needed when several are compiled in
  --addr HOST:PORT        where to listen; port 0 takes a free one [default: 127.0.0.1:7878]
  --sleep SECONDS         how long /sleep takes; fractions allowed [default: 5]
  --workers N             how many workers a pool has, from stage 3 on [default: 4]
  --queue N               the capacity of the queue, from stage 6 on [default: as many as workers]
  --requests N            stop after N connections [default: never]
  --read-timeout SECONDS  the whole time that one client gets to send its request, read the response and close; the time that the page takes is not counted [default: 1]
  --lock                  also show on /race which worker has the lock
",
};

/// How to serve.
#[derive(Debug)]
pub struct ServeOptions {
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

/// Understands the arguments of a server.
///
/// # Errors
///
/// The first mistake. If there is none, that there is no stage to run, or no single one.
pub fn parse(arguments: &mut Arguments) -> Result<ServeOptions, UsageError> {
    let mut stage = None;
    let mut addr = String::from("127.0.0.1:7878");
    let mut sleep = Duration::from_secs(5);
    let mut workers = 4;
    let mut queue = None;
    let mut requests = None;
    let mut read_timeout = Duration::from_secs(1);
    let mut lock = false;
    while let Some(mut argument) = arguments.next_argument() {
        match argument.name() {
            "--stage" => stage = Some(argument.whole_number(1..=usize::MAX)?),
            "--addr" => addr = argument.host_and_port()?,
            "--sleep" => sleep = argument.seconds()?,
            "--workers" => workers = argument.whole_number(1..=MAX_WORKERS)?,
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "--requests" => requests = Some(argument.whole_number(1..=usize::MAX)?),
            "--read-timeout" => read_timeout = argument.more_than_zero()?,
            "--lock" if argument.is_bare() => lock = true,
            _ => return Err(argument.means_nothing()),
        }
    }
    let (stage, plain) = choose_stage(stage)?;
    let traced = stage.traced.filter(|_| lock);
    Ok(ServeOptions {
        stage,
        serve: traced.unwrap_or(plain),
        addr,
        sleep,
        workers,
        queue: queue.unwrap_or(workers),
        requests,
        read_timeout,
        lock,
    })
}

fn choose_stage(wanted: Option<usize>) -> Result<(&'static Stage, Serve), UsageError> {
    if let Some(number) = wanted {
        return stage::by_number(number);
    }
    let compiled_in: Vec<&Stage> = compiled_in().collect();
    let mut message = match compiled_in.as_slice() {
        [only] => return stage::by_number(only.number),
        [] => String::from("Choose a stage. Each of them is a Cargo feature:"),
        _ => String::from("More than one stage is compiled in. Say which one to run:"),
    };
    let to_choose = |stage: &&Stage| compiled_in.is_empty() || stage.serve.is_some();
    for stage in STAGES.iter().filter(to_choose) {
        let (number, name, summary) = (stage.number, stage.name, stage.summary);
        let command = match compiled_in.len() {
            0 => format!("cargo run --features stage{number}"),
            _ => format!("cargo run {} -- --stage {number}", features()),
        };
        message += &format!("\n    {command}    # {name}: {summary}");
    }
    Err(UsageError::new(message))
}
