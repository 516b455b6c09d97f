//! Is every stage a file that compiles alone, and do stages 3 and 4 differ in one loop only?

use crate::common::compiler::{compile, warnings};
use crate::common::repository::{files, read};

/// The lines of code in a stage file, without indentation, comments and empty lines, and whether each of
/// them is marked "New": by a comment at its end, or by a comment before it without an empty line between.
fn marked_code(name: &str) -> Vec<(String, bool)> {
    let mut lines = Vec::new();
    let mut in_marked_lines = false;
    for line in read(format!("stages/{name}")).lines() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let code = code.trim();
        let marked = comment.trim_start_matches('/').starts_with(" New");
        if !code.is_empty() {
            lines.push((code.to_owned(), marked || in_marked_lines));
        } else if line.is_empty() {
            in_marked_lines = false;
        } else {
            in_marked_lines |= marked;
        }
    }
    lines
}

fn code(name: &str) -> Vec<String> {
    let lines = marked_code(name).into_iter();
    lines.map(|(line, _)| line).collect()
}

#[test]
fn each_compiles_alone_with_nothing_but_the_standard_library() {
    for stage in files("stages", "rs") {
        let options = [&["--edition=2024", "--crate-type=lib"], warnings()].concat();
        let output = compile(&stage, &options);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", stage.display());
    }
}

#[test]
fn stages_3_and_4_differ_in_the_head_of_one_loop() {
    let (three, four) = (code("stage3_channel_pool.rs"), code("stage4_for_loop.rs"));
    let alike = three
        .iter()
        .zip(&four)
        .take_while(|(one, other)| one == other)
        .count();
    let (three, four) = (&three[alike..], &four[alike..]);
    let alike = three
        .iter()
        .rev()
        .zip(four.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();

    assert_eq!(
        three[..three.len() - alike].join(" "),
        "loop { let Ok(job) = receiver.lock().unwrap().recv() else { break; };"
    );
    assert_eq!(
        four[..four.len() - alike].join(" "),
        "for job in receiver.lock().unwrap().iter() {"
    );
}

/// The stage named in the header of the file, after "changed since".
fn compared_with(name: &str) -> String {
    let text = read(format!("stages/{name}"));
    let (_, after) = text.split_once(" marks what changed since ").unwrap();
    let end = after.find(".rs").unwrap() + ".rs".len();
    after[..end].to_owned()
}

#[test]
fn every_line_without_a_mark_is_in_the_stage_before_in_the_same_order() {
    for name in [
        "stage5_busy_counter.rs",
        "stage6_bounded_queue.rs",
        "stage7_graceful_shutdown.rs",
    ] {
        let before = compared_with(name);
        let mut old = code(&before).into_iter();
        for (line, marked) in marked_code(name) {
            let found = marked || old.any(|old_line| old_line == line);
            assert!(found, "{name}: new since {before}, but not marked: {line}");
        }
    }
}

#[test]
fn one_screen_is_enough_for_the_code_of_stages_1_and_2_and_two_for_3_and_4() {
    const SCREEN: usize = 40;
    for (name, screens) in [
        ("stage1_single_threaded.rs", 1),
        ("stage2_spawn_per_request.rs", 1),
        ("stage3_channel_pool.rs", 2),
        ("stage4_for_loop.rs", 2),
    ] {
        let lines = code(name).len();
        assert!(
            lines <= screens * SCREEN,
            "{name} has {lines} lines of code"
        );
    }
}
