//! Are the places of a lock right in every kind of crate that a learner may have?
//!
//! Cargo builds one workspace for all of these tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::common::repository::{read, root, temporary};
use crate::common::{cargo, share_a_build, thorough, write_if_new};
use crate::tools::locations::position;

/// The crates, with their editions and levels of optimization. Each has the same program, and edition 2024 has it
/// three lines further down.
const CRATES: [(&str, &str, &str); 4] = [
    ("edition2021", "2021", "0"),
    ("edition2024", "2024", "0"),
    ("optimized", "2021", "1"),
    ("without", "2021", "0"),
];

const THOROUGH: [(&str, &str, &str); 4] = [
    ("optimized2", "2024", "2"),
    ("optimized3", "2024", "3"),
    ("small", "2024", "\"s\""),
    ("smaller", "2024", "\"z\""),
];

const MOVED: &str = "//\n//\n//\n";

fn program(edition: &str) -> String {
    let moved = if edition == "2024" { MOVED } else { "" };
    moved.to_owned() + &read("tests/tools/places/programs.rs")
}

fn crates() -> Vec<(&'static str, &'static str, &'static str)> {
    let more = THOROUGH.iter().filter(|_| thorough());
    CRATES.iter().chain(more).copied().collect()
}

/// The folder of a workspace in which all of them are built.
static WORKSPACE: LazyLock<&'static Path> = LazyLock::new(|| {
    let folder: &'static Path = Box::leak(temporary().join("places").into_boxed_path());
    let write = |file: &str, text: &str| write_if_new(&folder.join(file), text);
    let package = |name: &str, edition: &str| {
        format!(
            "[package]\nname = {name:?}\nedition = {edition:?}\n\
             [dependencies]\nten-versus-five = {{ path = {:?} }}\n",
            root()
        )
    };
    let mut members = vec!["beside"];
    members.extend(crates().iter().map(|(name, ..)| *name));
    let mut manifest = format!("[workspace]\nresolver = \"2\"\nmembers = {members:?}\n");
    for (name, edition, level) in crates() {
        let debug = if name == "without" {
            "none"
        } else {
            "line-tables-only"
        };
        manifest +=
            &format!("[profile.dev.package.{name}]\ndebug = {debug:?}\nopt-level = {level}\n");
        let beside = "path-dependency = { path = \"../beside\" }\n";
        write(
            &format!("{name}/Cargo.toml"),
            &(package(name, edition) + beside),
        );
        write(&format!("{name}/src/main.rs"), &program(edition));
        let included = read("tests/tools/places/included.rs");
        write(&format!("{name}/src/included.rs"), &included);
    }
    manifest += "[profile.dev.package.path-dependency]\ndebug = \"line-tables-only\"\n";
    write("Cargo.toml", &manifest);
    write("beside/Cargo.toml", &package("path-dependency", "2021"));
    write(
        "beside/src/lib.rs",
        &read("tests/tools/places/dependency.rs"),
    );
    write(
        "beside/examples/form.rs",
        &read("tests/tools/places/form.rs"),
    );
    write("beside/tests/form.rs", &read("tests/tools/places/form.rs"));
    let output = cargo_in(folder)
        .args(["build", "--offline", "--bins", "--example", "form"])
        .output();
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    folder
});

fn cargo_in(folder: &Path) -> Command {
    let mut cargo = cargo();
    cargo.current_dir(folder);
    share_a_build(&mut cargo);
    cargo
}

/// One of the crates as Cargo has built it, in its own folder.
fn run(name: &str, program: &str, arguments: &[&str]) -> Command {
    let folder = WORKSPACE.join(name);
    let program = temporary().join("target/debug").join(program);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command
}

/// A row of the table that `show` prints: where the lock is taken, how often, and where it is released.
#[derive(Debug, PartialEq)]
struct Row {
    taken: String,
    times: usize,
    released: Vec<String>,
    longest: f64,
    meanwhile: Vec<String>,
}

