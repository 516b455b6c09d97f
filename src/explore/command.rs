//! `ten-versus-five explore`: runs pools in every schedule, and draws one schedule of each.
#![doc = not_in_the_contract!()]

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use super::columns;
use super::loops::{self, SPELLINGS, Spelling};
use super::{Explorer, Program, Report, page, quiz, stages, stepping};
use crate::args::{Arguments, Help, UsageError};
use crate::output::{Ending, written};
use crate::stage::{self, MAX_QUEUE, Stage, compiled_in, features};
use crate::terminal::{self, Style};
use crate::threads;
use crate::whole_file;

/// What `--help` says of this.
pub const HELP: Help = Help {
    usage: "  ten-versus-five explore [OPTIONS]      run a stage's pool in every schedule of its threads\n",
    options: "\
Options of explore, besides --stage and --queue:
  --workers N             how many workers the pool has [default: 2]
  -n, --count N           how many jobs it gets [default: 2]
  --spelling NAME         a worker loop of docs/lock_scope.md in the place of a stage, like for_loop
  --page FILE             also write all schedules to FILE, as a page in which you are the scheduler
  --step                  you say which thread takes the next step; needs a terminal
  --quiz                  thirteen loops: does each release the lock in time?
",
};

/// What to explore.
#[derive(Clone, Debug)]
pub struct ExploreOptions {
    /// Which ones.
    pub pools: Vec<ChosenPool>,
    /// How many workers each pool has, from 1 to 63.
    pub workers: usize,
    /// How many jobs it gets, at least 1.
    pub jobs: usize,
    /// How many jobs may wait for a worker, from stage 6 on.
    pub queue: usize,
    /// Ask for every step, and run nothing else. Then there is one pool.
    pub step: bool,
    /// Ask about the loops, and explore nothing else.
    pub quiz: bool,
    /// Where to write the page of all schedules.
    pub page: Option<PathBuf>,
}

