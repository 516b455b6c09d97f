//! What has been found out about one schedule, and about each of its jobs.

use std::sync::Weak;

use crate::traced::location::Place;

/// What has been found out about one schedule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) known: bool,
    pub(crate) stuck: bool,
    pub(crate) panics: Vec<String>,
    pub(crate) cannot_tell: Option<String>,
    /// Something that could happen was left out: a wait that could end once more, or all that comes
    /// after too many steps.
    pub(crate) cut: bool,
    /// It was given up after too many steps, so how it ends is not known.
    pub(crate) endless: bool,
    pub(crate) jobs: Vec<JobFindings>,
    pub(crate) outcome: Option<String>,
    pub(crate) names: Vec<Option<String>>,
    /// The location of each step that a thread wanted to take, in the order of its steps.
    pub(crate) locations: Vec<Vec<Place>>,
}

impl Findings {
    /// Whether the same came of another run of the same steps.
    pub(crate) fn is_like(&self, other: &Findings) -> bool {
        let jobs = |it: &Findings| -> Vec<(usize, bool)> {
            let jobs = it.jobs.iter();
            jobs.map(|job| (job.begun, job.rejected)).collect()
        };
        (&self.outcome, jobs(self), self.panics.len())
            == (&other.outcome, jobs(other), other.panics.len())
    }
}

/// What a thread is called, by its place among all threads: its own name, if it has one.
pub(super) fn name_of((thread, name): (usize, &Option<String>)) -> String {
    match name {
        Some(name) => name.clone(),
        None if thread == 0 => String::from("main"),
        None => format!("thread-{thread}"),
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct JobFindings {
    pub(crate) begun: usize,
    pub(crate) rejected: bool,
    /// Which thread made it, and how many steps that had taken.
    pub(super) made: (usize, u32),
    /// As long as it is there, it may begin yet.
    pub(super) exists: Weak<()>,
}

impl JobFindings {
    /// Whether it was not run exactly once, and not rejected either.
    pub(crate) fn is_lost(&self) -> bool {
        self.begun > 1 || (self.begun == 0 && !self.rejected)
    }
}
