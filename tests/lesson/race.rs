//! What does a race conclude from a recording, and how does it draw it?
//!
//! The recordings are made by hand: there is no server here, no network and no clock.

use std::time::Duration;

use ten_versus_five::client::RequestOutcome;
use ten_versus_five::race::chart;
use ten_versus_five::race::{Doubt, Lane, RaceRecording, RaceVerdict, svg};
use ten_versus_five::terminal::Style;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A request that this thread picked up at one time and answered at another, as the server reports.
fn with_report(thread: &str, picked_up: f64, answered: f64) -> Lane {
    Lane {
        picked_up: Some(seconds(picked_up)),
        thread: Some(thread.to_owned()),
        end: Some((seconds(answered), RequestOutcome::Answered(200))),
        ..Lane::default()
    }
}

/// A request to a server that reports nothing.
fn without_report(answered: f64) -> Lane {
    let end = Some((seconds(answered), RequestOutcome::Answered(200)));
    Lane {
        end,
        ..Lane::default()
    }
}

fn failed(outcome: RequestOutcome) -> Lane {
    Lane {
        end: Some((seconds(0.0), outcome)),
        ..Lane::default()
    }
}

fn recording(label: &str, lanes: Vec<Lane>) -> RaceRecording {
    RaceRecording {
        label: label.to_owned(),
        lanes,
        reported: true,
        ..RaceRecording::default()
    }
}

fn verdict(lanes: Vec<Lane>) -> RaceVerdict {
    RaceVerdict::of(&recording("here", lanes))
}

/// The verdict on requests that were picked up and answered at these times, each by a thread of its own.
fn by_reports(lanes: &[(f64, f64)]) -> RaceVerdict {
    let lanes = (0..).zip(lanes).map(|(number, &(from, to))| {
        let thread = format!("worker-{number}");
        with_report(&thread, from, to)
    });
    verdict(lanes.collect())
}

/// The verdict on requests that were answered at these times.
fn by_the_clock(times: &[f64]) -> RaceVerdict {
    verdict(times.iter().map(|time| without_report(*time)).collect())
}

const CONTRADICTED: RaceVerdict = RaceVerdict::CannotTell(Doubt::Contradicted);

#[test]
fn work_that_overlaps_is_distinguished_from_work_that_does_not() {
    use RaceVerdict::{Alone, AtATime, OneAfterAnother, SideBySide, TooQuick};
    let rows: [(&[(f64, f64)], RaceVerdict); 21] = [
        (&[(0.0, 5.0), (5.0, 10.0)], OneAfterAnother),
        (&[(0.0, 5.0), (0.0, 5.0)], SideBySide),
        (&[(0.0, 5.0), (0.0, 5.0), (5.0, 10.0)], AtATime(2)),
        // A clock that is read late moves both ends, but never by half of the time.
        (&[(0.3, 5.3), (5.0, 10.0)], OneAfterAnother),
        (&[(0.0, 5.0), (1.0, 6.0)], SideBySide),
        (&[(0.0, 0.001), (0.0, 0.001)], TooQuick),
        (&[(0.0, 5.0)], Alone),
        (&[], Alone),
        // Quick work on a busy machine is still quick.
        (&[(0.1, 0.101), (0.0, 0.001)], TooQuick),
        (&[(0.1, 0.101), (0.1, 0.101)], TooQuick),
        // The same gap between together and apart as that of the clock.
        (&[(0.0, 5.0), (2.4, 7.4)], SideBySide),
        (&[(0.0, 5.0), (3.0, 8.0)], CONTRADICTED),
        (&[(0.0, 5.0), (4.5, 9.5)], OneAfterAnother),
        // Where the clock shows nothing, the report decides: the server was busy with something else at first, or
        // one request took longer than another.
        (&[(7.0, 12.0), (12.0, 17.0)], OneAfterAnother),
        (&[(10.0, 15.0), (10.0, 15.0), (15.0, 20.0)], AtATime(2)),
        (&[(0.0, 5.0), (5.0, 15.0)], OneAfterAnother),
        // An honest server could send each of the next four reports. A server that runs its requests in the other
        // way, and reports wrong times, could send them too. Threads work on both all the time, but one is answered
        // much later.
        (&[(0.0, 5.0), (0.0, 10.0)], CONTRADICTED),
        (
            &[(0.0, 5.0), (0.0, 10.0), (0.0, 15.0), (0.0, 20.0)],
            CONTRADICTED,
        ),
        // The same of a server that was busy with older requests first, so that the clock shows nothing.
        (&[(0.0, 3.0), (0.0, 4.0)], CONTRADICTED),
        // Pages of unequal length, side by side, and only the time in the database is reported: a thread
        // would have been idle between them, while a request waited.
        (&[(0.7, 1.0), (1.3, 1.6)], CONTRADICTED),
        // Here the report and the clock agree.
        (&[(4.5, 5.0), (4.5, 5.0)], SideBySide),
    ];
    for (lanes, expected) in rows {
        assert_eq!(by_reports(lanes), expected, "{lanes:?}");
    }
    // Hardly any work in five seconds.
    for work in [0.0, 0.000_001, 0.001, 0.1, 0.49] {
        let (one, soon, late) = ((5.0 - work, 5.0), (5.5 - work, 5.5), (10.0 - work, 10.0));
        assert_eq!(by_reports(&[one, soon]), CONTRADICTED, "{work}");
        if work < 0.2 {
            assert_eq!(by_reports(&[one, late]), OneAfterAnother, "{work}");
        }
    }
}

