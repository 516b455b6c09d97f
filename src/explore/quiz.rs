//! `explore --quiz`: thirteen loops, one after another. Does each release the lock before the job runs?
//!
//! No answer is written down here: each loop is run in every schedule, and the lock is released if two jobs
//! run at once in some of them.
#![doc = not_in_the_contract!()]

use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, Write};

use super::loops::{SPELLINGS, Spelling};
use super::{Action, Explorer, Report};
use crate::terminal;
use crate::traced::Location;

const HELP: &str = "\
Each of these loops takes a job out of a channel and runs it. While the job runs, is the lock
released, so that another worker can take the next job, or is it held?
r  released     h  held     q  quit";

/// The numbers of the loops in an order that nobody knows beforehand.
pub fn shuffled() -> Vec<usize> {
    let random = RandomState::new(); // It is different each time.
    let mut order: Vec<usize> = (0..SPELLINGS.len()).collect();
    order.sort_by_key(|number| random.hash_one(number));
    order
}

/// Asks about the loops in this order until all are answered, the input ends or says `q`.
///
/// # Errors
///
/// If the input cannot be read, or the output cannot be written.
pub fn play(order: &[usize], input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<()> {
    let loops = order.iter().filter_map(|number| SPELLINGS.get(*number));
    let (mut right, mut asked) = (0, 0);
    writeln!(out, "{HELP}")?;
    for (number, spelling) in (1..).zip(loops) {
        writeln!(
            out,
            "\nLoop {number} of {}:\n\n{}",
            order.len(),
            source(spelling)
        )?;
        let Some(guess) = ask(input, out)? else {
            break;
        };
        asked += 1;
        right += usize::from(answer(spelling, guess, out)?);
    }
    if asked > 0 {
        writeln!(out, "\n{right} of {asked} are right.")?;
        writeln!(
            out,
            "docs/lock_scope.md has the rule, and all thirteen in a table."
        )?;
    }
    Ok(())
}

/// Whether the user says that the lock is held. None at the end.
fn ask(input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Option<bool>> {
    loop {
        let Some(line) = terminal::ask(input, out)? else {
            writeln!(out)?;
            return Ok(None);
        };
        match line.trim() {
            "r" | "released" => return Ok(Some(false)),
            "h" | "held" => return Ok(Some(true)),
            "q" | "quit" => return Ok(None),
            _ => writeln!(out, "r  released     h  held     q  quit")?,
        }
    }
}

/// Says whether the guess is right, and why. Returns whether it is.
fn answer(spelling: &Spelling, guess: bool, out: &mut dyn Write) -> io::Result<bool> {
    let report = Explorer::new().run(spelling.program(2, 2));
    let held = report.most_at_once < 2;
    let (schedules, overlap) = (report.schedules, report.at_once.get(&2).unwrap_or(&0));
    let (is, what) = match held {
        true => (
            "held",
            String::from("in none of them do two jobs run at once"),
        ),
        false => (
            "released",
            format!("in {overlap} of them both jobs run at once"),
        ),
    };
    let verdict = if guess == held { "Right" } else { "No" };
    writeln!(
        out,
        "{verdict}: it is {is}. Two workers can run two jobs in {schedules} schedules,\nand {what}."
    )?;
    if let Some(location) = released_at(&report) {
        writeln!(
            out,
            "The lock is released at {location}:\n{}",
            pointed_at(&location)
        )?;
    }
    Ok(guess == held)
}

/// Where the guard is dropped for the first time, if the program knows: it was built with debug information.
fn released_at(report: &Report) -> Option<Location> {
    let mut steps = report.first_schedule.iter().flat_map(|it| &it.steps);
    let unlock = steps.find(|step| step.action == Action::Unlock)?;
    unlock.location.clone()
}

/// The line of this place, with a mark below the character.
fn pointed_at(location: &Location) -> String {
    let mut lines = include_str!("spellings.rs").lines();
    let line = lines.nth(location.line.saturating_sub(1) as usize);
    let line = line.unwrap_or_default();
    format!(
        "{line}\n{:>column$}",
        '^',
        column = location.column as usize
    )
}

/// The function of a loop, without what is said of it.
pub fn source(spelling: &Spelling) -> &'static str {
    let text = include_str!("spellings.rs");
    let start = text
        .find(&format!("pub fn {}(", spelling.name))
        .unwrap_or_default();
    let function = &text[start..];
    let end = function.find("\n}\n").map_or(function.len(), |end| end + 2);
    &function[..end]
}
