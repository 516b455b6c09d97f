//! The race as lines of text, on a terminal that may be narrow, colourless or without Unicode.

use std::time::Duration;

use super::recording::{Lane, RaceRecording};
use crate::client::RequestOutcome;
use crate::notes::lock::{Doing, Row};
use crate::terminal::{Style, columns, shorten};

/// What a piece of a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PieceKind {
    /// There is no connection to the server yet.
    Connecting,
    /// No thread works on the request yet.
    Waiting,
    /// A thread works on it.
    Working,
    /// One or the other: the server does not report it, or has not reported it yet.
    Unknown,
    /// It was rejected.
    Rejected,
    /// It was not answered.
    Failed,
    /// A worker waits for the lock.
    WaitsForLock,
    /// A worker has the lock, and waits for a job. No other worker could use the lock for anything.
    HasLock,
    /// A worker has the lock, and works. No other worker can take a job meanwhile.
    WorksWithLock,
    /// A worker neither works, nor has the lock, nor waits for it, or a request is not sent yet. It is
    /// not drawn.
    Idle,
}

impl PieceKind {
    /// All that are drawn, in the order of a legend.
    pub const ALL: [PieceKind; 9] = [
        PieceKind::Connecting,
        PieceKind::Waiting,
        PieceKind::Working,
        PieceKind::Unknown,
        PieceKind::Rejected,
        PieceKind::Failed,
        PieceKind::WaitsForLock,
        PieceKind::HasLock,
        PieceKind::WorksWithLock,
    ];

    /// A few words for a legend.
    pub fn meaning(self) -> &'static str {
        match self {
            PieceKind::Connecting => "connecting",
            PieceKind::Waiting => "waiting",
            PieceKind::Working => "working",
            PieceKind::Unknown => "waiting or working: the server does not tell",
            PieceKind::Rejected => "rejected",
            PieceKind::Failed => "not answered",
            PieceKind::WaitsForLock => "waits for the lock",
            PieceKind::HasLock => "has the lock, waits for a job",
            PieceKind::WorksWithLock => "has the lock, works",
            PieceKind::Idle => "",
        }
    }

    /// What it is called where a picture or a page is drawn.
    pub fn class(self) -> &'static str {
        self.look().0
    }

    /// Its class, its symbol with Unicode and without, and its colour on a terminal.
    fn look(self) -> (&'static str, [char; 2], &'static str) {
        const DIM: &str = "\x1b[2m";
        const PURPLE: &str = "\x1b[35m";
        match self {
            PieceKind::Connecting => ("connecting", ['·', '~'], DIM),
            PieceKind::Waiting => ("waiting", ['░', '.'], DIM),
            PieceKind::Working => (Doing::Works.class(), ['█', '#'], "\x1b[32m"),
            PieceKind::Unknown => ("unknown", ['▒', '='], "\x1b[36m"),
            PieceKind::Rejected => ("rejected", ['x', 'x'], "\x1b[33m"),
            PieceKind::Failed => ("failed", ['-', '-'], "\x1b[31m"),
            PieceKind::WaitsForLock => (Doing::WaitsForLock.class(), ['┄', ':'], DIM),
            PieceKind::HasLock => (Doing::HasLock.class(), ['━', '+'], PURPLE),
            PieceKind::WorksWithLock => (Doing::WorksWithLock.class(), ['▚', '@'], PURPLE),
            PieceKind::Idle => (Doing::Nothing.class(), [' ', ' '], ""),
        }
    }

    fn symbol(self, unicode: bool) -> char {
        let (_, [symbol, ascii], _) = self.look();
        if unicode { symbol } else { ascii }
    }
}

impl From<Doing> for PieceKind {
    fn from(doing: Doing) -> PieceKind {
        match doing {
            Doing::Nothing => PieceKind::Idle,
            Doing::WaitsForLock => PieceKind::WaitsForLock,
            Doing::HasLock => PieceKind::HasLock,
            Doing::Works => PieceKind::Working,
            Doing::WorksWithLock => PieceKind::WorksWithLock,
        }
    }
}

/// A connection that is there sooner than this is not drawn: that is a part of every request.
const QUICK_CONNECTION: Duration = Duration::from_millis(50);