/// What has workers.
#[derive(Clone, Copy, Debug)]
pub enum ChosenPool {
    /// The pool of a stage which is compiled in, and has one.
    Stage(&'static Stage),
    /// Workers with this loop.
    Spelling(&'static Spelling),
}

impl ChosenPool {
    /// How its line begins: `stage 4  for-loop`, or `spelling  for_loop`.
    fn label(self) -> String {
        match self {
            ChosenPool::Stage(stage) => format!("stage {}  {}", stage.number, stage.name),
            ChosenPool::Spelling(spelling) => format!("spelling  {}", spelling.name),
        }
    }

    /// None if it is a stage without a pool.
    fn program(self, options: &ExploreOptions) -> Option<Program> {
        let (workers, jobs) = (options.workers, options.jobs);
        match self {
            ChosenPool::Stage(stage) => stages::program(stage.number, workers, jobs, options.queue),
            ChosenPool::Spelling(spelling) => Some(spelling.program(workers, jobs)),
        }
    }

    /// The pool as it stands on the page. None if it is a stage without a pool.
    fn page(self, options: &ExploreOptions) -> Option<page::PagePool> {
        let states = Explorer::new().states(page::MOST_STATES, self.program(options)?);
        let name = title(&self.label());
        Some(page::PagePool::with_source(name, states, &[self.source()?]))
    }

    /// The file of its loop, and its text. None if it is a stage without a pool.
    fn source(self) -> Option<(&'static str, &'static str)> {
        match self {
            ChosenPool::Stage(stage) => stages::source(stage.number),
            ChosenPool::Spelling(_) => Some(loops::SOURCE),
        }
    }
}

/// The label in a sentence.
fn title(label: &str) -> String {
    label.replace("spelling  ", "spelling ").replace("  ", ", ")
}

/// A schedule may have 64 threads, of which one hands out the jobs.
const MAX_WORKERS: usize = 63;

/// Far more than can be run in every schedule.
const MAX_JOBS: usize = 100;

/// Understands the arguments of `explore`.
///
/// # Errors
///
/// The first mistake. If there is none, options that exclude each other, or that there is no pool.
pub fn parse(arguments: &mut Arguments) -> Result<ExploreOptions, UsageError> {
    let (mut stage, mut spelling, mut queue) = (None, None, None);
    let mut options = ExploreOptions {
        pools: Vec::new(),
        workers: 2,
        jobs: 2,
        queue: 2,
        step: false,
        quiz: false,
        page: None,
    };
    while let Some(mut argument) = arguments.next_argument() {
        match argument.name() {
            "--stage" => stage = Some(argument.whole_number(1..=usize::MAX)?),
            "--workers" => options.workers = argument.whole_number(1..=MAX_WORKERS)?,
            "-n" | "--count" => options.jobs = argument.whole_number(1..=MAX_JOBS)?,
            "--queue" => queue = Some(argument.whole_number(0..=MAX_QUEUE)?),
            "--spelling" => spelling = Some(spelling_by_name(&argument.value()?)?),
            "--page" => options.page = Some(PathBuf::from(argument.raw_value()?)),
            "--step" if argument.is_bare() => options.step = true,
            "--quiz" if argument.is_bare() => options.quiz = true,
            _ => return Err(argument.means_nothing()),
        }
    }
    options.queue = queue.unwrap_or(options.workers);
    if options.step && options.page.is_some() {
        return Err(UsageError::new(
            "--step and --page exclude each other: the page asks for the steps itself.",
        ));
    }
    options.pools = match (spelling, stage) {
        (Some(spelling), None) => vec![ChosenPool::Spelling(spelling)],
        (Some(_), Some(_)) => {
            return Err(UsageError::new(
                "--spelling and --stage exclude each other: explore one or the other.",
            ));
        }
        (None, None) if options.quiz => Vec::new(), // It needs no stage.
        (None, stage) => {
            let stages = stages_to_explore(stage)?;
            if options.step && stages.len() > 1 {
                return Err(UsageError::new(format!(
                    "--step is for one pool. Say which:\n    \
                     cargo run {} -- explore --step --stage {}",
                    features(),
                    stages[0].number
                )));
            }
            stages.into_iter().map(ChosenPool::Stage).collect()
        }
    };
    Ok(options)
}

/// Those with a pool.
fn stages_to_explore(wanted: Option<usize>) -> Result<Vec<&'static Stage>, UsageError> {
    let stages = match wanted {
        Some(number) => vec![stage::by_number(number)?.0],
        None => compiled_in().filter(|stage| stage.has_pool).collect(),
    };
    let message = match stages.as_slice() {
        [] => String::from("No stage with a pool is compiled in. To explore them all:"),
        [only] if !only.has_pool => {
            let number = only.number;
            format!("Stage {number} has no pool. To explore those that have one:")
        }
        _ => return Ok(stages),
    };
    Err(UsageError::new(format!(
        "{message}\n    cargo run --all-features -- explore"
    )))
}

/// One of the loops, by its name.
fn spelling_by_name(name: &str) -> Result<&'static Spelling, UsageError> {
    let found = SPELLINGS.iter().find(|spelling| spelling.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = SPELLINGS.iter().map(|spelling| spelling.name).collect();
        UsageError::new(format!(
            "There is no spelling {name:?}. There are {}.",
            names.join(", ")
        ))
    })
}

