//! Writes a picture or a page to a file, whole or not at all: to a file beside it first, which is then renamed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process;

/// Checks that a file can be written there, before what takes seconds to make is made.
///
/// # Errors
///
/// Why not, as a sentence.
pub fn check(path: &Path) -> Result<(), String> {
    let checked = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => Ok(()),
        _ => beside(path, "", |_| Ok(())),
    };
    checked.map_err(|error| cannot_write(path, &error))
}

/// Writes a text there. An older one stays until the new one is complete. A pipe, a link or `/dev/stdout`
/// is not replaced: the text is written into it.
///
/// # Errors
///
/// Why that was not possible, as a sentence.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let written = match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => fs::write(path, text),
        _ => beside(path, text, |new| fs::rename(new, path)),
    };
    written.map_err(|error| cannot_write(path, &error))
}

/// Writes a text to a file in the same directory, which `then` may rename, and which is removed if it
/// does not.
fn beside(path: &Path, text: &str, then: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let new = path.with_file_name(format!(".ten-versus-five-{}", process::id()));
    let written = fs::write(&new, text).and_then(|()| then(&new));
    // It is not there any more if it was renamed.
    let _ = fs::remove_file(&new);
    written
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("Cannot write {}: {error}", path.display())
}
