//! Writes the picture to a file, whole or not at all: to a file beside it first, which is then renamed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process;

/// Checks that a picture can be written there, before a race that takes seconds.
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

/// Writes a picture there. An older one stays until the new one is complete. A pipe, a link or `/dev/stdout`
/// is not replaced: the picture is written into it.
///
/// # Errors
///
/// Why that was not possible, as a sentence.
pub fn write(path: &Path, picture: &str) -> Result<(), String> {
    let written = match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => fs::write(path, picture),
        _ => beside(path, picture, |new| fs::rename(new, path)),
    };
    written.map_err(|error| cannot_write(path, &error))
}

/// Writes a text to a file in the same directory, which `then` may rename, and which is removed if it
/// does not.
fn beside(path: &Path, text: &str, then: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let new = path.with_file_name(format!(".race-{}.svg", process::id()));
    let written = fs::write(&new, text).and_then(|()| then(&new));
    // It is not there any more if it was renamed.
    let _ = fs::remove_file(&new);
    written
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("Cannot write {}: {error}", path.display())
}
