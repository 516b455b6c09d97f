//! Is what the pages say true?
//!
//! Code on a page is code of its stage, output is what the program prints, commands are understood,
//! links lead somewhere. Only the explanations have to be believed.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use common::{Server, sleep_together, wait_for};
use ten_versus_five::cli;
use ten_versus_five::race::chart::{self, Style};
use ten_versus_five::race::{Lane, Outcome, Recording, svg};
use ten_versus_five::{STAGES, Stage, compiled_in};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The name that a stage's file and its page share.
fn file_name(stage: &Stage) -> String {
    format!("stage{}_{}", stage.number, stage.name.replace('-', "_"))
}

/// README.md and every page in docs/.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|file| file.unwrap().path());
    let pages = docs.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    pages.chain([root().join("README.md")]).collect()
}

/// The fenced blocks of a page that open with this, for example "```console".
fn blocks(page: &str, opening: &str) -> Vec<String> {
    let mut lines = page.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if line == opening {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

#[test]
fn the_code_on_a_stage_s_page_is_in_its_file_as_it_stands() {
    for stage in &STAGES {
        let name = file_name(stage);
        let code = read(format!("stages/{name}.rs"));
        let snippets = blocks(&read(format!("docs/{name}.md")), "```rust,ignore");
        assert!(!snippets.is_empty(), "{name} shows no code");
        for snippet in snippets {
            let found = (0..10).any(|level| code.contains(&indented(&snippet, level)));
            assert!(found, "not in {name}.rs:\n{snippet}");
        }
    }
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

/// The output on a page was recorded in one run. In another one, numbers are different and lines may
/// come in another order.
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
fn ideal_race(stage: &Stage, label: &str, count: usize) -> Recording {
    const TAKES: Duration = Duration::from_millis(5001);
    let (thread, at_once) = match stage.number {
        1 => ("main", 1),
        2 => ("request-1", count),
        4 => ("worker-1", 1),
        _ => ("worker-1", 4),
    };
    let lanes = (0..count).map(|index| {
        let round = (index / at_once) as u32;
        Lane {
            picked_up: Some(TAKES * round),
            thread: Some(thread.to_owned()),
            end: Some((TAKES * (round + 1), Outcome::Answered(200))),
        }
    });
    Recording {
        label: label.to_owned(),
        lanes: lanes.collect(),
    }
}

/// The race of five requests against two workers that the pages of stages 5 to 7 show.
fn ideal_race_with_refusals(stage: &Stage, label: &str, waiting: usize) -> Recording {
    let mut race = ideal_race(stage, label, 2);
    for _ in 0..waiting {
        let mut lane = race.lanes[0].clone();
        let Some((end, _)) = &mut lane.end else {
            panic!("it has ended")
        };
        lane.picked_up = Some(*end);
        *end *= 2;
        race.lanes.push(lane);
    }
    let refused = Lane {
        picked_up: None,
        thread: Some(String::from("refusals")),
        end: Some((Duration::from_millis(1), Outcome::Refused)),
    };
    race.lanes.resize(5, refused);
    race
}

/// The race's standard output, on a terminal of 76 columns.
fn ideal_output(race: Recording) -> String {
    let style = Style {
        width: 76,
        unicode: true,
        color: false,
    };
    let result = race.result();
    let chart = chart::draw(&[race], Duration::ZERO, Duration::ZERO, style);
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
    let page = read(format!("docs/{}.md", file_name(stage)));
    let blocks = blocks(&page, "```console");
    let [start, race, log, ..] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    let run = format!("$ cargo run --features stage{}", stage.number);

    let server = Server::start(stage.number, &[]);
    let (banner, _) = output(&server, 0);
    let banner = banner.replace(
        &cli::features(),
        &format!("--features stage{}", stage.number),
    );
    // There is no terminal here, and nobody to press Enter.
    let banner = banner.replace("\nCtrl-C stops", "\nEnter or Ctrl-C stops");
    assert_eq!(*start, format!("{run}\n{banner}"));

    let ideal = ideal_output(ideal_race(stage, "127.0.0.1:7878/sleep", 2));
    let ideal = format!("{run} -- race 127.0.0.1:7878\n{ideal}");
    assert_eq!(comparable(race), comparable(&ideal));

    let server = Server::start(stage.number, &["--sleep", "1"]);
    sleep_together(server.addr, 2);
    let (_, real_log) = output(&server, log.lines().count());
    // The tests ask for addresses of their own.
    assert_eq!(comparable(log), comparable(&real_log.replace('?', "")));
}

#[test]
fn the_two_waves_of_stage_3_are_drawn_as_they_are() {
    let stage = &STAGES[2];
    let page = read(format!("docs/{}.md", file_name(stage)));
    let waves = blocks(&page, "```console").pop().unwrap();
    let ideal = ideal_output(ideal_race(stage, "stage 3  channel-pool", 6));
    let ideal = format!("$ cargo run --features stage3 -- race -n 6\n{ideal}");
    assert_eq!(comparable(&waves), comparable(&ideal));
}

#[test]
fn the_results_on_the_page_about_the_race_are_those_of_the_stages() {
    let results: Vec<String> = STAGES
        .iter()
        .map(|stage| {
            let label = format!("stage {}  {}", stage.number, stage.name);
            ideal_race(stage, &label, 2).result()
        })
        .collect();
    let page = read("docs/race.md");
    assert!(
        blocks(&page, "```console").contains(&results.join("\n")),
        "{results:?}"
    );
}

/// A picture that was recorded before a change of names or of colours would not be this one.
#[test]
fn every_picture_is_drawn_as_the_race_draws_today() {
    let label = |stage: &Stage| format!("stage {}  {}", stage.number, stage.name);
    let race = |stage: &Stage| match stage.number {
        5 => ideal_race_with_refusals(stage, &label(stage), 0),
        6 | 7 => ideal_race_with_refusals(stage, &label(stage), 1),
        _ => ideal_race(stage, &label(stage), 2),
    };
    let mut pictures = vec![(String::from("race"), STAGES[..4].iter().map(race).collect())];
    for stage in &STAGES {
        pictures.push((file_name(stage), vec![race(stage)]));
    }
    for (name, races) in pictures {
        let recorded = read(format!("docs/{name}.svg"));
        assert_eq!(
            comparable(&recorded),
            comparable(&svg::draw(&races)),
            "{name}.svg"
        );
    }
}

/// The banner of a server, as if it were at the usual address, and what it says afterwards, as soon
/// as there are so many lines of that.
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
        let seconds = 5 * stage.at_once.rounds(2, 4);
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
        let end = match opener {
            '`' => page[start..].find('`')?,
            ' ' if page[..start].ends_with("$ ") => page[start..].find('\n')?,
            _ => return None,
        };
        Some(&page[start..start + end])
    })
}

