//! What does the compiler say about the mistakes that people make on the way to a pool?
//!
//! Each of them is a program in `compile_fail/`, with the lesson in its first lines. Beside it are
//! the compiler's message (`.stderr`) and a corrected twin (`_fixed.rs`). Read them in order, or
//! read `docs/compiler.md`, which explains all of them. You can compile each of them yourself:
//!
//! ```console
//! $ rustc --edition 2024 --emit metadata --out-dir target tests/compile_fail/01_string_against_literals.rs
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::thread;
use std::{env, fs};

use crate::common::compiler::{compile, is_known, is_the_compiler_on_record, rustc, warnings};
use crate::common::repository::{blocks, files, read, root, temporary};
use crate::common::thorough;

/// The program that has a mistake, and compiles. It has no twin.
const NO_MESSAGE: &str = "13_lock_held_and_no_message";

/// The names of the programs, without their extension, in order.
fn programs() -> BTreeSet<String> {
    let names = files("tests/compile_fail", "rs").into_iter();
    names
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// The programs with a mistake that the compiler finds.
fn mistakes() -> BTreeSet<String> {
    let mut programs = programs();
    programs.retain(|name| !name.ends_with("_fixed") && name != NO_MESSAGE);
    programs
}

/// The program's own file, or its message.
fn path(name: &str, extension: &str) -> PathBuf {
    root().join(format!("tests/compile_fail/{name}.{extension}"))
}

fn compile_program(name: &str, options: &[&str]) -> Output {
    let options = [&["--edition=2024"], options].concat();
    compile(&path(name, "rs"), &options)
}

/// The codes in a message of the compiler, like `E0382`, of all its errors.
fn codes(message: &str) -> BTreeSet<&str> {
    let codes = message.lines().filter_map(|line| {
        let (code, _) = line.strip_prefix("error[")?.split_once(']')?;
        Some(code)
    });
    codes.collect()
}

#[test]
fn each_mistake_fails_to_compile_for_the_reason_it_gives() {
    thread::scope(|scope| {
        for name in mistakes() {
            scope.spawn(move || {
                let output = compile_program(&name, &[]);
                let message = String::from_utf8(output.stderr).unwrap();
                assert!(!output.status.success(), "{name} compiles");

                let recorded = read(path(&name, "stderr"));
                let code = codes(&recorded);
                assert_eq!(code.len(), 1, "{name}: {recorded}");
                if is_known() {
                    assert_eq!(codes(&message), code, "{name}: {message}");
                }
                let lesson = read(path(&name, "rs"));
                let told = format!(": {}", code.first().unwrap());
                assert!(lesson.contains(&told), "{name} does not tell{told}");
            });
        }
    });
}

/// The programs that compile, as the modules of one program, which runs the one that it is asked for.
fn write_program_of(modules: &[String], folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let stages = format!("{:?}", root().join("stages/stage3_channel_pool.rs"));
    let mut program = String::new();
    let mut arms = String::new();
    for name in modules {
        let source = read(path(name, "rs"));
        assert!(source.contains("\nfn main() {\n"), "{name}");
        let module = source
            .replace("\nfn main() {\n", "\npub fn main() {\n")
            .replace("\"../../stages/stage3_channel_pool.rs\"", &stages);
        fs::write(folder.join(format!("{name}.rs")), module).unwrap();
        program += &format!("#[path = \"{name}.rs\"]\nmod _{name};\n");
        arms += &format!("        Some({name:?}) => _{name}::main(),\n");
    }
    program += "\nfn main() {\n    match std::env::args().nth(1).as_deref() {\n";
    program += &format!("{arms}        other => panic!(\"{{other:?}}\"),\n    }}\n}}\n");
    let file = folder.join("main.rs");
    fs::write(&file, program).unwrap();
    file
}

#[test]
fn each_mistake_has_a_twin_that_compiles_without_a_warning_and_runs() {
    let mut modules: Vec<String> = mistakes()
        .iter()
        .map(|name| format!("{name}_fixed"))
        .collect();
    modules.push(NO_MESSAGE.into());
    let folder = temporary().join(format!("twins_{}", process::id()));
    let file = write_program_of(&modules, &folder);
    let program = file.with_extension(env::consts::EXE_EXTENSION);
    let mut rustc = rustc();
    let rustc = rustc.args(["--edition=2024", "-o"]).arg(&program);
    let output = rustc.args(warnings()).arg(&file).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");

    for name in modules {
        let output = Command::new(&program).arg(&name).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
    fs::remove_dir_all(folder).unwrap();
}

/// It holds the lock during a job. The compiler makes no promise about that.
#[test]
fn the_worker_that_holds_the_lock_compiles_without_a_warning() {
    let lints = ["-Wunused", "-Wfuture-incompatible"];
    let output = compile_program(NO_MESSAGE, &[&lints, warnings()].concat());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{message}");

    let loop_of_stage_4 = "for job in receiver.lock().unwrap().iter() {\n";
    assert!(read(path(NO_MESSAGE, "rs")).contains(loop_of_stage_4));
    assert!(read("stages/stage4_for_loop.rs").contains(loop_of_stage_4));
}

/// Word for word, if this is the compiler that wrote them.
#[test]
fn the_messages_are_those_on_record() {
    if !is_the_compiler_on_record("The messages in tests/compile_fail") {
        return; // A test above compares at least the codes, if the compiler's version is known.
    }
    let cases = trybuild::TestCases::new();
    for name in mistakes() {
        cases.compile_fail(path(&name, "rs"));
    }
}

/// A doctest passes with any error that keeps its code from compiling. This error is about the
/// guard.
#[test]
fn a_guard_across_an_await_keeps_a_future_from_being_sent_to_another_thread() {
    let page = read("docs/next.md");
    let compile_block = |block: &str| {
        let file = temporary().join("guard_across_an_await.rs");
        fs::write(&file, block).unwrap();
        let output = compile(&file, &["--edition=2024", "--crate-type=lib"]);
        fs::remove_file(&file).unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), message)
    };
    let wrong = blocks(&page, "```rust,compile_fail").pop().unwrap();
    let (compiles, message) = compile_block(&wrong);
    assert!(!compiles);
    for word in ["Send", "MutexGuard"] {
        assert!(message.contains(word), "{word}: {message}");
    }
    let mut right = wrong;
    for (old, new) in [
        (
            "let guard = REQUESTS.lock().unwrap();",
            "let number = *REQUESTS.lock().unwrap();",
        ),
        ("answer(*guard).await;", "answer(number).await;"),
    ] {
        assert!(right.contains(old) && page.contains(&format!("`{new}`")));
        right = right.replace(old, new);
    }
    let (compiles, message) = compile_block(&right);
    assert!(compiles, "{message}");
}

