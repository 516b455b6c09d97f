//! The race as a picture: text as text, no script, readable on light pages and on dark ones.

use std::time::Duration;

use super::chart::{PieceKind, bar, note, scale, ticks, took};
use super::recording::{Lane, RaceRecording};
use crate::terminal::{columns, shorten, wrap};

/// How the picture is laid out, in its own units.
const WIDTH: f64 = 800.0;
const MARGIN: f64 = 24.0;
const ROW: f64 = 32.0;
const BAR_HEIGHT: f64 = 24.0;
/// How far bars may reach. Names and seconds stand to the right of that.
const BARS: f64 = 580.0;
/// The gap between the requests and the workers.
const GAP: f64 = 8.0;
/// The width of a letter and of a bold one, about. It depends on the font, which is not known here.
const LETTER: f64 = 8.5;
const BOLD_LETTER: f64 = 10.5;
/// The room for a name, in letters.
const NAME: usize = 11;

const STYLE: &str = "\
text { font: 16px system-ui, sans-serif; fill: #1b1f24 }
.bold { font-weight: 600 }
.end { text-anchor: end }
.middle { text-anchor: middle }
.card { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #d0d7de }
";

/// What is different on a dark page.
const DARK_STYLE: &str = "\
text { fill: #e6edf3 }
.card { fill: #0d1117; stroke: #3d444d }
.grid { stroke: #3d444d }
";

/// How the pieces of each kind look, and what is different on a dark page. A reader who cannot see the colours sees
/// the shapes: a dotted line waits for the lock, a bar half as high has it, and a striped one has it and works.
const PIECES: [(PieceKind, &str, &str); 9] = [
    (PieceKind::Connecting, "fill: #8c959f", ""),
    (PieceKind::Waiting, "fill: #d0d7de", "fill: #3d444d"),
    (PieceKind::Working, "fill: #1a7f37", "fill: #3fb950"),
    (PieceKind::Unknown, "fill: #54aeff", ""),
    (PieceKind::Rejected, "fill: #bf8700", ""),
    (PieceKind::Failed, "fill: #cf222e", ""),
    (
        PieceKind::WaitsForLock,
        "stroke: #59636e; stroke-width: 3; stroke-dasharray: 3 6",
        "stroke: #9198a1",
    ),
    (PieceKind::HasLock, "fill: #8250df", "fill: #a371f7"),
    (PieceKind::WorksWithLock, "fill: #8250df", "fill: #a371f7"),
];

/// The stripes of a worker that has the lock and works.
const STRIPES: &str = "\
<defs><style>
.stripes { stroke: #ffffff; stroke-width: 4 }
@media (prefers-color-scheme: dark) { .stripes { stroke: #0d1117 } }
</style><pattern id=\"stripes\" width=\"12\" height=\"12\" patternUnits=\"userSpaceOnUse\">\
<path class=\"stripes\" d=\"M-3,3 L3,-3 M-3,15 L15,-3 M9,15 L15,9\"/></pattern></defs>\n";

/// The picture: a whole SVG document.
pub fn draw(recordings: &[RaceRecording]) -> String {
    let end = scale(recordings, Duration::ZERO, Duration::ZERO);
    let mut picture = Picture {
        end,
        y: MARGIN,
        shapes: Vec::new(),
        kinds: Vec::new(),
    };
    for recording in recordings {
        picture.heading(recording);
        let top = picture.y;
        for lane in recording.in_order() {
            picture.lane(&lane, recording.reported);
        }
        picture.workers(recording);
        let bottom = picture.y;
        let lines = ticks(end.as_secs_f64()).into_iter();
        let lines = lines.map(|tick| format!("M{:.1},{top:.1} V{bottom:.1}", picture.x(tick)));
        let lines = lines.collect::<Vec<_>>().join(" ");
        picture
            .shapes
            .push(format!("<path class=\"grid\" d=\"{lines}\"/>"));
        picture.y += ROW / 2.0;
    }
    picture.axis_and_legend();
    picture.document(recordings)
}

/// What is drawn so far.
struct Picture {
    /// What the time axis has to hold.
    end: Duration,
    /// The top of the next row.
    y: f64,
    shapes: Vec<String>,
    /// What pieces stand for, in any order.
    kinds: Vec<PieceKind>,
}

/// Where verdicts and seconds end.
const RIGHT: f64 = WIDTH - MARGIN;

impl Picture {
    fn x(&self, seconds: f64) -> f64 {
        MARGIN + BARS * seconds / self.end.as_secs_f64()
    }

    /// A piece of a bar.
    fn piece(&mut self, kind: PieceKind, x: f64, width: f64) {
        let class = kind.class();
        let inset = match kind {
            PieceKind::HasLock | PieceKind::Connecting => BAR_HEIGHT / 4.0,
            _ => 0.0,
        };
        let (top, height) = (self.y + inset, BAR_HEIGHT - 2.0 * inset);
        let (right, middle) = (x + width, self.y + BAR_HEIGHT / 2.0);
        let place = format!("x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\"");
        let bar = format!("<rect class=\"{class}\" {place}/>");
        self.kinds.push(kind);
        self.shapes.push(match kind {
            PieceKind::Idle => String::new(),
            PieceKind::WaitsForLock => format!(
                "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{middle:.1}\" x2=\"{right:.1}\" y2=\"{middle:.1}\"/>"
            ),
            PieceKind::WorksWithLock => format!("{bar}<rect fill=\"url(#stripes)\" {place}/>"),
            _ => bar,
        });
    }

    /// A line of text beside a bar.
    fn text(&mut self, class: &str, x: f64, words: &str) {
        let (baseline, words) = (self.y + 18.0, escape(words));
        self.shapes.push(format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{baseline:.1}\">{words}</text>"
        ));
    }

    /// The name of a server, and what the race found out about it.
    fn heading(&mut self, recording: &RaceRecording) {
        let result = recording.result();
        let verdict = result
            .strip_prefix(&recording.label)
            .unwrap_or(&result)
            .trim()
            .replace("  lock", ", lock");
        let label = shorten(&recording.label, ((RIGHT - MARGIN) / BOLD_LETTER) as usize);
        self.text("bold", MARGIN, &label);
        let letters = columns(&label) + 2 + columns(&verdict);
        if MARGIN + BOLD_LETTER * letters as f64 > RIGHT {
            self.y += ROW;
        }
        for line in wrap(&verdict, ((RIGHT - MARGIN) / BOLD_LETTER) as usize) {
            self.text("bold end", RIGHT, &line);
            self.y += ROW;
        }
    }

    /// The row of a request.
    fn lane(&mut self, lane: &Lane, reported: bool) {
        let mut start = self.x(0.0);
        for (kind, end) in bar(lane, Duration::ZERO, reported) {
            let end = self.x(end.as_secs_f64());
            // A piece can be seen, however short its time is.
            self.piece(kind, start, (end - start).max(1.0));
            start = end;
        }
        self.name(lane.thread.as_deref().unwrap_or_default());
        let seconds = took(lane, Duration::ZERO).as_secs_f64();
        self.text("end", RIGHT, &format!("{seconds:.1} s"));
        let note = note(lane);
        if !note.is_empty() {
            // To the right of the bar if there is room, or else below it.
            let mut left = start + 8.0;
            if left + width_of(&note) > MARGIN + BARS {
                left = MARGIN;
                self.y += BAR_HEIGHT;
            }
            let most = ((RIGHT - left) / LETTER) as usize;
            self.text("", left, &shorten(&note, most));
        }
        self.y += ROW;
    }

    /// The name of a thread, to the right of its bar.
    fn name(&mut self, name: &str) {
        let name = shorten(name, NAME);
        if !name.is_empty() {
            self.text("", MARGIN + BARS + 12.0, &name);
        }
    }

    /// The rows of a server's workers, if it is known which of them had the lock.
    fn workers(&mut self, recording: &RaceRecording) {
        let rows = recording.lock.as_ref().map(|lock| lock.rows(self.end));
        let rows = rows.unwrap_or_default();
        if !rows.is_empty() {
            self.y += GAP;
        }
        for row in rows {
            let mut from = self.x(0.0);
            let mut short = Vec::new();
            for (doing, end) in row.pieces {
                let to = self.x(end.as_secs_f64());
                let kind = PieceKind::from(doing);
                // What is short is seen too, on top of the rest.
                if to - from < SEEN {
                    short.push((kind, from));
                } else {
                    self.piece(kind, from, to - from);
                }
                from = to;
            }
            for (kind, from) in short {
                self.piece(kind, from, SEEN);
            }
            self.name(&row.name);
            self.y += ROW;
        }
    }

    fn axis_and_legend(&mut self) {
        for tick in ticks(self.end.as_secs_f64()) {
            self.text("middle", self.x(tick), &format!("{tick} s"));
        }
        let mut left = MARGIN;
        self.y += ROW;
        let drawn = self.kinds.clone();
        let kinds = PieceKind::ALL.into_iter();
        for kind in kinds.filter(|kind| drawn.contains(kind)) {
            let width = BAR_HEIGHT + 8.0 + width_of(kind.meaning());
            if left > MARGIN && left + width > RIGHT {
                left = MARGIN;
                self.y += ROW;
            }
            self.piece(kind, left, BAR_HEIGHT);
            self.text("", left + BAR_HEIGHT + 8.0, kind.meaning());
            left += width + 24.0;
        }
    }

    fn document(&self, recordings: &[RaceRecording]) -> String {
        let height = self.y + BAR_HEIGHT + MARGIN;
        let drawn = PIECES.iter().filter(|it| self.kinds.contains(&it.0));
        let rule = |kind: PieceKind, style: &str| format!(".{} {{ {style} }}\n", kind.class());
        let light: String = drawn.clone().map(|it| rule(it.0, it.1)).collect();
        let dark = drawn.filter(|it| !it.2.is_empty());
        let dark: String = dark.map(|it| rule(it.0, it.2)).collect();
        let stripes = match self.kinds.contains(&PieceKind::WorksWithLock) {
            true => STRIPES,
            false => "",
        };
        let results: Vec<String> = recordings.iter().map(RaceRecording::result).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
             <title>{title}</title>\n\
             <style>\n{STYLE}{light}@media (prefers-color-scheme: dark) {{\n{DARK_STYLE}{dark}}}\n</style>\n{stripes}\
             <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{card_width}\" height=\"{card_height}\" rx=\"8\"/>\n\
             {shapes}\n</svg>\n",
            title = escape(&results.join("; ")),
            card_width = WIDTH - 1.0,
            card_height = height - 1.0,
            shapes = self.shapes.join("\n"),
        )
    }
}

/// What is shorter than this is drawn as long as this, in the row of a worker.
const SEEN: f64 = 3.0;

/// The width of a text, about.
fn width_of(words: &str) -> f64 {
    LETTER * columns(words) as f64
}

/// Any text, escaped for XML, both in text and in attributes. XML 1.0 cannot express most control
/// characters at all.
fn escape(words: &str) -> String {
    let mut escaped = String::new();
    for character in words.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}
