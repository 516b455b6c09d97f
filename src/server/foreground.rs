//! Whether the program may read from its terminal.
//!
//! A shell runs one command in the foreground, and others, started with `&`, in the background. A Unix
//! system suspends a background command that reads from the terminal (with the signal SIGTTIN), so a
//! server that was started with `&` would never answer. The standard library cannot say whether the
//! program is in the foreground, but every system has a way to find out.

use std::fs;
use std::process::{self, Command, Stdio};

/// Whether the program may read from the terminal that is its standard input. `false` if that is not
/// known: a server that Enter does not stop is better than a server that is suspended.
pub fn may_read_the_terminal() -> bool {
    if cfg!(windows) {
        // Windows does not suspend a program that reads from its console.
        true
    } else if cfg!(target_os = "linux") {
        fs::read_to_string("/proc/self/stat").is_ok_and(|stat| foreground_in_proc(&stat))
    } else {
        // macOS and the BSDs have no such file, and they all have this command.
        let ps = Command::new("ps")
            .args(["-o", "stat=", "-p", &process::id().to_string()])
            .stdin(Stdio::null())
            .output();
        ps.is_ok_and(|output| foreground_in_ps(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// Whether the process is in the foreground, according to this content of `/proc/PID/stat` on Linux.
pub fn foreground_in_proc(stat: &str) -> bool {
    // "1 (name) S PPID PGRP SESSION TTY TPGID ...", see proc_pid_stat(5).
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut numbers = fields.split_whitespace();
    let (group, foreground) = (numbers.nth(2), numbers.nth(2));
    group.is_some() && group == foreground
}

/// Whether the process is in the foreground, according to this output of `ps -o stat=`: a plus sign says
/// so, see ps(1).
pub fn foreground_in_ps(stat: &str) -> bool {
    stat.contains('+')
}
