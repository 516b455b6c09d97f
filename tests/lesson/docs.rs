//! Is what the pages say true?
//!
//! Code on a page is code of its stage, output is what the program prints, the program understands the
//! commands, and links lead to a page. Nothing checks the explanations.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::common::repository::{blocks, files, read, root};
use crate::common::{Server, sleep_together, wait_for, wait_until};
use ten_versus_five::client::RequestOutcome;
use ten_versus_five::command;
use ten_versus_five::exercise::NAMES;
use ten_versus_five::notes::lock::Lock;
use ten_versus_five::notes::{Action, Note};
use ten_versus_five::race::ask::ask;
use ten_versus_five::race::chart;
use ten_versus_five::race::{Lane, RaceRecording, svg};
use ten_versus_five::terminal::Style;
use ten_versus_five::{STAGES, Stage, compiled_in};

/// The name of a stage's file and of its page.
fn file_name(stage: &Stage) -> String {
    format!("stage{}_{}", stage.number, stage.name.replace('-', "_"))
}

/// The file of a stage, and its page.
fn file_of(stage: &Stage) -> String {
    read(format!("stages/{}.rs", file_name(stage)))
}

fn page_of(stage: &Stage) -> String {
    read(format!("docs/{}.md", file_name(stage)))
}

/// What the race calls a stage.
fn label(stage: &Stage) -> String {
    format!("stage {}  {}", stage.number, stage.name)
}

/// The terminal on which the races of the pages are drawn.
const TERMINAL: Style = Style {
    width: 76,
    unicode: true,
    color: false,
};

/// README.md and every page in docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = files("docs", "md");
    pages.push(root().join("README.md"));
    pages
}

/// The pages, and the one for contributors, which is not part of the lesson.
fn pages_and_contributing() -> Vec<PathBuf> {
    let mut pages = pages();
    pages.push(root().join("CONTRIBUTING.md"));
    pages
}

/// Whether the file has these lines, one after another, at any level of indentation.
fn has_lines(code: &str, snippet: &str) -> bool {
    (0..10).any(|level| code.contains(&indented(snippet, level)))
}

#[test]
fn the_code_on_a_stage_s_page_is_in_its_file_as_it_stands() {
    for stage in &STAGES {
        let name = file_name(stage);
        let code = read(format!("stages/{name}.rs"));
        let snippets = blocks(&read(format!("docs/{name}.md")), "```rust,ignore");
        assert!(!snippets.is_empty(), "{name} shows no code");
        for snippet in snippets {
            assert!(has_lines(&code, &snippet), "not in {name}.rs:\n{snippet}");
        }
    }
}

/// "Write `this` for `that`", say the exercises of the stages' pages, or "before `that`".
#[test]
fn the_lines_to_change_in_an_exercise_are_in_the_files() {
    let files: String = STAGES.iter().map(file_of).collect();
    let mut found = 0;
    for stage in &STAGES {
        let page = page_of(stage);
        let (_, exercises) = page.split_once(" things to try\n").unwrap();
        let exercises = exercises.split_whitespace().collect::<Vec<_>>().join(" ");
        for task in exercises.split("rite `").skip(1) {
            let (_, place) = task.split_once('`').unwrap();
            let (place, _) = place.split_once(". ").unwrap_or((place, ""));
            let words: Vec<&str> = place.split('`').collect();
            let &[place, code, ..] = words.as_slice() else {
                continue;
            };
            if [" for ", " after ", " before "]
                .iter()
                .any(|word| place.ends_with(word))
            {
                assert!(files.contains(code), "{}: no {code}", file_name(stage));
                found += 1;
            }
        }
    }
    assert_eq!(found, 7, "the lines that the exercises name");
}

#[test]
fn the_code_on_every_page_is_in_some_file_as_it_stands() {
    let code: Vec<String> = [
        "stages",
        "tests/lesson",
        "src/explore",
        "tests/compile_fail",
        "tests/tools",
        "tests/tools/traced",
        "examples",
    ]
    .into_iter()
    .flat_map(|folder| files(folder, "rs"))
    .map(read)
    .collect();
    // Those of the README have a test of their own.
    for page in files("docs", "md") {
        for snippet in blocks(&read(&page), "```rust,ignore") {
            let found = code.iter().any(|code| has_lines(code, &snippet));
            assert!(found, "{}: nowhere:\n{snippet}", page.display());
        }
    }
}

