//! Runs the compiler itself.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

/// The compiler whose messages were recorded: in the `.stderr` files, and on some pages. Other compilers
/// have other messages. CONTRIBUTING.md says how to record them again.
const RECORDED_WITH: &str = "rustc 1.95.0 (59807616e 2026-04-14)";

/// The compiler with which Cargo compiles.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Compiles a file and leaves no output file behind. The compiler makes a temporary folder where it
/// works, which is not the repository's: another test may be reading that.
pub fn compile(file: &Path, options: &[&str]) -> Output {
    rustc()
        .current_dir(super::repository::temporary())
        .arg("--emit=metadata=-")
        .args(options)
        .arg(file)
        .output()
        .expect("the compiler should start")
}

/// What the compiler prints for an option like `--version`.
fn ask(option: &str) -> String {
    let output = rustc().arg(option).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether `.ci/run` has set this variable: the compiler is the one on record, or the oldest supported one.
/// Only then is a warning an error.
pub fn is_declared_known() -> bool {
    env::var_os("KNOWN_COMPILER").is_some()
}

/// Whether the messages of this compiler and the pages of its rustdoc are known. A reader's compiler is
/// often newer than any compiler that was tried here, and other messages of it are not a failure.
pub fn is_known() -> bool {
    is_declared_known() || ask("--version") == RECORDED_WITH
}

/// The options of the compiler, or of rustdoc, about warnings: they are errors in `.ci/run`, and nowhere
/// else. A compiler that is newer than the one on record, or runs in a wrapper, may have more warnings, and
/// no test may fail on a reader's machine because of that.
pub fn warnings() -> &'static [&'static str] {
    match is_declared_known() {
        true => &["-Dwarnings", "-Ddeprecated-in-future"],
        false => &["--cap-lints=warn"],
    }
}

/// Whether the compiler is the one on record. If it is not, this prints that `what` is not compared.
///
/// A compiler that has the sources of the standard library quotes them in its messages, so it is not the
/// one on record. Nor is a compiler that Cargo runs in a wrapper, which may turn on more warnings.
pub fn is_the_compiler_on_record(what: &str) -> bool {
    let version = ask("--version");
    let sources = Path::new(&ask("--print=sysroot")).join("lib/rustlib/src/rust/library/std");
    let with_sources = if sources.exists() {
        " with rust-src"
    } else {
        ""
    };
    let wrappers = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];
    let wrapped = if wrappers.into_iter().any(|name| env::var_os(name).is_some()) {
        " in a wrapper"
    } else {
        ""
    };
    let this = format!("{version}{with_sources}{wrapped}");
    if this == RECORDED_WITH || env::var_os("TRYBUILD").is_some() {
        return true;
    }
    // Not `eprintln!`: the test harness hides what a successful test prints with that.
    let _ = writeln!(
        io::stderr(),
        "{what}: recorded with {RECORDED_WITH}, but this is\n{this}. Not compared word for word."
    );
    false
}
