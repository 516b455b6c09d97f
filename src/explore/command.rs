//! `ten-versus-five explore`: runs pools in every schedule, and draws one schedule of each.

use std::io::{self, IsTerminal, Write};

use super::columns;
use super::loops::Spelling;
use super::{Explorer, Program, Report, stages, stepping};
use crate::Stage;
use crate::output::written;
use crate::race::chart::Style;
use crate::race::screen;
use crate::server::threads;

/// What to explore.
#[derive(Clone)]
pub struct Options {
    /// Which ones.
    pub pools: Vec<Pool>,
    /// How many workers each pool has, at least 1 and at most [`MAX_WORKERS`].
    pub workers: usize,
    /// How many jobs it gets, at least 1.
    pub jobs: usize,
    /// How many jobs may wait for a worker, from stage 6 on.
    pub queue: usize,
    /// Ask for every step, and run nothing else. Then there is one pool.
    pub step: bool,
}

/// What has workers.
#[derive(Clone, Copy)]
pub enum Pool {
    /// The pool of a stage which is compiled in, and has one.
    Stage(&'static Stage),
    /// Workers with this loop.
    Spelling(&'static Spelling),
}

impl Pool {
    /// How its line begins: `stage 4  for-loop`, or `spelling  for_loop`.
    fn label(self) -> String {
        match self {
            Pool::Stage(stage) => format!("stage {}  {}", stage.number, stage.name),
            Pool::Spelling(spelling) => format!("spelling  {}", spelling.name),
        }
    }

    /// None if it is a stage without a pool.
    fn program(self, options: &Options) -> Option<Program> {
        let Options {
            workers,
            jobs,
            queue,
            ..
        } = *options;
        match self {
            Pool::Stage(stage) => stages::program(stage.number, workers, jobs, queue),
            Pool::Spelling(spelling) => Some(spelling.program(workers, jobs)),
        }
    }
}

/// The label in a sentence.
fn title(label: &str) -> String {
    label.replace("spelling  ", "spelling ").replace("  ", ", ")
}

/// A schedule may have 64 threads, of which one hands out the jobs.
pub const MAX_WORKERS: usize = 63;

/// Prints a schedule of each pool, and then a line for each. Returns whether no schedule was stuck
/// and none lost a job, and all could be written: if the reader of standard output has closed it,
/// there is no message.
///
/// # Errors
///
/// What kept it from being written, as a sentence.
pub fn run(options: &Options) -> Result<bool, String> {
    // One more than the workers hands out the jobs.
    threads::check_for(options.workers + 1, || String::from("explore --workers 1"))?;
    if options.step {
        return step(options);
    }
    let explored = options.pools.iter().filter_map(|pool| {
        let report = Explorer::new().run(pool.program(options)?);
        Some((pool.label(), report))
    });
    let mut well = true;
    let printed = print(explored, screen::style(), &mut io::stdout(), &mut well);
    Ok(written(printed)? && well)
}

/// Lets the user at the terminal be the scheduler.
fn step(options: &Options) -> Result<bool, String> {
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    if !input.is_terminal() || !out.is_terminal() {
        return Err(String::from(
            "--step asks which thread goes next, so it needs a terminal to read from and to write to.",
        ));
    }
    for pool in &options.pools {
        if let Some(program) = pool.program(options) {
            let title = title(&pool.label());
            let played = stepping::play(&title, program, screen::style(), &mut input, &mut out);
            if !written(played)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
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
    let Report {
        most_at_once,
        schedules,
        stuck,
        lost,
        ..
    } = report;
    let schedules = match &report.cannot_tell {
        Some(why) => format!("cannot tell: {why}"),
        None if report.complete => format!("{schedules} schedules"),
        None => format!("over {schedules} schedules, not all"),
    };
    format!("{name}  {most_at_once} at once  {schedules}  {stuck} stuck  {lost} lost")
}
