//! Standard output, which may be a terminal on which the chart is drawn while the race runs.
//!
//! The race draws the running chart in place: it goes up as many rows as the chart before has, and draws
//! over them. The cursor waits below the chart, so whatever ends the race, the next prompt stands there.
//! If the window changes its size meanwhile, rows of a chart before may stay above; the last chart is whole.

use std::io::{self, Write};
use std::time::Duration;

use super::chart::{draw, fit, whole};
use super::recording::RaceRecording;
use crate::terminal::{self, Output, Size, Style};

/// How often a terminal is asked for its size.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Where a chart is drawn.
pub struct Screen<W: Write> {
    out: W,
    style: Style,
    rows: usize,
    output: Output,
    /// Asks for the size of the window, which may have changed. `None` if it cannot be found out.
    ask: Box<dyn FnMut() -> Option<Size>>,
    ask_next: Duration,
    /// How many rows above the cursor the running chart has.
    drawn: usize,
}

debug_by_name!([W: Write] Screen<W>, style, output);

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
            drawn: 0,
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
        recordings: &[RaceRecording],
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
        // The cursor needs a row of its own.
        let rows = self.rows.saturating_sub(1);
        if rows == 0 {
            return Ok(());
        }
        let lines = fit(recordings, horizon, now, self.style, rows);
        let mut text = self.to_the_top();
        for line in &lines {
            // Erase first. After a line as wide as the window, this would erase its last character.
            text += &format!("\x1b[K{line}\r\n");
        }
        text += "\x1b[J";
        self.drawn = lines.len();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Moves the cursor to the first row of the running chart, or as far up as the window reaches.
    fn to_the_top(&self) -> String {
        match self.drawn {
            0 => String::new(),
            drawn => format!("\x1b[{drawn}A"),
        }
    }

    /// Draws the chart for the last time, in place of the running one. If it is taller than the window,
    /// without so many lines that follow it, rows of waves take the place of those of requests; if it
    /// is still taller, it scrolls, like any output. A file gets all rows.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish(&mut self, recordings: &[RaceRecording], follow: usize) -> io::Result<()> {
        self.ask_for_size();
        let lines = match self.output {
            Output::Other => draw(recordings, Duration::ZERO, Duration::ZERO, self.style),
            // The next prompt needs a row too.
            Output::Live | Output::Plain => {
                let rows = self.rows.saturating_sub(follow + 1);
                whole(recordings, self.style, rows)
            }
        };
        let erased = match self.drawn {
            0 => String::new(),
            _ => self.to_the_top() + "\x1b[J",
        };
        write!(self.out, "{erased}")?;
        for line in lines {
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
}