/// Without its comments, which would tell what the reader is asked.
fn without_comments(code: &str) -> String {
    let lines = code.lines().filter(|line| !line.trim().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_readme_begins_with_two_loops_a_picture_and_the_race() {
    let readme = read("README.md");
    let (first_screen, rest) = readme.split_once("\n## ").unwrap();
    let loops = blocks(first_screen, "```rust,ignore");
    assert_eq!(loops.len(), 2, "{loops:?}");
    for (stage, shown) in STAGES[2..].iter().zip(loops) {
        let code = file_of(stage);
        let found = has_lines(&without_comments(&code), &shown);
        assert!(found, "not in stage {}:\n{shown}", stage.number);
    }
    assert!(first_screen.contains("][race.svg]\n"), "no picture");
    let race = String::from("$ cargo run --all-features -- race");
    assert_eq!(blocks(first_screen, "```console"), [race]);

    let more = blocks(rest, "```rust,ignore");
    assert!(more.is_empty(), "compared with nothing: {more:?}");
}

/// Rust that is not compared with a file is compiled and run by rustdoc, and nothing else is Rust.
#[test]
fn every_block_says_what_it_is() {
    let kinds = [
        "```rust",
        "```rust,compile_fail",
        "```rust,edition2021",
        "```rust,edition2024",
        "```rust,ignore",
    ];
    let others = ["```console", "```html", "```sh", "```text"];
    for page in pages_and_contributing() {
        let text = read(&page);
        for opening in text
            .lines()
            .filter(|line| line.starts_with("```"))
            .step_by(2)
        {
            let known = kinds.contains(&opening) || others.contains(&opening);
            assert!(known, "{}: what is {opening}?", page.display());
        }
    }
}

#[test]
fn the_page_about_the_compiler_shows_each_program_and_its_message() {
    let page = read("docs/compiler.md");
    let programs = files("tests/compile_fail", "rs");
    let sections: Vec<&str> = page.split("\n### ").skip(1).collect();
    for (number, section) in (1..).zip(&sections) {
        assert!(section.starts_with(&format!("{number}. ")), "{section}");
        let of_this = |file: &&PathBuf| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("{number:02}_"))
        };
        let code: Vec<String> = programs.iter().filter(of_this).map(read).collect();
        assert!(!code.is_empty(), "there is no program {number}");
        for snippet in blocks(section, "```rust,ignore") {
            let found = code.iter().any(|code| has_lines(code, &snippet));
            assert!(found, "not in program {number}:\n{snippet}");
        }

        let messages = files("tests/compile_fail", "stderr");
        let message: String = messages.iter().filter(of_this).map(read).collect();
        let mut lines = message.lines();
        let shown = blocks(section, "```text").join("\n");
        assert_eq!(shown.is_empty(), message.is_empty(), "{number}");
        for line in shown.lines() {
            let found = lines.any(|recorded| recorded == line);
            assert!(
                found,
                "{number}: not recorded, or not in that order: {line}"
            );
        }
    }
    let last = programs.last().unwrap().file_name().unwrap().to_str();
    let last = last.and_then(|name| name.split('_').next()?.parse().ok());
    assert_eq!(last, Some(sections.len()), "each program has its section");

    let recorded = read("tests/common/compiler.rs");
    let (_, version) = recorded.split_once("RECORDED_WITH: &str = \"").unwrap();
    let version = version.split(" (").next().unwrap();
    let words: Vec<&str> = page.split_whitespace().collect();
    let named = words.join(" ").contains(&format!("those of {version},"));
    assert!(named, "the messages are those of {version}");
}

/// Whole lines, with so many levels of indentation before each that is not empty.
fn indented(snippet: &str, level: usize) -> String {
    let indentation = " ".repeat(4 * level);
    let lines = snippet.lines().map(|line| match line {
        "" => String::from("\n"),
        _ => format!("\n{indentation}{line}"),
    });
    lines.chain([String::from("\n")]).collect()
}

/// The output on a page was recorded in one run. In another run, numbers differ and lines may come in
/// another order.
fn comparable(log: &str) -> Vec<String> {
    let mut lines: Vec<String> = log
        .lines()
        .map(|line| {
            line.split(|c: char| c.is_ascii_digit() || c == '.')
                .collect::<String>()
        })
        .collect();
    lines.sort();
    lines
}

/// A race of five-second requests, each of which takes a millisecond longer than that.
fn ideal_race(stage: &Stage, count: usize) -> RaceRecording {
    ideal_race_of(stage, count, 4, 5)
}

/// The same of so many requests to so many workers, each of which takes so many seconds.
fn ideal_race_of(stage: &Stage, count: usize, workers: usize, seconds: u64) -> RaceRecording {
    let takes = Duration::from_millis(1000 * seconds + 1);
    // One thread works on one request at a time.
    let thread = |number: usize| match stage.number {
        1 => String::from("main"),
        2 => format!("request-{number}"),
        4 => String::from("worker-0"),
        _ => format!("worker-{}", (number - 1) % workers),
    };
    let lanes = (1..=count).map(|number| {
        let wave = stage.concurrency.waves(number, workers) as u32;
        Lane {
            picked_up: Some(takes * (wave - 1)),
            thread: Some(thread(number)),
            end: Some((takes * wave, RequestOutcome::Answered(200))),
            ..Lane::default()
        }
    });
    RaceRecording {
        label: label(stage),
        lanes: lanes.collect(),
        reported: true,
        ..RaceRecording::default()
    }
}

/// A race against two workers, of `count` requests: so many are answered, and the others rejected.
fn ideal_race_with_rejections(
    stage: &Stage,
    answered: usize,
    count: usize,
    seconds: u64,
) -> RaceRecording {
    let mut race = ideal_race_of(stage, answered, 2, seconds);
    let rejected = Lane {
        picked_up: None,
        thread: Some(String::from("rejections")),
        end: Some((Duration::from_millis(1), RequestOutcome::Rejected)),
        ..Lane::default()
    };
    race.lanes.resize(count, rejected);
    race
}

/// What a stage's page shows first: the options of a server, and a race against it. Two requests would
/// show of stages 5 to 7 only what they have in common with stage 3.
fn experiment(stage: &Stage) -> (&'static [&'static str], RaceRecording) {
    const OPTIONS: [&str; 6] = ["--workers", "2", "--queue", "3", "--requests", "3"];
    let (options, race) = match stage.number {
        5 => (&OPTIONS[..2], ideal_race_with_rejections(stage, 2, 5, 5)),
        6 => (&OPTIONS[..4], ideal_race_with_rejections(stage, 5, 8, 5)),
        7 => (&OPTIONS[..], ideal_race_of(stage, 3, 2, 5)),
        _ => (&OPTIONS[..0], ideal_race(stage, 2)),
    };
    (options, by_address(race))
}

/// A race against a server that may be any.
fn by_address(race: RaceRecording) -> RaceRecording {
    RaceRecording {
        label: String::from("127.0.0.1:7878/sleep"),
        ..race
    }
}