/// The bar of a request that still runs at `now`, or has ended: kinds, each with the time at which it
/// ends. A running request that was not picked up is waiting, if pick-ups are
/// [reported](RaceRecording::reported); otherwise it is unknown what it does.
pub fn bar(lane: &Lane, now: Duration, reported: bool) -> Vec<(PieceKind, Duration)> {
    let (end, running) = match &lane.end {
        None => (now, true),
        Some((end, _)) => (*end, false),
    };
    let mut pieces = Vec::new();
    if lane.due > Duration::ZERO {
        pieces.push((PieceKind::Idle, lane.due.min(end)));
    }
    if running && lane.due > now {
        return pieces;
    }
    // What a thread has picked up is connected, though that may be heard later.
    let connected = match lane.connected {
        None if running && lane.picked_up.is_none() => now,
        connected => connected.unwrap_or(lane.due),
    };
    if connected.saturating_sub(lane.due) >= QUICK_CONNECTION {
        pieces.push((PieceKind::Connecting, connected.min(end)));
        if running && lane.connected.is_none() {
            return pieces;
        }
    }
    match (&lane.end, lane.picked_up) {
        (Some((_, RequestOutcome::Rejected)), _) => pieces.push((PieceKind::Rejected, end)),
        (Some((_, RequestOutcome::Failed(_))), _) => pieces.push((PieceKind::Failed, end)),
        (_, Some(picked_up)) => {
            pieces.push((PieceKind::Waiting, picked_up.min(end)));
            pieces.push((PieceKind::Working, end));
        }
        (None, None) if reported => pieces.push((PieceKind::Waiting, end)),
        (_, None) => pieces.push((PieceKind::Unknown, end)),
    }
    pieces
}

/// How long a request took, or takes until now.
pub fn took(lane: &Lane, now: Duration) -> Duration {
    let end = lane.end.as_ref().map_or(now, |(end, _)| *end);
    end.saturating_sub(lane.due)
}

/// What to print beside a bar, if the request was not answered with status 200.
pub fn note(lane: &Lane) -> String {
    match &lane.end {
        None | Some((_, RequestOutcome::Answered(200))) => String::new(),
        Some((_, RequestOutcome::Answered(status))) => match &lane.meaning {
            Some(meaning) => format!("status {status}: {meaning}"),
            None => format!("status {status}"),
        },
        Some((_, RequestOutcome::Rejected)) => String::from("503, too busy"),
        Some((_, RequestOutcome::Failed(why))) => why.clone(),
    }
}

/// How far the axis reaches while a race runs: one sleep at first; it doubles each time the race lasts
/// longer. An axis as long as the whole race would give away the result in advance, and an axis that
/// grows all the time would move every bar.
///
/// An answer takes a little longer than the sleep. So the axis doubles only after another twentieth of
/// a sleep: without that, it would double just before the last answers come.
pub fn horizon(sleep: Duration, now: Duration) -> Duration {
    let sleep = sleep.max(Duration::from_millis(100));
    let mut horizon = sleep;
    while now > horizon + sleep / 20 {
        horizon *= 2;
    }
    horizon
}

/// What the time axis has to hold: `horizon` at least, and everything that happened until `now`.
pub fn scale(recordings: &[RaceRecording], horizon: Duration, now: Duration) -> Duration {
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

/// Bars are at least so many columns wide.
const MIN_BAR: usize = 10;

/// Rows are not drawn on fewer columns than this.
const NARROWEST: usize = 30;

/// The chart, line by line. No line is wider than the style allows, if that is 30 columns or more, but for
/// those that say where a lock was taken and released.
pub fn draw(
    recordings: &[RaceRecording],
    horizon: Duration,
    now: Duration,
    style: Style,
) -> Vec<String> {
    let width = style.width.max(NARROWEST);
    let mut chart = Chart::new(recordings, horizon, now, Style { width, ..style });
    chart.over = true;
    chart.lines(Detail::Spaced)
}

/// The chart in at most `rows` lines, none wider than the style allows. If it has more, it shows fewer
/// details of each request, and in the end only how many requests there are of each kind.
pub fn fit(
    recordings: &[RaceRecording],
    horizon: Duration,
    now: Duration,
    style: Style,
    rows: usize,
) -> Vec<String> {
    let chart = Chart::new(recordings, horizon, now, style);
    let details = if style.width < NARROWEST {
        &Detail::ALL[5..]
    } else {
        &Detail::ALL
    };
    let mut lines = Vec::new();
    for detail in details {
        lines = chart.lines(*detail);
        if lines.len() <= rows {
            break;
        }
    }
    lines.truncate(rows);
    lines
}

/// The chart of a race that is over, for a window with so many rows. If it has more, rows of waves take
/// the place of those of requests; if that is not enough, it has more rows than the window.
pub fn whole(recordings: &[RaceRecording], style: Style, rows: usize) -> Vec<String> {
    let width = style.width.max(NARROWEST);
    let zero = Duration::ZERO;
    let mut chart = Chart::new(recordings, zero, zero, Style { width, ..style });
    chart.over = true;
    let details = [Detail::Spaced, Detail::Dense, Detail::Waves];
    let mut charts = details.map(|detail| chart.lines(detail)).into_iter();
    let fitting = charts.clone().find(|lines| lines.len() <= rows);
    fitting.or(charts.next_back()).unwrap_or_default()
}

/// How much a chart shows, from most to least.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// A row for every request, and an empty line after each server.
    Spaced,
    /// A row for every request.
    Dense,
    /// A row for all requests of a server whose bars look alike: for a wave. And so for its workers.
    Waves,
    /// The same for requests, and one row for the lock in place of those for the workers.
    LockOnly,
    /// The same for requests, and none for the lock.
    NoLock,
    /// Two lines for a server: its name, and how many requests it has of each kind.
    Counts,
    /// The same of all servers together.
    Total,
}

