//! What becomes of a prediction that is made before a race?

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use crate::common::program;
use crate::common::repository::root;
use ten_versus_five::STAGES;
use ten_versus_five::client::RequestOutcome;
use ten_versus_five::race::ask::{NEEDS_A_TERMINAL, Predictions, ask, parse};
use ten_versus_five::race::{Against, Lane, RaceOptions, RaceRecording};

/// A race of so many requests against these stages.
fn race(stages: &[usize], count: usize) -> RaceOptions {
    let stages = stages.iter().map(|number| &STAGES[number - 1]).collect();
    RaceOptions {
        against: Against::Stages {
            stages,
            sleep: Duration::from_secs(5),
            workers: 4,
            queue: 4,
        },
        count,
        every: None,
        timeout: Duration::from_secs(60),
        svg: None,
        lock: false,
        notes: None,
        ask: true,
    }
}

/// What is understood when this is typed, and what is shown meanwhile.
fn typed(race: &RaceOptions, lines: &str) -> (Vec<Predictions>, String) {
    let mut shown = Vec::new();
    let predictions = ask(race, &mut lines.as_bytes(), &mut shown).unwrap();
    (predictions, String::from_utf8(shown).unwrap())
}

/// A recording of requests that are answered after so many seconds, or rejected.
fn recording(answers: &[Option<f64>]) -> RaceRecording {
    let lanes = answers.iter().map(|answer| Lane {
        end: Some(match answer {
            Some(seconds) => (
                Duration::from_secs_f64(*seconds),
                RequestOutcome::Answered(200),
            ),
            None => (Duration::from_millis(1), RequestOutcome::Rejected),
        }),
        ..Lane::default()
    });
    RaceRecording {
        label: String::from("stage 0  none"),
        lanes: lanes.collect(),
        reported: true,
        ..RaceRecording::default()
    }
}

/// What is said of the predictions in this line when a race took so long.
fn compared(line: &str, answers: &[Option<f64>]) -> Vec<String> {
    let line = format!("{line}\n");
    let (predictions, _) = typed(&race(&[4], answers.len()), &line);
    predictions[0].compare(&recording(answers))
}

#[test]
fn a_learner_s_numbers_are_compared_with_what_happened() {
    let right = [
        "Predictions for stage 4, which took 5 and 10 s:",
        "  5 and 10 s: right",
        "  Why? Read docs/stage4_for_loop.md.",
    ];
    for line in ["5 10", "10, 5", "5 and 10", "5s and 10 s"] {
        assert_eq!(compared(line, &[Some(10.02), Some(5.01)]), right, "{line}");
    }
    let wrong = compared("5 5", &[Some(5.0), Some(10.0)]);
    assert_eq!(wrong[1], "  5 and 5 s: wrong");
}

#[test]
fn the_hands_of_a_class_are_listed_for_each_prediction() {
    let lines = compared("5 5: 12; 5 10: 7 hands; 10 10:1", &[Some(5.0), Some(10.0)]);
    let rows = [
        "  5 and 5 s, 12 hands: wrong",
        "  5 and 10 s, 7 hands: right",
        "  10 and 10 s, 1 hand: wrong",
    ];
    assert_eq!(lines[1..4], rows);
}

/// However late it is: less than a wave, which takes as long as the first request.
#[test]
fn a_busy_machine_makes_no_prediction_wrong() {
    let late = [Some(5.9), Some(11.1)];
    assert_eq!(compared("5 10", &late)[1], "  5 and 10 s: right");
    assert_eq!(compared("5 5", &late)[1], "  5 and 5 s: wrong");
    assert_eq!(compared("10 10", &late)[1], "  10 and 10 s: wrong");
}

#[test]
fn a_rejected_request_is_predicted_with_an_x() {
    let seen = [None, Some(2.0), None, Some(2.0), None];
    let lines = compared("2x2 3x; 2 2 x x x; 5x2; 2x2 2x 9; 5xx", &seen);
    assert_eq!(
        lines[..4],
        [
            "Predictions for stage 4, which took 2x2 and 3xx s:",
            "  2x2 and 3xx s: right",
            "  2x2 and 3xx s: right",
            "  5x2 s: wrong",
        ]
    );
    assert!(lines[4].ends_with(": wrong") && lines[5].ends_with(": wrong"));
}

