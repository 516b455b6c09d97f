//! The race as lines of text, on a terminal that may be narrow, colourless or without Unicode.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Lane, Outcome, Recording};

/// What a piece of a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nobody works on the request.
    Waiting,
    /// Somebody does.
    Working,
    /// One or the other: the server does not tell.
    Whole,
    /// It was turned away.
    Refused,
    /// It was not answered.
    Failed,
}

impl Kind {
    /// All of them, in the order of a legend.
    pub const ALL: [Kind; 5] = [
        Kind::Waiting,
        Kind::Working,
        Kind::Whole,
        Kind::Refused,
        Kind::Failed,
    ];

    /// A few words for a legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Waiting => "waiting",
            Kind::Working => "working",
            Kind::Whole => "waiting or working: the server does not tell",
            Kind::Refused => "turned away",
            Kind::Failed => "not answered",
        }
    }

    fn symbol(self, unicode: bool) -> char {
        match (self, unicode) {
            (Kind::Waiting, true) => '░',
            (Kind::Waiting, false) => '.',
            (Kind::Working, true) => '█',
            (Kind::Working, false) => '#',
            (Kind::Whole, true) => '▒',
            (Kind::Whole, false) => '=',
            (Kind::Refused, _) => 'x',
            (Kind::Failed, _) => '-',
        }
    }

    fn color(self) -> &'static str {
        match self {
            Kind::Waiting => "\x1b[2m",
            Kind::Working => "\x1b[32m",
            Kind::Whole => "\x1b[36m",
            Kind::Refused => "\x1b[33m",
            Kind::Failed => "\x1b[31m",
        }
    }
}

/// The bar of a request that runs or ended at `now`: kinds, each with the time at which it ends.
pub fn bar(lane: &Lane, now: Duration) -> Vec<(Kind, Duration)> {
    let (end, kind) = match &lane.end {
        None => (now, Kind::Working),
        Some((end, Outcome::Answered(_))) => (*end, Kind::Working),
        Some((end, Outcome::Refused)) => return vec![(Kind::Refused, *end)],
        Some((end, Outcome::Failed(_))) => return vec![(Kind::Failed, *end)],
    };
    match lane.picked_up {
        Some(picked_up) => vec![(Kind::Waiting, picked_up.min(end)), (kind, end)],
        None if lane.end.is_none() => vec![(Kind::Waiting, end)],
        None => vec![(Kind::Whole, end)],
    }
}

/// What there is to say beside a bar, if all did not go well.
pub fn note(lane: &Lane) -> String {
    match &lane.end {
        None | Some((_, Outcome::Answered(200))) => String::new(),
        Some((_, Outcome::Answered(status))) => format!("status {status}"),
        Some((_, Outcome::Refused)) => String::from("503, too busy"),
        Some((_, Outcome::Failed(why))) => why.clone(),
    }
}

/// What the time axis has to hold: `horizon` at least, and everything that happened until `now`.
pub fn scale(recordings: &[Recording], horizon: Duration, now: Duration) -> Duration {
    let lanes = || recordings.iter().flat_map(|recording| &recording.lanes);
    let last = lanes()
        .map(|lane| lane.end.as_ref().map_or(now, |(end, _)| *end))
        .max();
    horizon
        .max(last.unwrap_or_default())
        .max(Duration::from_millis(1))
}

/// Round numbers of seconds for an axis that is so many seconds long, from 0 on.
pub fn ticks(scale: f64) -> Vec<f64> {
    let power = 10_f64.powf(scale.log10().floor());
    let step = match scale / power {
        first_digits if first_digits < 2.0 => power / 2.0,
        first_digits if first_digits < 5.5 => power,
        _ => power * 2.0,
    };
    let ticks = (0..).map(|index| f64::from(index) * step);
    // 3 times 0.1 is not quite 0.3.
    let ticks = ticks.map(|tick| (tick * 1e6).round() / 1e6);
    ticks.take_while(|tick| *tick <= scale).collect()
}

