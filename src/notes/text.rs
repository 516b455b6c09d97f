//! Notes as lines of text, to read, to quote, and for programs.
//!
//! One line is one note. It has up to five fields with two spaces between them: the seconds since the
//! start, with six decimals; the name of the thread; what it does; to what, with a number that tells
//! two objects of a kind apart; and where in its file, if that is known.
//!
//! ```text
//! 0.000310  worker-0  wants  mutex 2  at stages/stage3_channel_pool.rs:101:44
//! 0.000312  worker-0  has  mutex 2  at stages/stage3_channel_pool.rs:101:44
//! 0.000314  worker-0  wants to receive  channel 1
//! 1.000562  worker-0  received  channel 1
//! 1.000563  worker-0  releases  mutex 2  at stages/stage3_channel_pool.rs:103:22
//! 1.000571  worker-0  begins  job 1
//! ```
//!
//! A time before the start is negative.

use std::time::Duration;

use super::Action::{self, *};
use super::Outcome::{self, *};
use super::{Note, Notes, ObjectKind};

/// A word, for these actions, and what came of them.
type Word = (&'static str, &'static [Action], Option<Outcome>);

/// The words, but for those of jobs. A word that is read means the first action for which it is written.
const WORDS: [Word; 33] = [
    ("wants", &[Lock], None),
    ("has", &[Lock], Some(Done)),
    ("found locked", &[TryLock, TryRead], Some(Refused)),
    ("releases", &[Unlock], Some(Done)),
    ("wants to read", &[Read], None),
    ("reads", &[Read], Some(Done)),
    ("stops reading", &[StopReading], Some(Done)),
    ("waits", &[Wait], Some(Done)),
    (
        "woke",
        &[Wake { timed: false }, Wake { timed: true }],
        Some(Done),
    ),
    ("notifies one", &[NotifyOne], Some(Done)),
    ("notifies all", &[NotifyAll], Some(Done)),
    ("wants to send", &[Send], None),
    ("sent", &[Send, TrySend], Some(Done)),
    ("could not send", &[Send, TrySend], Some(Closed)),
    ("could not send", &[TrySend], Some(Refused)),
    ("wants to receive", &RECEIVE, None),
    ("received", &RECEIVE, Some(Done)),
    ("found empty", &RECEIVE, Some(Refused)),
    ("found closed", &RECEIVE, Some(Closed)),
    ("drops sender", &[DropSender], Some(Done)),
    ("drops receiver", &[DropReceiver], Some(Done)),
    ("starts", &[Start], Some(Done)),
    ("ends", &[End], Some(Done)),
    ("wants to join", &[Join { scope: false }], None),
    ("joined", &[Join { scope: false }], Some(Done)),
    ("parks", &PARK, None),
    ("unparked", &PARK, Some(Done)),
    ("unparks", &[Unpark], Some(Done)),
    ("sleeps", &[Sleep], None),
    ("slept", &[Sleep], Some(Done)),
    ("yields", &[Yield], Some(Done)),
    ("loads", &[Load, Look], Some(Done)),
    (
        "changes",
        &[Change { weak: false }, Change { weak: true }, Set],
        Some(Done),
    ),
];

const RECEIVE: [Action; 3] = [
    Receive { timed: false },
    Receive { timed: true },
    TryReceive,
];
const PARK: [Action; 2] = [Park { timed: false }, Park { timed: true }];

const KINDS: [(&str, ObjectKind); 6] = [
    ("mutex", ObjectKind::Mutex),
    ("rwlock", ObjectKind::RwLock),
    ("condvar", ObjectKind::Condvar),
    ("channel", ObjectKind::Channel),
    ("atomic", ObjectKind::Atomic),
    ("thread", ObjectKind::Thread),
];

/// What a word means.
fn meaning(word: &str) -> Option<(Action, Option<Outcome>)> {
    let (_, actions, outcome) = WORDS.iter().find(|(known, ..)| *known == word)?;
    Some((actions[0], *outcome))
}

impl Notes {
    /// The name of a thread. The fields are public, so an index may be that of no thread.
    pub(super) fn name(&self, thread: usize) -> &str {
        self.threads.get(thread).map_or("?", String::as_str)
    }

