//! In which spellings of the worker's loop does a second job run while the first one does?
//!
//! The thirteen spellings are in src/explore/spellings.rs; docs/lock_scope.md has a table of the
//! results of these tests. No test measures time: jobs stay in a room until the test lets them out.
//!
//! Two jobs in the room at the same time mean that two workers run jobs. To prove that a second
//! worker gets *no* job, waiting is not enough. So the test starts only one worker, and tries the
//! lock from outside while that worker's job is in the room. If the lock is not free, this worker
//! holds it, and a second worker could not take the second job.

// Off by default. These two are the lints that know what a guard is.
#[warn(
    clippy::significant_drop_in_scrutinee,
    clippy::significant_drop_tightening
)]
mod spellings {
    include!("../../src/explore/spellings.rs");
}

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use crate::common::compiler::{compile, is_the_compiler_on_record};
use crate::common::repository::{blocks, files, read, root};
use crate::common::{PATIENCE, Room, WATCH, wait_until};
use spellings::Job;

type Spelling = fn(&Mutex<Receiver<Job>>);

/// Makes a module of tests for each spelling that releases the lock, and a list of their names.
macro_rules! they_release {
    ($list:ident: $($spelling:ident)*) => {
        const $list: &[&str] = &[$(stringify!($spelling)),*];
        $(mod $spelling {
            use super::*;

            #[test]
            fn releases_the_lock_before_a_job_runs() {
                assert!(!is_locked_during_a_job(spellings::$spelling));
            }

            #[test]
            fn a_second_job_runs_meanwhile() {
                assert!(two_jobs_run_at_once(spellings::$spelling, PATIENCE));
            }
        })*
    };
}

/// The same for spellings that hold the lock.
macro_rules! they_hold {
    ($list:ident: $($spelling:ident)*) => {
        const $list: &[&str] = &[$(stringify!($spelling)),*];
        $(mod $spelling {
            use super::*;

            #[test]
            fn holds_the_lock_while_a_job_runs() {
                assert!(is_locked_during_a_job(spellings::$spelling));
            }

            #[test]
            fn no_second_job_runs_meanwhile() {
                assert!(!two_jobs_run_at_once(spellings::$spelling, WATCH));
            }
        })*
    };
}

they_release! { RELEASED:
    let_then_call let_else match_after_let helper_function guard_dropped guard_in_a_block
}

they_hold! { HELD:
    for_loop while_let match_on_recv if_let guard_not_dropped borrow_in_a_let
}

// This crate is of edition 2024. The page has a doctest for each edition.
they_release! { RELEASED_SINCE_2024:
    while_let_block
}

/// There is one worker. If the lock is not free while its job is in the room, this worker holds it.
fn is_locked_during_a_job(work: Spelling) -> bool {
    while_a_job_runs(work, 1, |_, receiver| {
        matches!(receiver.try_lock(), Err(TryLockError::WouldBlock))
    })
}

fn two_jobs_run_at_once(work: Spelling, time: Duration) -> bool {
    while_a_job_runs(work, 4, |room, _| room.holds(2, time))
}

/// Gives the workers two jobs, and calls `look` when at least one is in the room. Afterwards, both
/// jobs must be done, and every worker must have left its loop. Returns the result of `look`.
fn while_a_job_runs(
    work: Spelling,
    workers: usize,
    look: impl FnOnce(&Room, &Mutex<Receiver<Job>>) -> bool,
) -> bool {
    const JOBS: usize = 2;
    let room = Room::new();
    let (sender, receiver) = mpsc::channel::<Job>();
    for _ in 0..JOBS {
        let inside = Arc::clone(&room);
        sender.send(Box::new(move || inside.visit())).unwrap();
    }
    // Closed, but not empty: the workers run the jobs that are in it, then leave their loops.
    drop(sender);

    let receiver = Arc::new(Mutex::new(receiver));
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || work(&receiver))
        })
        .collect();

    assert!(room.holds(1, PATIENCE), "a job should run");
    let seen = look(&room, &receiver);

    // Not a scope: it would wait for ever for a worker that does not leave its loop.
    room.let_out(JOBS);
    for worker in workers {
        wait_until("a worker to leave", || worker.is_finished());
        worker.join().expect("no worker should panic");
    }
    assert_eq!(room.visitors().len(), JOBS, "every job should be done");
    seen
}

