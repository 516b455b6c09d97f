//! What does a terminal show while a race runs, and what is left on it at the end?
//!
//! The test emulates a terminal: a screen, and the lines that one can scroll back to. The emulator knows
//! the escape codes that the race uses, and no others.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use ten_versus_five::client::RequestOutcome;
use ten_versus_five::race::chart;
use ten_versus_five::race::screen::Screen;
use ten_versus_five::race::{Lane, RaceRecording};
use ten_versus_five::terminal::Style;
use ten_versus_five::terminal::{Output, Size, obeys_escape_codes};

type Line = Vec<char>;

struct Terminal {
    size: Size,
    /// The one that is seen.
    screen: Vec<Line>,
    /// Row and column. A column as large as the width means that the next character is wrapped.
    cursor: (usize, usize),
    scrolled_off: Vec<Line>,
}

impl Terminal {
    fn new(size: Size) -> Terminal {
        Terminal {
            size,
            screen: vec![vec![' '; size.1]; size.0],
            cursor: (0, 0),
            scrolled_off: Vec::new(),
        }
    }

    fn print(&mut self, text: &str) {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '\x1b' => rest = self.obey(rest),
                '\r' => self.cursor.1 = 0,
                // The system makes both of a line feed.
                '\n' => {
                    self.cursor.1 = 0;
                    self.line_feed();
                }
                character => self.put(character),
            }
        }
    }

    /// What follows the escape character; returns what follows the code.
    fn obey<'a>(&mut self, text: &'a str) -> &'a str {
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        let (code, rest) = text.split_at(end + 1);
        match code {
            "[K" | "[J" => {
                let (row, column) = self.cursor;
                // On a real terminal too, the last character of a full line is erased.
                let column = column.min(self.size.1 - 1);
                self.screen[row][column..].fill(' ');
                if code == "[J" {
                    self.screen[row + 1..].fill(vec![' '; self.size.1]);
                }
            }
            _ if code.ends_with('A') => {
                let rows: usize = code[1..end].parse().unwrap();
                self.cursor.0 = self.cursor.0.saturating_sub(rows);
            }
            _ => assert!(code.ends_with('m'), "what is {code:?}?"),
        }
        rest
    }

    fn put(&mut self, character: char) {
        assert!(!character.is_control(), "{character:?}");
        let columns = if character >= '\u{4e00}' { 2 } else { 1 };
        if self.cursor.1 + columns > self.size.1 {
            self.cursor.1 = 0;
            self.line_feed();
        }
        let (row, column) = self.cursor;
        self.screen[row][column] = character;
        if columns == 2 {
            self.screen[row][column + 1] = '\0';
        }
        self.cursor.1 += columns;
    }

    fn line_feed(&mut self) {
        self.cursor.0 += 1;
        if self.cursor.0 == self.size.0 {
            self.cursor.0 -= 1;
            self.scroll();
        }
    }

    fn scroll(&mut self) {
        self.scrolled_off.push(self.screen.remove(0));
        self.screen.push(vec![' '; self.size.1]);
    }

    /// The window gets another size. What is above the cursor scrolls off if there is no room.
    fn resize(&mut self, size: Size) {
        self.size = size;
        while self.screen.len() > size.0 {
            if self.cursor.0 + 1 < self.screen.len() {
                self.screen.pop();
                continue;
            }
            self.cursor.0 -= 1;
            let top = self.screen.remove(0);
            self.scrolled_off.push(top);
        }
        self.screen.resize(size.0, Vec::new());
        for line in &mut self.screen {
            line.resize(size.1, ' ');
        }
        self.cursor.1 = self.cursor.1.min(size.1);
    }

    /// What a person sees above the cursor. There is nothing below it.
    fn seen(&self) -> Vec<String> {
        let (above, below) = self.screen.split_at(self.cursor.0);
        assert!(below.iter().all(|line| text(line).is_empty()));
        above.iter().map(text).collect()
    }

    /// What a person sees after scrolling back, down to the cursor.
    fn everything(&self) -> Vec<String> {
        let screen = &self.screen[..self.cursor.0];
        self.scrolled_off.iter().chain(screen).map(text).collect()
    }
}

fn text(line: &Line) -> String {
    let text: String = line.iter().filter(|c| **c != '\0').collect();
    text.trim_end().to_owned()
}

