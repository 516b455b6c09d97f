//! A file for the picture, which is there whole or not at all.
//!
//! A race takes its time, so a file that cannot be written is found out before it begins. And an
//! older picture stays until the new one is complete: that one is written beside it, and then takes
//! its name.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;

/// Whether a picture can be written there, as far as can be told without writing one.
///
/// # Errors
///
/// Why not, as a sentence.
pub fn check(path: &Path) -> Result<(), String> {
    let check = || {
        match fs::metadata(path) {
            // A pipe without a reader would have us wait for one, so those are not opened yet.
            Ok(found) if !found.is_file() && !found.is_dir() => return Ok(()),
            // This alone changes nothing in it. A directory cannot be opened so.
            Ok(_) => drop(File::options().write(true).open(path)?),
            // A link to a file that is not there yet.
            Err(error) if error.kind() == ErrorKind::NotFound && !is_replaced(path) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                drop(File::create_new(path)?);
                fs::remove_file(path)?;
            }
            Err(error) => return Err(error),
        }
        if is_replaced(path) {
            let new = beside(path);
            drop(File::create_new(&new)?);
            fs::remove_file(&new)?;
        }
        Ok(())
    };
    check().map_err(|error: io::Error| cannot_write(path, &error))
}

/// Writes a picture there, in place of the file that is there already, if there is one.
///
/// What is no plain file, a pipe or `/dev/stdout`, cannot be replaced, and a link should not be: it is
/// written to.
///
/// # Errors
///
/// Why that was not possible, as a sentence. Then the old file is still there, unless it is not a
/// plain one.
pub fn write(path: &Path, picture: &str) -> Result<(), String> {
    let written = if is_replaced(path) {
        replace(path, picture)
    } else {
        fs::write(path, picture)
    };
    written.map_err(|error| cannot_write(path, &error))
}

fn replace(path: &Path, picture: &str) -> io::Result<()> {
    let new = beside(path);
    let replaced = || {
        fs::write(&new, picture)?;
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&new, old.permissions())?;
        }
        fs::rename(&new, path)
    };
    // Nobody else's file is written to, or removed.
    drop(File::create_new(&new)?);
    let result = replaced();
    if result.is_err() {
        let _ = fs::remove_file(&new);
    }
    result
}

/// Whether there is a plain file there, or nothing.
fn is_replaced(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or(true, |found| found.is_file())
}

/// A name in the same directory, so that renaming need not copy.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".race-{}.svg", process::id()))
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("Cannot write {}: {error}", path.display())
}
