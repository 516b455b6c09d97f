//! Standard output, which may be a terminal on which the chart is drawn while the race runs.
//!
//! A terminal has a second screen (the alternate screen) for programs that draw. It is as large as the
//! window and has nothing to scroll back to. The race draws the running chart there, from the top,
//! again and again. At the end it returns to the first screen and prints the whole chart there, once.
//! Even if the window has changed its size, nothing of the running chart is left.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Recording;
use super::chart::{Style, draw, fit};

/// How often a terminal is asked for its size.
const ASK_AGAIN: Duration = Duration::from_millis(250);

const SECOND_SCREEN: &str = "\x1b[?1049h";
const FIRST_SCREEN: &str = "\x1b[?1049l";

/// The rows and columns of a window.
pub type Size = (usize, usize);

/// Where a chart is drawn.
pub struct Screen<W: Write> {
    out: W,
    style: Style,
    rows: usize,
    output: Output,
    /// Asks for the size of the window, which may have changed. `None` if it cannot be found out.
    ask: Box<dyn FnMut() -> Option<Size>>,
    ask_next: Duration,
    on_second_screen: bool,
}

/// What the chart is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A terminal that obeys escape codes: the chart is drawn while the race runs.
    Live,
    /// A terminal that does not: the race prints a line at its start, and the chart at its end.
    Plain,
    /// A file or a pipe: the race prints the chart at its end, and nothing else.
    Other,
}

impl Screen<io::Stdout> {
    /// A screen on standard output.
    ///
    /// The standard library cannot ask a terminal for its size. The `stty` program can, if it is
    /// installed. If not, the variables `COLUMNS` and `LINES` give the size, or else it is 80 by 24.
    /// There are no colours if [`NO_COLOR`](https://no-color.org) is set, and only ASCII if the locale
    /// is not UTF-8.
    pub fn of_standard_output() -> Self {
        let output = standard_output();
        let (rows, width) = expected_size();
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = Style {
            width,
            unicode: locale_is_utf8(),
            color: output == Output::Live && !no_color,
        };
        let ask = move || size_of(output);
        Screen::new(io::stdout(), output, style, rows, ask)
    }
}

impl<W: Write> Screen<W> {
    /// A screen that has `rows` rows, and the columns of its style, until `ask` returns another size.
    pub fn new(
        out: W,
        output: Output,
        style: Style,
        rows: usize,
        ask: impl FnMut() -> Option<Size> + 'static,
    ) -> Self {
        Screen {
            out,
            style,
            rows,
            output,
            ask: Box::new(ask),
            ask_next: Duration::ZERO,
            on_second_screen: false,
        }
    }

    /// What is known of the terminal, to draw on it once.
    pub fn style(&mut self) -> Style {
        self.ask_for_size();
        self.style
    }

    /// Prints that the race is running, if nothing else is printed until its end.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn begin(&mut self) -> io::Result<()> {
        match self.output {
            Output::Plain => self.print("The race is running. The chart follows when it is over."),
            Output::Live | Output::Other => Ok(()),
        }
    }

    /// Draws the chart over the one before, if it is drawn while the race runs.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn redraw(
        &mut self,
        recordings: &[Recording],
        horizon: Duration,
        now: Duration,
    ) -> io::Result<()> {
        if self.output != Output::Live {
            return Ok(());
        }
        if now >= self.ask_next {
            self.ask_for_size();
            self.ask_next = now + ASK_AGAIN;
        }
        let lines = fit(recordings, horizon, now, self.style, self.rows);
        let mut text = String::new();
        if !self.on_second_screen {
            text += SECOND_SCREEN;
            self.on_second_screen = true;
        }
        text += "\x1b[H";
        for (index, line) in lines.iter().enumerate() {
            // Erase first. After a line as wide as the window, this would erase its last character.
            text += if index + 1 < lines.len() {
                "\x1b[K"
            } else {
                "\x1b[J"
            };
            text += line;
            if index + 1 < lines.len() {
                text += "\r\n";
            }
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Draws the whole chart for the last time. If it is taller than the window, it scrolls, like any
    /// output.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish(&mut self, recordings: &[Recording]) -> io::Result<()> {
        self.leave_second_screen()?;
        self.ask_for_size();
        for line in draw(recordings, Duration::ZERO, Duration::ZERO, self.style) {
            self.print(&line)?;
        }
        Ok(())
    }

    /// Prints a line below the chart.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn print(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    fn ask_for_size(&mut self) {
        if let Some((rows, columns)) = (self.ask)() {
            self.rows = rows;
            self.style.width = columns;
        }
    }

    /// Returns to the first screen. Some terminals have only one, so the chart is erased before.
    fn leave_second_screen(&mut self) -> io::Result<()> {
        if self.on_second_screen {
            self.on_second_screen = false;
            write!(self.out, "\x1b[H\x1b[J{FIRST_SCREEN}")?;
            self.out.flush()?;
        }
        Ok(())
    }
}

/// The race leaves the second screen even if it panics.
impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        let _ = self.leave_second_screen();
    }
}

/// Starts the program again as the child of a shell, with the same arguments, if it will draw on the
/// second screen of a terminal. Ctrl-C ends a program before it can return to the first screen, and the
/// standard library cannot catch that. A shell can: it keeps running when its child ends, and returns to
/// the first screen instead.
///
/// Returns if this is not needed or not possible.
#[cfg(unix)]
pub fn survive_interruption() {
    use std::os::unix::process::CommandExt;

    const GUARDED: &str = "TEN_VERSUS_FIVE_GUARDED";
    // The exit codes of a race are less than 2. With any other, a signal has ended it while it drew.
    const SHELL: &str = r#"trap : INT TERM
"$0" "$@"
code=$?
[ $code -lt 2 ] || printf '\033[?1049l'
exit $code"#;
    if standard_output() != Output::Live || env::var_os(GUARDED).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // Replaces this process, and returns only if it cannot.
        let _ = Command::new("sh")
            .args(["-c", SHELL])
            .arg(program)
            .args(env::args_os().skip(1))
            .env(GUARDED, "yes")
            .exec();
    }
}

/// There is no such shell here.
#[cfg(not(unix))]
pub fn survive_interruption() {}

/// How to draw on standard output what is drawn once and has no colours.
pub fn style() -> Style {
    let (_, width) = size_of(standard_output()).unwrap_or_else(expected_size);
    Style {
        width,
        unicode: locale_is_utf8(),
        color: false,
    }
}

/// The size of a window that cannot be asked.
fn expected_size() -> Size {
    let number = |name| env::var(name).ok()?.parse::<usize>().ok();
    let (rows, columns) = (number("LINES"), number("COLUMNS"));
    (rows.unwrap_or(24), columns.unwrap_or(80))
}

/// The size of the window, if there is one.
fn size_of(output: Output) -> Option<Size> {
    match output {
        Output::Other => None,
        Output::Live | Output::Plain => stty_size(),
    }
}

fn standard_output() -> Output {
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