#[test]
fn one_thread_cannot_be_in_two_bars_at_once() {
    let twice = vec![with_report("main", 2.0, 3.0), with_report("main", 2.0, 3.0)];
    let main = Doubt::TwoBars(String::from("main"));
    let twice = recording("here", twice);
    assert_eq!(RaceVerdict::of(&twice), RaceVerdict::CannotTell(main));
    assert_eq!(
        twice.result(),
        "here  3.0 s  cannot tell: main is in two bars at once"
    );
    // Nor is it drawn there.
    let chart = draw(&[twice], PLAIN);
    assert!(!chart.contains('#') && chart.contains("=="), "{chart}");
    // Its clock is read late: at a little more than a second, and a little less than two.
    let in_turn = vec![with_report("main", 0.0, 1.1), with_report("main", 1.0, 2.0)];
    assert_eq!(verdict(in_turn), RaceVerdict::OneAfterAnother);
}

#[test]
fn without_a_report_the_times_of_all_answers_decide() {
    let no_number = "cannot tell: no number at a time fits all answers";
    let uneven = "cannot tell: 0.6 s between answers is neither together nor apart";
    let older = "cannot tell: 1.0 s between answers is neither together nor apart";
    let rows: [(&[f64], &str); 12] = [
        (&[5.0, 10.0], "one after another"),
        (&[5.1, 5.0], "side by side"),
        (&[5.0, 10.0, 15.0, 20.1], "one after another"),
        (&[10.0, 5.0, 5.0, 5.2, 10.1, 5.1], "4 at a time"),
        (&[0.001, 0.002], &RaceVerdict::TooQuick.to_string()),
        (&[5.0], &RaceVerdict::Alone.to_string()),
        // Six one after another would take six seconds.
        (&[1.0, 2.0, 2.0, 2.0, 2.0, 2.0], no_number),
        // Pages of unequal length.
        (&[1.0, 1.6], uneven),
        // A server with older requests before these, which it runs one after another, or two at a time.
        (&[3.0, 4.0], older),
        (&[30.0, 31.0], older),
        (&[3.0, 3.0, 4.0, 4.0], older),
        (&[1.0, 1.0, 1.4, 1.4, 1.8, 1.8], "cannot tell: "),
    ];
    for (times, expected) in rows {
        let told = by_the_clock(times).to_string();
        let fine = told == expected || expected == "cannot tell: " && told.starts_with(expected);
        assert!(fine, "{times:?}: {told}");
    }
}

