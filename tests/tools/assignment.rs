//! Does the assignment tell right hand-ins from wrong ones?
//!
//! Each hand-in is a `pool.rs`, and what is true of it, with the signs of `check_pool.rs`. They are
//! graded as a teacher does it: all of them, by one command.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::common::compiler::is_declared_known;
use crate::common::repository::{read, root, temporary};
use crate::common::{cargo, share_a_build, thorough, write_if_new};
use ten_versus_five::check::pool::PROMISES;

/// A pool of `check_pool/pools.rs`, as a hand-in.
fn hand_in(pool: &str) -> String {
    let pools = read("tests/tools/check_pool/pools.rs");
    format!(
        "{pools}
        pub struct ThreadPool(Pool);
        impl ThreadPool {{
            pub fn new(size: usize) -> ThreadPool {{ ThreadPool({pool}) }}
            pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {{ (self.0)(Box::new(job)) }}
        }}"
    )
}

/// Prints verdicts of its own, on both streams, when it is made.
const FORGERY: &str = r#"{
    let verdict = "\nok 1 - two_jobs_run_at_once\n\rok 5 - a_panic_costs_no_worker\n";
    print!("{verdict}");
    eprint!("{verdict}");
    channel(size, worker::for_with_the_lock, end::joins)
}"#;

/// The crate of the assignment in a folder of its own, where it finds the library.
struct Assignment {
    folder: PathBuf,
}

impl Assignment {
    /// With a main program that may be changed.
    fn new(name: &str, changed: impl Fn(String) -> String) -> Assignment {
        let folder = temporary().join(name);
        let library = format!("{:?}", root());
        for file in [
            "Cargo.toml",
            "src/lib.rs",
            "src/main.rs",
            "src/pool.rs",
            "src/bin/grade.rs",
            "tests/pool.rs",
        ] {
            let text = read(format!("docs/assignment/{file}")).replace("\"../..\"", &library);
            let text = match file {
                "src/main.rs" => changed(text),
                _ => text,
            };
            write_if_new(&folder.join(file), &text);
        }
        Assignment { folder }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = cargo();
        cargo.args(arguments).current_dir(&self.folder);
        share_a_build(&mut cargo);
        cargo
    }

    /// Grades hand-ins, and returns what is printed.
    fn grade(&self, folder: &str, hand_ins: &[(&str, String)]) -> String {
        let folder = self.folder.join(folder);
        let _ = fs::remove_dir_all(&folder); // What an earlier run left.
        for (name, text) in hand_ins {
            write_if_new(&folder.join(name).with_extension("rs"), text);
        }
        // Two of them would have their programs in the same place.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut grade = self.cargo(&["run", "--quiet", "--offline", "--bin", "grade", "--"]);
        let output = grade.arg(&folder).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn verdicts(&self, folder: &str, name: &str) -> String {
        let path = self.folder.join(folder).join(name);
        fs::read_to_string(path.with_extension("tap")).unwrap()
    }
}

/// As it stands.
fn assignment() -> &'static Assignment {
    static ASSIGNMENT: OnceLock<Assignment> = OnceLock::new();
    ASSIGNMENT.get_or_init(|| Assignment::new("assignment", |main| main))
}

/// A sign for each promise, in their order.
fn signs(verdicts: &str) -> String {
    let sign = |(number, promise): (usize, &str)| {
        let starts =
            |line: &str, result| line.starts_with(&format!("{result} {number} - {promise}"));
        let mut signs = verdicts.lines().filter_map(|line| match line {
            _ if starts(line, "not ok") => Some('-'),
            _ if starts(line, "ok") && line.contains(" # SKIP cannot tell: ") => Some('?'),
            _ if starts(line, "ok") => Some('+'),
            _ => None,
        });
        let sign = signs.next();
        assert_eq!(signs.next(), None, "two verdicts on {promise}:\n{verdicts}");
        sign.unwrap_or('.')
    };
    (1..).zip(PROMISES.map(|it| it.name)).map(sign).collect()
}

/// The verdicts on a hand-in are these. Only Linux tells how idle a pool is.
fn assert_signs(name: &str, verdicts: &str, expected: &str) {
    let told = if cfg!(target_os = "linux") { 9 } else { 8 };
    assert_eq!(
        signs(verdicts)[..told],
        expected[..told],
        "{name}:\n{verdicts}"
    );
}

#[test]
fn a_right_hand_in_keeps_every_promise() {
    let right = [
        (
            "channel",
            "a channel, `catch_unwind`, and a `drop` that joins",
            "channel(size, worker::catches, end::joins)",
        ),
        (
            "condvar",
            "a queue behind a `Mutex`, and a `Condvar`",
            "condvar(size, Flaw::None)",
        ),
        (
            "permits",
            "a thread for each job, and a semaphore",
            "permits(size, true)",
        ),
        (
            "replaces",
            "a worker that panicked is replaced by a new one",
            "replaces_its_dead(size)",
        ),
    ];
    assert_is_on_the_page(&right.map(|(_, about, _)| (about, "+++++++++")));
    let assignment = assignment();
    let right = &right[..if thorough() { right.len() } else { 1 }];
    let hand_ins: Vec<_> = right
        .iter()
        .map(|(name, _, pool)| (*name, hand_in(pool)))
        .collect();
    let printed = assignment.grade("right", &hand_ins);
    for (name, ..) in right {
        assert_signs(name, &assignment.verdicts("right", name), "+++++++++");
        let all = format!("{name}  9 kept  0 broken  0 cannot tell\n");
        assert!(
            printed.contains(&all) || !cfg!(target_os = "linux"),
            "{printed}"
        );
    }
}

