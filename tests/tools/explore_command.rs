//! What does `ten-versus-five explore` print, and how does it end?

use std::ffi::OsString;
use std::process::Output;

use crate::common::program;
use crate::tools::explore::broken;
use ten_versus_five::command::{self, Command};
use ten_versus_five::explore::command::{print, result};
use ten_versus_five::explore::{Explorer, Report};
use ten_versus_five::terminal::Style;

const STYLE: Style = Style {
    width: 80,
    unicode: true,
    color: false,
};

fn explore(arguments: &[&str]) -> Output {
    let mut explore = program();
    explore.arg("explore").args(arguments);
    // Independent of the window and the language of the machine.
    explore.env("COLUMNS", "80").env("LC_ALL", "C.UTF-8");
    explore.output().unwrap()
}

fn printed(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// What is printed of one report, and whether all is well.
fn print_one(label: &str, report: Report, style: Style) -> (String, bool) {
    let (mut out, mut well) = (Vec::new(), true);
    print([(label.to_owned(), report)], style, &mut out, &mut well).unwrap();
    (String::from_utf8(out).unwrap(), well)
}

fn stuck() -> Report {
    Explorer::new().pool(2, 1, broken::StuckAtDrop::new, |pool, job| {
        pool.execute(move || job.run());
    })
}

#[test]
fn a_pool_that_is_stuck_or_loses_a_job_is_not_well_and_is_shown() {
    let (text, well) = print_one("stage 0  broken", stuck(), STYLE);
    let stuck = "stuck: join thread-1";
    assert!(!well && text.contains(stuck), "{text}");
    assert!(
        text.starts_with("A schedule of stage 0, broken, in which a thread waits for ever:\n\n")
    );
    assert!(text.ends_with(" stuck  0 lost\n"), "{text}");

    let losing = Explorer::new().pool(1, 1, broken::LosesJobsAtDrop::new, |pool, job| {
        pool.execute(move || job.run());
    });
    let (text, well) = print_one("stage 0  broken", losing, STYLE);
    assert!(
        !well && text.contains(", in which a job is lost:\n"),
        "{text}"
    );
    assert!(
        !text.contains("job 0 begins") && text.contains(" 0 stuck  "),
        "{text}"
    );
}

#[test]
fn what_was_not_run_or_cannot_be_told_stands_in_the_place_of_the_count() {
    let mut report = Report::default();
    (report.schedules, report.most_at_once) = (5, 2);
    report.complete = true;
    let line = |report: &Report| result("stage 3  channel-pool", report);
    let rest = "0 stuck  0 lost";
    let all = format!("stage 3  channel-pool  2 at once  5 schedules  {rest}");
    assert_eq!(line(&report), all);
    report.complete = false;
    let not_all = format!("stage 3  channel-pool  2 at once  over 5 schedules, not all  {rest}");
    assert_eq!(line(&report), not_all);
    report.cannot_tell = Some(String::from("it differs"));
    let why = format!("stage 3  channel-pool  2 at once  cannot tell: it differs  {rest}");
    assert_eq!(line(&report), why);
}

#[test]
fn a_narrow_window_leaves_threads_out_and_says_so() {
    for (width, left_out) in [
        (80, None),
        (45, Some("There is no room for thread-2 in 45 columns.")),
        (20, Some("There is no room for thre")),
    ] {
        let style = Style { width, ..STYLE };
        let (text, _) = print_one("stage 0  broken", stuck(), style);
        let drawn = text.lines().skip(2).take_while(|line| !line.is_empty());
        let drawn: Vec<&str> = drawn.collect();
        let note = drawn
            .iter()
            .find(|line| line.starts_with("There is no room"));
        match left_out {
            Some(left_out) => assert!(note.unwrap().starts_with(left_out), "{text}"),
            None => assert_eq!(note, None),
        }
        let steps = drawn.iter().filter(|line| Some(*line) != note);
        for line in steps {
            assert!(line.chars().count() <= width, "{line:?}");
        }
    }
}

#[test]
fn without_unicode_it_is_drawn_in_ascii() {
    let style = Style {
        unicode: false,
        ..STYLE
    };
    let (text, _) = print_one("stage 0  broken", stuck(), style);
    assert!(text.is_ascii() && text.contains(":  "), "{text}");
}

/// No stage is needed for it.
#[test]
fn a_loop_of_the_page_about_lock_scope_is_explored_by_its_name() {
    for (name, at_once) in [("for_loop", 1), ("let_else", 2), ("while_let_block", 2)] {
        let output = explore(&["--spelling", name]);
        assert_eq!(output.status.code(), Some(0));
        let text = printed(&output);
        let heading = format!("A schedule of spelling {name}, in which {at_once} job");
        assert!(text.starts_with(&heading), "{text}");
        let line = format!("\n\nspelling  {name}  {at_once} at once  ");
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn without_a_pool_it_says_how_to_get_them() {
    if ten_versus_five::compiled_in().all(|stage| !stage.has_pool) {
        let output = explore(&[]);
        assert_eq!((output.status.code(), printed(&output)), (Some(2), ""));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("cargo run --all-features -- explore"),
            "{error}"
        );
    }
}

#[test]
fn the_defaults_are_two_workers_and_two_jobs() {
    let stage = ten_versus_five::compiled_in().find(|stage| stage.has_pool);
    if stage.is_some() {
        let Ok(Command::Explore(options)) = command::parse([OsString::from("explore")]) else {
            panic!("it should be understood")
        };
        assert_eq!((options.workers, options.jobs, options.queue), (2, 2, 2));
        let three = ["explore", "--workers=3", "-n", "4"].map(OsString::from);
        let Ok(Command::Explore(options)) = command::parse(three) else {
            panic!("it should be understood")
        };
        assert_eq!((options.workers, options.jobs, options.queue), (3, 4, 3));
    }
}

#[cfg(all(
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]
mod all_pools {
    use super::*;

    #[test]
    fn it_ends_with_a_line_for_each_stage() {
        let output = explore(&[]);
        assert_eq!(output.status.code(), Some(0));
        let (_, results) = printed(&output).rsplit_once("\n\n").unwrap();
        let lines: Vec<Vec<&str>> = results
            .lines()
            .map(|line| line.split("  ").collect())
            .collect();
        let expected = [
            ["stage 3", "channel-pool", "2 at once"],
            ["stage 4", "for-loop", "1 at once"],
            ["stage 5", "busy-counter", "2 at once"],
            ["stage 6", "bounded-queue", "2 at once"],
            ["stage 7", "graceful-shutdown", "2 at once"],
        ];
        assert_eq!(lines.len(), expected.len(), "{results}");
        for (fields, begin) in lines.iter().zip(expected) {
            assert_eq!(fields[..3], begin);
            let schedules = fields[3].strip_suffix(" schedules").unwrap();
            assert!(schedules.parse::<usize>().is_ok_and(|count| count > 1));
            assert_eq!(fields[4..], ["0 stuck", "0 lost"]);
        }
    }

    #[test]
    fn a_schedule_with_three_workers_fits_eighty_columns() {
        for stage in ["3", "4", "7"] {
            let output = explore(&["--stage", stage, "--workers", "3"]);
            let text = printed(&output);
            assert!(
                text.contains("worker-2") && !text.contains("no room"),
                "{text}"
            );
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
    }

    /// What the lesson is about: under stage 4 the other worker waits for the lock while both jobs
    /// run, and under stage 3 it does not.
    #[test]
    fn it_shows_for_how_long_the_other_worker_waits_for_the_lock() {
        for (stage, waits) in [("3", false), ("4", true)] {
            let output = explore(&["--stage", stage]);
            let text = printed(&output);
            let begins = text.lines().filter(|line| line.contains("job 1 begins"));
            let begins: Vec<&str> = begins.collect();
            assert_eq!(begins.len(), 1, "{text}");
            assert_eq!(begins[0].ends_with('\u{250a}'), waits, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn results_that_cannot_be_printed_are_a_failure_and_not_a_panic() {
        crate::common::assert_fails_without_output(|| {
            let mut explore = program();
            explore.args(["explore", "--stage", "4"]);
            explore
        });
    }
}