/// The arguments of every `rustc` command that a page shows.
fn commands() -> Vec<Vec<String>> {
    let pages = files("docs", "md").into_iter();
    let shown = pages.flat_map(|page| blocks(&read(page), "```console"));
    let commands = shown.map(|block| block.replace("\\\n", " "));
    let commands = commands.filter_map(|block| Some(block.strip_prefix("$ rustc ")?.to_owned()));
    commands
        .map(|command| command.split_whitespace().map(String::from).collect())
        .collect()
}

/// The paths of the files in a folder.
fn paths_in(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The test runs each command in a copy of the repository: as it stands, and for other programs, of which one
/// compiles. Git ignores the folder `target`, and a reader may delete it.
#[test]
fn the_commands_on_the_pages_leave_files_in_the_target_folder_alone() {
    let copy = temporary().join("rustc_commands");
    let _ = fs::remove_dir_all(&copy); // What an earlier run left.
    let folders = ["tests/compile_fail", "src/explore"];
    for folder in folders {
        fs::create_dir_all(copy.join(folder)).unwrap();
        for file in files(folder, "rs") {
            let name = file.file_name().unwrap();
            fs::copy(&file, copy.join(folder).join(name)).unwrap();
        }
    }
    let look = || {
        let sources = folders.map(|folder| paths_in(&copy.join(folder)));
        (paths_in(&copy), sources)
    };
    let (mut before, sources) = look();
    before.insert(copy.join("target"));

    let programs = programs();
    let mut compiled = 0;
    for arguments in commands() {
        let (file, options) = arguments.split_last().unwrap();
        let others = programs
            .iter()
            .take(if thorough() { programs.len() } else { 2 })
            .map(|name| format!("tests/compile_fail/{name}.rs"));
        for file in others.chain([file.clone()]) {
            let mut rustc = rustc();
            let run = rustc.args(options).arg(&file).current_dir(&copy);
            compiled += usize::from(run.output().unwrap().status.success());
        }
    }
    assert!(compiled >= commands().len(), "only {compiled} compiled");
    assert_eq!(look(), (before, sources));
    fs::remove_dir_all(&copy).unwrap();
}