/// The race's standard output.
fn ideal_output(race: RaceRecording) -> String {
    let result = race.result();
    let chart = chart::draw(&[race], Duration::ZERO, Duration::ZERO, TERMINAL);
    format!("{}\n{result}", chart.join("\n"))
}

#[test]
fn a_stage_s_page_shows_what_is_seen_when_it_is_run() {
    thread::scope(|scope| {
        for stage in compiled_in() {
            scope.spawn(|| the_page_shows_what_is_seen(stage));
        }
    });
}

fn the_page_shows_what_is_seen(stage: &Stage) {
    let page = page_of(stage);
    let blocks = blocks(&page, "```console");
    let [start, race, log, ..] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    let (options, ideal) = experiment(stage);
    let run = format!("$ cargo run --features stage{}", stage.number);

    let server = Server::start(stage.number, options);
    let (banner, _) = output(&server, 0);
    let banner = banner.replace(
        &ten_versus_five::stage::features(),
        &format!("--features stage{}", stage.number),
    );
    // There is no terminal here, so Enter does not stop this server.
    let banner = banner.replace("\nCtrl-C stops", "\nEnter or Ctrl-C stops");
    // From stage 3 on, the page leaves out what is the same in every stage.
    let told = if stage.number > 2 { 2 } else { usize::MAX };
    let banner: Vec<&str> = banner.lines().take(told).collect();
    let banner = banner.join("\n");
    let typed = match options {
        [] => run.clone(),
        _ => format!("{run} -- {}", options.join(" ")),
    };
    assert_eq!(*start, format!("{typed}\n{banner}"));

    let count = ideal.lanes.len();
    if count == 2 {
        let typed = format!("{run} -- race --ask 127.0.0.1:7878");
        assert_shows(&without_predictions(race, &ideal), &typed, ideal);
    } else {
        let typed = format!("{run} -- race 127.0.0.1:7878 -n {count}");
        assert_shows(race, &typed, ideal);
    }

    // On a busy machine, the others may come late, when a worker is free again.
    for sleep in ["2", "9"] {
        let options = [&["--sleep", sleep], options].concat();
        let server = Server::start(stage.number, &options);
        send_slow_requests(&server, count, if stage.rejects { 2 } else { 0 });
        let (_, real_log) = output(&server, log.lines().count());
        // The tests request addresses of their own.
        let real_log = comparable_log(&real_log.replace('?', ""));
        if real_log == comparable_log(log) {
            return;
        }
        assert_eq!(sleep, "2", "{real_log:#?} instead of\n{log}");
    }
}

/// What is left of a block without what `--ask` prints of the prediction in it before and after the race.
fn without_predictions(block: &str, race: &RaceRecording) -> String {
    let address = race.label.strip_suffix("/sleep").unwrap();
    let command = ["race", "--ask", address].map(OsString::from);
    let Ok(command::Command::Race(options)) = command::parse(command) else {
        panic!("the race of {address}")
    };
    let (_, prediction) = block.split_once("\n> ").unwrap();
    let prediction = format!("{}\n", prediction.lines().next().unwrap());
    let mut asked = Vec::new();
    let predictions = ask(&options, &mut prediction.as_bytes(), &mut asked).unwrap();
    // The terminal shows what is typed.
    let asked = String::from_utf8(asked).unwrap() + &prediction;
    let compared = predictions[0].compare(race).join("\n") + "\n";
    assert!(
        block.contains(&asked) && block.contains(&compared),
        "{asked}{compared}"
    );
    block.replace(&asked, "").replace(&compared, "")
}

/// A block on a page has the command as it is typed, and the chart and the result of this race.
fn assert_shows(block: &str, typed: &str, ideal: RaceRecording) {
    let (command, chart) = block.split_once('\n').unwrap();
    assert_eq!(command, typed);
    let ideal = ideal_output(ideal);
    assert_eq!(comparable(chart), comparable(&ideal));
    assert_eq!(chart.lines().last(), ideal.lines().last());
}

/// Sends requests for the slow page and reads the answers. So many `first` ones are picked up by a
/// worker before the next is sent, so that all of a queue's capacity is left for the rest.
fn send_slow_requests(server: &Server, count: usize, first: usize) {
    thread::scope(|scope| {
        for busy in 1..=first {
            scope.spawn(|| sleep_together(server.addr, 1));
            wait_until("a worker to be busy", || server.jobs() == busy);
        }
        sleep_together(server.addr, count - first);
    });
}