impl Detail {
    const ALL: [Detail; 7] = [
        Detail::Spaced,
        Detail::Dense,
        Detail::Waves,
        Detail::LockOnly,
        Detail::NoLock,
        Detail::Counts,
        Detail::Total,
    ];

    /// Whether requests, or workers, that look alike share a row.
    fn groups(self) -> bool {
        !matches!(self, Detail::Spaced | Detail::Dense)
    }

    /// Whether there are bars.
    fn has_bars(self) -> bool {
        !matches!(self, Detail::Counts | Detail::Total)
    }
}

/// What to draw, and how many columns there are for each part of a row.
struct Chart<'a> {
    recordings: &'a [RaceRecording],
    /// Of each recording.
    locks: Vec<Locks>,
    now: Duration,
    scale: Duration,
    style: Style,
    number: usize,
    bar: usize,
    name: usize,
    time: usize,
    note: usize,
    /// There is no next chart. It says where locks were taken and released, on lines as wide as that takes.
    over: bool,
}

/// The pieces of a bar, each with the column at which it ends.
type Columns = Vec<(PieceKind, usize)>;

/// Requests that share a row.
struct Wave {
    /// Of the first one.
    bar: Columns,
    count: usize,
    last: Lane,
}

/// The rows of a recording's lock, which are drawn below its requests.
#[derive(Default)]
struct Locks {
    workers: Vec<Row>,
    itself: Option<Row>,
}

impl Locks {
    fn drawn(&self, detail: Detail) -> &[Row] {
        match detail {
            Detail::LockOnly => self.itself.as_slice(),
            Detail::NoLock => &[],
            _ => &self.workers,
        }
    }
}

impl<'a> Chart<'a> {
    fn new(
        recordings: &'a [RaceRecording],
        horizon: Duration,
        now: Duration,
        style: Style,
    ) -> Self {
        let lanes = || recordings.iter().flat_map(|recording| &recording.lanes);
        let longest = |columns: &dyn Fn(&Lane) -> usize| lanes().map(columns).max().unwrap_or(0);
        let scale = scale(recordings, horizon, now);
        let until = if now.is_zero() { scale } else { now };
        let locks = recordings.iter().map(|recording| match &recording.lock {
            Some(lock) => Locks {
                workers: lock.rows(until),
                itself: lock.row(until),
            },
            None => Locks::default(),
        });
        let locks: Vec<Locks> = locks.collect();
        let workers = || {
            locks
                .iter()
                .flat_map(|lock| lock.workers.iter().chain(&lock.itself))
        };
        let longest_worker = workers().map(|row| columns(&row.name)).max().unwrap_or(0);
        let rows = recordings.iter().map(|recording| recording.lanes.len());
        let most = rows.chain(locks.iter().map(|lock| lock.workers.len()));
        let number = format!("{}x", most.max().unwrap_or(0)).len().max(3);
        let time = longest(&|lane| seconds(lane, now).len()).max(7);
        // The number, "  ", the bar, "  ", the name, " ", the time, "  ", the note
        let room = style.width.saturating_sub(number + 2 + 2 + 1 + time);
        let name = longest(&|lane| columns(lane.thread.as_deref().unwrap_or_default()))
            .max(longest_worker)
            .min(room.saturating_sub(MIN_BAR));
        let room = room - name;
        let note = longest(&|lane| columns(&note(lane))).min(room.saturating_sub(2 + MIN_BAR));
        Chart {
            recordings,
            locks,
            now,
            scale,
            style,
            number,
            bar: if note > 0 { room - 2 - note } else { room },
            name,
            time,
            note,
            over: false,
        }
    }

