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
//! A time before the start is negative. The words are those of [`What`], and of [`ObjectKind`].

use std::time::Duration;

use super::notes::{Note, Notes, What};
use super::step::ObjectKind;

/// From a name to its word and back. The first `match` has every name, or it would not compile, and the
/// second has the same.
macro_rules! words {
    ($word_of:ident, $of_word:ident, $type:ident: $($name:ident $word:literal)* $(; $other:pat => $others:literal)*) => {
        fn $word_of(item: $type) -> &'static str {
            match item {
                $($type::$name => $word,)*
                $($other => $others,)*
            }
        }

        fn $of_word(word: &str) -> Option<$type> {
            match word {
                $($word => Some($type::$name),)*
                _ => None,
            }
        }
    };
}

words! { word_of_what, what_of_word, What:
    Wants "wants"
    Has "has"
    FoundLocked "found locked"
    Releases "releases"
    WantsToRead "wants to read"
    Reads "reads"
    StopsReading "stops reading"
    Waits "waits"
    Woke "woke"
    NotifiesOne "notifies one"
    NotifiesAll "notifies all"
    WantsToSend "wants to send"
    Sent "sent"
    CouldNotSend "could not send"
    WantsToReceive "wants to receive"
    Received "received"
    FoundEmpty "found empty"
    FoundClosed "found closed"
    DropsSender "drops sender"
    DropsReceiver "drops receiver"
    Starts "starts"
    Ends "ends"
    WantsToJoin "wants to join"
    Joined "joined"
    Parks "parks"
    Unparked "unparked"
    Unparks "unparks"
    Sleeps "sleeps"
    Slept "slept"
    Yields "yields"
    Loads "loads"
    Changes "changes"
    ; What::BeginsJob(_) => "begins"
    ; What::EndsJob(_) => "ends"
}

words! { word_of_kind, kind_of_word, ObjectKind:
    Mutex "mutex"
    RwLock "rwlock"
    Condvar "condvar"
    Channel "channel"
    Atomic "atomic"
    Thread "thread"
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
    /// use ten_versus_five::traced::{Recording, job};
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
        let (what, object) = match (words, object) {
            ("begins", Some(("job", number))) => (What::BeginsJob(number), None),
            ("ends", Some(("job", number))) => (What::EndsJob(number), None),
            (words, None) => (what_of_word(words)?, None),
            (words, Some((kind, number))) => {
                (what_of_word(words)?, Some((kind_of_word(kind)?, number)))
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
            what,
            object,
            location,
        });
        Some(())
    }
}

/// What a note says, after the time and the thread.
fn words(note: &Note) -> String {
    let what = word_of_what(note.what);
    match (note.what, note.object) {
        (What::BeginsJob(job) | What::EndsJob(job), _) => format!("{what}  job {job}"),
        (_, Some((kind, number))) => format!("{what}  {} {number}", word_of_kind(kind)),
        (_, None) => what.to_owned(),
    }
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
        let kinds = ["mutex", "rwlock", "condvar", "channel", "atomic", "thread"];
        let whats = [
            What::Wants,
            What::Has,
            What::FoundLocked,
            What::Releases,
            What::WantsToRead,
            What::Reads,
            What::StopsReading,
            What::Waits,
            What::Woke,
            What::NotifiesOne,
            What::NotifiesAll,
            What::WantsToSend,
            What::Sent,
            What::CouldNotSend,
            What::WantsToReceive,
            What::Received,
            What::FoundEmpty,
            What::FoundClosed,
            What::DropsSender,
            What::DropsReceiver,
            What::Starts,
            What::Ends,
            What::WantsToJoin,
            What::Joined,
            What::Parks,
            What::Unparked,
            What::Unparks,
            What::Sleeps,
            What::Slept,
            What::Yields,
            What::Loads,
            What::Changes,
            What::BeginsJob(7),
            What::EndsJob(7),
        ];
        for (index, what) in whats.into_iter().enumerate() {
            let is_job = matches!(what, What::BeginsJob(_) | What::EndsJob(_));
            let object = kind_of_word(kinds[index % 6]).map(|kind| (kind, index));
            notes.notes.push(Note {
                time: Duration::from_micros(1_000_001 * index as u64),
                thread: index % 2,
                what,
                object: object.filter(|_| !is_job && index % 7 > 0),
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