/// Like [`comparable`]. A rejection takes microseconds on one machine and milliseconds on another.
fn comparable_log(log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| match line.strip_suffix('s') {
        Some(time) if line.starts_with("rejections: ") => time.trim_end_matches(['m', '\u{b5}']),
        _ => line,
    });
    comparable(&lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_charts_on_the_pages_of_stages_3_and_6_are_drawn_as_they_are() {
    let [three, six] = [&STAGES[2], &STAGES[5]];
    for (stage, options, ideal) in [
        (three, "-n 6", ideal_race(three, 6)),
        // Two workers and a capacity of one: the queue is full before a worker has woken up.
        (
            six,
            "--workers 2 --queue 1 -n 5",
            ideal_race_with_rejections(six, 2, 5, 5),
        ),
    ] {
        let typed = format!(
            "$ cargo run --features stage{} -- race {options}",
            stage.number
        );
        let shown = blocks(&page_of(stage), "```console");
        let block = shown.iter().find(|block| block.starts_with(&typed));
        assert_shows(block.unwrap(), &typed, ideal);
    }
}

/// A page has this block.
fn assert_has(page: &str, block: String) {
    assert!(blocks(page, "```console").contains(&block), "{block}");
}

/// The pages of stages 3 and 6 send twice as many requests as four workers can answer.
#[test]
fn an_open_load_does_to_a_queue_what_the_pages_say() {
    let every = Duration::from_millis(130);
    for (stage, capacity) in [(&STAGES[2], usize::MAX), (&STAGES[5], 4)] {
        // When each worker is free again, and when those that wait were picked up.
        let mut free = [Duration::ZERO; 4];
        let mut starts: Vec<Duration> = Vec::new();
        let lanes = (0..24).map(|number| {
            let due = every * number;
            let waiting = starts.iter().filter(|start| **start > due).count();
            let mut lane = Lane {
                due,
                end: Some((due, RequestOutcome::Rejected)),
                ..Lane::default()
            };
            if waiting < capacity {
                let worker = free.iter_mut().min().unwrap();
                let start = due.max(*worker);
                *worker = start + Duration::from_millis(1001);
                lane.end = Some((*worker, RequestOutcome::Answered(200)));
                starts.push(start);
            }
            lane
        });
        let ideal = RaceRecording {
            label: label(stage),
            lanes: lanes.collect(),
            every: Some(every),
            ..RaceRecording::default()
        };
        let typed = format!(
            "$ cargo run --features stage{} -- race --sleep 1 --every 0.13 -n 24",
            stage.number
        );
        assert_has(&page_of(stage), format!("{typed}\n{}", ideal.result()));
    }
}

/// The page of stage 7 sends its three requests to stage 3 too, where nothing waits for the workers.
#[cfg(feature = "stage3")]
#[test]
fn stage_3_answers_none_of_the_requests_that_stage_7_answers() {
    let server = Server::start(3, &["--workers", "2", "--requests", "3", "--sleep", "600"]);
    let mut race = crate::common::program();
    race.args(["race", &server.addr.to_string(), "-n", "3"]);
    let output = String::from_utf8(race.output().unwrap().stdout).unwrap();
    let result = output.lines().last().unwrap();
    let result = result.replace(&server.addr.to_string(), "127.0.0.1:7878");

    let typed = "$ cargo run --features stage3 -- race 127.0.0.1:7878 -n 3";
    assert_has(&page_of(&STAGES[6]), format!("{typed}\n{result}"));
}

/// The last lines of races: the stage, how many requests and workers there are, and how many seconds each takes.
fn results<const RACES: usize>(races: [(usize, usize, usize, u64); RACES]) -> String {
    let results = races.map(|(number, count, workers, seconds)| {
        ideal_race_of(&STAGES[number - 1], count, workers, seconds).result()
    });
    results.join("\n")
}

#[test]
fn the_results_on_the_pages_are_those_of_the_stages() {
    let four = results([1, 2, 3, 4].map(|stage| (stage, 2, 4, 5)));
    assert_has(&read("docs/race.md"), four);
    // Without the permit in the closure, there is no limit to how many requests wait.
    let race = "$ cargo run --features stage5 -- race --workers 2 -n 5 --sleep 2";
    let three_waves = results([(5, 5, 2, 2)]);
    assert_has(&page_of(&STAGES[4]), format!("{race}\n{three_waves}"));
    let predictions = [(3, 4), (3, 5), (3, 8), (3, 9), (4, 9)];
    let predictions = results(predictions.map(|(stage, workers)| (stage, 9, workers, 1)));
    assert_has(&read("docs/exercises.md"), predictions);
    let held = [(3, 0), (4, 2)].map(|(stage, held)| {
        let result = results([(stage, 2, 4, 2)]);
        format!("{result}  lock held during {held} of 2 jobs")
    });
    assert_has(&read("docs/teacher.md"), held.join("\n"));
}

#[test]
fn the_running_race_on_the_page_is_drawn_as_it_is_while_it_runs() {
    let connected = Lane {
        connected: Some(Duration::ZERO),
        ..Lane::default()
    };
    let running = RaceRecording {
        lanes: vec![connected; 2],
        ..RaceRecording::default()
    };
    let now = Duration::from_secs(3);
    let horizon = chart::horizon(Duration::from_secs(5), now);
    let frame = chart::draw(&[by_address(running)], horizon, now, TERMINAL);
    assert_has(&read("docs/race.md"), frame.join("\n"));
}

/// The notes in these lines, on the clock of the race.
fn notes(lines: &str) -> Lock {
    let mut lock = Lock::default();
    for line in lines.lines() {
        let note = lock.notes.add_line(line);
        assert!(note.is_some(), "not a note: {line}");
    }
    lock
}

fn draw_lock(label: &str, lock: Lock, end: Duration, style: Style) -> Vec<String> {
    let threads = RaceRecording {
        label: label.to_owned(),
        lock: Some(lock),
        ..RaceRecording::default()
    };
    chart::draw(&[threads], end, Duration::ZERO, style)
}

#[test]
fn the_page_about_the_lock_shows_what_a_race_draws_of_it() {
    let start = "\
0.0003  worker-0  starts
0.0003  worker-1  starts
0.0003  worker-2  starts
0.0003  worker-3  starts
0.0003  worker-0  has  mutex 1
0.0004  worker-1  wants  mutex 1
0.0004  worker-2  wants  mutex 1
0.0004  worker-3  wants  mutex 1
";
    let stage_3 = "\
0.0005  worker-0  releases  mutex 1
0.0005  worker-0  begins  job 1
0.0005  worker-1  has  mutex 1
0.0006  worker-1  releases  mutex 1
0.0006  worker-1  begins  job 2
0.0006  worker-2  has  mutex 1
6.0000  worker-0  ends  job 1
6.0000  worker-1  ends  job 2";
    let stage_4 = "\
0.0005  worker-0  begins  job 1
5.0009  worker-0  ends  job 1
5.0010  worker-0  begins  job 2
10.0025  worker-0  ends  job 2";
    let page = read("docs/lock_trace.md");
    let on_this_page = blocks(&page, "```console");
    for (number, lines) in [(3, stage_3), (4, stage_4)] {
        let stage = &STAGES[number - 1];
        let mut race = ideal_race(stage, 2);
        race.lock = Some(notes(&(start.to_owned() + lines)));
        let command = format!("$ cargo run --features stage{number} -- race --lock\n");
        let shown = blocks(&page_of(stage), "```console");
        let block = shown.iter().find(|block| block.starts_with(&command));
        let block = block.unwrap_or_else(|| panic!("{shown:?}"));
        let ideal = command + &ideal_output(race);
        assert_eq!(comparable(block), comparable(&ideal));
        assert!(number == 3 || on_this_page.contains(block));
    }

    let own = "\
0.0001  thread-1  starts
0.0001  thread-1  has  mutex 1
0.0001  thread-2  starts
0.0001  thread-2  wants  mutex 1
0.0002  thread-1  releases  mutex 1
0.0002  thread-1  begins  job 1
0.0002  thread-2  has  mutex 1
0.0003  thread-2  releases  mutex 1
0.0003  thread-2  begins  job 2
0.0003  thread-3  starts
0.0003  thread-3  has  mutex 1
0.0004  thread-3  releases  mutex 1
0.0004  thread-3  ends
0.0004  thread-4  starts
0.0004  thread-4  has  mutex 1
0.0005  thread-4  releases  mutex 1
0.0005  thread-4  ends
0.3002  thread-1  ends  job 1
0.3002  thread-1  wants  mutex 1
0.3002  thread-1  has  mutex 1
0.3003  thread-2  ends  job 2
0.3003  thread-1  releases  mutex 1
0.3003  thread-2  has  mutex 1
0.3004  thread-2  releases  mutex 1";
    let end = Duration::from_micros(300_500);
    let mut ideal = draw_lock("threads", notes(own), end, TERMINAL);
    ideal.push(String::from("lock held during 0 of 2 jobs"));
    let mut blocks = blocks(&page, "```text").into_iter();
    let block = blocks
        .rfind(|block| block.starts_with("threads\n"))
        .unwrap();
    assert_eq!(comparable(&block), comparable(&ideal.join("\n")));
}

/// They are from a real run: `while let`, with three jobs on two workers.
#[test]
fn the_loop_on_the_page_about_the_lock_is_drawn_from_the_notes_below_it() {
    let page = read("docs/lock_trace.md");
    let (_, section) = page.split_once("\n## A loop that releases").unwrap();
    let blocks = blocks(section, "```text");
    let lock = notes(&blocks[1]);
    let all = &lock.notes.notes;
    let end = all.last().unwrap().time;
    assert_eq!(lock.held_during(Duration::MAX), Some((3, 3)));
    let begins = |note: &Note| note.action == Action::BeginJob(3);
    let until = all.iter().position(begins).unwrap();
    let released = all[..until].iter();
    let released = released.filter(|note| note.action == Action::Unlock);
    assert_eq!(released.count(), 2);
    let drawn = draw_lock("while let", lock, end, TERMINAL);
    assert_eq!(drawn.join("\n"), blocks[0]);
}

#[test]
fn the_table_of_signs_is_the_legend_of_the_chart() {
    let lines = "\
0  worker-0  starts
0  worker-1  starts
0  worker-0  has  mutex 1
1  worker-1  wants  mutex 1
2  worker-0  begins  job 1
4  worker-0  releases  mutex 1";
    let page = read("docs/lock_trace.md");
    let legend = |unicode| {
        let style = Style {
            width: 200,
            unicode,
            ..TERMINAL
        };
        let chart = draw_lock("", notes(lines), Duration::from_secs(6), style);
        let legend = chart.last().unwrap().trim().to_owned();
        let items = legend.split("   ").map(|item| item.chars().next().unwrap());
        items.collect::<Vec<char>>()
    };
    let (unicode, ascii) = (legend(true), legend(false));
    assert_eq!(unicode.len(), 4, "{unicode:?}");
    for (sign, plain) in unicode.into_iter().zip(ascii) {
        let row = format!("\n| `{sign}` | `{plain}` | ");
        assert!(page.contains(&row), "no row begins with {row:?}");
    }
}

/// Every chart in the notes for the teacher.
#[test]
fn what_the_class_sees_is_what_the_race_draws() {
    let charts = [
        by_address(ideal_race(&STAGES[0], 1)),
        by_address(ideal_race(&STAGES[0], 2)),
        ideal_race(&STAGES[1], 8),
        ideal_race(&STAGES[2], 2),
        ideal_race(&STAGES[2], 6),
        ideal_race(&STAGES[3], 2),
        ideal_race_with_rejections(&STAGES[4], 2, 5, 2),
    ];
    let page = read("docs/teacher.md");
    let blocks = blocks(&page, "```console");
    let shown = blocks
        .iter()
        .filter(|block| block.contains("\u{2591} waiting"));
    let shown: Vec<Vec<String>> = shown.map(|chart| comparable(chart)).collect();
    assert_eq!(shown, charts.map(|race| comparable(&ideal_output(race))));
}

/// The numbers are those of one machine on one day. But the rows are those of the benchmark.
#[test]
fn the_tables_of_costs_have_the_rows_that_the_benchmark_prints() {
    let benchmark: String = files("benches/costs", "rs").iter().map(read).collect();
    let benchmark = benchmark.replace("\\\"", "\"");
    let page = read("docs/costs.md");
    let tables = blocks(&page, "```text");
    assert_eq!(tables.len(), 4);
    let mut names: Vec<String> = Vec::new();
    for stage in &STAGES {
        let Stage { number, name, .. } = stage;
        // There is a hand-off only if there is a pool.
        let row = if *number >= 3 {
            format!("stage {number}")
        } else {
            String::new()
        };
        names.extend([
            row,
            format!("stage {number}, {name}"),
            format!("{number}, {name}"),
        ]);
    }
    for line in tables.iter().flat_map(|table| table.lines()) {
        let label = line.split("  ").next().unwrap();
        let label = label.split(['.', ':']).next().unwrap();
        if let Some(index) = names.iter().position(|name| name == label) {
            names.remove(index);
        } else {
            assert!(benchmark.contains(label), "no row begins with {label:?}");
        }
    }
    assert!(names.iter().all(String::is_empty), "{names:?} are missing");
}

/// The cells of the first table in a section, row by row, without its head.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let table = section.lines().skip_while(|line| !line.starts_with("| "));
    let rows = table.take_while(|line| line.starts_with("| ")).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The titles of the sections of a page, and their texts.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let sections = page.split("\n## ").skip(1);
    sections
        .map(|section| section.split_once('\n').unwrap())
        .collect()
}