    fn lines(&self, detail: Detail) -> Vec<String> {
        let mut lines = Vec::new();
        for (recording, lock) in self.recordings.iter().zip(&self.locks) {
            let label = self.shorten(&recording.label, self.style.width);
            match detail {
                _ if detail.has_bars() => {
                    lines.push(label);
                    lines.extend(self.rows(recording, detail));
                    lines.extend(self.lock_rows(lock, detail));
                    let over = recording.lock.as_ref().filter(|_| self.over);
                    let ends = recording.lanes.iter().filter_map(|lane| lane.end.as_ref());
                    let last = ends.map(|(end, _)| *end).max().unwrap_or(Duration::MAX);
                    lines.extend(over.into_iter().flat_map(|lock| lock.lines(last)));
                }
                Detail::Counts => {
                    lines.push(label);
                    lines.extend(self.wrap(&self.counts(&[recording]), " "));
                }
                _ => {}
            }
            if detail == Detail::Spaced {
                lines.push(String::new());
            }
        }
        if detail.has_bars() {
            lines.push(self.axis());
            lines.extend(self.wrap(&self.legend(detail), "   "));
        } else {
            let all: Vec<&RaceRecording> = self.recordings.iter().collect();
            let mut total = vec![format!("{:.1} s:", self.now.as_secs_f64())];
            total.extend(self.counts(&all));
            lines.extend(self.wrap(&total, " "));
        }
        lines
    }

    /// The rows of one server: of each request, or of each wave.
    fn rows(&self, recording: &RaceRecording, detail: Detail) -> Vec<String> {
        let mut waves: Vec<Wave> = Vec::new();
        for lane in recording.in_order() {
            let bar = self.in_columns(&bar(&lane, self.now, recording.reported));
            let state = |lane| (state_of(lane, self.now, recording.reported), note(lane));
            match waves.last_mut() {
                Some(wave)
                    if detail.groups()
                        && state(&wave.last) == state(&lane)
                        && look_alike(&wave.bar, &bar) =>
                {
                    wave.count += 1;
                    wave.last = lane;
                }
                _ => waves.push(Wave {
                    bar,
                    count: 1,
                    last: lane,
                }),
            }
        }
        let rows = (1..).zip(waves).map(|(number, wave)| {
            let number = if detail.groups() {
                format!("{}x", wave.count)
            } else {
                number.to_string()
            };
            let bar = self.in_symbols(&wave.bar);
            let lane = &wave.last;
            let thread = match wave.count {
                1 => lane.thread.as_deref().unwrap_or_default(),
                _ => "",
            };
            let name = self.shorten(thread, self.name);
            let blank = " ".repeat(self.name - columns(&name));
            let time = seconds(lane, self.now);
            let note = self.shorten(&note(lane), self.note);
            let (number_width, time_width) = (self.number, self.time);
            format!("{number:>number_width$}  {bar}  {name}{blank} {time:>time_width$}  {note}")
                .trim_end()
                .to_owned()
        });
        rows.collect()
    }

    /// The rows of one server's workers, or of its lock.
    fn lock_rows(&self, locks: &Locks, detail: Detail) -> Vec<String> {
        // Those that share a bar, the name of the first of them, and how many there are.
        let mut bars: Vec<(Columns, &str, usize)> = Vec::new();
        for row in locks.drawn(detail) {
            let bar = self.sampled(&row.pieces);
            let mut drawn = bars.iter_mut();
            let same = drawn.find(|(other, _, _)| look_alike(other, &bar));
            match same.filter(|_| detail.groups()) {
                Some((_, _, count)) => *count += 1,
                None => bars.push((bar, &row.name, 1)),
            }
        }
        let lines = bars.iter().map(|(bar, name, count)| {
            let (number, name) = match count {
                1 => (String::new(), *name),
                _ => (format!("{count}x"), ""),
            };
            let (bar, name) = (self.in_symbols(bar), self.shorten(name, self.name));
            let width = self.number;
            format!("{number:>width$}  {bar}  {name}")
                .trim_end()
                .to_owned()
        });
        lines.collect()
    }

