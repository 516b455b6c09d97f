//! Do the exercises tell a solution from what only looks like one?
//!
//! Each exercise is run as it stands and with changes, right and wrong ones, of the kinds that learners make. They
//! are in `exercises/`, a file for each exercise. All of them are modules of one program, which is compiled
//! first; an environment variable tells it which one to be.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::common::repository::{blocks, files, read, temporary};
use crate::common::{new_crate, thorough};
use ten_versus_five::exercise::NAMES;

/// The first line that does not say "kept", or this.
const RIGHT: &str = "That is right.";

/// Anything else, as chance has it.
const WRONG: &str = "wrong";

/// What is changed in an exercise.
struct Variant {
    what: &'static str,
    /// What the exercise has to say: [`RIGHT`], [`WRONG`], or a verdict and a promise.
    expected: &'static str,
    /// What stands in the example, and what to write instead.
    changes: &'static [(&'static str, &'static str)],
}

/// Makes the table of an exercise. It begins with the exercise as it stands.
macro_rules! variants {
    ($($what:literal: $expected:expr, $changes:expr;)*) => {
        pub const VARIANTS: &[super::Variant] = &[$(super::Variant {
            what: $what,
            expected: $expected,
            changes: &$changes,
        }),*];
    };
}

mod bounded_queue;
mod condvar;
mod counter;
mod from_scratch;
mod guard;
mod named_guard;
mod panic;
mod permit;
mod shutdown;
mod while_let;

/// The numbers of the variants to run: all in a thorough run. Otherwise the exercise as it stands, the first
/// solution, and the first mistake that a learner adds.
fn chosen(variants: &[Variant]) -> Vec<usize> {
    if thorough() {
        return (0..variants.len()).collect();
    }
    let first = |right: bool| {
        let mut others =
            (1..variants.len()).filter(|it| (variants[*it].expected == RIGHT) == right);
        others.next()
    };
    [Some(0), first(true), first(false)]
        .into_iter()
        .flatten()
        .collect()
}

/// The source of a variant.
fn changed(name: &str, variant: &Variant) -> String {
    let mut source = read(format!("examples/{name}.rs"));
    for (before, after) in variant.changes {
        let count = source.matches(before).count();
        assert_eq!(count, 1, "{name}, {}: not once: {before}", variant.what);
        source = source.replace(before, after);
    }
    // A wrong pool makes no progress for this long. For one that may be right, it is ten seconds, or a minute for all its
    // schedules, of which a very busy machine runs ten a second.
    let patience = if variant.expected == RIGHT { 600 } else { 3 };
    let call = format!("exercise::{}", name.to_uppercase());
    let other = format!("{call}.give_up_after(::std::time::Duration::from_secs({patience}))");
    source.replace(&call, &other)
}

/// The program in which each variant is a module, compiled.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut modules = Vec::new();
        let mut main = String::from(
            "#![allow(warnings, let_underscore_lock)]\nfn main() -> std::process::ExitCode {\n\
             match std::env::var(\"VARIANT\").unwrap().as_str() {\n",
        );
        for (name, variants) in ALL {
            for number in chosen(variants) {
                let variant = &variants[number];
                let module = format!("{name}_{number}");
                main.push_str(&format!("\"{module}\" => {module}::main(),\n"));
                let public = changed(name, variant).replace("\nfn main()", "\npub fn main()");
                modules.push((module, public));
            }
        }
        main.push_str("_ => unreachable!() } }\n");
        for (module, _) in &modules {
            main.push_str(&format!("mod {module};\n"));
        }
        let modules: Vec<(String, String)> = modules
            .into_iter()
            .map(|(module, source)| (format!("src/{module}.rs"), source))
            .chain([(String::from("src/main.rs"), main)])
            .collect();
        let files = modules
            .iter()
            .map(|(file, source)| (file.as_str(), source.as_str()));
        let mut cargo = new_crate("exercises", "2024", files);
        let output = cargo.args(["build", "--offline"]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let program = format!("exercises{}", env::consts::EXE_SUFFIX);
        temporary().join("target/debug").join(program)
    })
}

