//! Standard output, which may be a terminal on which the chart is drawn while the race runs.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Recording;
use super::chart::{NARROWEST, Style, draw};

/// Standard output, on which a chart may be drawn again and again.
pub struct Screen {
    style: Style,
    /// How many lines a live chart may have; `None` when there can be none.
    live: Option<usize>,
    /// How many lines of it are on the screen.
    drawn: usize,
}

impl Screen {
    /// What standard output is good for.
    ///
    /// The standard library cannot ask a terminal for its size. The `stty` program can, where there
    /// is one; then there are `COLUMNS` and `LINES`, and then 80 by 24. There are no colours where
    /// [`NO_COLOR`](https://no-color.org) is set, and no Unicode where the locale has none.
    pub fn of_standard_output() -> Screen {
        let is_terminal = io::stdout().is_terminal();
        let can_move = is_terminal && env::var("TERM").map_or(cfg!(windows), |term| term != "dumb");
        let number = |name| env::var(name).ok()?.parse::<usize>().ok();
        let (rows, columns) = is_terminal.then(stty_size).flatten().unwrap_or((
            number("LINES").unwrap_or(24),
            number("COLUMNS").unwrap_or(80),
        ));
        let color = can_move && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen {
            style: Style {
                width: columns.max(NARROWEST),
                unicode: locale_is_utf8(),
                color,
            },
            // A line that is wrapped would be two to move up.
            live: (can_move && columns >= NARROWEST).then(|| rows.saturating_sub(1)),
            drawn: 0,
        }
    }

    /// Draws the chart over the one before, if it is live and there is room for it.
    pub fn redraw(&mut self, recordings: &[Recording], horizon: Duration, now: Duration) {
        let mut lines = draw(recordings, horizon, now, self.style);
        if self.live.is_some_and(|rows| lines.len() > rows) {
            lines.retain(|line| !line.is_empty());
        }
        if self.live.is_some_and(|rows| lines.len() <= rows) {
            self.put(&lines);
        }
    }

    /// Draws the chart for the last time.
    pub fn finish(&mut self, recordings: &[Recording]) {
        let lines = draw(recordings, Duration::ZERO, Duration::ZERO, self.style);
        self.put(&lines);
        self.drawn = 0;
    }

    /// Prints a line below the chart.
    pub fn say(&self, line: &str) {
        let _ = writeln!(io::stdout(), "{line}");
    }

    /// Writes all lines at once, over the lines before. Between two calls the cursor is below the
    /// chart, and nothing is switched on that would have to be switched off: the program may be
    /// interrupted at any time.
    fn put(&mut self, lines: &[String]) {
        let mut text = String::new();
        if self.drawn > 0 {
            text += &format!("\x1b[{}A\x1b[J", self.drawn);
        }
        for line in lines {
            text += line;
            text.push('\n');
        }
        self.drawn = lines.len();
        let _ = io::stdout().write_all(text.as_bytes());
        let _ = io::stdout().flush();
    }
}

fn stty_size() -> Option<(usize, usize)> {
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

/// As POSIX has it: the first of these that is set decides. Windows has no such variables, and
/// terminals that understand UTF-8.
fn locale_is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    match locale {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => cfg!(windows),
    }
}