#[test]
fn a_race_that_failed_is_compared_with_nothing() {
    let (predictions, _) = typed(&race(&[4], 1), "5\n");
    let mut failed = recording(&[Some(5.0)]);
    for outcome in [
        RequestOutcome::Answered(404),
        RequestOutcome::Failed(String::from("reset")),
    ] {
        failed.lanes[0].end = Some((Duration::from_secs(5), outcome));
        let said = predictions[0].compare(&failed);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("are not compared"), "{said:?}");
    }
}

#[test]
fn what_is_not_understood_is_asked_again() {
    let mistakes = "5\n5 5 5\nfive ten\n5 10: many\n5 -10\n5 inf\n99999999999x5\n:\n;\n5 10\n";
    let (predictions, shown) = typed(&race(&[4], 2), mistakes);
    assert_eq!(shown.matches("> ").count(), 10, "{shown}");
    assert_eq!(
        shown.matches("so a prediction has 2 numbers.").count(),
        4,
        "{shown}"
    );
    for why in [
        "What is \"five\"?",
        "How many hands is \"many\"?",
        "What is \"-10\"?",
    ] {
        assert!(shown.contains(why), "{why}: {shown}");
    }
    let seen = recording(&[Some(5.0), Some(10.0)]);
    assert_eq!(predictions[0].compare(&seen)[1], "  5 and 10 s: right");
}

#[test]
fn every_stage_is_asked_about_and_enter_skips_one() {
    let (predictions, shown) = typed(&race(&[1, 3], 6), "\n4x5 2x10\n");
    let question =
        "\n6 slow requests, sent together, of 5 s each, to stage 1, single-threaded:\n> \n";
    assert!(shown.contains(question), "{shown}");
    let seen = recording(&[5.0, 5.0, 5.0, 5.0, 10.0, 10.0].map(Some));
    assert!(predictions[0].compare(&seen).is_empty());
    assert_eq!(predictions[1].compare(&seen)[1], "  4x5 and 2x10 s: right");
}

/// It would not be a question any more.
#[test]
fn no_example_is_an_answer() {
    let (_, shown) = typed(&race(&[1, 2, 3, 4], 2), "\n\n\n\n");
    assert!(
        parse("3 4", 2).is_ok() && shown.contains("like: 3 4\n"),
        "{shown}"
    );
    let (help, _) = shown.split_once("\n\n").unwrap();
    assert!(!help.contains('5') && !help.contains("10"), "{help}");
}

#[test]
fn a_question_mark_explains_the_other_forms_and_asks_again() {
    let (predictions, shown) = typed(&race(&[6], 5), "?\n2x2 3xx: 7\n");
    assert!(
        shown.contains("x stands for a request that is rejected"),
        "{shown}"
    );
    assert_eq!(shown.matches("> ").count(), 2, "{shown}");
    let seen = recording(&[None, Some(2.0), None, Some(2.0), None]);
    assert_eq!(
        predictions[0].compare(&seen)[1],
        "  2x2 and 3xx s, 7 hands: right"
    );
}

/// Also with Ctrl-D.
#[test]
fn the_end_of_the_input_ends_the_questions() {
    let error = ask(&race(&[4], 2), &mut "5".as_bytes(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn the_page_that_is_named_is_there() {
    for stage in 1..=STAGES.len() {
        let (predictions, _) = typed(&race(&[stage], 1), "5\n");
        let said = predictions[0].compare(&recording(&[Some(5.0)]));
        let page = said[2].strip_prefix("  Why? Read ").unwrap();
        let page = root().join(page.trim_end_matches('.'));
        assert!(page.is_file(), "{}", page.display());
    }
}

#[test]
fn without_a_terminal_there_is_no_waiting_for_an_answer() {
    for stdin in [Stdio::null(), Stdio::piped()] {
        let mut asking = program();
        asking.args(["race", "--ask", "127.0.0.1:1"]).stdin(stdin);
        let child = asking.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = child.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.trim_end(), NEEDS_A_TERMINAL);
    }
}