fn run(name: &str, number: usize, arguments: &[&str]) -> Output {
    let mut program = Command::new(program());
    program
        .env("VARIANT", format!("{name}_{number}"))
        .env("TEN_VERSUS_FIVE_NO_PAGE", "1")
        .args(arguments)
        .output()
        .unwrap()
}

/// The exercises whose pools are run on real threads, which mostly wait.
const ON_REAL_THREADS: [&str; 5] = ["guard", "while_let", "named_guard", "from_scratch", "panic"];

/// A place among the few that are explored at the same time, until it is dropped: two processors cannot explore ten
/// pools at once.
fn slot(name: &str) -> Option<MutexGuard<'static, ()>> {
    static SLOTS: [Mutex<()>; 5] = [const { Mutex::new(()) }; 5];
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let explored = !ON_REAL_THREADS.contains(&name);
    explored.then(|| {
        let slot = &SLOTS[NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS.len()];
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    })
}

/// What the exercise says of a variant.
fn said(name: &str, number: usize) -> (String, Option<i32>, String) {
    let slot = slot(name);
    let output = run(name, number, &[]);
    drop(slot);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let not_kept = |line: &&str| !line.is_empty() && !line.starts_with("kept ");
    let first = text.lines().skip(1).find(not_kept).unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    (
        words.join(" "),
        output.status.code(),
        format!("{text}{errors}"),
    )
}

/// What is wrong with the verdict on a variant, if something is.
fn misjudged(name: &str, number: usize, variant: &Variant) -> Option<String> {
    let Variant { what, expected, .. } = variant;
    if cfg!(not(target_os = "linux")) && expected.contains("an_idle_pool") {
        return None; // Only Linux tells.
    }
    let (said, code, text) = said(name, number);
    let agrees = match *expected {
        WRONG => said != RIGHT,
        expected => said == expected,
    };
    let right_code = code == Some(i32::from(*expected != RIGHT));
    let wrong = format!("{what}: not {expected}, with {code:?}:\n{text}");
    (!agrees || !right_code).then_some(wrong)
}

fn no_variant_is_misjudged(name: &str) {
    const LANES: usize = 8;
    let (_, variants) = ALL.iter().find(|(it, _)| *it == name).unwrap();
    // Most of the time is spent waiting.
    let misjudged: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                scope.spawn(move || {
                    let mine = chosen(variants).into_iter().skip(lane).step_by(LANES);
                    mine.filter_map(|number| misjudged(name, number, &variants[number]))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    });
    assert!(misjudged.is_empty(), "{name}\n{}", misjudged.join("\n"));
}

/// Makes the table of the exercises with their variants, and a test of each.
macro_rules! exercises {
    ($($name:ident)*) => {
        const ALL: [(&str, &[Variant]); NAMES.len()] = [
            $( (stringify!($name), $name::VARIANTS) ),*
        ];

        mod no_solution_is_misjudged {
            $(
                #[test]
                fn $name() {
                    super::no_variant_is_misjudged(stringify!($name));
                }
            )*
        }
    };
}

exercises! {
    guard while_let named_guard from_scratch counter permit bounded_queue panic shutdown condvar
}

/// One that is right, four or more that are not, and the exercise as it stands is one of these.
#[test]
fn each_exercise_has_a_solution_and_typical_mistakes() {
    assert_eq!(ALL.map(|(name, _)| name), NAMES);
    let examples = files("examples", "rs");
    let examples = examples
        .iter()
        .map(|it| it.file_stem().unwrap().to_str().unwrap());
    assert_eq!(
        examples.collect::<BTreeSet<_>>(),
        NAMES.iter().copied().collect()
    );
    for (name, variants) in ALL {
        let right = variants.iter().filter(|it| it.expected == RIGHT).count();
        let wrong = variants.len() - right;
        assert!(right >= 2 && wrong >= 5, "{name}: {right} and {wrong}");
        // Also those that are not run can be made of the file as it is now.
        variants.iter().for_each(|it| drop(changed(name, it)));
        assert!(variants[0].changes.is_empty() && variants[0].expected != RIGHT);
    }
}

