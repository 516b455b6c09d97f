//! Verdicts in the [Test Anything Protocol](https://testanything.org), version 14, which people can
//! read and programs too.

use std::io::{self, Write};

use super::Verdict;

/// Writes the version, and how many verdicts follow.
pub(super) fn begin(out: &mut impl Write, count: usize) -> io::Result<()> {
    writeln!(out, "TAP version 14\n1..{count}")
}

/// Writes what was decided about the promise of this number, from 1 on, and this name.
///
/// A verdict may quote what the pool printed. Each of its lines becomes a comment, and it keeps no control
/// character, so that no pool can print a verdict of its own.
pub(super) fn verdict(
    out: &mut impl Write,
    number: usize,
    name: &str,
    verdict: &Verdict,
) -> io::Result<()> {
    let text = verdict.to_string();
    let plain = |line: &str| line.replace(|c: char| c.is_control(), " ");
    let mut lines = text.lines().map(plain);
    match verdict {
        Verdict::Kept => writeln!(out, "ok {number} - {name}"),
        Verdict::CannotTell(_) => {
            let why = lines.next().unwrap_or_default();
            writeln!(out, "ok {number} - {name} # SKIP {why}")?;
            lines.try_for_each(|line| writeln!(out, "# {line}"))
        }
        Verdict::Broken { .. } => {
            writeln!(out, "not ok {number} - {name}")?;
            lines.try_for_each(|line| writeln!(out, "# {line}"))
        }
    }
}

/// Writes what was seen of the promise above, if there is something to say.
pub(super) fn comment(out: &mut impl Write, seen: &str) -> io::Result<()> {
    match seen {
        "" => Ok(()),
        _ => writeln!(out, "# {}", seen.replace(|c: char| c.is_control(), " ")),
    }
}
