//! The program: understand the command line, then serve a stage, or race.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::env;
use std::io::{self, IsTerminal, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;

use ten_versus_five::cli::{self, Command, Options};
use ten_versus_five::server::connections::Connections;
use ten_versus_five::server::site::Site;
use ten_versus_five::server::{foreground, rejections};
use ten_versus_five::{Setup, check, race};

/// Exit codes: 1 for what went wrong outside the command line, 2 for a mistake in it.
fn main() -> ExitCode {
    let command = match cli::parse(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(mistake) => {
            report_error(&mistake.to_string());
            return ExitCode::from(2);
        }
    };
    let all_is_well = match command {
        Command::Help => print(cli::HELP),
        Command::Version => print(concat!("ten-versus-five ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Serve(options) => serve(&options),
        Command::Check(options) => Ok(check::server::run(&options)),
        Command::Race(options) => {
            race::screen::survive_interruption();
            race::run(&options)
        }
        Command::RaceServer(options) => serve_for_a_race(&options),
    };
    match all_is_well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<bool, String> {
    let listener =
        TcpListener::bind(&options.addr).map_err(|error| cli::cannot_listen(options, &error))?;
    let addr = listener
        .local_addr()
        .map_err(|error| cli::cannot_listen(options, &error))?;
    let site = Arc::new(Site::new(
        options.stage,
        options.sleep,
        options.read_timeout,
    ));
    let (reject, rejections) = rejections::start(options.stage, Arc::clone(&site))
        .map_err(|error| format!("There is no thread to reject requests on: {error}"))?;
    check_for_threads(options, "")?;
    // Whether somebody sits at the terminal and may press Enter.
    let enter_stops = io::stdin().is_terminal() && foreground::may_read_the_terminal();
    say(&cli::banner(options, addr, enter_stops));

    let connections = Connections::new(listener);
    if enter_stops {
        let stop = connections.stopper().map_err(|error| error.to_string())?;
        let wait = move || {
            if matches!(io::stdin().read_line(&mut String::new()), Ok(1..)) {
                stop();
            }
        };
        // Without this thread, there is still Ctrl-C.
        let _ = thread::Builder::new()
            .name(String::from("enter"))
            .spawn(wait);
    }
    let connections = connections.take(options.requests.unwrap_or(usize::MAX));
    (options.serve)(Setup {
        connections: Box::new(connections),
        handler: Arc::new(move |connection| site.handle(connection)),
        reject,
        workers: options.workers,
        queue: options.queue,
    });
    if let Some(rejections) = rejections {
        // Within a second or two it has ended. It does not panic.
        let _ = rejections.join();
    }
    Ok(true)
}

fn serve_for_a_race(options: &Options) -> Result<bool, String> {
    let site = Site::new(options.stage, options.sleep, options.read_timeout);
    let Options { stage, serve, .. } = *options;
    let check = || check_for_threads(options, "race ");
    race::server::report(stage, serve, site, options.workers, options.queue, check)
}

/// A pool panics when the system does not give it its threads. Better to find that out first, by having
/// as many for a moment, and to say what can be done about it: the same `command` with fewer workers.
fn check_for_threads(options: &Options, command: &str) -> Result<(), String> {
    if options.stage.number < 3 {
        return Ok(());
    }
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // They have to be there at the same time, so nobody gets through before the last has come.
        let closed = gate.lock();
        let wait = || drop(gate.lock());
        let threads: io::Result<Vec<_>> = (0..options.workers)
            .map(|_| thread::Builder::new().spawn_scoped(scope, wait))
            .collect();
        drop(closed);
        let threads = threads.map_err(|error| {
            let workers = options.workers;
            format!(
                "The system has no threads for {workers} workers: {error}. With fewer of them:\n    \
                 cargo run {} -- {command}--stage {} --workers 1",
                cli::features(),
                options.stage.number
            )
        })?;
        for thread in threads {
            // It does not panic, and when it has been joined, its place is free again.
            let _ = thread.join();
        }
        Ok(())
    })
}

// Not `print!` and `eprintln!`, which panic when nobody can read what they print.

/// Prints what was asked for. Returns whether there was a reader.
fn print(text: &str) -> Result<bool, String> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes());
    race::written(printed.and_then(|()| stdout.flush()))
}

/// Prints what a server may do without.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

fn report_error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