#[test]
fn hints_come_one_more_each_time_and_end() {
    for name in NAMES {
        let hints = |arguments: &[&str]| {
            let output = run(name, 0, arguments);
            assert_eq!(output.status.code(), Some(0), "{name}");
            String::from_utf8(output.stdout).unwrap()
        };
        let mut shown = hints(&["--hint"]);
        let mut number = 1;
        while let Some((before, next)) = shown.split_once("\nFor a hint:\n    ") {
            number += 1;
            let command = format!("cargo run --example {name} -- --hint {number}\n");
            assert_eq!(next, command);
            let more = hints(&["--hint", &number.to_string()]);
            assert!(more.starts_with(before), "{name}: {more}");
            assert_eq!(more.matches("\n- ").count() + 1, number, "{name}: {more}");
            assert!(!more.contains('#'), "{name}: {more}");
            shown = more;
        }
        assert!(number >= 3, "{name} has {number} hints");
        assert!(shown.ends_with("\nThere are no more hints.\n"), "{name}");
        assert_eq!(shown, hints(&["--hint", "100"]));
    }
}

#[test]
fn what_an_exercise_does_not_understand_exits_with_2() {
    for arguments in [
        &["hint"][..],
        &["--hint", "0"],
        &["--hint", "x"],
        &["--hint", "1", "2"],
    ] {
        let output = run("guard", 0, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(output.stdout, b"");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("--hint"), "{complaint}");
    }
}

/// What is not right names the way to a hint, and what is right the next exercise.
#[test]
fn each_run_says_what_to_type_next() {
    let (_, _, text) = said("shutdown", 0);
    assert!(text.contains("stuck: join thread-1 "), "{text}");
    assert!(
        text.ends_with("    cargo run --example shutdown -- --hint\n"),
        "{text}"
    );
    let right = shutdown::VARIANTS
        .iter()
        .position(|it| it.expected == RIGHT);
    let (_, _, text) = said("shutdown", right.unwrap());
    assert!(text.contains("\nWhy it works: "), "{text}");
    assert!(text.contains("\nWhat else would have worked: "), "{text}");
    assert!(
        text.ends_with("    cargo run --example condvar\n"),
        "{text}"
    );
}

/// A learner of connections finds no job, and no channel but their own.
#[test]
fn a_schedule_shows_nothing_that_the_exercise_does_not_have() {
    let (_, _, text) = said("bounded_queue", 0);
    let given = "no answer, with one worker and three connections. The first";
    assert!(text.contains(given), "{text}");
    // With one channel, it needs no number.
    let has_one = text.contains("\ntry_send") && !text.contains("try_send channel");
    assert!(has_one, "{text}");
}

/// Every text says why, and what else.
#[test]
fn each_exercise_says_afterwards_why_it_works_and_what_else_would_have() {
    for name in NAMES {
        let text = read(format!("src/exercise/{name}.txt"));
        let (hints, afterwards) = text.split_once("\n# Afterwards\n").unwrap();
        assert!(hints.starts_with("# Hint\n"), "{name}");
        assert!(afterwards.starts_with("Why it works: "), "{name}");
        assert!(
            afterwards.contains("\n\nWhat else would have worked: "),
            "{name}"
        );
    }
}

#[test]
fn the_page_shows_what_the_first_exercise_says_and_lists_all() {
    let page = read("docs/exercises.md");
    let shown = blocks(&page, "```text");
    let (_, _, guard) = said("guard", 0);
    assert_eq!(shown[0], guard.trim_end());
    let (_, _, shutdown) = said("shutdown", 0);
    assert!(
        shutdown.contains(&format!("\n{}\n", shown[1])),
        "{shutdown}"
    );
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let names: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(names, NAMES);
}