    /// What a worker did in each column: what took the longest. But what is shorter than a column is
    /// seen too, unless there is a lot of it, and a hold of the lock before all.
    fn sampled(&self, pieces: &[(Doing, Duration)]) -> Columns {
        const A_LOT: usize = 5;
        let width = self.scale / self.bar.max(1) as u32;
        let starts = [Duration::ZERO].into_iter();
        let starts = starts.chain(pieces.iter().map(|(_, end)| *end));
        let pieces: Vec<(PieceKind, Duration, Duration)> = starts
            .zip(pieces)
            .map(|(start, (doing, end))| (PieceKind::from(*doing), start, *end))
            .collect();
        let mut columns = Columns::new();
        let mut first = 0;
        for column in 0..self.bar {
            let from = width * column as u32;
            let to = from + width;
            // Those that have ended before this column have ended before the next one too.
            first += pieces[first..].partition_point(|(_, _, end)| *end < from);
            let last = first + pieces[first..].partition_point(|(_, start, _)| *start < to);
            let touching = &pieces[first..last];
            let short = touching
                .iter()
                .filter(|(kind, start, end)| {
                    *start >= from && *end - *start < width && *kind != PieceKind::Idle
                })
                .collect::<Vec<_>>();
            let longest = touching
                .iter()
                .max_by_key(|(_, start, end)| (*end).min(to).saturating_sub((*start).max(from)));
            let kind = short
                .iter()
                .filter(|_| short.len() < A_LOT)
                .max_by_key(|(kind, start, end)| (*kind == PieceKind::HasLock, *end - *start))
                .map(|piece| piece.0)
                .or(longest.map(|piece| piece.0))
                .unwrap_or(PieceKind::Idle);
            match columns.last_mut() {
                Some((last, end)) if *last == kind => *end = column + 1,
                _ => columns.push((kind, column + 1)),
            }
        }
        columns
    }

    /// A bar with the columns at which its pieces end, instead of the times.
    fn in_columns(&self, bar: &[(PieceKind, Duration)]) -> Columns {
        let mut pieces = Columns::new();
        for (kind, end) in bar {
            let part = end.as_secs_f64() / self.scale.as_secs_f64();
            pieces.push((*kind, (part * self.bar as f64).round() as usize));
        }
        // The last piece is at least one column wide, however short its time is.
        let start = pieces.iter().rev().nth(1).map_or(0, |(_, start)| *start);
        if let Some((_, end)) = pieces.last_mut() {
            *end = (*end).max(start + 1);
        }
        for (_, end) in &mut pieces {
            *end = (*end).min(self.bar);
        }
        pieces
    }

    /// A bar as it is printed, with blanks up to the full width.
    fn in_symbols(&self, bar: &[(PieceKind, usize)]) -> String {
        let mut text = String::new();
        let mut start = 0;
        for (kind, end) in bar {
            let symbols = kind.symbol(self.style.unicode).to_string();
            let symbols = symbols.repeat(end.saturating_sub(start));
            if self.style.color && !symbols.is_empty() {
                text += &format!("{}{symbols}\x1b[0m", kind.look().2);
            } else {
                text += &symbols;
            }
            start = *end;
        }
        text + &" ".repeat(self.bar - start)
    }

    fn axis(&self) -> String {
        let (margin, width) = (self.number + 2, self.bar);
        let mut line = " ".repeat(margin);
        for tick in ticks(self.scale.as_secs_f64()) {
            let label = format!("{tick} s");
            let column = margin + (tick / self.scale.as_secs_f64() * width as f64).round() as usize;
            // The last label may not fit behind its tick.
            let column = column.min(margin + width.saturating_sub(label.len()));
            if column >= line.len() {
                line += &" ".repeat(column - line.len());
                line += &label;
                line.push(' ');
            }
        }
        line.trim_end().to_owned()
    }