#[test]
fn a_slow_connection_is_named_and_drawn() {
    let connected = |at, end| Lane {
        connected: Some(seconds(at)),
        ..without_report(end)
    };
    // The client has knocked again after a second, and the server has no limit.
    let mut lanes = vec![connected(0.0, 1.0); 7];
    lanes.resize(12, connected(1.0, 2.0));
    let slow = recording("here", lanes);
    let doubt = Doubt::Connecting(seconds(1.0));
    assert_eq!(RaceVerdict::of(&slow), RaceVerdict::CannotTell(doubt));
    assert_eq!(
        slow.result(),
        "here  2.0 s  cannot tell: a connection took 1.0 s longer than another"
    );
    let chart = draw(std::slice::from_ref(&slow), PLAIN);
    assert!(chart.contains(" 12  ~~~~~~~"), "{chart}");
    assert!(
        chart.contains("\n     ~ connecting\n     = waiting"),
        "{chart}"
    );
    assert!(!chart.contains("  1  ~"), "{chart}");
    assert!(svg::draw(&[slow]).contains("class=\"connecting\""));
    // All of them are equally far away.
    let far = vec![connected(0.3, 1.3), connected(0.3, 2.3)];
    assert_eq!(verdict(far), RaceVerdict::OneAfterAnother);
}

#[test]
fn a_machine_that_stood_still_is_named() {
    let with_pause = |lanes: Vec<Lane>, from, to| {
        let pauses = vec![(seconds(from), seconds(to))];
        RaceVerdict::of(&RaceRecording {
            pauses,
            ..recording("here", lanes)
        })
    };
    let told = |times: &[f64], from, to| {
        let lanes = times.iter().map(|time| without_report(*time)).collect();
        with_pause(lanes, from, to).to_string()
    };
    let stood_still = "cannot tell: this machine stood still for 2.5 s";
    // Both answers have come meanwhile.
    assert_eq!(told(&[3.0, 3.01], 0.5, 3.0), stood_still);
    // One thread has answered both, as it reports truly.
    let main = vec![with_report("main", 2.0, 3.0), with_report("main", 2.0, 3.0)];
    assert_eq!(with_pause(main, 0.5, 3.0).to_string(), stood_still);
    // Seen a moment after the pause.
    assert_eq!(told(&[3.35, 3.36], 0.5, 3.0), stood_still);
    // The requests were sent before it and after it.
    let mut lanes = vec![without_report(1.0), without_report(3.5)];
    lanes[0].connected = Some(seconds(0.0));
    lanes[1].connected = Some(seconds(2.5));
    assert_eq!(with_pause(lanes, 0.0, 2.5).to_string(), stood_still);
    // The first answer has come a little earlier: they were further apart.
    assert_eq!(
        told(&[3.0, 3.2], 2.8, 3.0),
        "cannot tell: this machine stood still for 0.2 s"
    );
    // The second one may have come so much earlier that it did not wait for the first.
    assert_eq!(
        told(&[4.0, 7.2], 6.9, 7.2),
        "cannot tell: this machine stood still for 0.3 s"
    );
    assert_eq!(told(&[4.0, 7.4], 7.1, 7.4), "one after another");
    // Nothing has happened meanwhile, or the pause was short.
    assert_eq!(told(&[5.0, 10.0], 6.0, 8.5), "one after another");
    assert_eq!(told(&[5.0, 10.0], 4.9, 5.0), "one after another");
}

#[test]
fn at_a_fixed_rate_the_result_says_how_long_answers_took_since_they_were_due() {
    let lane = |due, end| Lane {
        due: seconds(due),
        ..with_report("worker-0", end - 1.0, end)
    };
    let every = RaceRecording {
        every: Some(seconds(0.5)),
        ..recording("here", vec![lane(0.0, 1.0), lane(0.5, 2.0), lane(1.0, 3.0)])
    };
    assert_eq!(every.result(), "here  3.0 s  answers took 1.0 to 2.0 s");
    assert_eq!(
        draw(std::slice::from_ref(&every), PLAIN),
        "\
here
  1  #############                             worker-0   1.0 s
  2         ......##############               worker-0   1.5 s
  3               ..............#############  worker-0   2.0 s

     0 s          1 s           2 s       3 s
     . waiting   # working"
    );
    let mut disturbed = every;
    disturbed.pauses = vec![(seconds(1.9), seconds(2.4))];
    let told = "here  3.0 s  cannot tell: this machine stood still for 0.5 s";
    assert_eq!(disturbed.result(), told);
}