/// The rows of that table, with the file in each place.
fn rows(printed: &str) -> Vec<Row> {
    let mut lines = printed
        .lines()
        .skip_while(|line| !line.starts_with("Locks"));
    let heading = lines.next().unwrap_or_else(|| panic!("{printed}"));
    let one_file = heading
        .strip_prefix("Locks in ")
        .map(|file| file.trim_end_matches(':'));
    let place = |cell: &str| match one_file {
        Some(file) if cell != "not known" => format!("{file}:{cell}"),
        _ => cell.to_owned(),
    };
    let head = lines.next().unwrap();
    let columns = ["taken", "times", "released", "held at most", "meanwhile"];
    let starts = columns.map(|column| head.find(column).unwrap());
    let mut rows: Vec<Row> = Vec::new();
    let is_row =
        |line: &&str| line.starts_with(' ') || line.starts_with(|it: char| it.is_ascii_digit());
    let has_file = |line: &&str| one_file.is_none() && line.contains(".rs:");
    for line in lines.take_while(|line| is_row(line) || has_file(line)) {
        let cell = |column: usize| {
            let end = starts.get(column + 1).map_or(line.len(), |end| *end);
            let cell = line.get(starts[column]..end.min(line.len()));
            cell.unwrap_or_default().trim()
        };
        if !cell(0).is_empty() {
            rows.push(Row {
                taken: place(cell(0)),
                times: cell(1).parse().unwrap(),
                released: Vec::new(),
                longest: cell(3).trim_end_matches(" s").parse().unwrap(),
                meanwhile: Vec::new(),
            });
        }
        let row = rows.last_mut().unwrap();
        row.released
            .extend(Some(cell(2)).filter(|cell| !cell.is_empty()).map(place));
        row.meanwhile.extend(
            Some(cell(4))
                .filter(|cell| !cell.is_empty())
                .map(String::from),
        );
    }
    rows
}

/// What programs that end show, one after another.
fn shown<'a>(name: &str, programs: impl IntoIterator<Item = &'a str>) -> Vec<Row> {
    let arguments: Vec<&str> = ["join"].into_iter().chain(programs).collect();
    let output = run(name, name, &arguments).output().unwrap();
    rows(&String::from_utf8(output.stdout).unwrap())
}

/// Where a text begins that comes after the name of a function, and so many characters further.
fn place(file: &str, source: &str, function: &str, (text, index): (&str, usize)) -> String {
    let (line, column) = position(source, &format!("fn {function}("), text);
    let column = column + index;
    format!("{file}:{line}:{column}")
}

/// A text and which character of it.
type Character = (&'static str, usize);

/// A program that ends, where its lock is taken, and where it is released then.
type Hold = (&'static str, &'static str, &'static [Character]);

static ENDS: [Hold; 13] = [
    ("inner_block", "locked!(numbers);", &[("}\n    drop", 0)]),
    ("inner_block", "locked!(numbers));", &[("drop(locked!", 0)]),
    ("early_return", "lock()", &[("}\n    is_empty(numbers)", 0)]),
    ("question_mark", "lock()", &[("}\n    first(numbers)", 0)]),
    ("given_away", "lock()", &[]),
    ("in_a_field", "lock()", &[]),
    ("two_ways", "lock()", &TWO_WAYS),
    // These end since edition 2024.
    ("if_let_on_a_block", POP, &[("pop() }", 4)]),
    ("if_let_on_a_block", PUSH, &[("+ 1);", 4)]),
    ("method_of_a_block", POP, &[("pop() }", 4)]),
    ("method_of_a_block", PUSH, &[("push(number);", 11)]),
    ("two_blocks", LEN, &[("len() } +", 4)]),
    ("two_blocks", SECOND_LEN, &[("len() };", 4)]),
];

const TWO_WAYS: [Character; 2] = [
    ("drop(guard);\n        } else", 0),
    ("drop(guard);\n        }\n    }", 0),
];
const POP: &str = "lock().unwrap().pop()";
const PUSH: &str = "lock().unwrap().push";
const LEN: &str = "lock().unwrap().len() } +";
const SECOND_LEN: &str = "lock().unwrap().len() };";

/// What ends in this edition.
fn ends(edition: &str) -> &'static [Hold] {
    &ENDS[..if edition == "2024" { 13 } else { 7 }]
}

/// The programs, each once.
fn programs(holds: &[Hold]) -> Vec<&'static str> {
    let mut programs: Vec<&str> = holds.iter().map(|(program, ..)| *program).collect();
    programs.dedup();
    programs
}

/// The places in `src/main.rs`. Those of a guard that is given away are in another function.
fn expected(source: &str, holds: &[Hold]) -> BTreeMap<String, Vec<String>> {
    let at = |function, character| place("src/main.rs", source, function, character);
    let holds = holds.iter().map(|(program, taken, released)| {
        let released = match *program {
            "given_away" => vec![at("last_owner", ("}\n\nfn", 0))],
            "in_a_field" => vec![at("drop", ("take();", 6))],
            _ => released.iter().map(|it| at(program, *it)).collect(),
        };
        (at(program, (*taken, 0)), released)
    });
    holds.collect()
}

/// In the order of the places.
fn found(rows: Vec<Row>) -> BTreeMap<String, Vec<String>> {
    rows.into_iter()
        .map(|row| (row.taken, row.released))
        .collect()
}

