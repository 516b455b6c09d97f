//! `explore --step`: you are the scheduler, and say which thread takes the next step.
//!
//! There is no state but the choices so far. What can come next is found out by running them again.
#![doc = not_in_the_contract!()]

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use super::columns::draw_steps;
use super::schedule::{Schedule, Step, Wanted};
use super::{Explorer, Program, Report, Run, waits};
use crate::terminal::{self, Style};
use crate::traced::Location;
use crate::traced::step::Action;

/// So few steps are enough if there is no room for more, and the lines of source go first.
const FEW_STEPS: usize = 4;

/// How long to look for a way.
const SEARCH: Duration = Duration::from_secs(10);

const HELP: &str = "\
The letter or the number of a thread, or several: these threads take the next steps.
t  is there a way from here to two jobs at once?
s  is there a way from here to where a thread waits for ever?
b  back by one step
q  quit";

/// Where it is played, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// What the program is called, like `stage 4, for-loop`.
    pub title: &'a str,
    /// The names of its files, and their text.
    pub files: &'a [(&'a str, &'a str)],
    /// How to draw.
    pub style: Style,
    /// How many rows of text can be seen at once.
    pub rows: usize,
}

/// Asks for one step after another, until the input ends or says `q`.
///
/// # Errors
///
/// If the input cannot be read, or the output cannot be written.
pub fn play(
    program: Program,
    table: &Table,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut game = Game {
        program: Arc::new(program),
        table,
        choices: Vec::new(),
    };
    writeln!(out, "You are the scheduler of {}.\n\n{HELP}", table.title)?;
    let mut answers = Vec::new();
    let mut is_drawn = false;
    loop {
        if !is_drawn {
            for line in game.look().lines(&game, &answers) {
                writeln!(out, "{line}")?;
            }
        }
        // Behind the drawing, which would push them off the screen.
        for answer in answers.drain(..) {
            writeln!(out, "{answer}")?;
        }
        let Some(line) = terminal::ask(input, out)? else {
            return writeln!(out);
        };
        let before = game.choices.clone();
        for word in line.split_whitespace() {
            let answer = match word {
                "q" => return Ok(()),
                "b" => {
                    game.choices.pop();
                    continue;
                }
                "t" => game.find(&TWO_AT_ONCE),
                "s" => game.find(&STUCK),
                _ => match game.step(word) {
                    Ok(()) => continue,
                    Err(why) => why,
                },
            };
            answers.extend(answer.lines().map(String::from));
            if !matches!(word, "t" | "s") {
                break; // What was to follow it makes no sense any more.
            }
        }
        is_drawn = game.choices == before && !answers.is_empty();
    }
}

struct Game<'a> {
    program: Arc<Program>,
    table: &'a Table<'a>,
    choices: Vec<usize>,
}

/// A schedule that begins with the steps so far. How it goes on is the explorer's choice.
struct Place {
    schedule: Schedule,
    /// How many steps there are so far.
    steps: usize,
    /// What to type for each thread.
    keys: Vec<String>,
    /// The threads that can go on, and those that cannot.
    ready: Vec<Wanted>,
    waiting: Vec<Wanted>,
    /// All threads have ended, or none can go on.
    is_end: bool,
}

/// What to look for, in words and in the report.
struct Goal {
    what: &'static str,
    schedule: fn(&Report) -> Option<&Schedule>,
    /// Whether the schedule is there after so many steps.
    reached: fn(&Schedule, usize) -> bool,
}

const TWO_AT_ONCE: Goal = Goal {
    what: "two jobs at once",
    schedule: |report| {
        let two = report.most_at_once >= 2;
        report.most_schedule.as_ref().filter(|_| two)
    },
    reached: |schedule, steps| schedule.jobs_at(steps).len() >= 2,
};

const STUCK: Goal = Goal {
    what: "a thread that waits for ever",
    schedule: |report| report.stuck_schedule.as_ref(),
    reached: |schedule, steps| steps == schedule.steps.len(),
};

