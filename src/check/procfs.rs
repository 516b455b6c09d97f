//! What Linux says of the threads of a process, in files: see proc(5). Other systems do not.

use std::fs;
use std::time::Duration;

/// A thread's number, as the system counts.
pub(super) type ThreadNumber = u32;

/// What a thread has used of a processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadUse {
    /// How long it has run since it began.
    pub(super) time: Duration,
    /// It runs, or would run if it had a processor.
    pub(super) runs: bool,
}

/// What is told of a thread in the `task` folder of its process.
pub(super) fn used(folder: &str, thread: ThreadNumber) -> Option<ThreadUse> {
    let stat = fs::read_to_string(format!("{folder}/{thread}/stat")).ok()?;
    // "1 (name) S PPID ...", and as the 14th and 15th the ticks in user mode and in the system's.
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let runs = fields.next()? == "R";
    let mut fields = fields.skip(10);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // A hundred ticks in a second, whatever the kernel's own clock does: USER_HZ.
    let time = Duration::from_millis(10 * (user + system));
    Some(ThreadUse { time, runs })
}

/// The files of a folder that are named by a number. None where there is no such folder, or where the files are not
/// about what the program thinks: Wine shows them to programs for Windows, whose threads are not in them.
pub(super) fn numbers(folder: &str) -> Option<impl Iterator<Item = u32> + use<>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let files = fs::read_dir(folder).ok()?;
    Some(files.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok()))
}