#[test]
fn every_place_is_right_to_the_column_in_every_edition() {
    for (name, edition, _) in &CRATES[..2] {
        let source = program(edition);
        let mut expected = expected(&source, ends(edition));
        let included = ("src/included.rs", read("tests/tools/places/included.rs"));
        let beside = (
            "../beside/src/lib.rs",
            read("tests/tools/places/dependency.rs"),
        );
        for ((file, source), released) in [(included, ("}", 0)), (beside, ("1;", 1))] {
            let at = |character| place(file, &source, "lock", character);
            expected.insert(at(("lock().unwrap", 0)), vec![at(released)]);
        }
        let shown = shown(name, programs(ends(edition)));
        assert_eq!(found(shown), expected, "{name}");
    }
}

#[test]
fn what_is_optimized_or_has_no_debug_information_does_not_know_where_a_guard_is_dropped() {
    for (name, edition, _) in crates().into_iter().skip(2) {
        let mut expected = expected(&program(edition), ends("2021"));
        for released in expected.values_mut() {
            *released = vec![String::from("not known")];
        }
        // What stands in other files is tested with the others.
        let mut found = found(shown(name, programs(ends("2021"))));
        found.retain(|taken, _| taken.starts_with("src/main.rs:"));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_program_that_is_moved_down_has_its_places_further_down() {
    let down = |place: &String| {
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (parts.next().unwrap(), parts.next().unwrap());
        let (file, line) = (parts.next().unwrap(), line.parse::<usize>().unwrap() + 3);
        format!("{file}:{line}:{column}")
    };
    let moved = |row: Row| (down(&row.taken), row.released.iter().map(down).collect());
    let before = shown("edition2021", ["given_away"]).into_iter().map(moved);
    assert_eq!(
        found(shown("edition2024", ["given_away"])),
        before.collect()
    );
}

#[test]
fn the_table_says_how_often_for_how_long_and_what_its_thread_does_meanwhile() {
    let [row] = shown("edition2021", ["meanwhile"]).try_into().unwrap();
    assert_eq!(
        (row.times, row.meanwhile.join(" and ")),
        (2, String::from("slept and ran a job"))
    );
    assert!(row.longest >= 0.01, "{row:?}");
    let [row] = shown("edition2021", ["early_return"]).try_into().unwrap();
    assert_eq!((row.times, row.meanwhile.len()), (2, 0), "{row:?}");
}

#[test]
fn an_example_and_a_test_have_places_too() {
    let example = run("beside", "examples/form", &[]).output().unwrap();
    let mut test = cargo_in(&WORKSPACE);
    let arguments = "test --offline --quiet --package path-dependency --test form";
    test.args(arguments.split(' '));
    let test = test.args(["--", "--nocapture"]).output().unwrap();
    let source = read("tests/tools/places/form.rs");
    for (output, file) in [(example, "examples/form.rs"), (test, "tests/form.rs")] {
        let printed = String::from_utf8(output.stdout).unwrap();
        let at = |character| place(file, &source, "main", character);
        let expected = (at(("lock()", 0)), vec![at(("+= 1", 3))]);
        assert_eq!(
            found(rows(&printed)),
            BTreeMap::from([expected]),
            "{printed}"
        );
    }
}

/// The six programs of public reports, and how the two calls begin: the second waits for the first.
const STUCK: [(&str, &str, &str); 6] = [
    ("while_let", POP, PUSH),
    ("match_on_a_value", POP, PUSH),
    ("two_calls", "lock().unwrap()[0]", "lock().unwrap()[1]"),
    ("if_let_on_a_block", POP, PUSH),
    ("method_of_a_block", POP, PUSH),
    ("two_blocks", LEN, SECOND_LEN),
];

#[test]
fn a_thread_that_locks_what_it_has_is_told_so_while_it_waits() {
    // The last three end in edition 2024, and so nothing is said of them there.
    for (name, edition, stuck) in [("edition2021", "2021", 6), ("edition2024", "2024", 3)] {
        let mut arguments = vec!["leave"];
        arguments.extend(STUCK.map(|(program, ..)| program));
        let mut command = run(name, name, &arguments);
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told: Vec<String> = lines.map(Result::unwrap).take(stuck).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        told.sort();
        let source = program(edition);
        let expected = STUCK[..stuck].iter().map(|(program, first, again)| {
            let at = |text| place("src/main.rs", &source, program, (text, 0));
            format!(
                "`{program}` waits for the lock at {}. `{program}` has it itself: taken at {}. \
                 So it waits for ever.",
                at(again),
                at(first)
            )
        });
        let mut expected: Vec<String> = expected.collect();
        expected.sort();
        assert_eq!(told, expected, "{name}");
    }
}
