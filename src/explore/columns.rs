//! A schedule as lines of text: a column for each thread, a row for each step.

use std::fmt;
use std::ops::Range;

use super::schedule::{Schedule, Step, Wanted};
use super::waits;
use crate::traced::step::Action;
use crate::traced::{Location, ObjectKind};

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
    if !schedule.stuck.is_empty() {
        lines.push(String::new());
        lines.extend(waits::sentences(schedule));
    }
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
    let threads = schedule.threads.len();
    let rows = rows(schedule, mark);
    let widths: Vec<usize> = (0..=threads)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    let up_to = |count: usize| -> usize {
        let widths = widths[..count].iter();
        widths.map(|width| width + GAP).sum::<usize>() - GAP
    };
    // The first thread is there in any case.
    let shown = (2..=threads).take_while(|count| up_to(*count) <= width);
    let shown = shown.last().unwrap_or(1);
    let has_places = widths[threads] > 0 && up_to(shown) + GAP + widths[threads] <= width;

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
            let place = row.last().filter(|_| has_places);
            let cells = row.iter().zip(&widths).take(shown);
            let cells = cells.chain(place.map(|place| (place, &0)));
            let line: String = cells
                .map(|(cell, width)| format!("{cell:width$}{:GAP$}", ""))
                .collect();
            line.trim_end().chars().take(width).collect()
        })
        .collect();
    if shown < threads {
        lines.push(format!(
            "There is no room for {} in {width} columns.",
            schedule.threads[shown..].join(", ")
        ));
    }
    lines
}

/// How the locations of a schedule are written: if all are in one file, it is named once, above them.
fn one_file(schedule: &Schedule) -> Option<&str> {
    let mut files = schedule.locations().map(Location::file_name);
    let first = files.next()?;
    files.all(|file| file == first).then_some(first)
}

/// Where the guard is dropped is what one wants to know, so there it says if that is not known.
fn place_of(step: &Step, one_file: Option<&str>) -> String {
    match &step.location {
        Some(Location { line, column, .. }) if one_file.is_some() => format!("{line}:{column}"),
        Some(location) => {
            let Location { line, column, .. } = location;
            format!("{}:{line}:{column}", location.file_name())
        }
        None if matches!(step.action, Action::Unlock | Action::StopReading) => {
            String::from("not known")
        }
        None => String::new(),
    }
}

/// The names, the steps, and what threads wait for at the end, with a cell for each thread, and one for
/// the location of the step.
fn rows(schedule: &Schedule, mark: &str) -> Vec<Vec<String>> {
    let one_file = one_file(schedule);
    let names = schedule.threads.iter().map(String::as_str);
    let names = names.chain([one_file.unwrap_or_default()]);
    let mut rows = vec![names.map(String::from).collect()];
    let mut waiting: &[Wanted] = &[];
    let mut spawned = 0;
    for step in &schedule.steps {
        let mut row = vec![String::new(); schedule.threads.len() + 1];
        for wanted in &step.waiting {
            let text = if waiting.contains(wanted) {
                mark.to_owned()
            } else {
                format!("waits: {}", wanted.text(schedule))
            };
            put(&mut row, wanted.thread, text);
        }
        waiting = &step.waiting;
        let mut text = describe(schedule, step.action, step.object);
        if step.action == Action::Spawn {
            spawned += 1;
            if let Some(name) = schedule.threads.get(spawned) {
                text = format!("spawn {name}");
            }
        }
        if schedule.is_of_a_check_alone(step) {
            text.clear();
        }
        put(&mut row, step.thread, text);
        if schedule.locations().next().is_some() {
            put(&mut row, schedule.threads.len(), place_of(step, one_file));
        }
        rows.push(row);
    }
    if !schedule.stuck.is_empty() {
        let mut row = vec![String::new(); schedule.threads.len() + 1];
        for wanted in &schedule.stuck {
            let text = format!("stuck: {}", wanted.text(schedule));
            put(&mut row, wanted.thread, text);
        }
        rows.push(row);
    }
    rows
}

/// Puts a text into the cell of a thread. The fields of a schedule are public, so the thread may be none of it.
fn put(row: &mut [String], thread: usize, text: String) {
    if let Some(cell) = row.get_mut(thread) {
        *cell = text;
    }
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
            let own = matches!(
                action,
                Action::End | Action::Park { .. } | Action::SpuriousWake
            );
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
