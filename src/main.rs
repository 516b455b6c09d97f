//! The program: understands the command line, then runs one command.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use ten_versus_five::command::{self, Command};
use ten_versus_five::output::Ending;
use ten_versus_five::server::foreground;
use ten_versus_five::{check, exercise, explore, output, race, server, terminal};

/// Exit codes: 0 for success, 1 for a failure outside the command line, 2 for a mistake in it.
fn main() -> ExitCode {
    let command = match command::parse(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(mistake) => {
            report_error(&mistake.to_string());
            return ExitCode::from(2);
        }
    };
    let ending = match command {
        Command::Help => output::print(&command::help(terminal::style().width.min(80))),
        Command::Version => {
            output::print(concat!("ten-versus-five ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Command::Serve(options) => server::run(&options).map(|()| Ending::Success),
        Command::Explore(options) => explore::command::run(&options),
        Command::Check(options) => check::server::run(&options),
        Command::Race(options) if options.ask && !can_ask() => {
            report_error(race::ask::NEEDS_A_TERMINAL);
            return ExitCode::from(2);
        }
        Command::Exercises if !can_ask() => {
            report_error(exercise::watch::NEEDS_A_TERMINAL);
            return ExitCode::from(2);
        }
        Command::Exercises => exercise::watch::run(),
        Command::Race(options) => race::run(&options),
        Command::RaceServer(options) => race::server::run(&options).map(|()| Ending::Success),
    };
    match ending {
        Ok(ending) => ending.into(),
        Err(error) => {
            report_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Whether a user can type an answer.
fn can_ask() -> bool {
    io::stdin().is_terminal() && foreground::may_read_the_terminal()
}

/// Not with `eprintln!`, which panics when standard error cannot be written.
fn report_error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
