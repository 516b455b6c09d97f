//! Which worker has the lock, which workers wait for it, and what runs meanwhile: notes in, rows out.
//!
//! A stage that runs with the [stand-in for `std`](crate::traced) notes what its locks, channels and
//! threads do. [`Lock::rows`] makes of these notes a row for every worker. A worker that works may have
//! the lock, and then no other worker can take a job: that is what the rows are there to show.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use super::{Action, Location, Note, Notes, ObjectKind, Outcome, place};
use crate::json;

/// What the notes of a server, or of a program, tell of its lock. A reader-writer lock is one too, and
/// if there are several, this is about all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// What happened so far.
    pub notes: Notes,
    /// When the race began, on the clock of the notes.
    pub start: Duration,
}

/// What a worker does, as the notes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It neither works, nor has the lock, nor waits for it.
    Nothing,
    /// It waits for the lock.
    WaitsForLock,
    /// It has the lock, and waits for a job. No other worker could use the lock for anything.
    HasLock,
    /// It works, and does not have the lock.
    Works,
    /// It has the lock, and works. No other worker can take a job meanwhile.
    WorksWithLock,
}

impl Doing {
    /// What it is called where a picture or a page is drawn.
    pub fn class(self) -> &'static str {
        match self {
            Doing::Nothing => "idle",
            Doing::WaitsForLock => "waits-for-lock",
            Doing::HasLock => "has-lock",
            Doing::Works => "working",
            Doing::WorksWithLock => "works-with-lock",
        }
    }
}

/// A worker, or the lock itself, and what it did from the start on. Times count from there.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name of the thread.
    pub name: String,
    /// What it did, each with the time at which that ended.
    pub pieces: Vec<(Doing, Duration)>,
}

impl Row {
    fn new(name: &str) -> Row {
        Row {
            name: name.to_owned(),
            pieces: Vec::new(),
        }
    }

    /// It did this until then.
    fn add(&mut self, doing: Doing, end: Duration) {
        // Two threads may read the clock in one order and take their notes in the other.
        let end = self.pieces.last().map_or(end, |(_, last)| end.max(*last));
        // What was over before the start is not drawn.
        if end > Duration::ZERO {
            self.pieces.push((doing, end));
        }
    }
}

/// What happened to the guards that were made at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Where the lock was taken.
    pub taken: Location,
    /// How often.
    pub times: usize,
    /// How many of these times it was not released in the end.
    pub not_released: usize,
    /// Where it was released; none for a place that is not known.
    pub released: Vec<Option<Location>>,
    /// For how long it was held at most, as far as it was released.
    pub longest: Duration,
    /// Meanwhile its thread waited for something else, slept, or ran a job.
    pub meanwhile: Vec<&'static str>,
}

impl Hold {
    fn end(&mut self, released: Option<&Location>, time: Duration) {
        self.not_released -= 1;
        self.longest = self.longest.max(time);
        if !self.released.iter().any(|known| known.as_ref() == released) {
            self.released.push(released.cloned());
        }
    }

    fn meanwhile(&mut self, action: Action, outcome: Option<Outcome>) {
        let word = match (action, outcome) {
            (Action::Lock | Action::Read, None) => "waited for a lock",
            (Action::Receive { .. }, None) => "waited for a message",
            (Action::Send, None) => "sent a message",
            (Action::Join { .. }, None) => "waited for a thread",
            (Action::Wait, _) => "waited to be notified",
            (Action::Park { .. }, None) => "was parked",
            (Action::Sleep, None) => "slept",
            (Action::BeginJob(_), _) => "ran a job",
            _ => return,
        };
        if !self.meanwhile.contains(&word) {
            self.meanwhile.push(word);
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "taken at {}, ", self.taken)?;
        match self.released.as_slice() {
            [] => f.write_str("not released while the race ran"),
            places => {
                let places = places.iter().map(Option::as_ref);
                let places: Vec<String> = places.map(place).collect();
                write!(f, "released at {}", places.join(" or "))
            }
        }
    }
}

impl Lock {
    /// Finds out when the `race` began on the clock of the notes, which showed `time` at some moment
    /// before this was heard, `at`. How long it was under way is not known, so the quickest of all that
    /// are heard comes closest.
    pub fn adjust_start(&mut self, time: Duration, at: Instant, race: Instant) {
        let start = (time + race.saturating_duration_since(at))
            .saturating_sub(at.saturating_duration_since(race));
        self.start = self.start.max(start);
    }

