//! Whether the program may read from its terminal.
//!
//! A shell runs one command in the foreground, and others, started with `&`, in the background. A Unix
//! system suspends a command in the background that reads from the terminal (the signal is SIGTTIN), so
//! a server started with `&` would never answer. The standard library does not tell which of the two
//! the program is, but every system has a way to ask.

use std::fs;
use std::process::{self, Command, Stdio};

/// Whether the program may read from the terminal that is its standard input. If it cannot be told, it
/// may not: a server that has to be stopped with Ctrl-C is better than one that is suspended.
pub fn may_read_the_terminal() -> bool {
    if cfg!(windows) {
        // A console has no foreground, and suspends nobody.
        true
    } else if cfg!(target_os = "linux") {
        fs::read_to_string("/proc/self/stat").is_ok_and(|stat| says_proc(&stat))
    } else {
        // macOS and the BSDs have no such file, and they all have this command.
        let ps = Command::new("ps")
            .args(["-o", "stat=", "-p", &process::id().to_string()])
            .stdin(Stdio::null())
            .output();
        ps.is_ok_and(|output| says_ps(&String::from_utf8_lossy(&output.stdout)))
    }
}

/// Whether Linux says in this `/proc/PID/stat` that the process is in the foreground.
pub fn says_proc(stat: &str) -> bool {
    // "1 (name) S PPID PGRP SESSION TTY TPGID ...", see proc_pid_stat(5).
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let mut numbers = fields.split_whitespace();
    let (group, foreground) = (numbers.nth(2), numbers.nth(2));
    group.is_some() && group == foreground
}

/// Whether `ps -o stat=` says with this that the process is in the foreground: a plus sign, see ps(1).
pub fn says_ps(stat: &str) -> bool {
    stat.contains('+')
}
