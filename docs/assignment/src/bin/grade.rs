//! Checks every hand-in of a folder: `cargo run -q --bin grade -- FOLDER`.
//!
//! The verdicts on `FOLDER/anna.rs` go into `FOLDER/anna.tap`, and one line is printed: the name, and how
//! many promises are kept, broken, and undecided. Each hand-in takes the place of `pool.rs` in a copy of
//! this crate, below `target`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// This crate.
const TEMPLATE: &str = env!("CARGO_MANIFEST_DIR");

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
    let copy = target.join("hand_in");
    make_copy(&copy)?;
    let mut hand_ins: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    hand_ins.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    hand_ins.sort();
    for hand_in in &hand_ins {
        // Not `fs::copy`, which may copy the time too: Cargo compiles what is newer than its last build.
        fs::write(copy.join("src/pool.rs"), fs::read(hand_in)?)?;
        let verdicts = check(&copy, target)?;
        fs::write(hand_in.with_extension("tap"), &verdicts)?;
        let name = hand_in.file_stem().unwrap_or_default().to_string_lossy();
        println!("{name}  {}", summary(&verdicts));
    }
    Ok(hand_ins.len())
}

/// Copies what is compiled with a hand-in, and not the tests or what is in `target`.
fn make_copy(copy: &Path) -> io::Result<()> {
    let template = Path::new(TEMPLATE);
    fs::create_dir_all(copy.join("src"))?;
    for file in ["src/lib.rs", "src/main.rs"] {
        fs::write(copy.join(file), fs::read(template.join(file))?)?;
    }
    let manifest = fs::read_to_string(template.join("Cargo.toml"))?;
    let library = format!("{:?}", template.join("../.."));
    fs::write(
        copy.join("Cargo.toml"),
        manifest.replace("\"../..\"", &library),
    )
}

/// Compiles the copy and runs it. Returns its verdicts or, if there are none, why.
fn check(copy: &Path, target: &Path) -> io::Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--offline"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        .output()?;
    let verdicts = String::from_utf8_lossy(&output.stdout);
    if verdicts.starts_with("TAP version 14") {
        return Ok(verdicts.into_owned());
    }
    let mut bail_out = String::from("TAP version 14\nBail out! It does not compile.\n");
    for line in String::from_utf8_lossy(&output.stderr).lines() {
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
