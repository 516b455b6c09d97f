//! Standard output: text that a command must write, and lines that a server can do without.
//!
//! Nothing here panics, as `print!` does, when standard output cannot be written.
#![doc = not_in_the_contract!()]

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// How a command ended, when no message needs to follow its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ending {
    /// What was asked for is done, and the output has been written.
    Success,
    /// The output says what failed, or its reader has closed the pipe.
    Failure,
}

impl Ending {
    /// A success if this is true.
    pub fn success_if(good: bool) -> Ending {
        if good {
            Ending::Success
        } else {
            Ending::Failure
        }
    }

    /// A success if both are.
    pub fn and(self, other: Ending) -> Ending {
        Ending::success_if(self == Ending::Success && other == Ending::Success)
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        match ending {
            Ending::Success => ExitCode::SUCCESS,
            Ending::Failure => ExitCode::FAILURE,
        }
    }
}

/// Writes a text that the user asked for.
///
/// # Errors
///
/// As [`written`].
pub fn print(text: &str) -> Result<Ending, String> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes());
    written(printed.and_then(|()| stdout.flush()))
}

/// Whether a text has been written to standard output. If its reader has closed the pipe, that is a failure
/// without a message: the reader has read enough.
///
/// # Errors
///
/// Any other reason why it could not be written, as a sentence.
pub fn written(result: io::Result<()>) -> Result<Ending, String> {
    match result {
        Ok(()) => Ok(Ending::Success),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Ending::Failure),
        Err(error) => Err(format!("Cannot write to standard output: {error}")),
    }
}

/// Writes a line, in one piece, and carries on if it cannot be written: a server without a reader for
/// its log is still a server.
pub fn log(line: impl Display) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(format!("{line}\n").as_bytes());
    let _ = stdout.flush();
}
