//! Checks every hand-in of a folder: `cargo run -q --bin grade -- FOLDER`.
//!
//! The verdicts on `FOLDER/anna.rs` go into `FOLDER/anna.tap`, and one line is printed: the name, and how
//! many promises are kept, broken, and undecided. Each hand-in takes the place of `pool.rs` in a copy of
//! this crate, below `target`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::thread::{self, ScopedJoinHandle};
use std::{env, fs, io};

/// This crate.
const TEMPLATE: &str = env!("CARGO_MANIFEST_DIR");

/// How many hand-ins are checked at a time. Most of a check is waiting.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("Which folder? Type: cargo run -q --bin grade -- FOLDER");
        return ExitCode::from(2);
    };
    let folder = Path::new(&folder);
    match grade_all(folder) {
        Ok(0) => {
            eprintln!("There is no .rs file in {}.", folder.display());
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Returns how many hand-ins there were.
fn grade_all(folder: &Path) -> io::Result<usize> {
    // This program is `target/debug/grade`; what it was compiled from need not be compiled again.
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).unwrap_or(&program);
    let mut hand_ins: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    hand_ins.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    hand_ins.sort();
    let copies = &target.join("hand_ins");
    make_copies(copies, &hand_ins)?;
    // All of them, on all cores. Which of them do not compile is found out one by one.
    build(copies, target, &["--workspace", "--keep-going"])?;
    let numbered: Vec<(usize, &PathBuf)> = (1..).zip(&hand_ins).collect();
    for some in numbered.chunks(AT_ONCE) {
        let verdicts: Vec<io::Result<String>> = thread::scope(|scope| {
            let check = |&(number, _): &_| scope.spawn(move || check(number, copies, target));
            let checks: Vec<_> = some.iter().map(check).collect();
            let join = |check: ScopedJoinHandle<_>| check.join().expect("a check does not panic");
            checks.into_iter().map(join).collect()
        });
        for ((_, hand_in), verdicts) in some.iter().zip(verdicts) {
            let verdicts = verdicts?;
            fs::write(hand_in.with_extension("tap"), &verdicts)?;
            let name = hand_in.file_stem().unwrap_or_default().to_string_lossy();
            println!("{name}  {}", summary(&verdicts));
        }
    }
    Ok(hand_ins.len())
}

/// Makes a workspace with a package for each hand-in: what is compiled with it, without the tests.
fn make_copies(copies: &Path, hand_ins: &[PathBuf]) -> io::Result<()> {
    let template = Path::new(TEMPLATE);
    if copies.exists() {
        fs::remove_dir_all(copies)?;
    }
    let library = format!("{:?}", template.join("../.."));
    let manifest = fs::read_to_string(template.join("Cargo.toml"))?
        .replace("\"../..\"", &library)
        .replace("[workspace]", "[lib]\nname = \"assignment\"");
    for (number, hand_in) in (1..).zip(hand_ins) {
        let name = package(number);
        let copy = copies.join(&name);
        fs::create_dir_all(copy.join("src"))?;
        // The name of the library stays, and the package has one of its own.
        let (before, lib) = manifest.split_once("[lib]").unwrap_or((&manifest, ""));
        let before = before.replace("\"assignment\"", &format!("{name:?}"));
        fs::write(copy.join("Cargo.toml"), format!("{before}[lib]{lib}"))?;
        for file in ["src/lib.rs", "src/main.rs"] {
            fs::copy(template.join(file), copy.join(file))?;
        }
        fs::copy(hand_in, copy.join("src/pool.rs"))?;
    }
    let workspace = "[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n";
    fs::write(copies.join("Cargo.toml"), workspace)
}

fn package(number: usize) -> String {
    format!("hand_in_{number}")
}

fn build(copies: &Path, target: &Path, which: &[&str]) -> io::Result<Output> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(["build", "--quiet", "--offline"])
        .args(which)
        .current_dir(copies)
        .env("CARGO_TARGET_DIR", target)
        .output()
}

/// Runs the check of a hand-in. Returns its verdicts or, if there are none, why.
fn check(number: usize, copies: &Path, target: &Path) -> io::Result<String> {
    let package = package(number);
    let build = build(copies, target, &["--package", &package])?;
    if build.status.success() {
        let program = target.join("debug").join(package + env::consts::EXE_SUFFIX);
        let output = Command::new(program).output()?;
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut bail_out = String::from("TAP version 14\nBail out! It does not compile.\n");
    for line in String::from_utf8_lossy(&build.stderr).lines() {
        bail_out += &format!("# {line}\n");
    }
    Ok(bail_out)
}

fn summary(verdicts: &str) -> String {
    if verdicts.contains("\nBail out!") {
        return String::from("does not compile");
    }
    let count = |start: &str, skipped: bool| {
        let lines = verdicts.lines().filter(|line| line.starts_with(start));
        lines
            .filter(|line| line.contains("# SKIP") == skipped)
            .count()
    };
    format!(
        "{} kept  {} broken  {} cannot tell",
        count("ok ", false),
        count("not ok ", false),
        count("ok ", true)
    )
}
