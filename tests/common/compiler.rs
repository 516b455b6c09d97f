//! The compiler, asked directly.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

/// The compiler whose words were recorded: in the `.stderr` files, and on some pages. Others use other
/// words. To record those of yours, run `TRYBUILD=overwrite cargo test --test lesson compiler`, and write its
/// name here and in docs/compiler.md.
const RECORDED_WITH: &str = "rustc 1.95.0 (59807616e 2026-04-14)";

/// The compiler with which Cargo compiles.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Compiles a file in one of the ways that leave no other file behind. While it runs, there is a
/// folder where it works, which is not the repository's: another test may be looking at that.
pub fn compile(file: &Path, options: &[&str]) -> Output {
    rustc()
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .arg("--emit=metadata=-")
        .args(options)
        .arg(file)
        .output()
        .expect("the compiler should start")
}

/// The answer to a question like `--version`.
fn ask(question: &str) -> String {
    let output = rustc().arg(question).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether `.ci/run` has said, by this variable, that it knows this compiler: the one on record, or the
/// oldest that will do.
fn is_vouched_for() -> bool {
    env::var_os("KNOWN_COMPILER").is_some()
}

/// Whether it is known what this compiler says and what its rustdoc writes. A reader's compiler is
/// often newer than any that was tried here, and nothing is wrong if it says the same in another way.
pub fn is_known() -> bool {
    is_vouched_for() || ask("--version") == RECORDED_WITH
}

/// What to tell a compiler, or rustdoc, about warnings: that they are errors, in `.ci/run`, and that
/// they are not, anywhere else. A compiler that is newer than the one on record, or is run by a wrapper,
/// may warn of more, and no test of a reader's may fail for that.
pub fn warnings() -> &'static [&'static str] {
    match is_vouched_for() {
        true => &["-Dwarnings", "-Ddeprecated-in-future"],
        false => &["--cap-lints=warn"],
    }
}

/// Whether the compiler is the one on record. If it is not, it says that `what` is not compared.
///
/// With the sources of the standard library beside it, a compiler quotes them in its messages, and is
/// another one too. So is one that Cargo runs by a wrapper, which may ask it for more warnings.
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
    // Not `eprintln!`, which a test that passes keeps to itself.
    let _ = writeln!(
        io::stderr(),
        "{what}: recorded with {RECORDED_WITH}, and this is\n{this}. Not compared word for word."
    );
    false
}