#[test]
fn every_command_on_a_page_is_understood() {
    let mut commands = 0;
    for path in pages() {
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
    if !["build", "check", "doc", "run", "test"].contains(&verb) {
        return Err(format!("what is cargo {verb}?"));
    }
    let mut stage = None;
    while let Some(word) = words.next() {
        match word {
            "--all-features" | "--open" => {}
            "--features" => {
                for feature in words.next().unwrap_or_default().split(',') {
                    let named = |stage: &&Stage| format!("stage{}", stage.number) == feature;
                    stage = STAGES.iter().find(named);
                    stage.ok_or(format!("there is no feature {feature:?}"))?;
                }
            }
            "--test" => {
                let test = words.next().unwrap_or_default();
                let file = root().join(format!("tests/{test}.rs"));
                file.is_file()
                    .then_some(())
                    .ok_or(format!("there is no test {test:?}"))?;
            }
            _ => return Err(format!("what is {word}?")),
        }
    }
    let compiled_in = compiled_in().count();
    let chosen = match stage {
        // Without the stages, the program would only say that they are not there.
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
    cli::parse(arguments)
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
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for path in pages() {
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

#[test]
fn every_link_by_name_has_a_definition() {
    for path in pages() {
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
        assert!(
            reached.contains(&page),
            "nothing leads to {}",
            page.display()
        );
    }
}

#[test]
fn every_page_ends_by_saying_where_to_go_next() {
    for page in pages() {
        let text = read(&page);
        let last = text.lines().rfind(|line| line.starts_with("## "));
        assert_eq!(last, Some("## Where to go next"), "{}", page.display());
    }
}
