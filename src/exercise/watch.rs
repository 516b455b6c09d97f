//! `ten-versus-five exercises`: one exercise after another, each checked again whenever its file is saved.
//!
//! It runs `cargo run --example NAME` just as a learner would, and goes by the exit code. What is done is
//! remembered in the target folder, by the time at which the file was saved, so that the next start does
//! not check it again. The standard library cannot read a key without Enter, so a command is a letter and
//! Enter.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::NAMES;
use crate::args::{Arguments, Help, UsageError};
use crate::output::Ending;
use crate::terminal::{self, Output};

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five exercises              go through the exercises; needs a terminal\n",
    options: "",
};

/// The mistake of watching where no command can be typed.
pub const NEEDS_A_TERMINAL: &str = "\
The exercises watch your file and wait for commands, and there is no terminal to type on. Without one, run
each by itself:
    cargo run --example guard";

/// There are no options.
///
/// # Errors
///
/// The first argument, if there is one.
pub fn parse(arguments: &mut Arguments) -> Result<(), UsageError> {
    match arguments.next_argument() {
        Some(argument) => Err(argument.means_nothing()),
        None => Ok(()),
    }
}

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(200);

const COMMANDS: &str = "Save the file to check it again, or type a letter and Enter:
    h  a hint     n  the next exercise     q  quit";

/// Goes through the exercises until the last one is done or the user quits. A success if all are done.
///
/// # Errors
///
/// Why Cargo cannot be started, or that there are no exercises in this folder, as a sentence.
pub fn run() -> Result<Ending, String> {
    // Cargo sets it for what it runs, in whatever folder that is.
    let folder = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| ".".into());
    let folder = PathBuf::from(folder);
    let mut watch = Session {
        done: Done::read(folder.join("target/exercises-done")),
        folder,
        commands: typed_lines(),
    };
    watch.go_through()
}

/// The lines that are typed. The thread that reads them ends with the program.
fn typed_lines() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = io::stdin().lock().lines();
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What the user does next.
enum Next {
    Saved,
    Hint,
    Skip,
    Quit,
}

struct Session {
    /// Where `examples` is.
    folder: PathBuf,
    done: Done,
    commands: Receiver<String>,
}

impl Session {
    fn go_through(&mut self) -> Result<Ending, String> {
        let mut index = 0;
        while let Some(name) = NAMES.get(index) {
            if self.done.contains(name, self.saved(name)?) || self.work_on(name)? {
                index += 1;
            } else {
                return Ok(Ending::Failure);
            }
        }
        println!("{}", self.progress());
        Ok(Ending::success_if(self.left() == 0))
    }

    /// Checks an exercise until it is done or the user wants another one. Returns whether to go on.
    fn work_on(&mut self, name: &str) -> Result<bool, String> {
        let mut hints = 0;
        loop {
            let saved = self.saved(name)?;
            clear_the_screen();
            println!("{}: examples/{name}.rs\n", self.progress());
            if self.cargo(name, &[])? {
                self.done.insert(name, saved);
                println!("\n{}. Enter goes on; q and Enter quits.", self.progress());
                return Ok(!matches!(self.next(name, None), Next::Quit));
            }
            println!("\n{COMMANDS}");
            loop {
                match self.next(name, Some(saved)) {
                    Next::Saved => break,
                    Next::Hint => {
                        hints += 1;
                        self.cargo(name, &["--hint", &hints.to_string()])?;
                    }
                    Next::Skip => return Ok(true),
                    Next::Quit => return Ok(false),
                }
            }
        }
    }

    /// Waits for a command, or until the file is no longer the one that was `saved` then.
    fn next(&self, name: &str, saved: Option<SystemTime>) -> Next {
        loop {
            match self.commands.recv_timeout(LOOK) {
                Ok(line) => match (line.trim(), saved) {
                    ("q", _) => return Next::Quit,
                    ("h", Some(_)) => return Next::Hint,
                    ("n", _) | (_, None) => return Next::Skip,
                    ("", Some(_)) => return Next::Saved,
                    (other, Some(_)) => println!("What is {other:?}?\n{COMMANDS}"),
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Next::Quit,
            }
            // An editor may take the file away for a moment.
            if let (Some(saved), Ok(now)) = (saved, self.saved(name)) {
                if now != saved {
                    return Next::Saved;
                }
            }
        }
    }

    /// When the file of an exercise was saved last.
    fn saved(&self, name: &str) -> Result<SystemTime, String> {
        let file = self.folder.join(format!("examples/{name}.rs"));
        let saved = fs::metadata(&file).and_then(|data| data.modified());
        saved.map_err(|error| format!("There is no exercise {}: {error}", file.display()))
    }

    /// Runs an exercise, and returns whether it is done.
    fn cargo(&self, name: &str, arguments: &[&str]) -> Result<bool, String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["run", "--quiet", "--example", name, "--"])
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .status();
        status
            .map(|status| status.success())
            .map_err(|error| format!("Cargo cannot be started: {error}"))
    }

    /// `3 of 10 exercises are done`.
    fn progress(&self) -> String {
        let (all, left) = (NAMES.len(), self.left());
        format!("{} of {all} exercises are done", all - left)
    }

    fn left(&self) -> usize {
        let is_done = |name: &&&str| {
            let saved = self.saved(name);
            saved.is_ok_and(|saved| self.done.contains(name, saved))
        };
        NAMES.len() - NAMES.iter().filter(is_done).count()
    }
}

fn clear_the_screen() {
    if terminal::standard_output() == Output::Live {
        print!("\x1b[2J\x1b[H");
        let _ = io::stdout().flush(); // It is only for show.
    }
}

/// The exercises that are done, and when their files were saved.
struct Done {
    file: PathBuf,
    saved: BTreeMap<String, u128>,
}

impl Done {
    /// What an earlier start has written, or nothing.
    fn read(file: PathBuf) -> Done {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let line = |line: &str| {
            let (name, saved) = line.split_once(' ')?;
            Some((name.to_owned(), saved.parse().ok()?))
        };
        Done {
            saved: text.lines().filter_map(line).collect(),
            file,
        }
    }

    fn contains(&self, name: &str, saved: SystemTime) -> bool {
        self.saved.get(name) == Some(&since_1970(saved))
    }

    /// Adds an exercise. If that cannot be written, the next start checks the exercise again.
    fn insert(&mut self, name: &str, saved: SystemTime) {
        self.saved.insert(name.to_owned(), since_1970(saved));
        let saved = self.saved.iter();
        let lines = saved.map(|(name, saved)| format!("{name} {saved}\n"));
        let _ = fs::write(&self.file, lines.collect::<String>());
    }
}

fn since_1970(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}
