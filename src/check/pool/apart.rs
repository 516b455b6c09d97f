//! A process of its own for each promise: this program, started again to decide that one.
//!
//! The two talk through standard error, where the pool's own panics are told too. What a pool prints
//! on standard output, most print a line for each job, is not looked at.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, Command, ExitStatus, Stdio};

use super::Verdict;

/// In the new process, this says which pool and which promise it is about.
const VARIABLE: &str = "TEN_VERSUS_FIVE_CHECK";

/// What a line begins with that is meant for the process that waits for the verdict.
const MARK: &str = "\u{1}ten-versus-five check\u{1}";

/// Between the parts of such a line.
const SEPARATOR: char = '\u{1}';

/// How much of what the pool says on standard error is passed on, in bytes.
const MAX_QUOTE: usize = 2000;

/// What may have ended a process: something called `exit`, or it was aborted.
fn what_ends_a_process(status: ExitStatus) -> &'static str {
    // On Windows, the code of a process that was aborted is above a million.
    match status.code() {
        Some(-1..=255) => "Which line ends the whole program, where it should end one thread?",
        _ => "Which panic comes while another one is still unwinding?",
    }
}

/// How often a process is started, as long as something ends it that is not the pool.
const TRIES: usize = 3;

/// Whether a process was ended by somebody else, or by a fault. Without `unsafe`, a pool causes none, since what goes
/// wrong there is aborted. But `pthread_detach` of the C library does, once in thousands of times: when a thread ends
/// while its `JoinHandle` is dropped.
fn was_ended_by_others(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        let aborts = 4..=6; // SIGILL, SIGTRAP and SIGABRT, see signal(7)
        status.signal().is_some_and(|it| !aborts.contains(&it))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

/// Stands for the end of a line within a message, which is one line.
const NEW_LINE: char = '\u{2}';

/// Has something decided in another process, which is this program, started with these arguments. What is
/// decided has a name of its own, and the other process has to come to this call too.
pub(crate) fn verdict(
    this: &str,
    arguments: &[OsString],
    decide: impl FnOnce() -> Verdict,
) -> Verdict {
    let [verdict] = verdicts(this, arguments, || [decide()]);
    verdict
}

/// The same of several verdicts, which one process decides. If it does not come to its end, that is the verdict.
/// What the pool says meanwhile belongs to none of them, and is quoted only then.
pub(crate) fn verdicts<const N: usize>(
    this: &str,
    arguments: &[OsString],
    decide: impl FnOnce() -> [Verdict; N],
) -> [Verdict; N] {
    let all = |verdict: Verdict| [(); N].map(|()| verdict.clone());
    match env::var(VARIABLE) {
        Ok(wanted) if wanted == this => {
            tell(&["begun"]);
            decide().iter().for_each(|verdict| tell(&words(verdict)));
            process::exit(0)
        }
        Ok(_) => all(Verdict::cannot_tell(
            "this process is there to decide something else",
        )),
        Err(_) => start(this, arguments).unwrap_or_else(|error| {
            all(Verdict::cannot_tell(format!("no process for it: {error}")))
        }),
    }
}

/// Starts the process, waits until it has ended, and returns its verdicts.
fn start<const N: usize>(this: &str, arguments: &[OsString]) -> io::Result<[Verdict; N]> {
    for _ in 0..TRIES {
        let (told, said, status) = run(this, arguments)?;
        if !was_ended_by_others(status) {
            return Ok(understand(&told, &said, status));
        }
    }
    let why = "no process for it came to its end: something else ended each of them";
    Ok([(); N].map(|()| Verdict::cannot_tell(why)))
}

/// What the process told, what it said besides, and how it ended.
fn run(this: &str, arguments: &[OsString]) -> io::Result<(Vec<String>, String, ExitStatus)> {
    let mut child = Command::new(env::current_exe()?)
        .args(arguments)
        .env(VARIABLE, this)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (told, said) = listen(stderr);
    Ok((told, said, child.wait()?))
}

/// The messages that are meant for us, and the beginning of all else.
fn listen(stderr: impl Read) -> (Vec<String>, String) {
    let mut stderr = BufReader::new(stderr);
    let (mut told, mut said) = (Vec::new(), String::new());
    let mut line = Vec::new();
    // A line is read in pieces, so that one without an end does not fill the memory.
    while let Ok(1..) = (&mut stderr).take(64 * 1024).read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line);
        match text.split_once(MARK) {
            Some((_, message)) => told.push(message.trim_end().replace(NEW_LINE, "\n")),
            None if said.len() + text.len() <= MAX_QUOTE => said.push_str(&text),
            None => {}
        }
        line.clear();
    }
    (told, said)
}

fn understand<const N: usize>(told: &[String], said: &str, status: ExitStatus) -> [Verdict; N] {
    let [_begun, told @ ..] = told else {
        let happened = format!("the test, started again, did not come to its check ({status})");
        return [(); N].map(|()| Verdict::cannot_tell(format!("{happened}\n{said}")));
    };
    let quoted = if N == 1 { said } else { "" };
    let verdicts: Vec<Verdict> = told.iter().filter_map(|told| read(told, quoted)).collect();
    let last = verdicts.len().saturating_sub(N);
    verdicts[last..].to_vec().try_into().unwrap_or_else(|_| {
        let happened = format!("The pool ended the whole process ({status}).");
        [(); N].map(|()| {
            Verdict::broken(
                quoting(&happened, said),
                what_ends_a_process(status),
                "stage 7's page",
            )
        })
    })
}

/// A verdict, from the words for it.
fn read(told: &str, said: &str) -> Option<Verdict> {
    let words: Vec<&str> = told.split(SEPARATOR).collect();
    match words[..] {
        ["kept"] => Some(Verdict::Kept),
        ["cannot tell", why] => Some(Verdict::cannot_tell(why)),
        ["broken", happened, question, page] => {
            Some(Verdict::broken(quoting(happened, said), question, page))
        }
        _ => None,
    }
}

/// What happened, with what the pool itself said while it did.
fn quoting(happened: &str, said: &str) -> String {
    if said.trim().is_empty() {
        return happened.to_owned();
    }
    let said = said.trim().replace('\n', "\n    ");
    format!("{happened} Meanwhile the program said:\n    {said}")
}

fn words(verdict: &Verdict) -> Vec<&str> {
    match verdict {
        Verdict::Kept => vec!["kept"],
        Verdict::Broken {
            happened,
            question,
            page,
        } => vec!["broken", happened, question, page],
        Verdict::CannotTell(why) => vec!["cannot tell", why],
    }
}

/// What is to be the verdict if this process does not come to its own. Only one that decides a single promise may
/// tell it.
pub(super) fn tell_if_it_ends_now(verdict: &Verdict) {
    if env::var_os(VARIABLE).is_some() {
        tell(&words(verdict));
    }
}

/// Tells the process that waits. One that waits no longer needs no verdict.
fn tell(words: &[&str]) {
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            let word = word.replace(|c: char| c.is_control() && c != '\n', " ");
            word.replace('\n', &NEW_LINE.to_string())
        })
        .collect();
    let message = words.join(&SEPARATOR.to_string());
    // The pool may have left a line open.
    let _ = io::stderr().write_all(format!("\n{MARK}{message}\n").as_bytes());
}
