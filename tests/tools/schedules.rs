//! Does the page of all schedules hold what a reader needs to be the scheduler, and nothing else?
//!
//! Here is its JSON, without a browser; `tests/server/browser.rs` plays it.

use std::collections::BTreeMap;

use crate::common::program;
use ten_versus_five::explore::page::{self, PagePool};
use ten_versus_five::explore::states::States;
use ten_versus_five::explore::{ExploredJob, Explorer, Report, Run};
use ten_versus_five::traced::sync::{Arc, Mutex};
use ten_versus_five::traced::thread;

/// A value of JSON, as far as the page has any.
#[derive(Debug, PartialEq)]
pub enum Json {
    Number(usize),
    Text(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

impl Json {
    /// Reads the one value in this text.
    pub fn read(text: &str) -> Json {
        let mut rest = text;
        let json = Json::first(&mut rest);
        assert_eq!(rest.trim(), "", "after the value");
        json
    }

    fn first(rest: &mut &str) -> Json {
        let (first, after) = rest.split_at(1);
        match first {
            "\"" => Json::Text(Json::text(rest)),
            "[" | "{" => {
                *rest = after;
                let (mut list, mut map) = (Vec::new(), BTreeMap::new());
                while !matches!(&rest[..1], "]" | "}") {
                    if first == "{" {
                        let key = Json::text(rest);
                        *rest = rest.strip_prefix(':').expect("a colon");
                        assert!(map.insert(key, Json::first(rest)).is_none(), "a key twice");
                    } else {
                        list.push(Json::first(rest));
                    }
                    *rest = rest.strip_prefix(',').unwrap_or(rest);
                }
                *rest = &rest[1..];
                if first == "{" {
                    Json::Map(map)
                } else {
                    Json::List(list)
                }
            }
            _ => {
                let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap();
                let number = rest[..end].parse().expect(rest);
                *rest = &rest[end..];
                Json::Number(number)
            }
        }
    }

    fn text(rest: &mut &str) -> String {
        let mut text = String::new();
        let mut characters = rest.char_indices();
        assert_eq!(characters.next(), Some((0, '"')));
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    *rest = &rest[place + 1..];
                    return text;
                }
                '\\' => match characters.next().unwrap().1 {
                    'n' => text.push('\n'),
                    'u' => {
                        let code: String = characters.by_ref().take(4).map(|it| it.1).collect();
                        let code = u32::from_str_radix(&code, 16).unwrap();
                        text.push(char::from_u32(code).unwrap());
                    }
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
        panic!("a string without an end");
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        let Json::Map(map) = self else {
            panic!("no map: {self:?}");
        };
        map.get(key)
    }

    pub fn list(&self, key: &str) -> &[Json] {
        match self.get(key) {
            Some(Json::List(list)) => list,
            other => panic!("{key}: {other:?}"),
        }
    }

    pub fn number(&self, key: &str) -> usize {
        match self.get(key) {
            Some(Json::Number(number)) => *number,
            other => panic!("{key}: {other:?}"),
        }
    }

    pub fn words(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Json::Text(text)) => text,
            other => panic!("{key}: {other:?}"),
        }
    }
}

/// What the page says of these states is what the search says of the program.
pub fn assert_agrees(name: &str, states: States, report: &Report) {
    let pool = PagePool::with_source(String::from(name), states, &[]);
    let json = Json::read(&pool.json());
    assert_eq!(json.words("name"), name);
    assert_eq!(json.get("missing").is_none(), report.complete, "{name}");
    assert_eq!(
        json.get("cannotTell").is_some(),
        report.cannot_tell.is_some()
    );
    let states = json.list("states");
    let count = |is: &dyn Fn(&Json) -> bool| states.iter().filter(|state| is(state)).count();
    // What can only go on for no reason is an end too.
    let is_spurious = |step: &Json| step.words("action").starts_with("spurious");
    let is_end = |state: &Json| state.list("steps").iter().all(is_spurious);
    let is_stuck = |state: &Json| is_end(state) && !state.list("waits").is_empty();
    let most = states.iter().map(|state| state.list("jobs").len()).max();
    assert_eq!(
        (
            count(&is_end),
            count(&is_stuck),
            count(&|state| state.get("lost").is_some()),
            most,
        ),
        (
            report.schedules,
            report.stuck,
            report.lost,
            Some(report.most_at_once),
        ),
        "{name}"
    );
    assert_is_a_graph(&json);
}