/// The first spelling, but with `.recv().unwrap()`. The first worker that sees the closed channel
/// panics in the statement that locks. So it holds the lock, and its panic poisons the mutex.
#[test]
fn workers_that_unwrap_recv_all_panic_one_of_the_channel_and_the_others_of_the_mutex() {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || -> () {
                loop {
                    let job = receiver.lock().unwrap().recv().unwrap();
                    job();
                }
            })
        })
        .collect();
    drop(sender);

    let mut causes: Vec<String> = Vec::new();
    for worker in workers {
        wait_until("a worker to panic", || worker.is_finished());
        let message = worker.join().unwrap_err().downcast::<String>().unwrap();
        let (_, cause) = message.rsplit_once(": ").unwrap();
        causes.push(cause.to_owned());
    }
    causes.sort();
    let poisoned = "PoisonError { .. }";
    assert_eq!(causes, [poisoned, poisoned, poisoned, "RecvError"]);
}

/// A function of spellings.rs.
struct Function {
    name: String,
    /// The Clippy lints that are expected in it.
    lints: Vec<String>,
    /// The lines between its first and its last one.
    body: String,
}

fn functions() -> Vec<Function> {
    let code = read("src/explore/spellings.rs");
    let mut functions = Vec::new();
    let mut lints = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("#[") {
            let lint = line.strip_prefix("#[expect(clippy::");
            let lint = lint.and_then(|line| line.strip_suffix(")]"));
            lints.push(String::from(lint.expect("one lint, and it is expected")));
        } else if let Some(rest) = line.strip_prefix("pub fn ") {
            let (name, _) = rest.split_once('(').unwrap();
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
            functions.push(Function {
                name: name.to_owned(),
                lints: std::mem::take(&mut lints),
                body: body.join("\n"),
            });
        }
    }
    functions
}

/// The cells of the table of spellings, row by row.
fn rows() -> Vec<[String; 5]> {
    const HEAD: &str =
        "| the loop | the lock during a job | released at | two requests take | Clippy |";
    let page = read("docs/lock_scope.md");
    let (_, table) = page.split_once(HEAD).expect("a table of spellings");
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        <[&str; 5]>::try_from(cells)
            .unwrap_or_else(|cells| panic!("five cells: {cells:?}"))
            .map(String::from)
    })
    .collect()
}

/// The parts between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Code without its layout: no spaces, and no comma or semicolon before a closing brace.
fn bare(code: &str) -> String {
    let code: String = code.split_whitespace().collect();
    let code = code.replace(";}", "}").replace(",}", "}");
    code.trim_end_matches(';').to_owned()
}

#[test]
fn there_are_thirteen_spellings_with_tests_and_a_row_for_each() {
    let functions: Vec<String> = functions().into_iter().map(|f| f.name).collect();
    assert_eq!(functions, [RELEASED, HELD, RELEASED_SINCE_2024].concat());
    assert_eq!(functions.len(), 13);
    assert_eq!(rows().len(), 13);
}

#[test]
fn every_page_that_counts_the_spellings_counts_thirteen() {
    let mut pages = files("docs", "md");
    pages.push(root().join("README.md"));
    let mut counted = 0;
    for page in pages {
        let text = read(&page).to_lowercase();
        let words: Vec<&str> = text
            .split_whitespace()
            .map(|word| word.trim_start_matches('['))
            .collect();
        for count in words
            .windows(4)
            .filter(|words| words[1..] == ["ways", "to", "write"])
            .map(|words| words[0])
            .filter(|word| word.ends_with("teen") || *word == "twelve")
        {
            assert_eq!(count, "thirteen", "{}", page.display());
            counted += 1;
        }
    }
    assert!(counted >= 4, "only {counted} pages count them");
}

