//! All schedules of one pool, or of several, as a page in which the reader is the scheduler.
//!
//! The page is one file, `page.html`, with all [states](super::states) in it as JSON. So it needs no
//! program behind it, and loads nothing.
#![doc = not_in_the_contract!()]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::columns::{kind_name, words};
use super::states::{State, StateStep, StateWait, States};
use super::{Explorer, stages};
use crate::json::{list, string};
use crate::stage;
use crate::traced::ObjectKind;
use crate::traced::step::Action;

/// A browser can show a page of so many, which is some megabytes.
pub(crate) const MOST_STATES: usize = 30_000;

/// What the reader is asked to do, and the button that shows a way.
const GOAL: [&str; 2] = [
    "Goal: make <strong>two jobs run at once</strong>.",
    "<button type=\"button\" id=\"to-two\">A way to two at once</button>\n",
];

/// The same where that is not a question.
const ONE_AT_A_TIME: [&str; 2] = [
    "Only one thread runs jobs here, or there is only one job. <strong>Which orders go wrong?</strong>",
    "",
];

/// One pool on the page.
#[derive(Debug)]
pub struct PagePool {
    /// What it is called, like `stage 4, for-loop`.
    pub name: String,
    /// All that can happen.
    pub states: States,
    /// The files it is made of: for each, its name as in the place of a step, and its text.
    pub files: Vec<(String, String)>,
}

/// The pool of a stage with two workers and two jobs. None if the stage has no pool, or is not compiled
/// in.
pub fn of_stage(stage: usize) -> Option<PagePool> {
    let program = stages::program(stage, 2, 2, 2)?;
    let states = Explorer::new().states(MOST_STATES, program);
    let name = format!("stage {stage}, {}", stage::by_number(stage).ok()?.0.name);
    Some(PagePool::with_source(
        name,
        states,
        &[stages::source(stage)?],
    ))
}

/// The page as a file.
pub fn file(pools: &[PagePool]) -> String {
    html(pools, "", "")
}

/// The page for a server. `{{nonce}}` stands where the nonce goes.
pub fn served(pools: &[PagePool]) -> String {
    let links = "<a href=\"/race\">Race</a> <a href=\"/\">Back to the start</a>";
    html(pools, " nonce=\"{{nonce}}\"", links)
}

fn html(pools: &[PagePool], nonce: &str, links: &str) -> String {
    let scripts = pools.iter().map(|pool| {
        let json = pool.json();
        format!("<script type=\"application/json\" class=\"pool\">{json}</script>\n")
    });
    let names: Vec<String> = pools.iter().map(|pool| escape(&pool.name)).collect();
    let [goal, to_two] = match pools.iter().all(PagePool::has_one_at_a_time) {
        true => ONE_AT_A_TIME,
        false => GOAL,
    };
    include_str!("page.html")
        .replace("{{goal}}", goal)
        .replace("{{to two}}", to_two)
        .replace("{{links}}", links)
        .replace(" nonce=\"{{nonce}}\"", nonce)
        .replace("{{title}}", &names.join(" and "))
        .replace("{{script}}", include_str!("page.js"))
        .replace("{{pools}}", &scripts.collect::<String>())
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('"', "&quot;")
}

impl PagePool {
    /// A pool whose source is known. In a build, and in another directory, the place of a step may name
    /// one of these files by a longer path: it ends with the name.
    pub fn with_source(name: String, states: States, files: &[(&str, &str)]) -> PagePool {
        let owned = |(name, text): &(&str, &str)| (String::from(*name), String::from(*text));
        let mut pool = PagePool {
            name,
            states,
            files: files.iter().map(owned).collect(),
        };
        pool.name_places(|file| {
            let file = file.replace('\\', "/");
            let known = files.iter().find(|(name, _)| file.ends_with(name));
            known.map(|(name, _)| String::from(*name))
        });
        pool
    }

    /// Whether there are not even two threads that run a job, or not two jobs.
    fn has_one_at_a_time(&self) -> bool {
        let steps = self.states.states.iter().flat_map(|state| &state.steps);
        let begun: BTreeSet<(usize, usize)> = steps
            .filter_map(|step| match step.action {
                Action::BeginJob(job) => Some((step.thread, job)),
                _ => None,
            })
            .collect();
        let threads: BTreeSet<usize> = begun.iter().map(|it| it.0).collect();
        let jobs: BTreeSet<usize> = begun.iter().map(|it| it.1).collect();
        let all = self.states.missing.is_none() && self.states.cannot_tell.is_none();
        all && (threads.len() < 2 || jobs.len() < 2)
    }

    /// A pool of whoever calls this: its files are those that its steps are in, as far as they can be
    /// read.
    pub fn of_files(name: String, states: States) -> PagePool {
        let mut pool = PagePool {
            name,
            states,
            files: Vec::new(),
        };
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        pool.name_places(|file| {
            if !files.contains_key(file) {
                files.insert(String::from(file), fs::read_to_string(file).ok()?);
            }
            Some(String::from(file))
        });
        pool.files = files.into_iter().collect();
        pool
    }