/// Prints a schedule of each pool, and then a line for each. A success if no schedule was stuck
/// and none lost a job, and all could be written.
///
/// # Errors
///
/// What kept it from being written, as a sentence.
pub fn run(options: &ExploreOptions) -> Result<Ending, String> {
    // One more than the workers hands out the jobs.
    threads::check_for(options.workers + 1, || String::from("explore --workers 1"))?;
    if options.quiz {
        let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
        return written(quiz::play(&quiz::shuffled(), &mut input, &mut out));
    }
    if options.step {
        return step(options);
    }
    if let Some(path) = &options.page {
        whole_file::check(path)?;
    }
    let explored = options.pools.iter().filter_map(|pool| {
        let report = Explorer::new().run(pool.program(options)?);
        Some((pool.label(), report))
    });
    let mut well = true;
    let printed = print(explored, terminal::style(), &mut io::stdout(), &mut well);
    if let Some(path) = &options.page {
        let pools = options.pools.iter().filter_map(|pool| pool.page(options));
        whole_file::write(path, &page::file(&pools.collect::<Vec<_>>()))?;
    }
    Ok(written(printed)?.and(Ending::success_if(well)))
}

/// Lets the user at the terminal be the scheduler.
fn step(options: &ExploreOptions) -> Result<Ending, String> {
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    if !input.is_terminal() || !out.is_terminal() {
        return Err(String::from(
            "--step asks which thread goes next, so it needs a terminal to read from and to write to.",
        ));
    }
    for pool in &options.pools {
        if let Some(program) = pool.program(options) {
            let table = stepping::Table {
                title: &title(&pool.label()),
                files: &Vec::from_iter(pool.source()),
                style: terminal::style(),
                rows: terminal::rows(),
            };
            let played = stepping::play(program, &table, &mut input, &mut out);
            if written(played)? == Ending::Failure {
                return Ok(Ending::Failure);
            }
        }
    }
    Ok(Ending::Success)
}

/// Prints a schedule of each of these, as soon as it is there, and then a line for each, which
/// begins with its label, like `stage 4  for-loop`. `well` becomes false if a schedule was stuck, or
/// lost a job.
///
/// # Errors
///
/// If it cannot be written.
pub fn print(
    explored: impl IntoIterator<Item = (String, Report)>,
    style: Style,
    out: &mut dyn Write,
    well: &mut bool,
) -> io::Result<()> {
    let mut results = Vec::new();
    for (label, report) in explored {
        writeln!(out, "{}\n", shown(&label, &report, style).join("\n"))?;
        out.flush()?;
        results.push(result(&label, &report));
        *well &= report.stuck == 0 && report.lost == 0;
    }
    writeln!(out, "{}", results.join("\n"))?;
    out.flush()
}

/// One schedule: the first that is stuck, or else the first that loses a job, or else one in which
/// most jobs run at once.
fn shown(label: &str, report: &Report, style: Style) -> Vec<String> {
    let most = match report.most_at_once {
        1 => String::from("in which 1 job runs at a time"),
        most => format!("in which {most} jobs run at once"),
    };
    let (what, schedule) = if report.stuck > 0 {
        ("in which a thread waits for ever", &report.stuck_schedule)
    } else if report.lost > 0 {
        ("in which a job is lost", &report.lost_schedule)
    } else if report.most_schedule.is_some() {
        (&*most, &report.most_schedule)
    } else {
        ("the first that was run", &report.first_schedule)
    };
    let heading = format!("A schedule of {}, {what}:", title(label));
    let lines = schedule
        .iter()
        .flat_map(|schedule| columns::draw(schedule, style.width, style.unicode));
    [heading, String::new()].into_iter().chain(lines).collect()
}

/// The result in a line, for people and programs: what was explored, at most how many jobs ran at
/// once in any schedule, how many schedules were run, and in how many of them a thread waits for
/// ever or a job is not run exactly once; with two spaces or more between them.
pub fn result(name: &str, report: &Report) -> String {
    let (most, schedules) = (report.most_at_once, report.schedules);
    let (stuck, lost) = (report.stuck, report.lost);
    let schedules = match &report.cannot_tell {
        Some(why) => format!("cannot tell: {why}"),
        None if report.complete => format!("{schedules} schedules"),
        None => format!("over {schedules} schedules, not all"),
    };
    format!("{name}  {most} at once  {schedules}  {stuck} stuck  {lost} lost")
}
