//! The command line: from the word after the program's name to the room that understands the rest.
#![doc = not_in_the_contract!()]

use std::ffi::OsString;

use crate::args::{Arguments, Help, Information, UsageError};
use crate::{check, exercise, explore, race, server, terminal};

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`help`].
    Help,
    /// Print the version.
    Version,
    /// Serve one stage.
    Serve(server::ServeOptions),
    /// Race.
    Race(race::RaceOptions),
    /// Explore.
    Explore(explore::command::ExploreOptions),
    /// Check a server.
    Check(check::server::CheckOptions),
    /// Go through the exercises.
    Exercises,
    /// Serve one stage for a race, see [`race::server`]. Only the race itself uses this command.
    RaceServer(server::ServeOptions),
}

/// Understands the arguments that follow the program's name. If an option is given twice, the last one
/// counts.
///
/// # Errors
///
/// The first mistake, from left to right; then what is missing, or does not go together.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut arguments = Arguments::new(arguments);
    let command = if arguments.take_word("race") {
        race::options::parse(&mut arguments).map(Command::Race)
    } else if arguments.take_word("explore") {
        explore::command::parse(&mut arguments).map(Command::Explore)
    } else if arguments.take_word("check") {
        check::server::parse(&mut arguments).map(Command::Check)
    } else if arguments.take_word("exercises") {
        exercise::watch::parse(&mut arguments).map(|()| Command::Exercises)
    } else if arguments.take_word(race::server::COMMAND) {
        server::options::parse(&mut arguments).map(Command::RaceServer)
    } else {
        server::options::parse(&mut arguments).map(Command::Serve)
    };
    match arguments.information() {
        Some(Information::Help) => Ok(Command::Help),
        Some(Information::Version) => Ok(Command::Version),
        None => command,
    }
}

/// What `--help` prints, at most so many columns wide.
pub fn help(columns: usize) -> String {
    const PARTS: [Help; 5] = [
        server::options::HELP,
        race::options::HELP,
        explore::command::HELP,
        check::server::HELP,
        exercise::watch::HELP,
    ];
    let usage: String = PARTS.iter().map(|part| part.usage).collect();
    let options = PARTS.iter().map(|part| part.options);
    let options: Vec<&str> = options.filter(|options| !options.is_empty()).collect();
    let options = options.join("\n");
    let text = format!(
        "\
A small web server to learn from. It runs its requests in one of seven ways, its stages.

Usage:
{usage}
{options}
  -h, --help              print this
  -V, --version           print the version
"
    );
    text.lines().map(|line| wrap(line, columns)).collect()
}

/// The line, with a line break at its end. If it is too long it goes on below the beginning of its last
/// column, which two spaces or more separate from what stands before it.
fn wrap(line: &str, columns: usize) -> String {
    let text = line.trim_start();
    let before = text.rfind("  ").map_or(0, |space| space + 2);
    let indentation = line.len() - text.len() + before;
    let (first, last) = line.split_at(indentation);
    let lines = terminal::wrap(last, columns.saturating_sub(indentation));
    let line_break = format!("\n{:indentation$}", "");
    format!("{first}{}\n", lines.join(&line_break))
}
