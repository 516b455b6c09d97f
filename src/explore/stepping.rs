//! `explore --step`: you are the scheduler, and say which thread takes the next step.
//!
//! There is no state but the choices so far. What can come next is found out by running them again.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use super::columns::draw_steps;
use super::schedule::{Schedule, Wanted};
use super::search::choice;
use super::{Explorer, Program, Report, Run};
use crate::terminal::Style;
use crate::traced::ObjectKind;
use crate::traced::step::Action;

/// So many steps are shown before each question; more than a class looks at.
const SHOWN: usize = 12;

/// How long to look for a way.
const SEARCH: Duration = Duration::from_secs(10);

const HELP: &str = "\
A number, or several: these threads take the next steps.
t  is there a way from here to two jobs at once?
s  is there a way from here to where a thread waits for ever?
b  back by one step
q  quit";

/// Asks for one step after another, until the input ends or says `q`.
///
/// # Errors
///
/// If the input cannot be read, or the output cannot be written.
pub fn play(
    title: &str,
    program: Program,
    style: Style,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut game = Game {
        program: Arc::new(program),
        style,
        choices: Vec::new(),
    };
    writeln!(out, "You are the scheduler of {title}.\n\n{HELP}")?;
    loop {
        let place = game.look();
        game.show(&place, out)?;
        write!(out, "> ")?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return writeln!(out);
        }
        for word in line.split_whitespace() {
            match word {
                "q" => return Ok(()),
                "b" => drop(game.choices.pop()),
                "t" => game.find(&TWO_AT_ONCE, out)?,
                "s" => game.find(&STUCK, out)?,
                _ => {
                    if let Err(why) = game.step(word) {
                        writeln!(out, "{why}")?;
                        break; // What was to follow it makes no sense any more.
                    }
                }
            }
        }
    }
}

struct Game {
    program: Arc<Program>,
    style: Style,
    choices: Vec<usize>,
}

/// A schedule that begins with the steps so far. How it goes on is the explorer's choice.
struct Place {
    schedule: Schedule,
    /// The threads that can go on, and those that cannot, by their numbers.
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
    reached: |schedule, steps| jobs_at(schedule, steps).len() >= 2,
};

const STUCK: Goal = Goal {
    what: "a thread that waits for ever",
    schedule: |report| report.stuck_schedule.as_ref(),
    reached: |schedule, steps| steps == schedule.steps.len(),
};

