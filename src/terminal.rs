//! What standard output can show: its size, colours, escape codes, and characters beyond ASCII.
//!
//! The standard library cannot ask a terminal for its size. The `stty` program can, if it is
//! installed. If not, the variables `COLUMNS` and `LINES` give the size, or else it is 80 by 24.
//! There are no colours if [`NO_COLOR`](https://no-color.org) is set, and only ASCII if the locale
//! is not UTF-8.
#![doc = not_in_the_contract!()]

use std::env;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{Command, Stdio};

/// The rows and columns of a window.
pub type Size = (usize, usize);

/// What a chart is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A terminal that obeys escape codes: the chart is drawn while the race runs.
    Live,
    /// A terminal that does not: the race prints a line at its start, and the chart at its end.
    Plain,
    /// A file or a pipe: the race prints the chart at its end, and nothing else.
    Other,
}

/// What a chart may look like.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The columns there are.
    pub width: usize,
    /// Whether there may be anything but ASCII.
    pub unicode: bool,
    /// Whether there may be colours.
    pub color: bool,
}

/// How to draw on standard output.
pub fn style() -> Style {
    let output = standard_output();
    let (_, width) = size_of(output).unwrap_or_else(expected_size);
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style {
        width,
        unicode: locale_is_utf8(),
        color: output == Output::Live && !no_color,
    }
}

/// How many rows of text standard output shows at once.
pub fn rows() -> usize {
    let (rows, _) = size_of(standard_output()).unwrap_or_else(expected_size);
    rows
}

/// The size of a window that cannot be asked.
pub fn expected_size() -> Size {
    let number = |name| env::var(name).ok()?.parse::<usize>().ok();
    let (rows, columns) = (number("LINES"), number("COLUMNS"));
    (rows.unwrap_or(24), columns.unwrap_or(80))
}

/// The size of the window, if there is one.
pub fn size_of(output: Output) -> Option<Size> {
    match output {
        Output::Other => None,
        Output::Live | Output::Plain => stty_size(),
    }
}

/// What standard output is.
pub fn standard_output() -> Output {
    if !io::stdout().is_terminal() {
        Output::Other
    } else if obeys_escape_codes(cfg!(windows), |name| env::var(name).ok()) {
        Output::Live
    } else {
        Output::Plain
    }
}

/// Whether a terminal obeys escape codes, as far as these environment variables show. On Windows, an
/// old console prints such codes unless a program has switched them on. Windows Terminal, ConEmu and
/// Ansicon do that, and so does `cargo run`.
pub fn obeys_escape_codes(windows: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    match variable("TERM") {
        Some(term) if !term.is_empty() => term != "dumb",
        _ if windows => {
            is_set("WT_SESSION")
                || is_set("ANSICON")
                || is_set("CARGO")
                || variable("ConEmuANSI").as_deref() == Some("ON")
        }
        _ => false,
    }
}

fn stty_size() -> Option<Size> {
    let terminal = File::open("/dev/tty").ok()?;
    let stty = Command::new("stty")
        .arg("size")
        .stdin(terminal)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let size = String::from_utf8(stty.stdout).ok()?;
    let (rows, columns) = size.trim().split_once(' ')?;
    let (rows, columns) = (rows.parse().ok()?, columns.parse().ok()?);
    (rows > 0 && columns > 0).then_some((rows, columns))
}

/// As POSIX defines it: the first of these variables that is set decides. Windows does not have these
/// variables, and its terminals understand UTF-8.
fn locale_is_utf8() -> bool {
    let set = |name: &&str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    match locale {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => cfg!(windows),
    }
}

/// Asks for a line of input. None if there is no more.
///
/// # Errors
///
/// If the input cannot be read, or the output cannot be written.
pub fn ask(input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Option<String>> {
    write!(out, "> ")?;
    out.flush()?;
    let mut line = String::new();
    Ok((input.read_line(&mut line)? > 0).then_some(line))
}

/// How many columns a text takes on a terminal, at most.
pub fn columns(text: &str) -> usize {
    text.chars().map(column_count).sum()
}

/// Chinese, Japanese and Korean characters and emoji take two columns. The ranges are rough: where
/// they are wrong they count too much, which costs a space and never breaks a line. See Unicode's
/// [East Asian Width](https://www.unicode.org/reports/tr11/).
fn column_count(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115f}'
        | '\u{231a}'..='\u{23ff}'
        | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe10}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ffe6}'
        | '\u{16fe0}'..='\u{1b2ff}'
        | '\u{1f000}'..='\u{1faff}'
        | '\u{20000}'..='\u{3ffff}' => 2,
        _ => 1,
    }
}

/// At most so many columns of a text. Its end is left out if it has more.
pub fn shorten(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let dots = &"..."[..most.min(3)];
    let mut short = String::new();
    for character in text.chars() {
        if columns(&short) + column_count(character) + dots.len() > most {
            break;
        }
        short.push(character);
    }
    short + dots
}

/// A text in lines of at most so many columns, if its words are not longer.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
