//! The race as lines of text, on a terminal that may be narrow, colourless or without Unicode.

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
pub const NARROWEST: usize = 50;

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
