//! Do `check_pool!` and `explore_pool!` take a pool as it comes, and what do they say of one that they cannot take?

use std::fs;
use std::process::Command;

use crate::common::compiler::{is_declared_known, is_the_compiler_on_record};
use crate::common::new_crate;
use crate::common::repository::{read, root};

/// What a command prints, and whether it succeeds.
fn output(command: &mut Command) -> (String, bool) {
    let output = command.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    (printed, output.status.success())
}

#[test]
fn each_form_of_a_pool_is_taken_in_a_crate_of_its_own() {
    let pools = read("tests/tools/pool_forms/pools.rs");
    // A reader's compiler may have warnings of its own.
    let deny = if is_declared_known() {
        "#![deny(warnings)]\n"
    } else {
        ""
    };
    let (doc, rest) = pools.split_once("\n\n").unwrap();
    let library = format!("{doc}\n{deny}\n{rest}");
    let mut cargo = new_crate("pool_forms", "2021", [("src/lib.rs", library.as_str())]);
    let (printed, success) = output(cargo.args(["test", "--offline", "--lib"]));
    // Eight forms, with two promises of each macro, and all promises of two pools.
    let all = if cfg!(target_os = "linux") { 46 } else { 45 };
    let passed = format!("test result: ok. {all} passed; 0 failed;");
    assert!(success && printed.contains(&passed), "{printed}");
}

/// A pool with another constructor, one whose constructor takes something else, and one with another method.
const POOLS: &str = "\
pub struct Starts;

impl Starts {
    pub fn start(_workers: usize) -> Starts {
        Starts
    }

    pub fn execute(&self, _job: impl FnOnce() + Send + 'static) {}
}

pub struct Named;

impl Named {
    pub fn new(_name: &str) -> Named {
        Named
    }

    pub fn execute(&self, _job: impl FnOnce() + Send + 'static) {}
}

pub struct Runs;

impl Runs {
    pub fn new(_workers: usize) -> Runs {
        Runs
    }

    pub fn run(&self, _job: impl FnOnce() + Send + 'static) {}
}
";

/// Each with what the compiler says of it.
const WRONG_USES: [(&str, &str, &str); 3] = [
    (
        "no_constructor",
        "ten_versus_five::check_pool!(wrong_uses::Starts);\n",
        "Starts` has neither `new` nor `build` that could be called from here",
    ),
    (
        "no_number",
        "ten_versus_five::explore_pool!(wrong_uses::Named);\n",
        "`new`, or `build`, of the pool takes a `&str`, and not a number of workers",
    ),
    (
        "no_method",
        "ten_versus_five::check_pool!(wrong_uses::Runs);\n",
        "no method named `execute` found for mutable reference",
    ),
];

/// A message without the lines that quote this crate, whose numbers change.
fn without_quotes(message: &str) -> String {
    let mut quotes = false;
    let lines = message.lines().filter(|line| {
        quotes = line.starts_with("note: required by") || quotes && !line.contains("= note");
        !quotes
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Each is told in the place where the macro is used, with what to write instead. To record what is told of
/// them: `TRYBUILD=overwrite`.
#[test]
fn a_use_that_is_wrong_is_told_with_what_to_write_instead() {
    let files = WRONG_USES.map(|(name, text, _)| (format!("tests/{name}.rs"), text));
    let files = files.iter().map(|(name, text)| (name.as_str(), *text));
    let files = files.chain([("src/lib.rs", POOLS)]);
    drop(new_crate("wrong_uses", "2021", files));
    let on_record = is_the_compiler_on_record("what the macros say of wrong uses");
    for (name, _, told) in WRONG_USES {
        let mut cargo = new_crate("wrong_uses", "2021", []);
        let arguments = ["check", "--offline", "--quiet", "--test", name];
        let (printed, success) = output(cargo.args(arguments));
        let place = format!("--> tests/{name}.rs:1:1");
        assert!(!success && printed.contains(&place), "{name}: {printed}");
        let recorded = format!("tests/tools/pool_forms/{name}.stderr");
        if std::env::var_os("TRYBUILD").is_some() {
            fs::write(root().join(&recorded), without_quotes(&printed)).unwrap();
        } else if on_record {
            assert_eq!(without_quotes(&printed), read(&recorded), "{name}");
        }
        assert!(read(&recorded).contains(told), "{name}: {printed}");
    }
}