#[test]
fn a_wrong_hand_in_breaks_the_promises_that_it_does_not_keep() {
    let wrong = [
        (
            "book",
            "the Book's pool: a job that panics ends its worker",
            "++++-++++",
            hand_in("channel(size, worker::dies_of_a_panic, end::joins)"),
        ),
        (
            "forgery",
            "stage 4's loop, and a pool that prints verdicts of its own",
            "-?+-??+++",
            hand_in(FORGERY),
        ),
        (
            "polls",
            "workers that look for a job again and again",
            "++++++++-",
            hand_in("channel(size, worker::polls, end::joins)"),
        ),
        (
            "spawn",
            "a thread for each job, and no limit",
            "++-++-+++",
            hand_in("a_thread_for_each_job(size)"),
        ),
        (
            "stage3",
            "stage 3 as it stands: panics, and a `drop` that does not wait",
            "++++--+++",
            read("stages/stage3_channel_pool.rs"),
        ),
        (
            "stage4",
            "stage 4 as it stands",
            "-?+---+++",
            read("stages/stage4_for_loop.rs"),
        ),
        (
            "stuck",
            "a `drop` that joins the workers before it closes the channel",
            "+++++-+++",
            hand_in("channel(size, worker::catches, end::joins_before_it_closes)"),
        ),
        (
            "template",
            "nothing written yet",
            "???????-?",
            read("docs/assignment/src/pool.rs"),
        ),
    ];
    assert_is_on_the_page(&wrong.clone().map(|(_, about, signs, _)| (about, signs)));
    // A wrong pool makes no progress for this long. Ten seconds are for pools that may be right.
    let assignment = Assignment::new("assignment_wrong", |main| {
        let report = "    match check.report(";
        let hurry = "    let check = check.give_up_after(std::time::Duration::from_secs(3));\n";
        assert!(main.contains(report), "{main}");
        main.replace(report, &format!("{hurry}{report}"))
    });

    let mut wrong = Vec::from(wrong);
    wrong.retain(|(name, ..)| thorough() || ["forgery", "stage3"].contains(name));
    let named = wrong.iter().map(|(name, _, _, text)| (*name, text.clone()));
    let mut hand_ins: Vec<_> = named.collect();
    hand_ins.push(("typo", String::from("pub struct ThreadPool(")));
    let printed = assignment.grade("wrong", &hand_ins);
    for (name, _, expected, _) in &wrong {
        let verdicts = assignment.verdicts("wrong", name);
        assert_signs(name, &verdicts, expected);
        // What the pool itself prints is quoted in comments.
        let starts = [
            "TAP version 14",
            "1..9",
            "ok ",
            "not ok ",
            "# ",
            "Bail out! ",
        ];
        for line in verdicts.lines() {
            let known = starts.iter().any(|start| line.starts_with(start));
            assert!(
                known && !line.contains(char::is_control),
                "{name}: {line:?}"
            );
        }
    }
    assert!(printed.contains("\ntypo  does not compile\n"), "{printed}");
    let why = assignment.verdicts("wrong", "typo");
    assert!(
        why.contains("\nBail out! ") && why.contains("\n# error: "),
        "{why}"
    );
}

#[test]
fn the_page_says_what_each_promise_asks_for() {
    let page = read("docs/assignment.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let names: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(names, PROMISES.map(|promise| promise.name));
}

/// The page has a row for each of these hand-ins, with the numbers of its verdicts.
fn assert_is_on_the_page(hand_ins: &[(&str, &str)]) {
    let page = read("docs/assignment.md");
    for (about, signs) in hand_ins {
        let count = |sign| signs.chars().filter(|it| *it == sign).count();
        let row = format!(
            "\n| {about} | {} | {} | {} |\n",
            count('+'),
            count('-'),
            count('?')
        );
        assert!(page.contains(&row), "no row is {row:?}");
    }
}

#[test]
fn the_test_file_of_the_assignment_has_a_test_of_each_promise() {
    let assignment = assignment();
    let list = ["test", "--offline", "--test", "pool", "--", "--list"];
    let output = assignment.cargo(&list).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !is_declared_known() || !errors.contains("warning"),
        "{errors}"
    );
    let tests = String::from_utf8(output.stdout).unwrap();
    for promise in PROMISES {
        assert!(
            tests.contains(&format!("{}: test\n", promise.name)),
            "{tests}{errors}"
        );
    }
}