/// A terminal that the test looks at while a screen writes to it.
#[derive(Clone)]
struct Shared(Rc<RefCell<Terminal>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).expect("whole characters");
        self.0.borrow_mut().print(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const STYLE: Style = Style {
    width: 80,
    unicode: true,
    color: false,
};

/// A terminal with a prompt on it, and a screen that draws on it.
fn start(size: Size, kind: Output, color: bool) -> (Shared, Screen<Shared>) {
    let mut terminal = Shared(Rc::new(RefCell::new(Terminal::new(size))));
    terminal.write_all(b"$ race\n").unwrap();
    let window = terminal.clone();
    let ask = move || Some(window.0.borrow().size);
    let screen = Screen::new(terminal.clone(), kind, Style { color, ..STYLE }, 24, ask);
    (terminal, screen)
}

/// What a race knows at the time `now`.
fn at(now: Duration, recordings: &[RaceRecording]) -> Vec<RaceRecording> {
    let mut recordings = recordings.to_vec();
    for recording in &mut recordings {
        for lane in &mut recording.lanes {
            let ended = lane.end.as_ref().is_some_and(|(end, _)| *end <= now);
            if !ended {
                lane.end = None;
                let known = recording.reported && lane.picked_up <= Some(now);
                lane.picked_up = lane.picked_up.filter(|_| known);
                lane.thread = lane.thread.take().filter(|_| known);
            }
        }
    }
    recordings
}

/// `count` requests, of which `at_once` run at a time, a second each, on threads of this name.
fn race(label: &str, count: u64, at_once: u64, thread: &str) -> RaceRecording {
    let lanes = (0..count).map(|number| {
        let start = Duration::from_millis(1001 * (number / at_once));
        Lane {
            picked_up: Some(start),
            // One thread works on one request at a time.
            thread: Some(format!("{thread}{}", number % at_once)),
            end: Some((
                start + Duration::from_millis(1001),
                RequestOutcome::Answered(200),
            )),
            connected: Some(Duration::ZERO),
            ..Lane::default()
        }
    });
    RaceRecording {
        label: label.to_owned(),
        lanes: lanes.collect(),
        reported: true,
        ..RaceRecording::default()
    }
}

/// All seven stages; many requests; and another server, with long names, wide letters and failures.
fn races() -> [Vec<RaceRecording>; 3] {
    let stages = (1..=7).map(|number| {
        let at_once = if [1, 4].contains(&number) { 1 } else { 4 };
        let label = format!("stage {number}  a-stage");
        race(&label, 2, at_once, "worker-")
    });
    let many = race("stage 3  channel-pool", 50, 4, "worker-");
    let label = "a-host-with-a-long-name.example.org:65535/".repeat(4);
    let mut another = race(&label, 6, 2, "\u{5de5}\u{4eba}\u{5de5}\u{4eba}\u{5de5}");
    another.reported = false;
    another.lanes[3].picked_up = None;
    let end = |milliseconds, outcome| Some((Duration::from_millis(milliseconds), outcome));
    another.lanes[4].end = end(700, RequestOutcome::Rejected);
    let why =
        String::from("a long text about what went wrong with this request, and when, and why");
    another.lanes[5].end = end(1_200_000, RequestOutcome::Failed(why));
    [stages.collect(), vec![many], vec![another]]
}

/// Runs a race on a terminal that has these sizes, one after another. Checks each frame, as soon as the
/// screen has had time to ask for a new size, and at the end everything that was printed.
fn check(recordings: &[RaceRecording], sizes: &[Size], color: bool) {
    let (terminal, mut screen) = start(sizes[0], Output::Live, color);
    screen.begin().unwrap();
    let mut now = Duration::ZERO;
    for size in sizes {
        terminal.0.borrow_mut().resize(*size);
        for frame in 0..20 {
            now += Duration::from_millis(50);
            let known = at(now, recordings);
            let horizon = chart::horizon(Duration::from_secs(1), now);
            screen.redraw(&known, horizon, now).unwrap();
            if frame < 5 {
                continue;
            }
            let style = Style {
                width: size.1,
                ..STYLE
            };
            let mut expected = chart::fit(&known, horizon, now, style, size.0 - 1);
            expected
                .iter_mut()
                .for_each(|line| *line = line.trim_end().to_owned());
            let seen = terminal.0.borrow().seen();
            assert!(seen.ends_with(&expected), "{size:?} at {now:?}: {seen:#?}");
            if sizes.len() == 1 {
                let everything = terminal.0.borrow().everything();
                assert_eq!(everything.len(), 1 + expected.len(), "{everything:#?}");
            }
        }
    }
    screen.finish(recordings, 1).unwrap();
    screen.print("the end").unwrap();

    let (rows, width) = sizes[sizes.len() - 1];
    let style = Style { width, ..STYLE };
    let mut expected = chart::whole(recordings, style, rows.saturating_sub(2));
    expected.push(String::from("the end"));
    let everything = terminal.0.borrow().everything();
    assert_eq!(everything[0], "$ race");
    assert!(
        everything.ends_with(&expected),
        "{sizes:?}: {everything:#?}"
    );
    if sizes.len() == 1 {
        assert_eq!(everything.len(), 1 + expected.len(), "{everything:#?}");
    }
}

#[test]
fn nothing_stale_is_left_whatever_the_size_of_the_window() {
    for recordings in races() {
        for size in [(24, 80), (10, 40), (50, 200), (24, 50), (5, 30), (2, 80)] {
            check(&recordings, &[size], false);
            check(&recordings, &[size], true);
        }
    }
}

#[test]
fn the_last_chart_is_whole_when_the_window_has_changed_its_size() {
    for recordings in races() {
        check(&recordings, &[(24, 80), (10, 40), (50, 200)], false);
        check(&recordings, &[(50, 200), (5, 30), (2, 1), (24, 80)], false);
        check(
            &recordings,
            &[(10, 40), (11, 41), (9, 39), (30, 100), (3, 60)],
            true,
        );
    }
}

/// Seven stages, two requests each, do not fit: the rows of a wave become one.
#[test]
fn the_last_chart_is_compact_where_it_would_not_fit() {
    let [stages, ..] = races();
    let rows = |rows, follow| {
        let (terminal, mut screen) = start((rows, 80), Output::Live, false);
        screen.finish(&stages, follow).unwrap();
        let everything = terminal.0.borrow().everything();
        everything[1..].to_vec()
    };
    let spaced = rows(40, 7);
    assert_eq!((spaced.len(), spaced[3].as_str()), (30, ""), "{spaced:#?}");
    let dense = rows(31, 7);
    assert_eq!(dense.len(), 23, "{dense:#?}");
    let compact = rows(24, 7);
    assert_eq!(compact.len(), 18, "{compact:#?}");
    let wave = compact.iter().filter(|row| row.starts_with(" 2x  "));
    assert_eq!(wave.count(), 5, "{compact:#?}");
}

/// The lines that a race prints if it does not draw live, without any escape code.
fn not_live(kind: Output) -> Vec<String> {
    let recordings = [race("stage 1  single-threaded", 2, 1, "main")];
    let (terminal, mut screen) = start((24, 80), kind, false);
    screen.begin().unwrap();
    let started = terminal.0.borrow().everything();
    screen
        .redraw(&recordings, Duration::ZERO, Duration::ZERO)
        .unwrap();
    assert_eq!(terminal.0.borrow().everything(), started);
    screen.finish(&recordings, 1).unwrap();
    let all = terminal.0.borrow().everything();
    let style = STYLE;
    let chart = chart::draw(&recordings, Duration::ZERO, Duration::ZERO, style);
    assert_eq!(all[started.len()..], chart);
    started[1..].to_vec()
}

#[test]
fn on_a_terminal_without_escape_codes_a_line_says_that_the_race_runs() {
    let line = "The race is running. The chart follows when it is over.";
    assert_eq!(not_live(Output::Plain), [line]);
}

#[test]
fn a_file_gets_nothing_but_the_chart() {
    assert!(not_live(Output::Other).is_empty());
}

#[test]
fn escape_codes_are_sent_only_if_the_terminal_is_known_to_obey_them() {
    let obeys = |windows, variables: &[(&str, &str)]| {
        obeys_escape_codes(windows, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    for windows in [false, true] {
        assert!(obeys(windows, &[("TERM", "xterm-256color")]));
        assert!(!obeys(windows, &[("TERM", "dumb"), ("CARGO", "cargo")]));
        assert!(!obeys(windows, &[]), "an old console");
        assert!(!obeys(windows, &[("TERM", "")]));
        assert_eq!(obeys(windows, &[("CARGO", "cargo.exe")]), windows);
        assert_eq!(obeys(windows, &[("WT_SESSION", "1234")]), windows);
        assert_eq!(obeys(windows, &[("ANSICON", "80x24")]), windows);
        assert_eq!(obeys(windows, &[("ConEmuANSI", "ON")]), windows);
        assert!(!obeys(windows, &[("ConEmuANSI", "OFF")]));
    }
}

/// On a real terminal, which the `script` program makes on Linux.
#[cfg(all(target_os = "linux", feature = "stage1"))]
mod on_a_terminal {
    use std::io::{BufReader, Read};
    use std::process::Child;

    use super::*;
    use crate::common::{Server, on_a_terminal, program};

    fn script(arguments: &str) -> Child {
        let program = program().get_program().to_str().unwrap().to_owned();
        let command = format!("stty rows 24 columns 80; '{program}' race {arguments}");
        let mut script = on_a_terminal(&command);
        script.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        script.spawn().unwrap()
    }

    /// What a terminal of 80 by 24 shows at the end. Each of these texts has to appear on it before.
    fn watch(arguments: &str, sought: &[&str]) -> Vec<String> {
        let mut script = script(arguments);
        let _keyboard = script.stdin.take();
        let mut output = script.stdout.take().unwrap();
        let mut terminal = Terminal::new((24, 80));
        let (mut bytes, mut seen) = (Vec::new(), String::new());
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
            // A chunk may end within an escape code or a character. Every frame ends with an escape code.
            let end = bytes.windows(3).rposition(|code| code == b"\x1b[J");
            let frames: Vec<u8> = bytes.drain(..end.map_or(0, |end| end + 3)).collect();
            terminal.print(std::str::from_utf8(&frames).unwrap());
            if !frames.is_empty() {
                seen += &terminal.seen().join("\n");
            }
        }
        terminal.print(std::str::from_utf8(&bytes).unwrap());
        assert!(script.wait().unwrap().success());
        for sought in sought {
            assert!(seen.contains(sought), "{sought:?} was not seen:\n{seen}");
        }
        terminal.everything()
    }

    #[test]
    #[ignore = "needs the script program"]
    fn a_race_is_drawn_while_it_runs_and_is_printed_once() {
        let legend = "\u{2591} waiting   \u{2588} working";
        // Between 0 s and 1 s, on an axis that is only as long as one request takes.
        let all = watch("--stage 1 --sleep 1", &[legend, " 0.5 s "]);
        assert_eq!(all[0], "stage 1  single-threaded");
        assert_eq!(all.len(), 7, "{all:#?}");
        assert!(all[6].ends_with("one after another"), "{all:#?}");
    }

    #[cfg(feature = "stage4")]
    #[test]
    #[ignore = "needs the script program"]
    fn who_has_the_lock_is_drawn_while_the_race_runs() {
        let works = "\u{2501}\u{259a}\u{259a}\u{259a}";
        let all = watch("--lock --stage 4 --sleep 1", &[works, " 0.5 s "]);
        assert!(all[3..7].iter().any(|row| row.contains(works)), "{all:#?}");
        let result = all.last().unwrap();
        assert!(
            result.ends_with("  lock held during 2 of 2 jobs"),
            "{all:#?}"
        );
    }

    #[test]
    #[ignore = "needs the script program"]
    fn a_running_request_to_another_server_is_drawn_as_unknown() {
        let server = Server::start(1, &["--sleep", "1"]);
        let unknown = "\u{2592} waiting or working: not known yet";
        let all = watch(&server.addr.to_string(), &[unknown]);
        // The reports in the answers divide the bars.
        assert_eq!(
            all[5], "     \u{2591} waiting   \u{2588} working",
            "{all:#?}"
        );
    }

    #[test]
    #[ignore = "needs the script program"]
    fn a_prediction_is_asked_for_and_compared() {
        let mut script = script("--stage 1 --sleep 1 --ask");
        let mut keyboard = script.stdin.take().unwrap();
        keyboard.write_all(b"one\r1 1\r").unwrap();
        let mut shown = String::new();
        let mut output = script.stdout.take().unwrap();
        output.read_to_string(&mut shown).unwrap();
        assert!(shown.contains("What is \"one\"?"), "{shown}");
        let lines: Vec<&str> = shown.trim_end().rsplit("\r\n").collect();
        let compared = [
            "  Why? Read docs/stage1_single_threaded.md.",
            "  1 and 1 s: wrong",
            "Predictions for stage 1, which took 1 and 2 s:",
        ];
        assert_eq!(lines[1..4], compared, "{shown}");
        assert!(lines[0].ends_with("one after another"), "{shown}");
        assert!(script.wait().unwrap().success());
    }

    /// The prompt of a shell comes next, and it stands below the chart.
    #[test]
    #[ignore = "needs the script program"]
    fn a_race_that_is_interrupted_leaves_the_cursor_below_its_chart() {
        let mut script = script("--stage 1 --sleep 20");
        let mut keyboard = script.stdin.take().unwrap();
        let mut output = BufReader::new(script.stdout.take().unwrap());
        let mut shown = Vec::new();
        while !shown.ends_with(b"\x1b[J") {
            let mut byte = [0];
            output.read_exact(&mut byte).unwrap();
            shown.push(byte[0]);
        }
        keyboard.write_all(b"\x03").unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let mut terminal = Terminal::new((24, 80));
        terminal.print(&String::from_utf8(shown).unwrap());
        terminal.print(rest.trim_end_matches("^C"));
        let seen = terminal.seen();
        assert!(seen.last().unwrap().contains("waiting"), "{seen:#?}");
        assert_eq!(script.wait().unwrap().code(), Some(130));
    }
}
