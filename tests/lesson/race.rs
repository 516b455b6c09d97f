//! What does a race conclude from what it saw, and how does it draw it?
//!
//! From recordings made by hand: there is no server here, no network and no clock.

use std::time::Duration;

use ten_versus_five::race::chart::{self, Style};
use ten_versus_five::race::client::{Reply, read_reply};
use ten_versus_five::race::{Lane, Outcome, Recording, Verdict, svg};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A request that was picked up by this thread at one time and answered at another.
fn told(thread: &str, picked_up: f64, answered: f64) -> Lane {
    Lane {
        picked_up: Some(seconds(picked_up)),
        thread: Some(thread.to_owned()),
        end: Some((seconds(answered), Outcome::Answered(200))),
    }
}

/// A request to a server that tells nothing.
fn untold(answered: f64) -> Lane {
    let end = Some((seconds(answered), Outcome::Answered(200)));
    Lane {
        picked_up: None,
        thread: None,
        end,
    }
}

fn failed(outcome: Outcome) -> Lane {
    Lane {
        picked_up: None,
        thread: None,
        end: Some((seconds(0.0), outcome)),
    }
}

fn recording(label: &str, lanes: Vec<Lane>) -> Recording {
    Recording {
        label: label.to_owned(),
        lanes,
    }
}

#[test]
fn work_that_overlaps_is_told_from_work_that_does_not() {
    let verdict = |lanes: &[(f64, f64)]| {
        let lanes: Vec<Lane> = lanes
            .iter()
            .map(|&(from, to)| told("t", from, to))
            .collect();
        Verdict::of(&lanes)
    };
    assert_eq!(
        verdict(&[(0.0, 5.0), (5.0, 10.0)]),
        Verdict::OneAfterAnother
    );
    assert_eq!(verdict(&[(0.0, 5.0), (0.0, 5.0)]), Verdict::SideBySide);
    assert_eq!(
        verdict(&[(0.0, 5.0), (0.0, 5.0), (5.0, 10.0)]),
        Verdict::AtATime(2)
    );
    // A clock that is read late moves both ends, but never by half of the time.
    assert_eq!(
        verdict(&[(0.3, 5.3), (5.0, 10.0)]),
        Verdict::OneAfterAnother
    );
    assert_eq!(verdict(&[(0.0, 5.0), (1.0, 6.0)]), Verdict::SideBySide);
    assert_eq!(verdict(&[(0.0, 0.001), (0.0, 0.001)]), Verdict::TooQuick);
    assert_eq!(verdict(&[(0.0, 5.0)]), Verdict::Alone);
    assert_eq!(verdict(&[]), Verdict::Alone);
    // Quick work that waited long is still quick.
    assert_eq!(verdict(&[(5.0, 5.001), (5.0, 5.001)]), Verdict::TooQuick);
}

#[test]
fn where_the_server_tells_nothing_the_times_of_the_answers_speak() {
    let verdict =
        |times: &[f64]| Verdict::of(&times.iter().map(|&time| untold(time)).collect::<Vec<_>>());
    assert_eq!(verdict(&[5.0, 10.0]), Verdict::OneAfterAnother);
    assert_eq!(verdict(&[5.1, 5.0]), Verdict::SideBySide);
    assert_eq!(verdict(&[5.0, 10.0, 15.0, 20.1]), Verdict::OneAfterAnother);
    assert_eq!(
        verdict(&[10.0, 5.0, 5.0, 5.2, 10.1, 5.1]),
        Verdict::AtATime(4)
    );
    assert_eq!(verdict(&[0.001, 0.002]), Verdict::TooQuick);
    assert_eq!(verdict(&[5.0]), Verdict::Alone);
}

#[test]
fn what_was_not_answered_is_no_evidence() {
    let lanes = [
        untold(5.0),
        failed(Outcome::Refused),
        untold(10.0),
        failed(Outcome::Failed("x".into())),
    ];
    assert_eq!(Verdict::of(&lanes), Verdict::OneAfterAnother);
}