#[test]
fn only_status_200_is_an_answer() {
    let with = |status| Lane {
        end: Some((seconds(5.0), RequestOutcome::Answered(status))),
        ..with_report("t", 0.0, 5.0)
    };
    for status in [100, 201, 204, 304, 404, 500] {
        let failing = recording("here", vec![with(status), with(status)]);
        assert_eq!(
            failing.result(),
            "here  -  none of 2 answered with 200",
            "{status}"
        );
        assert!(!failing.all_answered());
        let half = recording("here", vec![with(200), with(status)]);
        let result = "here  5.0 s  nothing to compare, 1 of 2 answered";
        assert_eq!(half.result(), result, "{status}");
        assert_eq!(RaceVerdict::of(&half), RaceVerdict::Alone);
    }
}

#[test]
fn what_was_not_answered_is_no_evidence() {
    let lanes = [
        without_report(5.0),
        failed(RequestOutcome::Rejected),
        without_report(10.0),
        failed(RequestOutcome::Failed("x".into())),
    ];
    assert_eq!(verdict(lanes.to_vec()), RaceVerdict::OneAfterAnother);
}

#[test]
fn the_result_is_one_line_that_a_program_can_read_too() {
    for (label, lanes, expected) in [
        (
            "stage 1  single-threaded",
            vec![
                with_report("main", 0.0, 5.0),
                with_report("main", 5.0, 10.004),
            ],
            "10.0 s  one after another",
        ),
        (
            "127.0.0.1:80/x",
            vec![
                without_report(5.0),
                without_report(5.0),
                failed(RequestOutcome::Rejected),
            ],
            "5.0 s  side by side, 2 of 3 answered",
        ),
        (
            "here",
            vec![with_report("t", 0.0, 5.0), with_report("u", 0.0, 10.0)],
            "10.0 s  cannot tell: the server and the clock disagree",
        ),
        (
            "127.0.0.1:80/x",
            vec![failed(RequestOutcome::Failed("reset".into()))],
            "-  none of 1 answered with 200",
        ),
    ] {
        let race = recording(label, lanes);
        assert_eq!(race.result(), format!("{label}  {expected}"));
        assert_eq!(
            race.all_answered(),
            !expected.contains("answered"),
            "{expected}"
        );
    }
}

const PLAIN: Style = Style {
    width: 63,
    unicode: false,
    color: false,
};

fn two_stages() -> Vec<RaceRecording> {
    let [main, both] =
        [("main", "main", 5.0), ("worker-1", "worker-0", 0.0)].map(|(one, other, start)| {
            vec![
                with_report(one, start, start + 5.0),
                with_report(other, 0.0, 5.0),
            ]
        });
    vec![
        recording("stage 1  single-threaded", main),
        recording("stage 3  channel-pool", both),
    ]
}

fn draw(recordings: &[RaceRecording], style: Style) -> String {
    chart::draw(recordings, Duration::ZERO, Duration::ZERO, style).join("\n")
}

#[test]
fn a_chart_shows_how_long_each_request_waited_and_ran() {
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
        "every colour is switched off again"
    );
}