    /// The notes as lines, without line ends, in the order in which things happened. Times count from
    /// `start`, which is a time since the start of the recording.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ten_versus_five::notes::Recording;
    /// use ten_versus_five::traced::job;
    ///
    /// let recording = Recording::new();
    /// recording.watch(|| job(1, || ()));
    ///
    /// let lines: Vec<String> = recording.notes().lines(Duration::ZERO).collect();
    /// assert!(lines[0].ends_with("  begins  job 1"));
    /// ```
    pub fn lines(&self, start: Duration) -> impl Iterator<Item = String> {
        self.notes.iter().map(move |note| {
            let time = note.time.as_secs_f64() - start.as_secs_f64();
            // Two spaces in a name would look like the end of it.
            let name: Vec<&str> = self.name(note.thread).split_whitespace().collect();
            let location = note.location.and_then(|index| self.locations.get(index));
            // Two spaces in the name of a file would look like the end of it.
            let location = location.filter(|location| !location.file.contains("  "));
            let at = location.map_or_else(String::new, |location| format!("  at {location}"));
            format!("{time:.6}  {}  {}{at}", name.join(" "), words(note))
        })
    }

    /// Adds a note from one of those lines, with its time as it stands there. `None` if it is not one, or
    /// if its time is negative.
    pub fn add_line(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split("  ");
        let time = fields.next()?.parse().ok()?;
        let time = Duration::try_from_secs_f64(time).ok()?;
        let name = fields.next()?;
        let words = fields.next()?;
        let mut object = fields.next();
        let is_at = |field: &&str| field.starts_with("at ");
        let at = object.take_if(|field| is_at(&&**field));
        let at = at.or_else(|| fields.next()).filter(is_at);
        let location = at.and_then(|at| at.strip_prefix("at ")?.parse().ok());
        let object = match object {
            Some(object) => {
                let (kind, number) = object.split_once(' ')?;
                Some((kind, number.parse().ok()?))
            }
            None => None,
        };
        let ((action, outcome), object) = match (words, object) {
            ("begins", Some(("job", number))) => ((BeginJob(number), Some(Done)), None),
            ("ends", Some(("job", number))) => ((EndJob(number), Some(Done)), None),
            (words, None) => (meaning(words)?, None),
            (words, Some((kind, number))) => {
                let (_, kind) = KINDS.iter().find(|(known, _)| *known == kind)?;
                (meaning(words)?, Some((*kind, number)))
            }
        };
        let known = self.threads.iter().position(|known| known == name);
        let thread = known.unwrap_or(self.threads.len());
        if known.is_none() {
            self.threads.push(name.to_owned());
        }
        let location = location.map(|location| self.index_of(location));
        self.notes.push(Note {
            time,
            thread,
            action,
            outcome,
            object,
            location,
        });
        Some(())
    }
}

/// What a note says, after the time and the thread.
fn words(note: &Note) -> String {
    match note.action {
        BeginJob(job) => return format!("begins  job {job}"),
        EndJob(job) => return format!("ends  job {job}"),
        _ => {}
    }
    let says =
        |(_, actions, outcome): &&Word| actions.contains(&note.action) && *outcome == note.outcome;
    // What no recording notes has no word.
    let word = WORDS.iter().find(says).map_or("?", |(word, ..)| word);
    let kind = note.object.and_then(|(kind, number)| {
        let (name, _) = KINDS.iter().find(|(_, known)| *known == kind)?;
        Some(format!("{word}  {name} {number}"))
    });
    kind.unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_note_is_the_same_after_it_was_a_line() {
        let mut notes = Notes {
            threads: vec![String::from("main"), String::from("a worker")],
            locations: vec![
                "src/pool.rs:41:29".parse().unwrap(),
                "C:/a folder/pool.rs:44:5".parse().unwrap(),
            ],
            ..Notes::default()
        };
        let jobs = [(BeginJob(7), Some(Done)), (EndJob(7), Some(Done))];
        let meanings = WORDS.iter().filter_map(|(word, ..)| meaning(word));
        for (index, (action, outcome)) in meanings.chain(jobs).enumerate() {
            let is_job = matches!(action, BeginJob(_) | EndJob(_));
            let object = (KINDS[index % 6].1, index);
            notes.notes.push(Note {
                time: Duration::from_micros(1_000_001 * index as u64),
                thread: index % 2,
                action,
                outcome,
                object: Some(object).filter(|_| !is_job && index % 7 > 0),
                location: (index < 2).then_some(index),
            });
        }
        let mut read = Notes::default();
        for line in notes.lines(Duration::ZERO) {
            assert_eq!(read.add_line(&line), Some(()), "{line}");
        }
        assert_eq!(read, notes);
    }

    #[test]
    fn other_lines_are_no_notes() {
        let mut notes = Notes::default();
        for line in [
            "",
            "Worker 0 got a job; executing.",
            "0.1  worker-0",
            "0.1  worker-0  sings",
            "0.1  worker-0  has  mutex",
            "0.1  worker-0  has  piano 1",
            "0.1  worker-0  begins  mutex 1",
            "-0.1  worker-0  has  mutex 1",
        ] {
            assert_eq!(notes.add_line(line), None, "{line}");
        }
        assert_eq!(notes, Notes::default());
    }
}
