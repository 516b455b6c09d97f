//! Writes the picture to a file, whole or not at all.
//!
//! A race takes seconds, so it checks before it starts that the file can be written. And an older
//! picture stays until the new one is complete: the new one is written to a file beside it, which is
//! then renamed.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;

/// Checks that a picture can be written there, as far as possible without writing one.
///
/// # Errors
///
/// Why not, as a sentence.
pub fn check(path: &Path) -> Result<(), String> {
    let check = || {
        match fs::metadata(path) {
            // To open a pipe without a reader would block, so what is not a plain file is not opened.
            Ok(found) if !found.is_file() && !found.is_dir() => return Ok(()),
            // To open a file for writing does not change it. A directory cannot be opened this way.
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
/// A pipe or `/dev/stdout` is not a plain file and cannot be replaced, and a link should not be. The
/// picture is written into those.
///
/// # Errors
///
/// Why that was not possible, as a sentence. Then an old plain file is unchanged.
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
    // `create_new` fails if the file exists: this never writes to, or removes, the file of another program.
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

/// A name in the same directory: a file can be renamed without copying only on the same file system.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".race-{}.svg", process::id()))
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("Cannot write {}: {error}", path.display())
}