/// What the chart may look like.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The columns there are.
    pub width: usize,
    /// Whether there may be anything but ASCII.
    pub unicode: bool,
    /// Whether there may be colours.
    pub color: bool,
}

/// Bars are at least so many columns wide.
const MIN_BAR: usize = 10;

/// On fewer columns than this, lines may be wrapped.
const NARROWEST: usize = 50;

/// The chart, line by line. No line is wider than the style allows, if that is 50 columns or more.
pub fn draw(
    recordings: &[Recording],
    horizon: Duration,
    now: Duration,
    style: Style,
) -> Vec<String> {
    let lanes = || recordings.iter().flat_map(|recording| &recording.lanes);
    let longest = |text: fn(&Lane) -> usize| lanes().map(text).max().unwrap_or_default();
    let names = longest(|lane| lane.thread.as_ref().map_or(0, |name| name.chars().count()));
    // "  1  ", the bar, "  ", the name, "  10.0 s", "  ", the note
    let room = style.width.saturating_sub(5 + 2 + names + 8);
    let notes = longest(|lane| note(lane).chars().count()).min(room.saturating_sub(2 + MIN_BAR));
    let width = if notes > 0 { room - 2 - notes } else { room }.max(MIN_BAR);
    let scale = scale(recordings, horizon, now);

    let mut lines = Vec::new();
    for recording in recordings {
        lines.push(recording.label.clone());
        for (number, lane) in (1..).zip(recording.in_order()) {
            let end = lane.end.as_ref().map_or(now, |(end, _)| *end).as_secs_f64();
            let bar = bar_of_symbols(&bar(lane, now), scale, width, style);
            let name = lane.thread.as_deref().unwrap_or_default();
            let note: String = note(lane).chars().take(notes).collect();
            let line = format!("{number:>3}  {bar}  {name:<names$} {end:>5.1} s  {note}");
            lines.push(line.trim_end().to_owned());
        }
        lines.push(String::new());
    }
    lines.push(axis(scale, width));
    let kinds: Vec<Kind> = lanes()
        .flat_map(|lane| bar(lane, now))
        .map(|(kind, _)| kind)
        .collect();
    let legend: Vec<String> = Kind::ALL
        .iter()
        .filter(|kind| kinds.contains(kind))
        .map(|kind| format!("{} {}", kind.symbol(style.unicode), kind.meaning()))
        .collect();
    lines.push(format!("     {}", legend.join("   ")));
    lines
}

fn bar_of_symbols(bar: &[(Kind, Duration)], scale: Duration, width: usize, style: Style) -> String {
    let column = |time: Duration| {
        let part = time.as_secs_f64() / scale.as_secs_f64();
        ((part * width as f64).round() as usize).min(width)
    };
    let mut text = String::new();
    let mut start = 0;
    for (index, (kind, end)) in bar.iter().enumerate() {
        let is_last = index + 1 == bar.len();
        // What happened is seen, however short it was.
        let end = column(*end).max(if is_last {
            (start + 1).min(width)
        } else {
            start
        });
        if end > start {
            let symbols = kind.symbol(style.unicode).to_string().repeat(end - start);
            if style.color {
                text += &format!("{}{symbols}\x1b[0m", kind.color());
            } else {
                text += &symbols;
            }
        }
        start = end;
    }
    text + &" ".repeat(width - start)
}

fn axis(scale: Duration, width: usize) -> String {
    let mut line = String::from("     ");
    for tick in ticks(scale.as_secs_f64()) {
        let label = format!("{tick} s");
        let column = 5 + (tick / scale.as_secs_f64() * width as f64).round() as usize;
        // The last label may not fit behind its tick.
        let column = column.min(5 + width.saturating_sub(label.len()));
        if column >= line.len() {
            line += &" ".repeat(column - line.len());
            line += &label;
            line.push(' ');
        }
    }
    line.trim_end().to_owned()
}

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
