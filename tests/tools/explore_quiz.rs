//! Does `explore --quiz` tell a loop that holds the lock from one that releases it?

use std::collections::BTreeSet;

use crate::common::{has_line_tables, program};
use ten_versus_five::explore::loops::SPELLINGS;
use ten_versus_five::explore::quiz::{play, shuffled, source};

fn conversation(order: &[usize], typed: &str) -> String {
    let mut out = Vec::new();
    play(order, &mut typed.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Row by row, as `docs/lock_scope.md` has them: this crate is of edition 2024.
const ANSWERS: [&str; 13] = [
    "r", "r", "r", "r", "r", "r", "h", "h", "h", "h", "h", "h", "r",
];

#[test]
fn every_right_answer_is_right_and_every_wrong_one_is_not() {
    let order: Vec<usize> = (0..SPELLINGS.len()).collect();
    let right = ANSWERS.map(|answer| format!("{answer}\n")).concat();
    let shown = conversation(&order, &right);
    assert_eq!(shown.matches("Right: ").count(), 13, "{shown}");
    assert!(shown.contains("\n13 of 13 are right.\n"), "{shown}");
    let wrong = ANSWERS.map(|answer| if answer == "r" { "h\n" } else { "r\n" });
    let shown = conversation(&order, &wrong.concat());
    assert_eq!(shown.matches("No: ").count(), 13, "{shown}");
    assert!(shown.contains("\n0 of 13 are right.\n"), "{shown}");
}

#[test]
fn what_is_no_answer_is_asked_again_and_the_end_of_the_input_ends_the_quiz() {
    let shown = conversation(&[1, 6], "yes\nreleased\n");
    assert!(
        shown.contains("> r  released     h  held     q  quit\n> Right: "),
        "{shown}"
    );
    assert!(shown.contains("\n1 of 1 are right.\n"), "{shown}");
    // The `;` of the `let`.
    let released =
        "The lock is released at src/explore/spellings.rs:35:10:\n        };\n         ^\n";
    assert!(shown.contains(released) || !has_line_tables(), "{shown}");
    assert!(!conversation(&[1], "q\n").contains("right."));
}

#[test]
fn each_loop_is_shown_whole_and_without_what_gives_it_away() {
    for spelling in SPELLINGS {
        let shown = source(spelling);
        assert!(
            shown.starts_with(&format!("pub fn {}(", spelling.name)),
            "{shown}"
        );
        assert!(shown.ends_with("\n}") && shown.contains("job()"), "{shown}");
        assert!(!shown.contains("//") && !shown.contains("#["), "{shown}");
    }
}

#[test]
fn every_loop_comes_once_in_an_order_that_changes() {
    let orders: BTreeSet<Vec<usize>> = (0..4).map(|_| shuffled()).collect();
    assert!(orders.len() > 1, "{orders:?}");
    for mut order in orders {
        order.sort();
        assert_eq!(order, (0..SPELLINGS.len()).collect::<Vec<_>>());
    }
}

#[test]
fn the_program_asks_without_a_stage() {
    let output = program()
        .args(["explore", "--quiz"])
        .stdin(std::process::Stdio::null())
        .output();
    let output = output.unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Loop 1 of 13:"));
}