#[test]
fn the_result_is_one_line_that_a_program_can_read_too() {
    let stage1 = recording(
        "stage 1  single-threaded",
        vec![told("main", 0.0, 5.0), told("main", 5.0, 10.004)],
    );
    assert_eq!(
        stage1.result(),
        "stage 1  single-threaded  10.0 s  one after another"
    );
    let busy = recording(
        "127.0.0.1:80/x",
        vec![untold(5.0), untold(5.0), failed(Outcome::Refused)],
    );
    assert_eq!(
        busy.result(),
        "127.0.0.1:80/x  5.0 s  side by side, 2 of 3 answered"
    );
    assert!(!busy.all_answered());
    let gone = recording(
        "127.0.0.1:80/x",
        vec![failed(Outcome::Failed("gone".into()))],
    );
    assert_eq!(gone.result(), "127.0.0.1:80/x  -  none of 1 answered");
}

const PLAIN: Style = Style {
    width: 63,
    unicode: false,
    color: false,
};

fn two_stages() -> Vec<Recording> {
    vec![
        recording(
            "stage 1  single-threaded",
            vec![told("main", 5.0, 10.0), told("main", 0.0, 5.0)],
        ),
        recording(
            "stage 3  channel-pool",
            vec![told("worker-1", 0.0, 5.0), told("worker-0", 0.0, 5.0)],
        ),
    ]
}

fn draw(recordings: &[Recording], style: Style) -> String {
    chart::draw(recordings, Duration::ZERO, Duration::ZERO, style).join("\n")
}

#[test]
fn a_chart_shows_who_waited_and_who_worked() {
    assert_eq!(
        draw(&two_stages(), PLAIN),
        "\
stage 1  single-threaded
  1  ####################                      main       5.0 s
  2  ....................####################  main      10.0 s

stage 3  channel-pool
  1  ####################                      worker-1   5.0 s
  2  ####################                      worker-0   5.0 s

     0 s                 5 s             10 s
     . waiting   # working"
    );
}

#[test]
fn a_chart_may_be_drawn_in_unicode_and_in_colour() {
    let unicode = draw(
        &two_stages(),
        Style {
            unicode: true,
            ..PLAIN
        },
    );
    assert!(unicode.contains("░████"), "{unicode}");
    let coloured = draw(
        &two_stages(),
        Style {
            color: true,
            ..PLAIN
        },
    );
    assert!(coloured.contains("\x1b[32m####"), "{coloured}");
    let switched_on = coloured.matches("\x1b[").count() - coloured.matches("\x1b[0m").count();
    assert_eq!(
        switched_on,
        coloured.matches("\x1b[0m").count(),
        "what is begun is ended"
    );
}

#[test]
fn a_chart_of_what_is_not_over_yet_grows() {
    let running = recording(
        "here",
        vec![
            Lane {
                picked_up: Some(seconds(0.0)),
                thread: Some("main".into()),
                end: None,
            },
            Lane::default(),
        ],
    );
    let lines = chart::draw(&[running], seconds(10.0), seconds(2.5), PLAIN);
    assert_eq!(
        lines[1],
        "  1  ###########                                   main   2.5 s"
    );
    assert_eq!(
        lines[2],
        "  2  ...........                                          2.5 s"
    );
}