#[test]
fn each_plan_ends_on_time() {
    let page = read("docs/teacher.md");
    for minutes in [25, 50, 90] {
        let title = format!("In {minutes} minutes");
        let sections = sections(&page);
        let plan = sections.iter().find(|(name, _)| *name == title);
        let rows = rows(plan.unwrap_or_else(|| panic!("no plan is {title:?}")).1);
        let mut end = 0;
        for row in &rows {
            let [part, takes, until, ..] = row[..] else {
                panic!("{row:?}")
            };
            end += takes.parse::<u32>().unwrap();
            assert_eq!(until, end.to_string(), "{title}, {part}");
        }
        assert_eq!(end, minutes);
    }
}

/// The parts of the lesson are those of the notes, whose minutes are those of the plan.
#[test]
fn the_notes_follow_the_lesson_part_by_part() {
    let (lesson, notes) = (read("docs/walkthrough.md"), read("docs/teacher.md"));
    let notes = sections(&notes);
    let plan = rows(notes[0].1);
    let lesson = sections(&lesson);
    let parts = &lesson[..lesson.len() - 1];
    // One row more: the slack.
    assert_eq!(parts.len(), plan.len() - 1);
    for ((title, part), row) in parts.iter().zip(&plan) {
        assert_eq!(*title, row[0]);
        let heading = format!("{title} ({} minutes)", row[1]);
        let text = notes.iter().find(|(name, _)| *name == heading);
        let (_, text) = text.unwrap_or_else(|| panic!("no notes are {heading:?}"));
        let planned = text.split("*Minutes: ").skip(1).map(|note| {
            let (plan, _) = note.split_once(".*\n").unwrap();
            let numbers = plan.split_whitespace();
            let numbers = numbers.filter_map(|word| word.parse::<u32>().ok());
            numbers.sum::<u32>()
        });
        assert_eq!(
            planned.sum::<u32>().to_string(),
            row[1],
            "the notes of {title}"
        );

        // The plan names one of the commands of a part.
        let typed: Vec<&str> = cargo_commands(part).collect();
        match cargo_commands(row[3]).next() {
            Some(command) => assert!(typed.contains(&command), "{title}: {command}"),
            None => assert!(typed.is_empty(), "{title}"),
        }
    }
}