#[test]
fn each_row_shows_its_spelling_and_no_other() {
    let functions = functions();
    for (index, [spelling, ..]) in rows().iter().enumerate() {
        let parts = quoted(spelling);
        assert!(!parts.is_empty(), "no code: {spelling}");
        for function in &functions {
            let shown = parts
                .iter()
                .all(|part| bare(&function.body).contains(&bare(part)));
            let own = function.name == functions[index].name;
            assert_eq!(shown, own, "{spelling} in {}", function.name);
        }
    }
}

#[test]
fn each_row_says_what_is_proved_above() {
    for (function, [_, lock, _, time, _]) in functions().iter().zip(rows()) {
        let name = function.name.as_str();
        let truth = if RELEASED.contains(&name) {
            ("released", "5 s")
        } else if HELD.contains(&name) {
            ("**held**", "**10 s**")
        } else {
            (
                "**held** in edition 2021, released in 2024",
                "**10 s** or 5 s",
            )
        };
        assert_eq!((lock.as_str(), time.as_str()), truth, "{name}");
    }
}

/// Clippy itself checks that it warns of these: see the `#[expect(...)]` in spellings.rs.
#[test]
fn each_row_names_the_lints_that_are_expected_of_clippy() {
    for (function, [_, _, _, _, clippy]) in functions().iter().zip(rows()) {
        assert_eq!(quoted(&clippy), function.lints, "{}", function.name);
        assert_eq!(clippy.is_empty(), function.lints.is_empty(), "{clippy}");
    }
}

#[test]
fn the_last_row_is_run_on_both_editions_from_the_same_source() {
    let page = read("docs/lock_scope.md");
    let doctest = |edition: &str| {
        let doctests = blocks(&page, &format!("```rust,{edition}"));
        doctests.into_iter().next().expect("a doctest")
    };
    let (before, since) = (doctest("edition2021"), doctest("edition2024"));
    assert!(before.contains("is_err()") && since.contains("is_ok()"));
    assert_eq!(before.replace("is_err()", "is_ok()"), since);

    let head = "while let Ok(job) = { receiver.lock().unwrap().recv() } {";
    assert!(before.contains(head));
    assert!(functions().pop().unwrap().body.contains(head));
}

/// The lints for edition 2024 warn of two rows, and not of the row that changes.
#[test]
fn the_compiler_warns_of_two_rows_and_not_of_the_last() {
    if !is_the_compiler_on_record("The warnings in docs/lock_scope.md") {
        return;
    }
    let file = root().join("src/explore/spellings.rs");
    let code = read(&file);
    // A short message is one line: "src/explore/spellings.rs:50:26: warning: ..."
    let lines_warned_of = |edition: &str, lint: &str| -> Vec<usize> {
        let options = [edition, lint, "--crate-type=lib", "--error-format=short"];
        let output = compile(&file, &options);
        assert!(output.status.success());
        let messages = String::from_utf8(output.stderr).unwrap();
        let places = messages
            .lines()
            .filter_map(|message| message.split_once("spellings.rs:"));
        places
            .map(|(_, place)| place.split(':').next().unwrap().parse().unwrap())
            .collect()
    };
    // All other warnings come without this lint too.
    let functions_found_by = |edition: &str, lint: &str| -> Vec<&str> {
        let others = lines_warned_of(edition, &format!("-A{lint}"));
        let mut lines = lines_warned_of(edition, &format!("-W{lint}"));
        lines.retain(|line| !others.contains(line));
        let function = |line| {
            let above = code.lines().take(line);
            let function = above.filter_map(|line| line.strip_prefix("pub fn ")).last();
            function.unwrap().split('(').next().unwrap()
        };
        lines.into_iter().map(function).collect()
    };
    for edition in ["--edition=2021", "--edition=2024"] {
        assert_eq!(functions_found_by(edition, "unused"), [""; 0]);
    }
    for (lint, functions) in [
        (
            "rust-2024-compatibility",
            &["guard_in_a_block", "if_let"][..],
        ),
        ("tail-expr-drop-order", &["guard_in_a_block"]),
        ("if-let-rescope", &["if_let"]),
    ] {
        assert_eq!(
            functions_found_by("--edition=2021", lint),
            functions,
            "{lint}"
        );
    }
}