    /// The kinds that there are, each with its symbol.
    fn legend(&self, detail: Detail) -> Vec<String> {
        let mut kinds = Vec::new();
        for locks in &self.locks {
            let pieces = locks.drawn(detail).iter().flat_map(|row| &row.pieces);
            kinds.extend(pieces.map(|(doing, _)| PieceKind::from(*doing)));
        }
        let mut running = false;
        for recording in self.recordings {
            for lane in recording.in_order() {
                let bar = bar(&lane, self.now, recording.reported);
                kinds.extend(bar.iter().map(|(kind, _)| *kind));
                running |= lane.end.is_none();
            }
        }
        let all = PieceKind::ALL.into_iter();
        let words = all.filter(|kind| kinds.contains(kind)).map(|kind| {
            let meaning = match kind {
                PieceKind::Unknown if running => "waiting or working: not known yet",
                _ => kind.meaning(),
            };
            format!("{} {meaning}", kind.symbol(self.style.unicode))
        });
        words.collect()
    }

    /// How many requests do what, for example `3 answered,` and `1 waiting`.
    fn counts(&self, recordings: &[&RaceRecording]) -> Vec<String> {
        let lanes = recordings.iter().flat_map(|recording| {
            let with_reported = |lane| (lane, recording.reported);
            recording.lanes.iter().map(with_reported)
        });
        let all: Vec<&str> = lanes
            .map(|(lane, reported)| state_of(lane, self.now, reported))
            .collect();
        let mut counts = Vec::new();
        for what in REQUEST_STATES {
            let count = all.iter().filter(|does| **does == what).count();
            if count > 0 {
                counts.push(format!("{count} {what},"));
            }
        }
        if let Some(last) = counts.last_mut() {
            last.pop();
        }
        counts
    }

    /// Items one after another, below the bars, on as many lines as they take. An item that is longer
    /// than a line is broken between its words.
    fn wrap(&self, items: &[String], separator: &str) -> Vec<String> {
        let width = self.style.width.saturating_sub(self.number + 2);
        let mut pieces: Vec<(&str, &str)> = Vec::new();
        for item in items {
            if columns(item) <= width {
                pieces.push((separator, item));
            } else {
                let words = item.split(' ').enumerate();
                pieces.extend(words.map(|(index, word)| match index {
                    0 => (separator, word),
                    _ => (" ", word),
                }));
            }
        }
        let mut lines: Vec<String> = Vec::new();
        for (separator, piece) in pieces {
            match lines.last_mut() {
                Some(line) if columns(line) + separator.len() + columns(piece) <= width => {
                    *line += separator;
                    *line += piece;
                }
                _ => lines.push(piece.to_owned()),
            }
        }
        let margin = " ".repeat(self.number + 2);
        let lines = lines.iter().map(|line| format!("{margin}{line}"));
        lines
            .map(|line| self.shorten(line.trim_end(), self.style.width))
            .collect()
    }

    /// At most so many columns of a text, in characters that the terminal has.
    fn shorten(&self, text: &str, most: usize) -> String {
        if self.style.unicode {
            shorten(text, most)
        } else {
            shorten(&text.replace(|c: char| !c.is_ascii(), "?"), most)
        }
    }
}

/// Whether two bars differ by a column at most, as those of one wave do.
fn look_alike(one: &[(PieceKind, usize)], other: &[(PieceKind, usize)]) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len()
        && pairs.all(|(one, other)| one.0 == other.0 && one.1.abs_diff(other.1) <= 1)
}

/// What a request may do, in the order in which they are counted.
const REQUEST_STATES: [&str; 8] = [
    "answered",
    "working",
    "waiting",
    "waiting or working",
    "connecting",
    "not sent yet",
    "rejected",
    "not answered",
];

/// What a request does, or what became of it, as one of the words above.
fn state_of(lane: &Lane, now: Duration, reported: bool) -> &'static str {
    let last = bar(lane, now, reported).last().map(|(kind, _)| *kind);
    match (&lane.end, last) {
        (Some((_, RequestOutcome::Answered(_))), _) => REQUEST_STATES[0],
        (_, Some(PieceKind::Working)) => REQUEST_STATES[1],
        (_, Some(PieceKind::Waiting)) => REQUEST_STATES[2],
        (_, Some(PieceKind::Connecting)) => REQUEST_STATES[4],
        (None, Some(PieceKind::Idle)) => REQUEST_STATES[5],
        (Some((_, RequestOutcome::Rejected)), _) => REQUEST_STATES[6],
        (Some((_, RequestOutcome::Failed(_))), _) => REQUEST_STATES[7],
        _ => REQUEST_STATES[3],
    }
}

/// How long the request took.
fn seconds(lane: &Lane, now: Duration) -> String {
    format!("{:.1} s", took(lane, now).as_secs_f64())
}