/// What is projected only asks, and so does what the students hold in their hands.
#[test]
fn the_lesson_and_the_handout_hold_no_answer() {
    let answers = [
        // Signs and words of a chart, and of its last line.
        "\u{2588}",
        "\u{2591}",
        "\u{2592}",
        "\u{259a}",
        "one after another\n",
        "side by side",
        "at a time",
        "lock held during",
        "503",
        "5.0 s",
        "10.0 s",
        // What is folded opens when a browser finds a word in it.
        "<details",
        "You will hear",
        "10 s",
        "ten seconds",
        "temporary",
        "hundred workers",
        "until the loop",
    ];
    for page in ["docs/walkthrough.md", "docs/handout.md"] {
        let text = read(page);
        for answer in answers {
            assert!(!text.contains(answer), "{page}: {answer:?}");
        }
    }
}

/// By the numbers of the parts, with at least one question in each.
#[test]
fn the_answer_key_has_a_row_for_each_part_of_the_handout() {
    let (handout, notes) = (read("docs/handout.md"), read("docs/teacher.md"));
    let notes = sections(&notes);
    let key = notes
        .iter()
        .find(|(title, _)| *title == "Answers to the handout");
    let answered: BTreeSet<&str> = rows(key.unwrap().1)
        .iter()
        .map(|row| row[0].split(',').next().unwrap())
        .collect();
    let asked: BTreeSet<&str> = handout
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- **")?.split_once("**")?.0))
        .collect();
    assert_eq!(asked, answered);
}

/// A change of names or colours needs new pictures.
#[test]
fn every_picture_is_drawn_as_the_race_draws_today() {
    let race = |stage: &Stage| match stage.number {
        5 => ideal_race_with_rejections(stage, 2, 5, 5),
        6 | 7 => ideal_race_with_rejections(stage, 3, 5, 5),
        _ => ideal_race(stage, 2),
    };
    let mut pictures = vec![(String::from("race"), STAGES[..4].iter().map(race).collect())];
    for stage in &STAGES {
        pictures.push((file_name(stage), vec![race(stage)]));
    }
    for (name, races) in pictures {
        let recorded = read(format!("docs/{name}.svg"));
        let drawn = svg::draw(&races);
        assert_eq!(comparable(&recorded), comparable(&drawn), "{name}.svg");
    }
}

/// The texts of this class in a picture.
fn texts<'a>(picture: &'a str, class: &str) -> Vec<&'a str> {
    let opening = format!("<text class=\"{class}\" ");
    let texts = picture.split(&opening).skip(1).filter_map(|after| {
        let (_, text) = after.split_once('>')?;
        Some(text.split("</text>").next().unwrap_or(text))
    });
    texts.collect()
}