/// Each step is one of a thread that is there and leads to a state, and each state can be reached.
fn assert_is_a_graph(json: &Json) {
    let states = json.list("states");
    let threads = json.list("threads").len();
    let mut reached = vec![false; states.len()];
    let mut next = vec![0];
    while let Some(state) = next.pop() {
        if std::mem::replace(&mut reached[state], true) {
            continue;
        }
        for step in states[state].list("steps") {
            assert!(step.number("thread") < threads && !step.words("action").is_empty());
            next.push(step.number("to"));
        }
        for wait in states[state].list("waits") {
            assert!(wait.number("thread") < threads && !wait.words("action").is_empty());
            let awaited = wait.list("for").iter();
            assert!(
                awaited
                    .clone()
                    .all(|it| matches!(it, Json::Number(it) if *it < threads))
            );
        }
    }
    assert!(reached.iter().all(|reached| *reached));
}

/// The pools of a page, as a program would read them.
pub fn pools(html: &str) -> Vec<Json> {
    let scripts = html
        .split("<script type=\"application/json\" class=\"pool\">")
        .skip(1);
    let scripts = scripts.map(|script| script.split("</script>").next().unwrap());
    scripts.map(Json::read).collect()
}

#[cfg(all(feature = "stage3", feature = "stage4"))]
#[test]
fn the_command_writes_the_page_beside_what_it_prints() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("schedules-{}.html", std::process::id()));
    let written = |stage: &str| {
        let mut explore = program();
        explore
            .args(["explore", "--stage", stage, "--page"])
            .arg(&file);
        let output = explore.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.trim_end().ends_with("0 stuck  0 lost"), "{printed}");
        let html = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        html
    };
    for (stage, name, file) in [
        (
            "3",
            "stage 3, channel-pool",
            "stages/stage3_channel_pool.rs",
        ),
        ("4", "stage 4, for-loop", "stages/stage4_for_loop.rs"),
    ] {
        let html = written(stage);
        assert!(html.starts_with("<!DOCTYPE html>"));
        assert!(html.len() < 400_000, "stage {stage}: {} bytes", html.len());
        let pools = pools(&html);
        assert_eq!(pools.len(), 1);
        assert_eq!(pools[0].words("name"), name);
        let threads = ["main", "worker-0", "worker-1"];
        let threads = threads.map(|name| Json::Text(String::from(name)));
        assert_eq!(pools[0].list("threads"), threads);
        assert_eq!(
            pools[0].get("files").unwrap().words(file),
            crate::common::repository::read(file)
        );
        assert_is_a_graph(&pools[0]);
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told_before_anything_is_run() {
    let mut explore = program();
    explore.args([
        "explore",
        "--spelling",
        "for_loop",
        "--page",
        "no/such/directory/page.html",
    ]);
    let output = explore.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.starts_with("Cannot write no/such/directory/page.html"),
        "{errors}"
    );
}

/// With one worker, or one job, the goal of the others would be none.
#[test]
fn two_at_once_are_asked_for_only_where_there_are_two_threads_and_two_jobs() {
    for (workers, jobs, is_goal) in [(1, 2, false), (2, 1, false), (2, 2, true)] {
        // With two of each there is no way to two either, which the reader has to find out.
        let states = Explorer::new().states(10_000, move |run: &Run| {
            let lock = Arc::new(Mutex::new(()));
            for worker in 0..workers {
                let mine: Vec<_> = (0..jobs)
                    .skip(worker)
                    .step_by(workers)
                    .map(|_| run.job())
                    .collect();
                let lock = Arc::clone(&lock);
                thread::spawn(move || {
                    let _guard = lock.lock().unwrap();
                    mine.iter().for_each(ExploredJob::run);
                });
            }
        });
        let html = page::file(&[PagePool::with_source(String::from("it"), states, &[])]);
        let asks = html.contains("Goal: make <strong>two jobs run at once</strong>.");
        assert_eq!(asks, is_goal, "{workers} and {jobs}");
        assert_eq!(html.contains("id=\"to-two\""), is_goal);
    }
}

/// Also in the text of a file, and in names.
#[test]
fn nothing_in_a_pool_ends_the_script_or_is_loaded() {
    let text = "let page = \"</script><img src=x>\"; // {{nonce}} \u{7}\t\\ \u{2028}\n";
    let pool = || {
        let name = String::from("a <b>pool</b> & \"more\"");
        PagePool::with_source(name, States::default(), &[("src/pool.rs", text)])
    };
    let html = page::file(&[pool(), pool()]);
    let read = pools(&html);
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].get("files").unwrap().words("src/pool.rs"), text);
    assert_eq!(read[1].words("name"), "a <b>pool</b> & \"more\"");
    assert!(html.contains("a &lt;b>pool&lt;/b> &amp; &quot;more&quot;"));
    let (head, _) = html.split_once("<script type").unwrap();
    for loaded in ["src=", "http:", "https:", "@import", "url("] {
        assert!(!head.contains(loaded), "{loaded}");
    }
}