impl Game {
    fn program(&self) -> impl Fn(&Run) + Send + Sync + 'static + use<> {
        let program = Arc::clone(&self.program);
        move |run| program(run)
    }

    /// What has happened so far, and what can come next.
    fn look(&self) -> Place {
        let report = Explorer::new().replay(&self.choices, self.program());
        // It has run these steps before, so it can run them again.
        let schedule = report.first_schedule.unwrap_or_else(Schedule::empty);
        let next = schedule.steps.get(self.choices.len()).cloned();
        let is_end = next.is_none();
        let (ready, waiting) = match next {
            Some(step) => (step.ready, step.waiting),
            None => (Vec::new(), schedule.stuck.clone()),
        };
        Place {
            schedule,
            ready,
            waiting,
            is_end,
        }
    }

    /// Draws the last steps, and says which threads can go on and why the others cannot.
    fn show(&self, place: &Place, out: &mut dyn Write) -> io::Result<()> {
        let steps = self.choices.len();
        let Style { width, unicode, .. } = self.style;
        writeln!(out)?;
        let range = steps.saturating_sub(SHOWN)..steps;
        for line in draw_steps(&place.schedule, range, width, unicode) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
        let jobs: Vec<String> = jobs_at(&place.schedule, steps)
            .iter()
            .map(|job| format!("job {job}"))
            .collect();
        match jobs.as_slice() {
            [] => writeln!(out, "No job runs.")?,
            [one] => writeln!(out, "{one} runs.")?,
            several => writeln!(out, "{} run at once.", several.join(" and "))?,
        }
        for (number, name) in (1..).zip(&place.schedule.threads) {
            let of_this = |wanted: &&Wanted| wanted.thread + 1 == number;
            for wanted in place.ready.iter().filter(of_this) {
                let (number, step) = (wanted.number(), wanted.text(&place.schedule));
                writeln!(out, "{number:4}  {name}: {step}")?;
            }
            if let Some(wanted) = place.waiting.iter().find(of_this) {
                let why = why(&place.schedule, steps, wanted);
                writeln!(out, "   -  {name} waits: {why}")?;
            }
        }
        match (place.is_end, place.waiting.is_empty()) {
            (true, true) => writeln!(out, "All threads have ended."),
            (true, false) => writeln!(out, "Stuck: no thread can go on."),
            (false, _) => Ok(()),
        }
    }

    /// Lets the thread of this number take its next step.
    fn step(&mut self, word: &str) -> Result<(), String> {
        let place = self.look();
        let number = word.parse::<usize>().ok();
        let mut ready = place.ready.iter();
        if let Some(wanted) = ready.find(|it| Some(it.number()) == number) {
            self.choices.push(wanted.number() - 1);
            return Ok(());
        }
        let mut waiting = place.waiting.iter();
        Err(match waiting.find(|it| Some(it.number()) == number) {
            Some(wanted) => {
                let name = &place.schedule.threads[wanted.thread];
                let why = why(&place.schedule, self.choices.len(), wanted);
                format!("{name} cannot: {why}.")
            }
            None => format!("{word:?} is no thread that can go on.\n{HELP}"),
        })
    }

    /// Says whether there is a way from here to this, and shows it.
    fn find(&self, goal: &Goal, out: &mut dyn Write) -> io::Result<()> {
        let explorer = Explorer::new().time_limit(SEARCH);
        let report = explorer.run_from(&self.choices, self.program());
        let (what, count) = (goal.what, report.schedules);
        let Some(schedule) = (goal.schedule)(&report) else {
            return match report.complete {
                true => writeln!(
                    out,
                    "There is no way to {what} from here (schedules: {count})."
                ),
                false => writeln!(
                    out,
                    "No way to {what} in {count} schedules, but these are not all."
                ),
            };
        };
        let here = self.choices.len();
        let there = (here..schedule.steps.len()).find(|steps| (goal.reached)(schedule, *steps));
        let there = there.unwrap_or(schedule.steps.len());
        let way: Vec<String> = schedule.steps[here..there]
            .iter()
            .map(|step| (choice(step.thread, step.action) + 1).to_string())
            .collect();
        match way.as_slice() {
            [] => writeln!(out, "Here it is: {what}."),
            way => writeln!(out, "There is a way to {what}:\n{}", way.join(" ")),
        }
    }
}

impl Wanted {
    /// What to type for it.
    fn number(&self) -> usize {
        choice(self.thread, self.action) + 1
    }
}

impl Schedule {
    fn empty() -> Schedule {
        Schedule {
            threads: Vec::new(),
            steps: Vec::new(),
            stuck: Vec::new(),
            panics: Vec::new(),
        }
    }
}

/// The jobs that run after so many steps.
fn jobs_at(schedule: &Schedule, steps: usize) -> Vec<usize> {
    let mut jobs = Vec::new();
    for step in schedule.steps.iter().take(steps) {
        match step.action {
            Action::BeginJob(job) => jobs.push(job),
            Action::EndJob(job) => jobs.retain(|other| *other != job),
            _ => {}
        }
    }
    jobs
}

/// What a thread waits for after so many steps, and why it has to.
fn why(schedule: &Schedule, steps: usize, wanted: &Wanted) -> String {
    let what = wanted.text(schedule);
    let reason = match (wanted.action, wanted.object) {
        (Action::Lock, Some((ObjectKind::Mutex, _))) => holder(schedule, steps, wanted)
            .map(|thread| format!("{} has the lock", schedule.threads[thread])),
        (Action::Receive, _) => Some(String::from("the channel is empty")),
        (Action::Send, _) => Some(String::from("the channel is full")),
        (Action::Join, _) => Some(String::from("it has not ended")),
        _ => None,
    };
    reason.map_or(what.clone(), |reason| format!("{what}, but {reason}"))
}

/// The thread that has the mutex that another one wants.
fn holder(schedule: &Schedule, steps: usize, wanted: &Wanted) -> Option<usize> {
    let mut holder = None;
    for step in schedule.steps.iter().take(steps) {
        let same = step.object == wanted.object;
        match step.action {
            Action::Unlock if same => holder = None,
            Action::Lock | Action::TryLock if same => holder = holder.or(Some(step.thread)),
            // A wait at a condition variable gives the lock back too.
            Action::Wait if holder == Some(step.thread) => holder = None,
            _ => {}
        }
    }
    holder
}
