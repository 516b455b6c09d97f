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
fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Compiles a file in one of the ways that leave no other file behind.
pub fn compile(file: &Path, options: &[&str]) -> Output {
    rustc()
        .arg("--emit=metadata=-")
        .args(options)
        .arg(file)
        .output()
        .expect("the compiler should start")
}

/// Whether the compiler is the one on record. If it is not, it says that `what` is not compared.
///
/// With the sources of the standard library beside it, a compiler quotes them in its messages, and is
/// another one too.
pub fn is_the_compiler_on_record(what: &str) -> bool {
    let ask = |question: &str| {
        let output = rustc().arg(question).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let version = ask("--version");
    let sources = Path::new(&ask("--print=sysroot")).join("lib/rustlib/src/rust/library/std");
    let with_sources = if sources.exists() {
        " with rust-src"
    } else {
        ""
    };
    let this = format!("{version}{with_sources}");
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