#[test]
fn the_loops_in_the_picture_of_the_guard_are_in_the_files() {
    let picture = read("docs/guard.svg");
    let code = texts(&picture, "code");
    let stage = |number: usize| format!("stages/{}.rs", file_name(&STAGES[number - 1]));
    let while_let = String::from("src/explore/spellings.rs");
    for (path, lines) in [
        (stage(3), &code[..7]),
        (stage(4), &code[7..11]),
        (while_let, &code[11..]),
    ] {
        let file = without_comments(&read(&path));
        let file: Vec<&str> = file.lines().map(str::trim).collect();
        let found = file.windows(lines.len()).any(|window| window == lines);
        assert!(found && lines.len() > 2, "not in {path}: {lines:?}");
    }
}

/// The page that it is a picture of is tested in a browser.
#[cfg(feature = "stage3")]
#[test]
fn the_steps_in_the_picture_of_the_scheduler_are_those_of_stage_3() {
    use ten_versus_five::explore::Explorer;
    use ten_versus_five::traced::stages::stage3::ThreadPool;
    let picture = read("docs/scheduler.svg");
    let file = file_of(&STAGES[2]);
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    let mut numbers = texts(&picture, "number").into_iter();
    for code in texts(&picture, "source") {
        let number: usize = numbers.next().unwrap().parse().unwrap();
        assert_eq!(lines[number - 1], code, "line {number}");
    }

    let choices = [0, 1, 2].map(|thread| [thread; 5]).concat();
    let report = Explorer::new().replay(&choices, |run| {
        let pool = ThreadPool::new(2);
        for job in [run.job(), run.job()] {
            pool.execute(move || job.run());
        }
    });
    let schedule = report.first_schedule.unwrap();
    let taken = schedule.steps.iter().enumerate().skip(5).take(10);
    let taken = taken.map(|(place, step)| ((place + 1).to_string(), step.action.to_string()));
    let drawn = numbers.map(str::to_owned);
    let drawn = drawn.zip(texts(&picture, "step").into_iter().map(str::to_owned));
    assert!(drawn.eq(taken));
}

#[test]
fn the_picture_of_the_threads_shows_every_stage() {
    let picture = read("docs/threads.svg");
    let titles = texts(&picture, "bold");
    for stage in &STAGES {
        let title = format!("{}, {}", stage.number, stage.name);
        assert!(titles.contains(&title.as_str()), "{title}: {titles:?}");
    }
}

/// The banner of a server, as if it had the default address, and its log, as soon as that has so many
/// lines.
fn output(server: &Server, lines_of_log: usize) -> (String, String) {
    wait_for("the output", || {
        let output = server.output();
        let banner = output.iter().position(|line| line.contains("Ctrl-C"))? + 1;
        let (banner, log) = output.split_at(banner);
        let banner = banner
            .join("\n")
            .replace(&server.addr.to_string(), "127.0.0.1:7878");
        (log.len() >= lines_of_log).then(|| (banner, log.join("\n")))
    })
}

#[test]
fn the_table_in_the_readme_is_the_list_of_stages() {
    let readme = read("README.md");
    for stage in &STAGES {
        let Stage {
            number,
            name,
            summary,
            ..
        } = stage;
        let seconds = 5 * stage.concurrency.waves(2, 4);
        let row = format!("| [{number}, {name}][stage{number}] | {summary} | {seconds} s | ");
        assert!(readme.contains(&row), "no row begins with {row:?}");
        let link = format!("[stage{number}]: docs/{}.md\n", file_name(stage));
        assert!(readme.contains(&link), "no line is {link:?}");
    }
}

/// Every `cargo ...` in a page, in a block or between backticks.
fn cargo_commands(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices("cargo ").filter_map(|(start, _)| {
        let opener = page[..start].chars().next_back()?;
        let line = page[..start].lines().next_back()?;
        let end = match opener {
            '`' => page[start..].find('`')?,
            // Variables may stand before the command.
            ' ' if line.starts_with("$ ") => page[start..].find('\n')?,
            _ => return None,
        };
        Some(&page[start..start + end])
    })
}

#[test]
fn every_command_on_a_page_is_understood() {
    let mut commands = 0;
    for path in pages_and_contributing() {
        let page = read(&path);
        for command in cargo_commands(&page) {
            commands += 1;
            check_command(command)
                .unwrap_or_else(|why| panic!("{}: {command}: {why}", path.display()));
        }
    }
    assert!(commands > 10, "only {commands} commands found");
}

