//! Standard output, which may be a terminal on which the chart is drawn while the race runs.
//!
//! A terminal has a second screen (the alternate screen) for programs that draw. It is as large as the
//! window and has nothing to scroll back to. The race draws the running chart there, from the top,
//! again and again. At the end it returns to the first screen and prints the whole chart there, once.
//! Even if the window has changed its size, nothing of the running chart is left.

use std::io::{self, Write};
use std::time::Duration;

use super::Recording;
use super::chart::{draw, fit};
use crate::terminal::{self, Output, Size, Style};

/// How often a terminal is asked for its size.
const ASK_AGAIN: Duration = Duration::from_millis(250);

const SECOND_SCREEN: &str = "\x1b[?1049h";
const FIRST_SCREEN: &str = "\x1b[?1049l";

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

impl Screen<io::Stdout> {
    /// A screen on standard output.
    pub fn of_standard_output() -> Self {
        let output = terminal::standard_output();
        let (rows, _) = terminal::expected_size();
        let ask = move || terminal::size_of(output);
        Screen::new(io::stdout(), output, terminal::style(), rows, ask)
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
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const GUARDED: &str = "TEN_VERSUS_FIVE_GUARDED";
    // The exit codes of a race are less than 2. With any other, a signal has ended it while it drew.
    const SHELL: &str = r#"trap : INT TERM
"$0" "$@"
code=$?
[ $code -lt 2 ] || printf '\033[?1049l'
exit $code"#;
    if terminal::standard_output() != Output::Live || env::var_os(GUARDED).is_some() {
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