    /// Gives the file in the place of each step the name that the pool has for it. A place in another
    /// file is not known.
    fn name_places(&mut self, mut known: impl FnMut(&str) -> Option<String>) {
        for state in &mut self.states.states {
            let steps = state.steps.iter_mut().map(|step| &mut step.at);
            for at in steps.chain(state.waits.iter_mut().map(|wait| &mut wait.at)) {
                let named = at.take().and_then(|at| {
                    // FILE:LINE:COLUMN, and FILE may have colons too.
                    let line = at.rfind(':').and_then(|column| at[..column].rfind(':'))?;
                    Some(known(&at[..line])? + &at[line..])
                });
                *at = named;
            }
        }
    }

    /// `{"name": ..., "threads": [...], "files": {...}, "states": [...]}`, as the page's script reads it.
    /// A step that is not done is `"refused"`, and a state says which jobs were lost; `"missing"` says why
    /// the states are not all, if they are not.
    pub fn json(&self) -> String {
        let objects = Objects::of(&self.states);
        let threads = self.states.threads.iter().map(|name| string(name));
        let files = self.files.iter();
        let files = files.map(|(name, text)| format!("{}:{}", string(name), string(text)));
        let states = self.states.states.iter();
        let states = states.map(|state| self.state(state, &objects));
        let mut json = format!(
            "{{\"name\":{},\"threads\":{},\"objects\":{},\"files\":{{{}}},",
            string(&self.name),
            list(threads),
            list(objects.shown().map(|name| string(&name))),
            files.collect::<Vec<String>>().join(","),
        );
        let (missing, cannot_tell) = (&self.states.missing, &self.states.cannot_tell);
        for (key, why) in [("missing", missing), ("cannotTell", cannot_tell)] {
            if let Some(why) = why {
                json += &format!("\"{key}\":{},", string(why));
            }
        }
        json + &format!("\"states\":{}}}", list(states))
    }

    fn state(&self, state: &State, objects: &Objects) -> String {
        let numbers = |numbers: &[usize]| list(numbers.iter().map(usize::to_string));
        let steps = list(state.steps.iter().map(|step| self.step(step, objects)));
        let waits = list(state.waits.iter().map(|wait| self.wait(wait, objects)));
        let jobs = numbers(&state.jobs);
        let mut json = format!("{{\"jobs\":{jobs},\"steps\":{steps},\"waits\":{waits}");
        if !state.lost.is_empty() {
            json += &format!(",\"lost\":{}", numbers(&state.lost));
        }
        json + "}"
    }

    fn step(&self, step: &StateStep, objects: &Objects) -> String {
        let action = match (step.action, step.starts) {
            (Action::Spawn, Some(started)) => format!("spawn {}", self.states.threads[started]),
            _ => self.action(step.action, step.object, objects),
        };
        let mut json = format!(
            "{{\"thread\":{},\"action\":{}",
            step.thread,
            string(&action)
        );
        if step.choice() != step.thread {
            json += &format!(",\"choice\":{}", step.choice());
        }
        json += &at(&step.at);
        if step.refused {
            json += ",\"refused\":1";
        }
        if let Some(to) = step.to {
            json += &format!(",\"to\":{to}");
        }
        json + "}"
    }

    fn wait(&self, wait: &StateWait, objects: &Objects) -> String {
        let action = self.action(wait.action, wait.object, objects);
        let (thread, action) = (wait.thread, string(&action));
        let waits_for = list(wait.waits_for.iter().map(usize::to_string));
        let at = at(&wait.at);
        format!("{{\"thread\":{thread},\"action\":{action}{at},\"for\":{waits_for}}}")
    }

    fn action(
        &self,
        action: Action,
        object: Option<(ObjectKind, usize)>,
        objects: &Objects,
    ) -> String {
        let several = object.is_some_and(|(kind, _)| objects.are_several(kind));
        words(&self.states.threads, action, object, several)
    }
}

/// All that the steps touch.
struct Objects(BTreeSet<(ObjectKind, usize)>);

impl Objects {
    fn of(states: &States) -> Objects {
        let steps = states.states.iter().flat_map(|state| &state.steps);
        Objects(steps.filter_map(|step| step.object).collect())
    }

    fn are_several(&self, kind: ObjectKind) -> bool {
        self.0.iter().filter(|(it, _)| *it == kind).count() > 1
    }

    /// What the page calls it: `lock` and `channel`, or `mutex 1`.
    fn name(&self, (kind, number): (ObjectKind, usize)) -> String {
        match kind {
            _ if self.are_several(kind) => format!("{} {number}", kind_name(kind)),
            ObjectKind::Mutex => String::from("lock"),
            _ => String::from(kind_name(kind)),
        }
    }

    /// The locks and the channels, which the page draws.
    fn shown(&self) -> impl Iterator<Item = String> {
        use ObjectKind::*;
        let objects = self.0.iter();
        let shown = objects.filter(|(kind, _)| matches!(kind, Mutex | RwLock | Channel));
        shown.map(|object| self.name(*object))
    }
}

fn at(place: &Option<String>) -> String {
    let place = place
        .as_ref()
        .map(|place| format!(",\"at\":{}", string(place)));
    place.unwrap_or_default()
}
