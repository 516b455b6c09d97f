//! A schedule as lines of text: a column for each thread, a row for each step.

use std::fmt;
use std::ops::Range;

use super::schedule::{Schedule, Wanted};
use crate::traced::ObjectKind;
use crate::traced::step::Action;

/// A column for each thread, a row for each step, and then the choices.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for line in draw(self, usize::MAX, false) {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "choices: {:?}", self.choices())
    }
}

/// Between two columns.
const GAP: usize = 2;

/// Draws a schedule on lines of at most `width` characters.
///
/// Each row is one step, in the column of the thread that takes it. What a thread waits for stands
/// in its column where it begins to wait, and below it a mark for as long as it does. Threads for
/// whose columns there is no room are left out, and a line at the end says so.
pub(crate) fn draw(schedule: &Schedule, width: usize, unicode: bool) -> Vec<String> {
    let mut lines = draw_steps(schedule, 0..usize::MAX, width, unicode);
    lines.extend(schedule.panics.iter().cloned());
    lines
}

/// The same for some of the steps, as wide as if it were for all of them. What threads wait for in
/// the end counts as one more.
pub(crate) fn draw_steps(
    schedule: &Schedule,
    steps: Range<usize>,
    width: usize,
    unicode: bool,
) -> Vec<String> {
    let mark = if unicode { "\u{250a}" } else { ":" };
    let rows = rows(schedule, mark);
    let widths: Vec<usize> = (0..schedule.threads.len())
        .map(|thread| {
            let cells = rows.iter().map(|row| row[thread].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    // The first thread is there in any case.
    let fits = |count: &usize| {
        let all: usize = widths[..*count].iter().map(|width| width + GAP).sum();
        all - GAP <= width
    };
    let shown = (2..=widths.len()).take_while(fits).last().unwrap_or(1);

    let is_seen = |row: &&Vec<String>| {
        let mut cells = row[..shown].iter();
        cells.any(|cell| !cell.is_empty() && cell != mark)
    };
    let (names, rows) = rows.split_at(1);
    let rows = &rows[..steps.end.min(rows.len())];
    let rows = &rows[steps.start.min(rows.len())..];
    let mut lines: Vec<String> = names
        .iter()
        .chain(rows)
        .filter(is_seen)
        .map(|row| {
            let cells = row.iter().zip(&widths).take(shown);
            let line: String = cells
                .map(|(cell, width)| format!("{cell:width$}{:GAP$}", ""))
                .collect();
            line.trim_end().chars().take(width).collect()
        })
        .collect();
    if shown < widths.len() {
        lines.push(format!(
            "There is no room for {} in {width} columns.",
            schedule.threads[shown..].join(", ")
        ));
    }
    lines
}

/// The names, the steps, and what threads wait for at the end, with a cell for each thread.
fn rows(schedule: &Schedule, mark: &str) -> Vec<Vec<String>> {
    let mut rows = vec![schedule.threads.clone()];
    let mut waiting: &[Wanted] = &[];
    let mut spawned = 0;
    for step in &schedule.steps {
        let mut row = vec![String::new(); schedule.threads.len()];
        for wanted in &step.waiting {
            row[wanted.thread] = if waiting.contains(wanted) {
                mark.to_owned()
            } else {
                format!("waits: {}", wanted.text(schedule))
            };
        }
        waiting = &step.waiting;
        row[step.thread] = describe(schedule, step.action, step.object);
        if step.action == Action::Spawn {
            spawned += 1;
            if let Some(name) = schedule.threads.get(spawned) {
                row[step.thread] = format!("spawn {name}");
            }
        }
        rows.push(row);
    }
    if !schedule.stuck.is_empty() {
        let mut row = vec![String::new(); schedule.threads.len()];
        for wanted in &schedule.stuck {
            row[wanted.thread] = format!("stuck: {}", wanted.text(schedule));
        }
        rows.push(row);
    }
    rows
}

impl Wanted {
    /// What it wants to do, in a few words.
    pub(crate) fn text(&self, schedule: &Schedule) -> String {
        describe(schedule, self.action, self.object)
    }
}

/// An action and its object. An object that is the only one of its kind needs no number, and most
/// of them no name.
fn describe(schedule: &Schedule, action: Action, object: Option<(ObjectKind, usize)>) -> String {
    let wanted = schedule.steps.iter().flat_map(|step| &step.waiting);
    let wanted = wanted.chain(&schedule.stuck).map(|wanted| wanted.object);
    let objects = schedule.steps.iter().map(|step| step.object).chain(wanted);
    let is_other =
        |it: (ObjectKind, usize)| object.is_some_and(|(kind, n)| it.0 == kind && it.1 != n);
    let several = objects.flatten().any(is_other);
    words(&schedule.threads, action, object, several)
}

/// The same, where it is known whether there are several objects of this kind.
pub(super) fn words(
    threads: &[String],
    action: Action,
    object: Option<(ObjectKind, usize)>,
    several: bool,
) -> String {
    let Some((kind, number)) = object else {
        return action.to_string();
    };
    match kind {
        ObjectKind::Thread => {
            let own = matches!(action, Action::End | Action::Park);
            match threads.get(number).filter(|_| !own) {
                Some(name) => format!("{action} {name}"),
                None => action.to_string(),
            }
        }
        _ if several => format!("{action} {} {number}", kind_name(kind)),
        ObjectKind::Atomic | ObjectKind::RwLock => format!("{action} {}", kind_name(kind)),
        _ => action.to_string(),
    }
}

/// What an object of this kind is called.
pub(super) fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Mutex => "mutex",
        ObjectKind::RwLock => "rwlock",
        ObjectKind::Condvar => "condvar",
        ObjectKind::Channel => "channel",
        ObjectKind::Atomic => "atomic",
        ObjectKind::Thread => "thread",
    }
}