#[test]
fn the_chart_of_a_running_race_grows() {
    let connected = Lane {
        connected: Some(seconds(0.0)),
        ..Lane::default()
    };
    let running = recording(
        "here",
        vec![
            Lane {
                picked_up: Some(seconds(0.0)),
                thread: Some("main".into()),
                ..connected.clone()
            },
            connected,
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
        without_report(5.0),
        Lane {
            end: Some((seconds(5.0), RequestOutcome::Answered(404))),
            ..Lane::default()
        },
        failed(RequestOutcome::Rejected),
        failed(RequestOutcome::Failed("nothing listens there".into())),
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

/// A request that was sent and is not answered, beside one that is.
fn silent(reported: bool) -> RaceRecording {
    let connected = Lane {
        connected: Some(seconds(0.0)),
        ..Lane::default()
    };
    RaceRecording {
        reported,
        ..recording("here", vec![connected, with_report("main", 0.0, 1.0)])
    }
}

#[test]
fn what_a_running_request_does_is_unknown_unless_pick_ups_are_reported() {
    let chart = |reported| {
        let lines = chart::draw(&[silent(reported)], seconds(5.0), seconds(2.0), PLAIN);
        lines.join("\n")
    };
    let (reported, unknown) = (chart(true), chart(false));
    assert!(reported.contains("  2  ..................  "), "{reported}");
    assert!(reported.contains(". waiting   # working"), "{reported}");
    assert!(unknown.contains("  2  ==================  "), "{unknown}");
    let legend = "     = waiting or working: not known yet";
    assert!(unknown.contains(legend), "{unknown}");
    // The answered one is drawn the same in both.
    let answered = |chart: &str| chart.lines().nth(1).map(String::from);
    assert_eq!(answered(&reported), answered(&unknown));
}

#[test]
fn the_axis_is_one_sleep_long_until_that_has_passed_and_then_doubles() {
    let horizon = |sleep, now| chart::horizon(seconds(sleep), seconds(now)).as_secs_f64();
    assert_eq!(horizon(5.0, 0.0), 5.0);
    assert_eq!(horizon(5.0, 5.2), 5.0, "an answer is a little late");
    assert_eq!(horizon(5.0, 5.3), 10.0);
    assert_eq!(horizon(5.0, 10.2), 10.0);
    assert_eq!(horizon(5.0, 10.3), 20.0);
    assert_eq!(horizon(5.0, 86_400.0), 163_840.0);
    assert!(horizon(0.0, 0.0) > 0.0);
    assert!(horizon(0.0, 1.0) >= 1.0);
}

/// Recordings in which everything is as wide as it can be.
fn wide() -> Vec<RaceRecording> {
    let why =
        "a very long story about what happened to this request, and why, and with what result";
    let mut recordings = two_stages();
    recordings[0].label = "a-host-with-a-long-name.example.org:65535/".repeat(4);
    recordings[0].lanes.extend([
        failed(RequestOutcome::Failed(why.into())),
        failed(RequestOutcome::Rejected),
        without_report(12_345.6),
        with_report("\u{5de5}\u{4eba}\u{4e00}\u{53f7}\u{5de5}\u{4eba}", 0.0, 1.0),
        with_report("\u{1f980}", 0.0, 1.0),
        with_report("a name of twenty chars", 0.0, 1.0),
    ]);
    recordings
}

/// The columns a text takes on a terminal: two for the wide characters that stand in these tests.
fn columns(text: &str) -> usize {
    let wide = |c: &char| ('\u{2e80}'..='\u{9fff}').contains(c) || *c == '\u{1f980}';
    text.chars().count() + text.chars().filter(wide).count()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let zero = Duration::ZERO;
    for (width, unicode) in (30..=130).flat_map(|width| [(width, true), (width, false)]) {
        let style = Style {
            width,
            unicode,
            color: false,
        };
        for line in chart::draw(&wide(), zero, zero, style) {
            assert!(columns(&line) <= width, "{width}: {line}");
            assert!(unicode || line.is_ascii(), "{line}");
        }
    }
}

#[test]
fn no_chart_that_has_to_fit_is_wider_or_taller_than_it_may_be() {
    for (rows, width) in (1..40).flat_map(|rows| (1..100).map(move |width| (rows, width))) {
        let style = Style { width, ..PLAIN };
        let lines = chart::fit(&wide(), seconds(5.0), seconds(12.0), style, rows);
        assert!(
            (1..=rows).contains(&lines.len()),
            "{rows} by {width}: {lines:?}"
        );
        for line in lines {
            assert!(columns(&line) <= width, "{rows} by {width}: {line}");
        }
    }
}

#[test]
fn the_columns_of_a_chart_are_straight_whatever_a_thread_is_called() {
    let lanes = vec![
        with_report("\u{5de5}\u{4eba}", 0.0, 5.0),
        with_report("\u{1f980}", 0.0, 5.0),
        with_report("main", 0.0, 5.0),
    ];
    let unicode = Style {
        unicode: true,
        ..PLAIN
    };
    let chart = draw(&[recording("here", lanes)], unicode);
    let ends: Vec<usize> = chart.lines().skip(1).take(3).map(columns).collect();
    assert_eq!(ends, [63; 3], "{chart}");
}

/// Fifty requests under four workers, after twelve seconds.
fn fifty() -> Vec<RaceRecording> {
    let lanes = (0..50).map(|number| {
        let start = 5.0 * f64::from(number / 4);
        let thread = format!("worker-{}", number % 4);
        let mut lane = with_report(&thread, start, start + 5.0);
        lane.connected = Some(seconds(0.0));
        if start + 5.0 > 12.0 {
            lane.end = None;
        }
        if start > 12.0 {
            lane.picked_up = None;
        }
        lane
    });
    vec![recording("stage 3  channel-pool", lanes.collect())]
}

fn fit(recordings: &[RaceRecording], rows: usize, width: usize) -> String {
    let style = Style { width, ..PLAIN };
    chart::fit(recordings, seconds(20.0), seconds(12.0), style, rows).join("\n")
}

#[test]
fn what_does_not_fit_is_summarised_in_waves_and_then_in_numbers() {
    assert!(fit(&fifty(), 54, 60).contains(" 50  ......"));
    assert_eq!(
        fit(&fifty(), 24, 40),
        "\
stage 3  channel-pool
 4x  ####                          5.0 s
 4x  ....#####                    10.0 s
 4x  .........#                   12.0 s
38x  ..........                   12.0 s
     0 s      10 s
     . waiting   # working"
    );
    assert_eq!(
        fit(&fifty(), 6, 40),
        "\
stage 3  channel-pool
     8 answered, 4 working, 38 waiting
     12.0 s: 8 answered, 4 working,
     38 waiting"
    );
    for rows in [1, 2] {
        assert_eq!(
            fit(&fifty(), rows, 60),
            "     12.0 s: 8 answered, 4 working, 38 waiting"
        );
    }
}

#[test]
fn requests_that_were_picked_up_a_moment_apart_are_one_wave() {
    let mut lanes: Vec<Lane> = (0..30)
        .map(|number| with_report(&number.to_string(), 0.01 * f64::from(number), 5.0))
        .collect();
    lanes.extend((0..10).map(|number| with_report(&number.to_string(), 5.0, 10.0)));
    let chart = fit(&[recording("here", lanes)], 10, 80);
    assert!(
        chart.contains("\n30x  ") && chart.contains("\n10x  "),
        "{chart}"
    );
}

#[test]
fn two_requests_to_each_of_seven_stages_fit_into_80_by_24_one_by_one() {
    let stages: Vec<RaceRecording> = (0..7).map(|_| two_stages().remove(0)).collect();
    let chart = fit(&stages, 24, 80);
    assert_eq!(chart.matches("\n  2  ").count(), 7, "{chart}");
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

/// Left and right end of each text in a picture, with the y of its baseline and its words. A letter is
/// taken to be 8 wide, and a bold one 10.
fn texts(picture: &str) -> Vec<(f64, f64, String, String)> {
    let texts = picture.split("<text class=\"").skip(1).map(|after| {
        let parts: Vec<&str> = after.splitn(6, '"').collect();
        let [class, _, x, _, y, rest] = parts[..] else {
            panic!("{after}")
        };
        let words = rest[1..].split("</text>").next().unwrap();
        let letter = if class.starts_with("bold") { 10.0 } else { 8.0 };
        let (x, width) = (x.parse::<f64>().unwrap(), letter * columns(words) as f64);
        let left = match class {
            "end" | "bold end" => x - width,
            "middle" => x - width / 2.0,
            _ => x,
        };
        (left, left + width, y.to_owned(), words.to_owned())
    });
    texts.collect()
}

#[test]
fn no_text_in_a_picture_runs_into_another_or_over_its_edge() {
    let mut bad = wide();
    let late = Some((
        seconds(12_000.0),
        RequestOutcome::Failed("no answer within 12000 s".into()),
    ));
    bad[0].lanes.push(Lane {
        end: late,
        ..Lane::default()
    });
    let texts = texts(&svg::draw(&bad));
    assert!(
        texts.iter().any(|text| text.3 == "not answered"),
        "{texts:?}"
    );
    for (index, (left, right, y, words)) in texts.iter().enumerate() {
        assert!(
            *left >= 0.0 && *right <= 800.0,
            "{words:?} from {left} to {right}"
        );
        for (other_left, other_right, other_y, other) in &texts[..index] {
            let apart = y != other_y || other_right <= left || right <= other_left;
            assert!(apart, "{words:?} and {other:?}");
        }
    }
}

#[test]
fn nothing_a_server_sends_becomes_part_of_the_picture_s_markup() {
    let evil = "</text><script>alert('&\"')</script>\u{1b}\0\u{ffff}";
    let lanes = vec![
        with_report(evil, 0.0, 1.0),
        failed(RequestOutcome::Failed(evil.into())),
    ];
    let picture = svg::draw(&[recording(evil, lanes)]);
    assert_well_formed(&picture);
    assert!(!picture.contains("<script"));
}
