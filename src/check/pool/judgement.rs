//! What the schedules of a pool tell about a promise: that it is broken in so many of them, or kept in all, or why
//! neither is known.

use std::time::Duration;

use super::schedules_page::ExploredPool;
use super::{depends_on, unmodelled};
use crate::check::Verdict;
use crate::explore::{Action, Explorer, Report, Schedule, Step};

/// The question whose answer leads to the cause, and where to read on.
pub(super) type Lead = (&'static str, &'static str);

/// How long all schedules of a pool together may take.
pub(super) const TIME: Duration = Duration::from_secs(60);

/// How many schedules are enough when one of them is stuck or loses a job.
pub(super) const ENOUGH: usize = 1_000;

/// Which part of them is enough when they have no end.
const ENDLESS: usize = 10;

/// A schedule longer than this goes round and round.
const STEPS: usize = 300;

/// The explorer of every promise.
pub(super) fn explorer() -> Explorer {
    Explorer::new()
        .max_steps(STEPS)
        .max_schedules(usize::MAX)
        .time_limit(TIME)
        .enough(ENOUGH, is_enough)
}

/// Whether more schedules would not tell more.
pub(super) fn is_enough(report: &Report, enough: usize) -> bool {
    let broken = report.stuck + report.lost > 0;
    let endless = || report.schedules >= enough / ENDLESS && endless(report).is_some();
    report.schedules >= enough && broken || endless()
}

/// The first schedule, if it was given up after many steps.
pub(super) fn endless(report: &Report) -> Option<&Schedule> {
    let first = report.first_schedule.as_ref();
    first.filter(|schedule| schedule.steps.len() >= STEPS)
}

/// The first of these that is not about the pool, or in which a promise is `broken`, decides. If there is none, the
/// promise is kept, as far as all schedules were run.
pub(super) fn judge<'a>(
    explored: impl IntoIterator<Item = &'a ExploredPool>,
    broken: impl Fn(&ExploredPool) -> Option<Verdict>,
) -> Verdict {
    let mut known = Vec::new();
    for explored in explored {
        if let Some(verdict) = explored.not_about_the_pool().or_else(|| broken(explored)) {
            return verdict;
        }
        known.push(explored);
    }
    let untold = known.iter().find_map(|explored| explored.not_complete());
    let unmodelled = || known.iter().find_map(|explored| explored.not_modelled());
    untold.or_else(unmodelled).unwrap_or(Verdict::Kept)
}

impl ExploredPool {
    /// A promise is broken in so many schedules, if there are any, of which this is the first.
    pub(super) fn broken_in(
        &self,
        count: usize,
        what: &str,
        first: Option<&Schedule>,
        (question, page): Lead,
    ) -> Option<Verdict> {
        (count > 0).then(|| {
            let (all, given, first) = (self.schedules, &self.given, self.shown(first));
            let happened = format!(
                "In {count} of {all} schedules {what}, with {given}. The first of them:\n{first}"
            );
            Verdict::broken(happened, question, page)
        })
    }

    /// A thread waits for ever.
    pub(super) fn broken_if_stuck(&self, lead: Lead) -> Option<Verdict> {
        let first = self.stuck_schedule.as_ref();
        self.broken_in(self.stuck, "a thread waits for ever", first, lead)
    }