fn check_command(command: &str) -> Result<(), String> {
    let (cargo, program) = command.split_once(" -- ").unwrap_or((command, ""));
    let mut words = cargo.split_whitespace().skip(1);
    let verb = words.next().unwrap_or_default();
    if ![
        "bench", "build", "check", "clippy", "doc", "package", "run", "test",
    ]
    .contains(&verb)
    {
        return Err(format!("what is cargo {verb}?"));
    }
    let mut stage = None;
    while let Some(word) = words.next() {
        match word {
            "--all-features" | "--doc" | "--examples" | "--open" | "-q" => {}
            "--features" => {
                for feature in words.next().unwrap_or_default().split(',') {
                    let named = |stage: &&Stage| format!("stage{}", stage.number) == feature;
                    stage = STAGES.iter().find(named);
                    stage.ok_or(format!("there is no feature {feature:?}"))?;
                }
            }
            "--example" => {
                let name = words.next().unwrap_or_default();
                let exercise = NAMES.contains(&name) || name == "NAME";
                let asks = ["", "--hint", "--hint 2"].contains(&program);
                let known = exercise && asks && verb == "run";
                return known.then_some(()).ok_or(format!("what is {name}?"));
            }
            "--bin" => {
                let name = words.next().unwrap_or_default();
                let path = format!("docs/assignment/src/bin/{name}.rs");
                let there = root().join(&path).is_file();
                return there.then_some(()).ok_or(format!("there is no {path}"));
            }
            "--test" => {
                let folder = match words.next() {
                    Some("all") => "tests",
                    Some("lesson") => "tests/lesson",
                    other => return Err(format!("what is {other:?}?")),
                };
                // What follows chooses the tests of one file, which is a module.
                let file = words.next().unwrap_or("mod").replace("::", "/");
                let path = format!("{folder}/{file}.rs");
                let there = root().join(&path).is_file();
                there.then_some(()).ok_or(format!("there is no {path}"))?;
            }
            _ => return Err(format!("what is {word}?")),
        }
    }
    if verb == "bench" && !program.is_empty() {
        let part = format!("(\"{program}\", ");
        let found = read("benches/costs/main.rs").contains(&part);
        return found.then_some(()).ok_or(format!("what is {program}?"));
    }
    let compiled_in = compiled_in().count();
    let chosen = match stage {
        // Without the stages, the program would only print that they are not compiled in.
        Some(stage) if stage.serve.is_none() => return Ok(()),
        None if compiled_in < STAGES.len() => return Ok(()),
        Some(stage) if !program.starts_with("race") => Some(format!("--stage={}", stage.number)),
        _ if program.is_empty() => return Ok(()),
        _ => None,
    };
    let arguments = program
        .split_whitespace()
        .map(String::from)
        .chain(chosen)
        .map(OsString::from);
    command::parse(arguments)
        .map(drop)
        .map_err(|mistake| mistake.to_string())
}

/// The targets of the links in a page: those in the text, and those of the definitions at its end.
fn links(page: &str) -> Vec<&str> {
    let inline = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let defined = page
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    inline.chain(defined.map(|(_, target)| target)).collect()
}

/// The anchors that a repository page and `cargo doc` make of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for path in pages_and_contributing() {
        let page = read(&path);
        for link in links(&page)
            .into_iter()
            .filter(|link| !link.starts_with("https://"))
        {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = path.parent().unwrap().join(file);
            assert!(target.is_file(), "{}: {link} leads nowhere", path.display());
            if !anchor.is_empty() {
                let found = anchors(&read(target)).contains(anchor);
                assert!(found, "{}: {link} names no heading", path.display());
            }
        }
    }
}

/// A file that a page names in its text or in a command, like `tests/lesson/overlap.rs`, is there.
#[test]
fn every_file_that_a_page_names_exists() {
    let is_part_of_a_path = |c: char| c.is_ascii_alphanumeric() || "/_.".contains(c);
    for page in pages_and_contributing() {
        for word in read(&page).split(|c| !is_part_of_a_path(c)) {
            let word = word.trim_end_matches('.');
            let folder = word.split('/').next().unwrap_or_default();
            let ours = ["benches", "docs", "examples", "src", "stages", "tests"].contains(&folder);
            let (page, path) = (page.display(), root().join(word));
            assert!(!ours || path.exists(), "{page}: there is no {word}");
        }
    }
}

#[test]
fn every_link_by_name_has_a_definition() {
    for path in pages_and_contributing() {
        let page = read(&path);
        for name in page
            .split("][")
            .skip(1)
            .filter_map(|rest| rest.split(']').next())
        {
            let defined = page.contains(&format!("\n[{name}]: "));
            assert!(defined, "{}: [{name}] is not defined", path.display());
        }
    }
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let docs = root().join("docs").canonicalize().unwrap();
    let mut reached = BTreeSet::from([root().join("README.md").canonicalize().unwrap()]);
    let mut to_read: Vec<PathBuf> = reached.iter().cloned().collect();
    while let Some(path) = to_read.pop() {
        for link in links(&read(&path))
            .into_iter()
            .filter(|link| !link.starts_with("https://"))
        {
            let file = link.split('#').next().unwrap();
            let target = path.parent().unwrap().join(file).canonicalize().unwrap();
            if target.starts_with(&docs) && reached.insert(target.clone()) {
                to_read.push(target);
            }
        }
    }
    for page in pages() {
        let found = reached.contains(&page.canonicalize().unwrap());
        assert!(found, "nothing leads to {}", page.display());
    }
}

/// Other crates rely on the modules of the contract. Any other one that they could reach says that they cannot.
#[test]
fn a_public_module_is_part_of_the_contract_or_says_that_it_is_not() {
    const CONTRACT: [&str; 9] = [
        "check",
        "check/pool",
        "check/pool/explored",
        "check/pool/promises",
        "explore",
        "traced",
        "traced/stages",
        "book",
        "traced/io",
    ];
    let mut others = BTreeSet::new();
    for (folder, file) in [
        ("", "lib.rs"),
        ("check/", "check.rs"),
        ("check/pool/", "check/pool.rs"),
        ("explore/", "explore/mod.rs"),
        ("traced/", "traced/mod.rs"),
    ] {
        let source = read(format!("src/{file}"));
        let modules = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod "));
        for module in modules.filter_map(|line| line.strip_suffix(';')) {
            let path = format!("{folder}{module}");
            if CONTRACT.contains(&path.as_str()) || path.starts_with("stage") && path != "stage" {
                continue;
            }
            let file = [format!("src/{path}.rs"), format!("src/{path}/mod.rs")];
            let file = file
                .iter()
                .find(|file| root().join(file).is_file())
                .unwrap();
            let marked = read(file).contains("\n#![doc = not_in_the_contract!()]\n");
            assert!(
                marked,
                "{file} is public, and does not say that it is not in the contract"
            );
            others.insert(path);
        }
    }
    assert!(others.contains("args") && others.contains("check/server"));
}