#[test]
fn a_chart_says_what_went_wrong() {
    let lanes = vec![
        untold(5.0),
        Lane {
            end: Some((seconds(5.0), Outcome::Answered(404))),
            ..Lane::default()
        },
        failed(Outcome::Refused),
        failed(Outcome::Failed("nothing listens there".into())),
    ];
    let chart = draw(&[recording("here", lanes)], Style { width: 90, ..PLAIN });
    for part in [
        "  status 404",
        "x ",
        "503, too busy",
        "- ",
        "nothing listens there",
        "= waiting or",
    ] {
        assert!(chart.contains(part), "no {part:?} in\n{chart}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut recordings = two_stages();
    let why = "a very long story about what happened to this request, and why, and who is to blame";
    recordings[0]
        .lanes
        .push(failed(Outcome::Failed(why.into())));
    for width in [50, 64, 80, 200] {
        for line in chart::draw(
            &recordings,
            Duration::ZERO,
            Duration::ZERO,
            Style { width, ..PLAIN },
        ) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn the_axis_has_round_numbers() {
    assert_eq!(chart::ticks(10.004), [0.0, 5.0, 10.0]);
    assert_eq!(chart::ticks(5.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(chart::ticks(2.01), [0.0, 1.0, 2.0]);
    assert_eq!(chart::ticks(6.0), [0.0, 2.0, 4.0, 6.0]);
    assert_eq!(chart::ticks(0.3), [0.0, 0.1, 0.2, 0.3]);
    assert_eq!(chart::ticks(30.0), [0.0, 10.0, 20.0, 30.0]);
}

/// Every tag is closed, attributes are quoted, and `<` and `&` stand only where they may.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some((text, after)) = rest.split_once('<') {
        assert_text(text);
        let (tag, after) = after.split_once('>').expect("a tag has an end");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in order");
            continue;
        }
        let (tag, closed) = tag
            .strip_suffix('/')
            .map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{name}");
        let pieces: Vec<&str> = attributes.split('"').collect();
        assert_eq!(pieces.len() % 2, 1, "quotes come in pairs: {tag}");
        for pair in pieces.chunks_exact(2) {
            let name = pair[0]
                .trim_start()
                .strip_suffix('=')
                .expect("name=\"value\"");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
            assert_text(pair[1]);
        }
        if !closed {
            open.push(name);
        }
    }
    assert_text(rest);
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_text(text: &str) {
    for after in text.split('&').skip(1) {
        let entity = after.split(';').next().unwrap();
        assert!(
            ["amp", "lt", "gt", "quot", "apos"].contains(&entity),
            "&{entity};"
        );
    }
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
}

#[test]
fn the_picture_is_well_formed_and_says_the_same_in_words() {
    let picture = svg::draw(&two_stages());
    assert_well_formed(&picture);
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    for words in [
        "stage 1  single-threaded",
        "10.0 s  one after another",
        ">worker-1</text>",
        ">5 s<",
    ] {
        assert!(picture.contains(words), "no {words:?} in {picture}");
    }
    assert!(!picture.contains("<script"));
    assert!(picture.contains("prefers-color-scheme: dark"));
}

#[test]
fn nothing_a_server_sends_becomes_part_of_the_picture_s_markup() {
    let evil = "</text><script>alert('&\"')</script>\u{1b}\0\u{ffff}";
    let lanes = vec![told(evil, 0.0, 1.0), failed(Outcome::Failed(evil.into()))];
    let picture = svg::draw(&[recording(evil, lanes)]);
    assert_well_formed(&picture);
    assert!(!picture.contains("<script"));
}

fn reply(bytes: &str) -> Reply {
    read_reply(&mut bytes.as_bytes()).unwrap()
}

#[test]
fn an_answer_is_read_with_what_it_tells() {
    let ours = reply(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: worker-0\r\n\
         Server-Timing: handle;dur=5000.25\r\n\r\nok",
    );
    assert_eq!(ours.handled, Some(Duration::from_micros(5_000_250)));
    assert_eq!(ours.thread.as_deref(), Some("worker-0"));
    assert_eq!(ours.outcome, Outcome::Answered(200));

    let other = reply("HTTP/1.0 404 Not Found\r\nserver-timing: db;dur=1, cache;desc=x\r\n\r\n...");
    assert_eq!(
        other,
        Reply {
            handled: None,
            thread: None,
            outcome: Outcome::Answered(404)
        }
    );
    assert_eq!(reply("HTTP/1.1 503 Busy\r\n\r\n").outcome, Outcome::Refused);
}

#[test]
fn a_server_cannot_send_what_a_terminal_would_obey() {
    let evil = reply("HTTP/1.1 200 OK\r\nX-Served-By: \x1b[2Jworker-with-a-very-long-name\r\n\r\n");
    let thread = evil.thread.unwrap();
    assert!(
        thread.starts_with("\\u{1b}[2J") && thread.chars().count() <= 40,
        "{thread}"
    );
    assert!(
        reply("HTTP/1.1 200 OK\r\nServer-Timing: handle;dur=-1\r\n\r\n")
            .handled
            .is_none()
    );
    assert!(
        reply("HTTP/1.1 200 OK\r\nServer-Timing: handle;dur=1e999\r\n\r\n")
            .handled
            .is_none()
    );
}

#[test]
fn what_is_no_whole_answer_is_an_error() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 fine\r\n\r\n",
    ] {
        assert!(read_reply(&mut bytes.as_bytes()).is_err(), "{bytes:?}");
    }
    let endless = "x".repeat(100_000);
    assert!(read_reply(&mut endless.as_bytes()).is_err());
}