    /// A row for every worker, by name, up to `until`. A worker is a thread that another one has
    /// started. There are none in a program without a lock.
    pub fn rows(&self, until: Duration) -> Vec<Row> {
        let mut rows: BTreeMap<usize, (Worker, Row)> = BTreeMap::new();
        for (note, time) in self.up_to(until) {
            if note.action == Action::Start {
                let row = Row::new(self.notes.name(note.thread));
                rows.insert(note.thread, (Worker::default(), row));
            }
            let Some((worker, row)) = rows.get_mut(&note.thread) else {
                continue;
            };
            let before = worker.does();
            worker.apply(note);
            if worker.does() != before {
                row.add(before, time);
            }
        }
        if !self.exists() {
            return Vec::new();
        }
        let mut rows: Vec<Row> = rows
            .into_values()
            .map(|(worker, mut row)| {
                row.add(worker.does(), until);
                row
            })
            .collect();
        // `worker-10` comes after `worker-9`.
        rows.sort_by(|one, other| {
            let key = |row: &Row| (row.name.len(), row.name.clone());
            key(one).cmp(&key(other))
        });
        rows
    }

    /// The lock itself, up to `until`: it is held by a worker that works, by one that does not, or by
    /// none. `None` in a program without a lock.
    pub fn row(&self, until: Duration) -> Option<Row> {
        let mut workers: BTreeMap<usize, Worker> = BTreeMap::new();
        let (mut work, mut wait) = (BTreeSet::new(), BTreeSet::new());
        let mut row = Row::new("lock");
        let mut state = Doing::Nothing;
        for (note, time) in self.up_to(until) {
            let worker = workers.entry(note.thread).or_default();
            worker.apply(note);
            work.remove(&note.thread);
            wait.remove(&note.thread);
            match worker.does() {
                Doing::WorksWithLock => drop(work.insert(note.thread)),
                Doing::HasLock => drop(wait.insert(note.thread)),
                _ => {}
            }
            let now = match (work.is_empty(), wait.is_empty()) {
                (false, _) => Doing::WorksWithLock,
                (true, false) => Doing::HasLock,
                (true, true) => Doing::Nothing,
            };
            if now != state {
                row.add(state, time);
                state = now;
            }
        }
        row.add(state, until);
        Some(row).filter(|_| self.exists())
    }

    /// How many jobs that began before `until` were run by a worker that had the lock, and how many
    /// there were. What had ended at the start does not count. `None` in a program without a lock.
    pub fn held_during(&self, until: Duration) -> Option<(usize, usize)> {
        let mut workers: BTreeMap<usize, Worker> = BTreeMap::new();
        let mut jobs: BTreeMap<usize, bool> = BTreeMap::new();
        for (note, time) in self.up_to(until) {
            let worker = workers.entry(note.thread).or_default();
            worker.apply(note);
            match note.action {
                Action::BeginJob(job) => drop(jobs.insert(job, worker.held_before_job > 0)),
                Action::EndJob(job) if time == Duration::ZERO => drop(jobs.remove(&job)),
                _ => {}
            }
        }
        let held = jobs.values().filter(|held| **held).count();
        self.exists().then_some((held, jobs.len()))
    }

    /// Where locks were taken up to `until`, and where they were released then, in the order in which they
    /// were first taken. What is not known to be taken anywhere is left out.
    pub fn holds(&self, until: Duration) -> Vec<Hold> {
        let mut holds: Vec<Hold> = Vec::new();
        let mut open = Vec::new();
        for (note, time) in self.up_to(until) {
            // What is open has a thread and a lock, the index in `holds`, and since when it is.
            let key = (note.thread, note.object);
            let location = note
                .location
                .and_then(|index| self.notes.locations.get(index));
            match (note.action, note.outcome, location) {
                (Action::Lock | Action::Read, Some(Outcome::Done), Some(taken)) => {
                    let known = holds.iter().position(|hold| hold.taken == *taken);
                    let index = known.unwrap_or(holds.len());
                    if known.is_none() {
                        holds.push(Hold {
                            taken: taken.clone(),
                            times: 0,
                            not_released: 0,
                            released: Vec::new(),
                            longest: Duration::ZERO,
                            meanwhile: Vec::new(),
                        });
                    }
                    holds[index].times += 1;
                    holds[index].not_released += 1;
                    open.push((key, index, time));
                }
                (Action::Unlock | Action::StopReading, _, released) => {
                    if let Some(place) = open.iter().rposition(|(held, _, _)| *held == key) {
                        let (_, index, since) = open.remove(place);
                        holds[index].end(released, time.saturating_sub(since));
                    }
                }
                (action, outcome, _) => {
                    let mine = open.iter().filter(|it| it.0.0 == note.thread);
                    mine.for_each(|(_, index, _)| holds[*index].meanwhile(action, outcome));
                }
            }
        }
        holds
    }

