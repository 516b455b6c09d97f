//! Standard output: text that a command must write, and lines that a server can do without.
//!
//! Nothing here panics, as `print!` does, when standard output cannot be written.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Writes a text that the user asked for. Returns whether it has been written, as [`written`] does.
///
/// # Errors
///
/// As [`written`].
pub fn print(text: &str) -> Result<bool, String> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes());
    written(printed.and_then(|()| stdout.flush()))
}

/// Whether a text has been written to standard output. If its reader has closed the pipe, it has not,
/// and that is no reason for a message: the reader has read enough.
///
/// # Errors
///
/// Any other reason why it could not be written, as a sentence.
pub fn written(result: io::Result<()>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
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