impl Game<'_> {
    fn program(&self) -> impl Fn(&Run) + Send + Sync + 'static + use<> {
        let program = Arc::clone(&self.program);
        move |run| program(run)
    }

    /// What has happened so far, and what can come next.
    fn look(&self) -> Place {
        let report = Explorer::new().replay(&self.choices, self.program());
        // It has run these steps before, so it can run them again.
        let schedule = report.first_schedule.unwrap_or_default();
        let next = schedule.steps.get(self.choices.len()).cloned();
        let is_end = next.is_none();
        let (ready, waiting) = match next {
            Some(step) => (step.ready, step.waiting),
            None => (Vec::new(), schedule.stuck.clone()),
        };
        Place {
            keys: keys(&schedule.threads),
            steps: self.choices.len().min(schedule.steps.len()),
            schedule,
            ready,
            waiting,
            is_end,
        }
    }

    /// Lets the thread that is called so take its next step.
    fn step(&mut self, word: &str) -> Result<(), String> {
        let place = self.look();
        if let Some(wanted) = place.ready.iter().find(|it| place.key(it) == word) {
            self.choices.push(wanted.thread);
            return Ok(());
        }
        if let Some(wanted) = place.waiting.iter().find(|it| place.key(it) == word) {
            return Err(place.cannot(wanted));
        }
        let Some(thread) = place.keys.iter().position(|key| key == word) else {
            return Err(format!("There is no thread {word:?}.\n{HELP}"));
        };
        let mut steps = place.schedule.steps[..place.steps].iter();
        let what = match steps.any(|step| step.thread == thread) {
            true => "has ended",
            false => "is not there yet",
        };
        Err(format!("{} {what}.", place.schedule.threads[thread]))
    }

    /// Says whether there is a way from here to this, and what to type for it.
    fn find(&self, goal: &Goal) -> String {
        let explorer = Explorer::new().time_limit(SEARCH);
        let report = explorer.run_from(&self.choices, self.program());
        let (what, count) = (goal.what, report.schedules);
        let Some(schedule) = (goal.schedule)(&report) else {
            return match report.complete {
                true => format!("There is no way to {what} from here (schedules: {count})."),
                false => format!("No way to {what} in {count} schedules, but these are not all."),
            };
        };
        let here = self.choices.len();
        let there = (here..schedule.steps.len()).find(|steps| (goal.reached)(schedule, *steps));
        let there = there.unwrap_or(schedule.steps.len());
        let keys = keys(&schedule.threads);
        let steps = schedule.steps[here..there].iter();
        let way: Vec<&str> = steps.map(|step| &*keys[step.thread]).collect();
        match way.as_slice() {
            [] => format!("Here it is: {what}."),
            way => format!("There is a way to {what}:\n{}", way.join(" ")),
        }
    }
}

impl Place {
    fn key(&self, wanted: &Wanted) -> &str {
        &self.keys[wanted.thread]
    }

    /// The last steps, which threads can go on, and why the others cannot: as many lines as there is room
    /// for, if these are to follow.
    fn lines(&self, game: &Game, answers: &[String]) -> Vec<String> {
        let Style { width, unicode, .. } = game.table.style;
        // Two empty lines, the names of the threads, and what is typed.
        let room = game.table.rows;
        let room = room.saturating_sub(height(answers, width) + 4);
        let mut below = self.below(game, true);
        if room < height(&below, width) + FEW_STEPS {
            below = self.below(game, false);
        }
        let room = room.saturating_sub(height(&below, width)).max(1);
        let range = self.steps.saturating_sub(room)..self.steps;
        let mut lines = vec![String::new()];
        lines.extend(draw_steps(&self.schedule, range, width, unicode));
        lines.push(String::new());
        lines.extend(below);
        lines
    }

    /// What stands below the drawing.
    fn below(&self, game: &Game, with_source: bool) -> Vec<String> {
        let jobs = self.schedule.jobs_at(self.steps).into_iter();
        let jobs: Vec<String> = jobs.map(|job| format!("job {job}")).collect();
        let mut lines = vec![match jobs.as_slice() {
            [] => String::from("No job runs."),
            [one] => format!("{one} runs."),
            several => format!("{} run at once.", several.join(" and ")),
        }];
        for (thread, name) in self.schedule.threads.iter().enumerate() {
            let ready = self.ready.iter().map(|wanted| {
                let step = wanted.text(&self.schedule);
                (self.key(wanted), format!("{name}: {step}"), wanted)
            });
            let waiting = self.waiting.iter();
            let waiting = waiting.map(|wanted| ("-", self.cannot(wanted), wanted));
            for (key, text, wanted) in ready.chain(waiting).filter(|it| it.2.thread == thread) {
                lines.push(format!("{key:>4}  {text}"));
                let location = wanted.location.as_ref().filter(|_| with_source);
                lines.extend(location.map(|location| game.table.line_of(location)));
            }
        }
        match (self.is_end, self.waiting.is_empty()) {
            (true, true) => lines.push(String::from("All threads have ended.")),
            (true, false) => lines.push(String::from("Stuck: no thread can go on.")),
            (false, _) => {}
        }
        lines
    }

