//! Is what docs/explore.md shows what the explorer finds out?
#![cfg(all(
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]

use crate::common::repository::{blocks, read};
use crate::common::{drawn, program};
use ten_versus_five::explore::Report;

fn page() -> String {
    read("docs/explore.md")
}

/// A number as the page has it, like 11,424.
fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

fn in_words(number: usize) -> &'static str {
    ["no", "one", "two", "three"][number]
}

/// How many schedules there are, and in how many of them two jobs, or more, run at once.
fn counts(report: &Report) -> String {
    let two: usize = report.at_once.range(2..).map(|(_, count)| count).sum();
    let (all, two) = (with_commas(report.schedules), with_commas(two));
    format!("{all} | {two}")
}

/// Whether the page's table has such a row. Then the numbers in it are these, but for those without the
/// reduction: some of them take too long for a test.
pub fn table_has(
    stage: usize,
    workers: usize,
    jobs: usize,
    plain: Option<&Report>,
    reduced: &Report,
) -> bool {
    let page = page();
    let (workers, jobs) = (in_words(workers), in_words(jobs));
    let label = format!("| stage {stage}, {workers} workers, {jobs} jobs | ");
    let Some(row) = page.lines().find_map(|line| line.strip_prefix(&label)) else {
        return false;
    };
    let end = format!(" | {} | {} |", counts(reduced), reduced.repetitions);
    assert!(row.ends_with(&end), "{label}: {row:?}, and not {end:?}");
    if let Some(plain) = plain {
        assert_eq!(row, format!("{}{end}", counts(plain)));
    }
    true
}

/// Each block that begins with a command which explores, and goes on with what that prints.
#[test]
fn what_a_command_prints_is_what_the_page_shows() {
    let mut shown = 0;
    for block in blocks(&page(), "```console") {
        let Some((command, expected)) = block.split_once('\n') else {
            continue;
        };
        let (features, arguments) = command.split_once(" -- ").unwrap();
        let stage = features.strip_prefix("$ cargo run --features stage");
        let mut program = program();
        program.args(arguments.split_whitespace());
        if let Some(stage) = stage {
            program.args(["--stage", stage]);
        }
        program.env("COLUMNS", "80").env("LC_ALL", "C.UTF-8");
        let output = program.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.trim_end(), drawn(expected), "{command}");
        shown += 1;
    }
    assert!(shown >= 2, "only {shown} shown");
}
