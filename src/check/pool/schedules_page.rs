//! The page of all schedules of a pool that breaks a promise, opened at the schedule in which it does.

use std::env;
use std::fmt;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::explore::page::{self, PagePool};
use crate::explore::{Explorer, Report, Run, Schedule};
use crate::whole_file;

/// How long to look for all states, and how many. What is missing then, the page says; the schedules that a verdict
/// shows are there in any case.
const TIME: Duration = Duration::from_secs(5);
const MOST_STATES: usize = 10_000;

/// With this environment variable, no page is written: where many pools are judged, it only takes time.
const NO_PAGE: &str = "TEN_VERSUS_FIVE_NO_PAGE";

/// What came of a pool in every schedule, and what was run there.
pub(super) struct ExploredPool {
    /// The pool's name.
    name: String,
    /// How many workers and jobs there were.
    pub(super) given: String,
    explorer: Explorer,
    work: Arc<dyn Fn(&Run) + Send + Sync>,
    report: Report,
    /// Where the page is, once it was written or could not be.
    page: OnceLock<Option<PathBuf>>,
}

impl Deref for ExploredPool {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.report
    }
}

impl fmt::Debug for ExploredPool {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.report.fmt(f)
    }
}

impl ExploredPool {
    /// Runs `work` in every schedule, with a pool of this name that has so many workers, and is given so many jobs, or
    /// what else it is given.
    pub(super) fn new(
        name: &str,
        (workers, jobs): (usize, usize),
        job: &str,
        explorer: &Explorer,
        work: impl Fn(&Run) + Send + Sync + 'static,
    ) -> ExploredPool {
        let work = Arc::new(work);
        let report = explorer.run({
            let work = Arc::clone(&work);
            move |run| work(run)
        });
        ExploredPool {
            name: name.to_owned(),
            given: format!("{} and {}", count(workers, "worker"), count(jobs, job)),
            explorer: explorer.clone(),
            work,
            report,
            page: OnceLock::new(),
        }
    }

    /// Writes no page.
    pub(super) fn without_page(self) -> ExploredPool {
        let page = OnceLock::from(None);
        ExploredPool { page, ..self }
    }

    /// Runs one schedule, which begins with these choices.
    pub(super) fn replay(&self, choices: &[usize]) -> Report {
        let work = Arc::clone(&self.work);
        self.explorer.replay(choices, move |run| work(run))
    }

    /// A schedule as text, and where the page is that is opened at its end.
    pub(super) fn shown(&self, schedule: Option<&Schedule>) -> String {
        let end = schedule.map_or(0, |schedule| schedule.steps.len());
        self.shown_at(schedule, end)
    }

    /// The same of the schedule in which most jobs run at once, at the place where they do.
    pub(super) fn shown_at_once(&self) -> String {
        let schedule = self.report.most_schedule.as_ref();
        let most = self.report.most_at_once;
        let place = schedule.and_then(|schedule| {
            (0..=schedule.steps.len()).find(|steps| schedule.jobs_at(*steps).len() == most)
        });
        self.shown_at(schedule, place.unwrap_or(0))
    }

    fn shown_at(&self, schedule: Option<&Schedule>, steps: usize) -> String {
        let Some(schedule) = schedule else {
            return String::new();
        };
        let choices = schedule.choices().into_iter().take(steps);
        let choices: Vec<String> = choices.map(|choice| choice.to_string()).collect();
        let page = self.page.get_or_init(|| self.write()).as_deref();
        let page = page.map(|file| {
            let (address, choices) = (address(file), choices.join(","));
            format!("Take these steps yourself, in a browser:\nfile://{address}#{choices}\n")
        });
        format!("{schedule}{}", page.unwrap_or_default())
    }

    /// Writes the page below the directory of the build. None if that is not possible.
    fn write(&self) -> Option<PathBuf> {
        if env::var_os(NO_PAGE).is_some() {
            return None;
        }
        let directory = target(&env::current_exe().ok()?)?.join("schedules");
        let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let name = format!("{}, {}", self.name, self.given);
        let words = name.split(|character| !is_plain(character));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let file = directory.join(words.join("-") + ".html");

        let work = Arc::clone(&self.work);
        let explorer = self.explorer.clone().time_limit(TIME);
        let states = explorer.states_with(&self.report, MOST_STATES, move |run| work(run));
        let pool = PagePool::of_files(name.clone(), states);
        fs::create_dir_all(&directory).ok()?;
        whole_file::write(&file, &page::file(&[pool])).ok()?;
        Some(file)
    }
}

/// "one job", or "two jobs".
fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("one {what}"),
        2 => format!("two {what}s"),
        3 => format!("three {what}s"),
        _ => format!("{number} {what}s"),
    }
}

/// The directory of the build: Cargo marks it as one that need not be kept.
fn target(program: &Path) -> Option<&Path> {
    let mut above = program.ancestors().skip(1);
    above.find(|directory| directory.join("CACHEDIR.TAG").is_file())
}

/// A path as it stands in an address: on Windows it begins with a drive.
fn address(file: &Path) -> String {
    let path = file.display().to_string().replace('\\', "/");
    let path = path
        .replace('%', "%25")
        .replace(' ', "%20")
        .replace('#', "%23");
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}