    /// A line for each of the [holds](Lock::holds).
    pub fn lines(&self, until: Duration) -> Vec<String> {
        let holds = self.holds(until).into_iter();
        holds.map(|hold| format!("lock: {hold}")).collect()
    }

    /// The [rows](Lock::rows), [how often it was held](Lock::held_during) and the [lines](Lock::lines) up to
    /// `until`, as JSON. Times are in milliseconds. `held` is `null`, and there are no rows, in a program
    /// without a lock; `full` says that the last notes are missing.
    pub fn json(&self, until: Duration) -> String {
        let rows = self.rows(until).into_iter().map(|row| {
            let pieces = row.pieces.iter().map(|(doing, end)| {
                let milliseconds = end.as_secs_f64() * 1000.0;
                format!("[\"{}\",{milliseconds:.3}]", doing.class())
            });
            let (name, pieces) = (json::string(&row.name), json::list(pieces));
            format!("{{\"name\":{name},\"pieces\":{pieces}}}")
        });
        let rows = json::list(rows);
        let lines = self.lines(until).into_iter();
        let lines = json::list(lines.map(|line| json::string(&line)));
        let (held, jobs) = match self.held_during(until) {
            Some((held, jobs)) => (held.to_string(), jobs),
            None => (String::from("null"), 0),
        };
        let full = self.notes.missed > 0;
        format!(
            "{{\"held\":{held},\"jobs\":{jobs},\"full\":{full},\"rows\":{rows},\"lines\":{lines}}}"
        )
    }

    /// When the thread of this name began its last job. Zero if there was none.
    pub fn last_job(&self, thread: &str) -> Duration {
        let is_it = |note: &&Note| {
            matches!(note.action, Action::BeginJob(_)) && self.notes.name(note.thread) == thread
        };
        let last = self.notes.notes.iter().rfind(is_it);
        last.map_or(Duration::ZERO, |note| note.time.saturating_sub(self.start))
    }

    fn exists(&self) -> bool {
        let is_lock = |note: &Note| note.object.is_some_and(is_lock);
        self.notes.notes.iter().any(is_lock)
    }

    /// The notes up to then, each with its time since the start.
    fn up_to(&self, until: Duration) -> impl Iterator<Item = (&Note, Duration)> {
        let notes = self.notes.notes.iter();
        let timed = notes.map(|note| (note, note.time.saturating_sub(self.start)));
        timed.take_while(move |(_, time)| *time < until)
    }
}

/// What a thread is at.
#[derive(Default)]
struct Worker {
    wants: bool,
    /// The locks it has, in the order in which it got them.
    holds: Vec<(ObjectKind, usize)>,
    works: bool,
    /// How many of the locks it has had before it began its job. Locks of the job are its own affair.
    held_before_job: usize,
}

impl Worker {
    fn apply(&mut self, note: &Note) {
        let lock = note.object.filter(|object| is_lock(*object));
        match (note.action, note.outcome, lock) {
            (Action::Lock | Action::Read, None, Some(_)) => self.wants = true,
            (Action::Lock | Action::Read, Some(Outcome::Done), Some(lock)) => {
                self.wants = false;
                self.holds.push(lock);
            }
            (Action::Unlock | Action::StopReading, _, Some(lock)) => {
                let index = self.holds.iter().position(|held| *held == lock);
                if let Some(index) = index {
                    self.holds.remove(index);
                    self.held_before_job -= usize::from(index < self.held_before_job);
                }
            }
            (Action::BeginJob(_), ..) => {
                self.works = true;
                self.held_before_job = self.holds.len();
            }
            (Action::EndJob(_), ..) => {
                self.works = false;
                self.held_before_job = 0;
            }
            _ => {}
        }
    }

    fn does(&self) -> Doing {
        match (self.works, self.held_before_job, self.holds.len()) {
            (true, 0, _) => Doing::Works,
            (true, _, _) => Doing::WorksWithLock,
            (false, _, 0) if self.wants => Doing::WaitsForLock,
            (false, _, 0) => Doing::Nothing,
            (false, _, _) => Doing::HasLock,
        }
    }
}

fn is_lock((kind, _): (ObjectKind, usize)) -> bool {
    matches!(kind, ObjectKind::Mutex | ObjectKind::RwLock)
}
