//! Is every stage a file that stands alone, and is stage 4 stage 3 but for one loop?

use crate::common::compiler::{compile, warnings};
use crate::common::repository::{files, read};

/// The lines of code in a stage file, without indentation, comments and empty lines.
fn code(name: &str) -> Vec<String> {
    let text = read(format!("stages/{name}"));
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap().trim().to_owned());
    code.filter(|line| !line.is_empty()).collect()
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