    /// Where to read on when a thread waits for ever: for what it waits decides that.
    pub(super) fn page_of_stuck(&self) -> &'static str {
        let mut waits = self.stuck_schedule.iter().flat_map(|it| &it.stuck);
        if waits.any(|wanted| matches!(wanted.action, Action::Wake { .. })) {
            "the glossary: lost wake-up"
        } else {
            "stage 7's page"
        }
    }

    /// A thread panics.
    pub(super) fn broken_if_panicked(&self) -> Option<Verdict> {
        let lead = (
            "Which `unwrap` is not sure to succeed, and what does its error mean?",
            "stage 7's page",
        );
        let first = self.panicked_schedule.as_ref();
        self.broken_in(self.panicked, "a thread panics", first, lead)
    }

    /// One of the two: then nothing else is worth being asked.
    pub(super) fn broken_if_it_stops(&self, lead: Lead) -> Option<Verdict> {
        self.broken_if_stuck(lead)
            .or_else(|| self.broken_if_panicked())
    }

    /// A job is not run exactly once, and not rejected either: or what that means for a promise.
    pub(super) fn broken_if_lost(&self, what: &str, lead: Lead) -> Option<Verdict> {
        self.broken_in(self.lost, what, self.lost_schedule.as_ref(), lead)
    }

    /// An outcome is another one than it should be, which says what is wrong.
    pub(super) fn broken_by_an_outcome(
        &self,
        is_wrong: impl Fn(&str) -> bool,
        lead: Lead,
    ) -> Option<Verdict> {
        let (outcome, count) = self.outcomes.iter().find(|(it, _)| is_wrong(it))?;
        let first = self.outcome_schedules.get(outcome);
        self.broken_in(*count, outcome, first, lead)
    }

    /// One worker runs more than one job at once.
    pub(super) fn broken_if_crowded(&self, (question, page): Lead) -> Option<Verdict> {
        let most = self.most_at_once;
        (most > 1).then(|| {
            let shown = self.shown_at_once();
            let happened = format!("One worker runs {most} jobs at once:\n{shown}");
            Verdict::broken(happened, question, page)
        })
    }

    /// Why nothing can be told, if so: because it is not about the pool.
    pub(super) fn not_about_the_pool(&self) -> Option<Verdict> {
        if let Some(why) = &self.cannot_tell {
            return Some(Verdict::cannot_tell(why));
        }
        let mut steps = self.first_schedule.iter().flat_map(|it| &it.steps);
        let spawns = steps.any(|step| step.action == Action::Spawn);
        (!spawns).then(|| {
            Verdict::cannot_tell(
                "the explorer sees no thread start: does the file begin with \
                 `use ten_versus_five::traced as std;`, and does `new` start the workers?",
            )
        })
    }

    /// That nothing was found says nothing, because not all schedules were run to their end.
    pub(super) fn not_complete(&self) -> Option<Verdict> {
        if self.complete {
            return None;
        }
        if let Some(round) = self.round() {
            return Some(Verdict::cannot_tell(format!(
                "schedules have no end, because {round}. What does it do when no job will ever come?"
            )));
        }
        Some(match (self.stuck, self.lost) {
            (0, 0) => Verdict::cannot_tell(format!(
                "only {} schedules were run, not all. {}",
                self.schedules,
                why_not_all(self)
            )),
            (0, _) => depends_on("no_schedule_loses_a_job"),
            _ => depends_on("no_schedule_is_stuck"),
        })
    }

    /// That all schedules were run says nothing, if the pool shares what the explorer does not see.
    pub(super) fn not_modelled(&self) -> Option<Verdict> {
        let schedule = self.first_schedule.as_ref()?;
        unmodelled::in_files_of(schedule).map(Verdict::cannot_tell)
    }

    /// What a thread does over and over at the end of a schedule that has none: which one, and its steps.
    fn round(&self) -> Option<String> {
        let schedule = endless(self)?;
        let mut steps: Vec<&Step> = schedule.steps.iter().rev().collect();
        let thread = steps.first()?.thread;
        steps.retain(|step| step.thread == thread);
        let is_round = |length: &usize| {
            let alike = |(index, step): (usize, &&Step)| {
                let first = steps[index % length];
                (step.action, step.object) == (first.action, first.object)
            };
            3 * length <= steps.len() && steps.iter().enumerate().take(3 * length).all(alike)
        };
        let length = (1..=30).find(is_round)?;
        let actions = steps[..length].iter().rev();
        let mut actions: Vec<String> = actions.map(|step| step.action.to_string()).collect();
        // A round begins where it takes a lock, if it does.
        let begin = actions.iter().position(|action| action == "lock");
        actions.rotate_left(begin.unwrap_or(0));
        let (name, actions) = (schedule.name_of(thread), actions.join(", "));
        Some(format!("`{name}` goes round and round: {actions}"))
    }
}

/// Why some schedules were not run, and what to do about it.
fn why_not_all(report: &Report) -> String {
    if report.time < TIME / 2 {
        return String::from("Does a thread look again and again, instead of waiting?");
    }
    let seconds = report.time.as_secs();
    match cfg!(debug_assertions) {
        true => format!("{seconds} s were not enough; with `cargo test --release`, they may be"),
        false => format!("{seconds} s were not enough"),
    }
}