    /// What a thread cannot do, and why.
    fn cannot(&self, wanted: &Wanted) -> String {
        let name = &self.schedule.threads[wanted.thread];
        let steps = &self.schedule.steps[..self.steps];
        let mut owners: Vec<&str> = Vec::new();
        for taken in waits::holders(steps, wanted.mutex.or(wanted.object)) {
            owners.push(match taken.thread == wanted.thread {
                true => "it",
                false => &self.schedule.threads[taken.thread],
            });
        }
        let has = match owners.as_slice() {
            [] => String::from("the lock is taken"),
            ["it"] => String::from("it has the lock itself"),
            [one] => format!("{one} has the lock"),
            several => format!("{} have the lock", several.join(" and ")),
        };
        let what = match wanted.action {
            Action::Park { .. } => String::from("go on"),
            _ => wanted.text(&self.schedule),
        };
        let why = match wanted.action {
            Action::Lock | Action::Read => has,
            Action::Receive { .. } => String::from("the channel is empty"),
            Action::Send => String::from("the channel is full"),
            Action::HandOff(_) => String::from("its message is not received"),
            Action::Join { .. } => String::from("that thread has not ended"),
            Action::Park { .. } => String::from("it is not unparked"),
            Action::Wake { .. } => match notified(steps, wanted) {
                _ if owners.is_empty() => String::from("it is not notified"),
                Some(true) => has,
                Some(false) => String::from("it is not notified"),
                None => format!("it is not notified, or {has}"),
            },
            _ => return format!("{name} cannot {what}."),
        };
        format!("{name} cannot {what}: {why}.")
    }
}

impl Table<'_> {
    /// A line of source, as much of it as there is room for.
    fn line_of(&self, location: &Location) -> String {
        let file = |(name, _): &&(&str, &str)| location.file.ends_with(name);
        let file = self.files.iter().find(file);
        let line = file.and_then(|(_, text)| text.lines().nth(location.line as usize - 1));
        let (name, number) = (location.file_name(), location.line);
        let text = format!("      {name}:{number}  {}", line.unwrap_or_default().trim());
        let cut: String = text.chars().take(self.style.width).collect();
        cut.trim_end().to_owned()
    }
}

/// How many rows these lines take.
fn height(lines: &[String], width: usize) -> usize {
    let rows = |line: &String| line.chars().count().div_ceil(width.max(1)).max(1);
    lines.iter().map(rows).sum()
}

/// What to type for each thread: `m` for the main thread, and for `worker-0` its number. Threads that have the
/// same number have their place among all threads.
fn keys(threads: &[String]) -> Vec<String> {
    let number = |name: &str| {
        let rest = name.trim_end_matches(|character: char| character.is_ascii_digit());
        name[rest.len()..].to_owned()
    };
    let numbers: Vec<String> = threads.iter().map(|name| number(name)).collect();
    let key = |(thread, number): (usize, &String)| {
        let is_one_of_several = numbers[1..].iter().filter(|it| *it == number).count() > 1;
        match thread {
            0 => String::from("m"),
            _ if number.is_empty() || is_one_of_several => format!("#{thread}"),
            _ => number.clone(),
        }
    };
    numbers.iter().enumerate().map(key).collect()
}

/// Whether a thread that waits at a condition variable has been notified. None if perhaps another one was.
fn notified(steps: &[Step], wanted: &Wanted) -> Option<bool> {
    let since = steps.iter().rposition(|step| step.thread == wanted.thread);
    let since = steps[since.unwrap_or_default()..].iter();
    let mut since = since.filter(|step| step.object == wanted.object);
    let mut one = false;
    let all = since.any(|step| {
        one |= step.action == Action::NotifyOne;
        step.action == Action::NotifyAll
    });
    (all || !one).then_some(all)
}
