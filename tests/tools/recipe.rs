//! Does the recipe of `docs/check.md` work for a pool of one's own, as it is typed, from an empty folder?
//!
//! What is typed is taken from the page. The pool is that of the Book. The crates differ in which file it stands in,
//! what else is in that file, and whether it is a library or a program.

use std::fs;

use crate::common::compiler::is_declared_known;
use crate::common::repository::{read, root, temporary};
use crate::common::{cargo, share_a_build, write_if_new};

/// The blocks that begin with this line, between two headings of the page.
fn blocks(begin: &str) -> Vec<String> {
    let page = read("docs/check.md");
    let (_, section) = page.split_once("\n### Set it up\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let begin = format!("\n{begin}\n");
    let blocks = section.split(&begin).skip(1);
    let blocks = blocks.map(|block| block.split_once("\n```").unwrap().0);
    blocks.map(|block| format!("{block}\n")).collect()
}

/// The page's line and its macros, the latter for a pool with this path.
fn typed(path: &str) -> (String, String) {
    let [line, macros] = <[String; 2]>::try_from(blocks("```rust")).unwrap();
    (line, macros.replace("crate::ThreadPool", path))
}

/// The Book's pool, as it is at the end of its chapter.
fn pool() -> String {
    read("tests/tools/traced/book.rs")
}

/// Runs the tests of a crate that is typed from the page, and of which these promises must be kept. Returns what they
/// print.
fn assert_it_works(name: &str, files: &[(&str, String)]) -> String {
    let [dependency] = <[String; 1]>::try_from(blocks("```text")).unwrap();
    let path = format!("{:?}", root());
    let dependency = dependency.replace("\"../ten-versus-five\"", &path);
    let manifest =
        format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n{dependency}\n[workspace]\n");
    let folder = temporary().join(name);
    let manifest = [("Cargo.toml", manifest)];
    for (file, text) in manifest.iter().chain(files) {
        write_if_new(&folder.join(file), text);
    }
    let mut cargo = cargo();
    cargo.current_dir(folder).args(["test", "--offline"]);
    // A panic costs this pool a worker, and to find that out takes ten seconds.
    cargo.args(["--", "--skip=a_panic_costs_no_worker"]);
    share_a_build(&mut cargo);
    let output = cargo.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    for test in [
        "promises::two_jobs_run_at_once ... ok",
        "promises::drop_waits_for_every_job ... ok",
        "every_schedule::no_schedule_loses_a_job ... ok",
        "every_schedule::drop_waits_for_every_job_in_every_schedule ... ok",
    ] {
        assert!(printed.contains(test), "{test}: {printed}");
    }
    // A reader's compiler may have warnings of its own.
    let warns = printed.contains("warning");
    assert!(!(warns && is_declared_known()), "{printed}");
    printed
}

#[test]
fn in_a_file_that_begins_with_what_it_is_for_and_has_tests() {
    let (line, macros) = typed("crate::ThreadPool");
    let (alias, _) = line.split_once(';').unwrap();
    let (_, alias) = alias.split_once('\n').unwrap();
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n    use super::*;\n    {alias};\n    \
         use std::sync::atomic::{{AtomicBool, Ordering}};\n\n    #[test]\n    fn a_job_runs() {{\n        \
         let ran = Arc::new(AtomicBool::new(false));\n        let pool = ThreadPool::new(1);\n        \
         let job = Arc::clone(&ran);\n        pool.execute(move || job.store(true, Ordering::SeqCst));\n        \
         drop(pool);\n        assert!(ran.load(Ordering::SeqCst));\n    }}\n}}\n"
    );
    let begin = "//! A thread pool.\n//!\n//! It is mine.\n\n";
    let library = format!("{begin}{line}{}\n{macros}\n{tests}", pool());
    assert_it_works("recipe_tests", &[("src/lib.rs", library)]);
}

#[test]
fn in_a_program() {
    let (line, macros) = typed("crate::ThreadPool");
    let main = "fn main() {\n    ThreadPool::new(2).execute(|| println!(\"a job\"));\n}\n";
    let program = format!("{line}{}\n{main}\n{macros}", pool());
    assert_it_works("recipe_program", &[("src/main.rs", program)]);
}

#[test]
fn in_several_files_one_of_which_has_a_pool_that_keeps_the_lock() {
    let (line, macros) = typed("crate::pool::ThreadPool");
    let keeps = "ten_versus_five::explore_pool!(crate::keeps::ThreadPool);";
    let keeps = format!("#[cfg(test)]\nmod of_the_other {{\n    {keeps}\n}}\n");
    let library = format!("pub mod keeps;\npub mod pool;\n\n{macros}\n{keeps}");
    let pool = pool();
    let (before, rest) = pool.split_once("let message = receiver").unwrap();
    let (_, behind) = rest.split_once(";").unwrap();
    let message = "let receiver = receiver.lock().unwrap();\nlet message = receiver.recv();";
    let files = [
        ("src/lib.rs", library),
        ("src/pool.rs", format!("{line}{pool}")),
        ("src/keeps.rs", format!("{line}{before}{message}{behind}")),
    ];
    let printed = assert_it_works("recipe_files", &files);
    let fails = "of_the_other::two_jobs_run_at_once_in_some_schedule ... FAILED";
    assert!(printed.contains(fails), "{printed}");

    // It leads to a page with the learner's own source, opened at the schedule that is shown.
    let mut addresses = printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("file://"));
    let address = addresses.next().expect("the address of a page");
    let (path, choices) = address.split_once('#').expect("choices");
    let page = fs::read_to_string(path.replace("%20", " ")).unwrap();
    assert!(
        page.contains("let receiver = receiver.lock().unwrap();"),
        "{address}"
    );
    assert!(
        page.contains("src/keeps.rs") && choices.contains(','),
        "{address}"
    );
}
