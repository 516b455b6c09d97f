//! Is what is drawn of a lock what happened to it?
//!
//! Notes are written by hand here, as lines, where a drawing is compared with them. Real servers and
//! real loops are asked for what cannot depend on the machine: who held the lock while a job ran.

use std::time::{Duration, Instant};

use crate::common::repository::read;
use crate::common::{Server, get_when_free, has_line_tables, program, until_told, wait_for};
use ten_versus_five::client::RequestOutcome;
use ten_versus_five::compiled_in;
use ten_versus_five::notes::lock::{Doing, Lock, Row};
use ten_versus_five::notes::{Action, Notes};
use ten_versus_five::race::chart;
use ten_versus_five::race::{Lane, RaceRecording, svg};
use ten_versus_five::terminal::Style;

/// The notes in these lines; seconds may be short.
fn notes(lines: &str) -> Notes {
    let mut notes = Notes::default();
    for line in lines.lines() {
        let line = line.trim();
        assert!(notes.add_line(line).is_some(), "not a note: {line}");
    }
    notes
}

fn lock(start: u64, lines: &str) -> Lock {
    Lock {
        notes: notes(lines),
        start: Duration::from_secs(start),
    }
}

/// A row in short: its name, and for each piece what is done (`.` nothing, `~` waits for the lock, `L` has it, `w` works,
/// `W` works with it) and the second at which that ends.
fn short(row: &Row) -> String {
    let pieces = row.pieces.iter().map(|(doing, end)| {
        let sign = match doing {
            Doing::Nothing => '.',
            Doing::WaitsForLock => '~',
            Doing::HasLock => 'L',
            Doing::Works => 'w',
            Doing::WorksWithLock => 'W',
        };
        format!(" {sign}{}", end.as_secs_f64())
    });
    row.name.clone() + &pieces.collect::<String>()
}

/// The rows of the workers and of the lock until this second, and during how many jobs it is held.
fn told(lock: &Lock, until: u64) -> Vec<String> {
    let until = Duration::from_secs(until);
    let rows = lock.rows(until).into_iter().chain(lock.row(until));
    let held = match lock.held_during(until) {
        Some((held, jobs)) => format!("held during {held} of {jobs}"),
        None => String::from("no lock"),
    };
    rows.map(|row| short(&row)).chain([held]).collect()
}

/// One worker with the loop of stage 4, and one that waits for it, from second 1 to 9.
const HELD: &str = "\
1  worker-0  starts
1  worker-0  has  mutex 1
1  worker-0  wants to receive  channel 2
2  worker-1  starts
2  worker-1  wants  mutex 1
3  worker-0  received  channel 2
3  worker-0  begins  job 1
6  worker-0  ends  job 1
7  worker-0  begins  job 2
9  worker-0  ends  job 2";

/// The same with the loop of stage 3.
const RELEASED: &str = "\
1  worker-0  starts
1  worker-0  has  mutex 1
2  worker-1  starts
2  worker-1  wants  mutex 1
3  worker-0  releases  mutex 1
3  worker-0  begins  job 1
4  worker-1  has  mutex 1
5  worker-1  releases  mutex 1
5  worker-1  begins  job 2
8  worker-0  ends  job 1
9  worker-1  ends  job 2";

#[test]
fn a_worker_that_has_the_lock_while_it_works_is_told_from_one_that_has_released_it() {
    let expected = [
        "worker-0 .1 L3 W6 L7 W9 L10",
        "worker-1 .2 ~10",
        "lock .1 L3 W6 L7 W9 L10",
        "held during 2 of 2",
    ];
    assert_eq!(told(&lock(0, HELD), 10), expected);
    // Between the release and the job there is a moment.
    let expected = [
        "worker-0 .1 L3 .3 w8 .10",
        "worker-1 .2 ~4 L5 .5 w9 .10",
        "lock .1 L3 .4 L5 .10",
        "held during 0 of 2",
    ];
    assert_eq!(told(&lock(0, RELEASED), 10), expected);
}

#[test]
fn what_was_over_at_the_start_is_not_drawn_and_not_counted() {
    let held = lock(6, HELD);
    let expected = [
        "worker-0 L1 W3",
        "worker-1 ~3",
        "lock L1 W3",
        "held during 1 of 1",
    ];
    assert_eq!(told(&held, 3), expected);
    assert_eq!(held.last_job("worker-0"), Duration::from_secs(1));
    assert_eq!(held.last_job("worker-1"), Duration::ZERO);
}

/// A clock that shows 5 s when the race begins. What it shows is heard at once, or later.
#[test]
fn the_clock_that_is_heard_soonest_says_when_the_race_began() {
    let race = Instant::now() + Duration::from_secs(60);
    let seconds = Duration::from_secs;
    let heard = |clocks: &[(u64, Instant)]| {
        let mut lock = Lock::default();
        for (time, at) in clocks {
            lock.adjust_start(seconds(*time), *at, race);
        }
        lock.start
    };
    let before = (3, race - seconds(2));
    assert_eq!(heard(&[before]), seconds(5));
    let late = (3, race - seconds(1));
    let later = (7, race + seconds(6));
    assert_eq!(heard(&[late]), seconds(4));
    assert_eq!(heard(&[later]), seconds(1));
    assert_eq!(heard(&[late, before, later]), seconds(5));
}

/// A job may take a lock, or drop a guard that is moved into it, or there is no lock.
#[test]
fn a_lock_that_is_taken_or_released_in_the_middle_of_a_job_is_drawn_so() {
    let begins = "1  a  starts\n1  a  begins  job 1\n";
    let takes = begins.to_owned() + "2  a  wants  mutex 1\n3  a  has  mutex 1";
    let has = "1  a  starts\n1  a  has  mutex 1\n2  a  begins  job 1\n";
    let releases = has.to_owned() + "3  a  releases  mutex 1\n4  a  has  mutex 2";
    for (lines, row, held) in [
        (takes, "a .1 w5", "held during 0 of 1"),
        (releases, "a .1 L2 W3 w5", "held during 1 of 1"),
    ] {
        let told = told(&lock(0, &lines), 5);
        assert_eq!((&*told[0], &*told[2]), (row, held));
    }
    let no_lock = begins.to_owned() + "2  a  sent  channel 1";
    assert_eq!(told(&lock(0, &no_lock), 4), ["no lock"]);
}

/// A server without requests, so that there is nothing but the rows.
fn drawn(lock: Lock, width: usize, unicode: bool) -> Vec<String> {
    let recording = RaceRecording {
        label: String::from("a server"),
        lock: Some(lock),
        ..RaceRecording::default()
    };
    let style = Style {
        width,
        unicode,
        color: false,
    };
    let end = Duration::from_secs(10);
    let lines = chart::draw(&[recording], end, Duration::ZERO, style);
    lines.into_iter().skip(1).take(2).collect()
}

#[test]
fn each_of_the_four_has_a_character_of_its_own_with_unicode_and_without() {
    let held = drawn(lock(0, HELD), 43, true);
    let expected = [
        "       ━━━━▚▚▚▚▚▚━━▚▚▚▚━━  worker-0",
        "         ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  worker-1",
    ];
    assert_eq!(held, expected);
    let released = drawn(lock(0, RELEASED), 43, false);
    let expected = [
        "       ++++##########      worker-0",
        "         ::::++########    worker-1",
    ];
    assert_eq!(released, expected);
}

/// At ten seconds on twenty columns, a millisecond is nothing. But without it, the two jobs would be one.
#[test]
fn a_hold_that_is_shorter_than_a_column_is_seen_and_a_thousand_of_them_are_not() {
    let short = "\
0.000  worker-0  starts
0.000  worker-0  has  mutex 1
0.001  worker-0  releases  mutex 1
0.001  worker-0  begins  job 1
5.000  worker-0  ends  job 1
5.000  worker-0  wants  mutex 1
5.001  worker-0  has  mutex 1
5.002  worker-0  releases  mutex 1
5.002  worker-0  begins  job 2";
    let seen = drawn(lock(0, short), 43, true);
    assert_eq!(seen[0], "     ━█████████━█████████  worker-0");

    let mut many = String::from("0  worker-0  starts");
    for hold in 0..1000 {
        let (from, to) = (f64::from(hold) / 100.0, f64::from(hold) / 100.0 + 0.001);
        many += &format!("\n{from:.3}  worker-0  has  mutex 1");
        many += &format!("\n{to:.3}  worker-0  releases  mutex 1");
        many += &format!("\n{to:.3}  worker-0  begins  job {hold}");
        many += &format!("\n{:.3}  worker-0  ends  job {hold}", from + 0.01);
    }
    let seen = drawn(lock(0, &many), 43, true);
    assert_eq!(seen[0], "     ████████████████████  worker-0");
}

/// Seven servers with forty workers, as they are drawn in smaller and smaller windows.
#[test]
fn in_a_small_window_workers_that_look_alike_share_a_row_and_then_the_lock_has_one_and_then_none() {
    let mut lines = String::from(HELD);
    for worker in 2..40 {
        lines += &format!("\n9  worker-{worker}  starts\n9  worker-{worker}  wants  mutex 1");
    }
    let one = RaceRecording {
        label: String::from("a server"),
        lock: Some(lock(0, &lines)),
        ..RaceRecording::default()
    };
    let style = Style {
        width: 80,
        unicode: true,
        color: false,
    };
    let recordings = vec![one; 7];
    let end = Duration::from_secs(10);
    let fit = |rows| chart::fit(&recordings, end, end, style, rows);
    let count = |lines: &[String], end: &str| lines.iter().filter(|l| l.ends_with(end)).count();

    let dense = fit(7 * 41 + 3);
    assert_eq!(count(&dense, "  worker-39"), 7, "{dense:#?}");
    let grouped = fit(7 * 4 + 3);
    assert_eq!(count(&grouped, "  worker-0"), 7, "{grouped:#?}");
    let alike = grouped.iter().filter(|line| line.starts_with("38x  "));
    assert_eq!(alike.count(), 7, "{grouped:#?}");
    let lock_only = fit(7 * 2 + 3);
    assert_eq!(count(&lock_only, "  lock"), 7, "{lock_only:#?}");
    let none = fit(7 + 3);
    assert_eq!(count(&none, "a server"), 7, "{none:#?}");
    assert_eq!(count(&none, "  lock"), 0, "{none:#?}");
}

#[test]
fn the_picture_tells_the_four_apart_by_their_shapes() {
    let lane = Lane {
        end: Some((Duration::from_secs(10), RequestOutcome::Answered(200))),
        ..Lane::default()
    };
    let recording = |lines| RaceRecording {
        label: String::from("a server"),
        lanes: vec![lane.clone()],
        reported: true,
        lock: Some(lock(0, lines)),
        ..RaceRecording::default()
    };
    let picture = svg::draw(&[recording(HELD), recording(RELEASED)]);
    let count = |class: &str| picture.matches(&format!("class=\"{class}\"")).count();
    // Each of them once more in the legend.
    assert_eq!(count("works-with-lock"), 2 + 1);
    assert_eq!(picture.matches("url(#stripes)").count(), 2 + 1);
    assert_eq!(count("has-lock"), 3 + 2 + 1);
    assert_eq!(count("waits-for-lock"), 2 + 1);
    assert_eq!(count("working"), 2 + 1);
    for name in ["worker-0", "worker-1"] {
        assert_eq!(picture.matches(&format!(">{name}</text>")).count(), 2);
    }
    assert!(picture.contains("lock held during 2 of 2 jobs"));
}

/// What a race with these options prints.
fn race(options: &[&str]) -> String {
    let race = program().arg("race").args(options).output().unwrap();
    let errors = String::from_utf8_lossy(&race.stderr);
    assert!(errors.is_empty(), "{errors}");
    String::from_utf8(race.stdout).unwrap()
}

fn any_stage() -> bool {
    compiled_in().count() > 0
}

#[test]
fn the_last_field_says_during_how_many_jobs_the_lock_was_held() {
    if !any_stage() {
        return;
    }
    let mut left: Vec<_> = compiled_in().collect();
    until_told(|| {
        let output = race(&["--lock", "--sleep", "1", "--stage", "all"]);
        left.retain(|stage| {
            let label = format!("stage {}  {}  ", stage.number, stage.name);
            let result = output.lines().rfind(|line| line.starts_with(&label));
            let result = result.unwrap_or_else(|| panic!("{output}"));
            let fields: Vec<&str> = result[label.len()..].split("  ").collect();
            let (at_least, verdict) = match stage.number {
                1 | 4 => (2.0, "one after another"),
                _ => (1.0, "side by side"),
            };
            let seconds: f64 = fields[0].trim_end_matches(" s").parse().unwrap();
            assert!(seconds >= at_least, "{result}");
            if fields[1].starts_with("cannot tell: ") {
                return true;
            }
            assert_eq!(fields[1], verdict, "{result}");
            let held = match stage.number {
                1 | 2 => None,
                4 => Some("lock held during 2 of 2 jobs"),
                _ => Some("lock held during 0 of 2 jobs"),
            };
            assert_eq!(fields.get(2).copied(), held, "{result}");
            false
        });
        left.is_empty().then_some(())
    });
}

#[test]
fn a_race_without_the_option_says_nothing_of_a_lock() {
    if any_stage() {
        let output = race(&["--sleep", "0.1"]);
        // A machine that is busy may make "the server and the clock disagree".
        assert!(!output.replace("clock", "").contains("lock"), "{output}");
    }
}

/// What the notes tell of a race of so many requests against a stage.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn lock_of_a_race(stage: &str, workers: &str, count: &str) -> Lock {
    let options = [
        "--lock",
        "--stage",
        stage,
        "--workers",
        workers,
        "-n",
        count,
    ];
    let output = race(&[&options[..], &["--sleep", "1", "--notes", "-"]].concat());
    let mut lock = Lock::default();
    for line in output.lines() {
        // Stage, name, and then the note. Other lines are of the chart.
        let mut fields = line.splitn(3, "  ");
        let note = fields.nth(2).unwrap_or_default();
        let _ = lock.notes.add_line(note.trim_start_matches('-'));
    }
    lock
}

/// How many workers did this before the server was asked to end.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn workers_that(does: Doing, lock: &Lock) -> usize {
    let notes = &lock.notes.notes;
    let closed = notes.iter().find(|note| note.action == Action::DropSender);
    let rows = lock.rows(closed.expect("the channel is closed at the end").time);
    assert_eq!(rows.len(), 4, "{rows:#?}");
    rows.iter()
        .filter(|row| row.pieces.iter().any(|(doing, _)| *doing == does))
        .count()
}

/// The bars of a stage in the lower half of `docs/guard.svg`, row by row: the class, and the seconds from
/// which and to which it is drawn.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn drawn_in_the_picture(left: f64, second: f64) -> [Vec<(String, f64, f64)>; 3] {
    let picture = read("docs/guard.svg");
    let mut rows = [const { Vec::new() }; 3];
    for line in picture.lines() {
        let value = |name: &str| -> Option<f64> {
            let (_, after) = line.split_once(&format!(" {name}=\""))?;
            after.split_once('"')?.0.parse().ok()
        };
        let class = line.split_once("class=\"").map(|(_, after)| after);
        let class = class.and_then(|after| after.split('"').next());
        let Some(class) = class.filter(|class| {
            ["working", "has-lock", "works-with-lock", "waits-for-lock"].contains(class)
        }) else {
            continue;
        };
        let (x, y) = (value("x").or(value("x1")), value("y").or(value("y1")));
        let (x, y) = (x.unwrap(), y.unwrap());
        let right = value("width").map_or_else(|| value("x2").unwrap(), |width| x + width);
        // The second card begins where the first one ends.
        if (x > 432.0) == (left > 432.0) {
            let (from, to) = ((x - left) / second, (right - left) / second);
            rows[(y as usize - 308) / 30].push((class.to_owned(), from, to));
        }
    }
    rows
}

/// What takes long is drawn as long as it takes. What is shorter than a second of the picture, a fifth of
/// one in the race, is left out of both, because a busy machine takes that long to wake a thread.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn assert_is_the_trace_of_a_race(stage: &str, left: f64, second: f64, seconds: u64) {
    until_told(|| {
        let lock = lock_of_a_race(stage, "2", "2");
        is_the_trace(&lock, left, second, seconds).then_some(())
    });
}

/// Whether it is so.
#[cfg(any(feature = "stage3", feature = "stage4"))]
fn is_the_trace(lock: &Lock, left: f64, second: f64, seconds: u64) -> bool {
    const SHORT: f64 = 1.0;
    // The race sleeps for one second in the place of five.
    let end = Duration::from_secs(seconds) / 5;
    let mut rows = lock.rows(end);
    // In the picture, worker-0 runs the first job. In a race it may be the other one.
    let works = |doing| matches!(doing, Doing::Works | Doing::WorksWithLock);
    rows.sort_by_key(|row| !row.pieces.iter().any(|(doing, _)| works(*doing)));
    rows.extend(lock.row(end));
    assert_eq!(rows.len(), 3, "{rows:?}");
    let mut pairs = rows.iter().zip(drawn_in_the_picture(left, second));
    pairs.all(|(row, mut drawn)| {
        let mut traced: Vec<(String, f64, f64)> = Vec::new();
        let mut start = 0.0;
        for (doing, end) in &row.pieces {
            let end = 5.0 * end.as_secs_f64();
            match traced.last_mut() {
                _ if end - start < SHORT || *doing == Doing::Nothing => {}
                // The row of the lock does not show that it is held for one job, and then for the next.
                Some((class, _, to)) if row.name == "lock" && class == doing.class() => *to = end,
                _ => traced.push((doing.class().to_owned(), start, end)),
            }
            start = end;
        }
        drawn.retain(|(_, from, to)| to - from >= SHORT);
        let near = |one: f64, other: f64| (one - other).abs() < 2.0 * SHORT;
        let mut pairs = drawn.iter().zip(&traced);
        let agree = drawn.len() == traced.len()
            && pairs.all(|(one, other)| {
                one.0 == other.0 && near(one.1, other.1) && near(one.2, other.2)
            });
        if !agree {
            eprintln!("{}:\n{drawn:?}\n{traced:?}\n{row:?}", row.name);
        }
        agree
    })
}

#[cfg(feature = "stage4")]
#[test]
fn under_stage_4_one_worker_has_the_lock_through_both_jobs_and_three_wait_to_the_end() {
    let lock = lock_of_a_race("4", "4", "2");
    assert_eq!(lock.held_during(Duration::MAX), Some((2, 2)));
    assert_eq!(workers_that(Doing::WorksWithLock, &lock), 1);
    assert_eq!(workers_that(Doing::HasLock, &lock), 1);
    assert_eq!(workers_that(Doing::Works, &lock), 0);
}

#[cfg(feature = "stage3")]
#[test]
fn the_picture_of_the_guard_has_the_trace_of_stage_3() {
    assert_is_the_trace_of_a_race("3", 104.0, 29.6, 5);
}

#[cfg(feature = "stage4")]
#[test]
fn the_picture_of_the_guard_has_the_trace_of_stage_4() {
    assert_is_the_trace_of_a_race("4", 544.0, 22.4, 10);
}

#[cfg(feature = "stage3")]
#[test]
fn under_stage_3_all_four_work_while_none_has_the_lock() {
    // A busy machine may keep one from work until the others have done it.
    until_told(|| {
        let lock = lock_of_a_race("3", "4", "6");
        assert_eq!(lock.held_during(Duration::MAX), Some((0, 6)));
        assert_eq!(workers_that(Doing::WorksWithLock, &lock), 0);
        (workers_that(Doing::Works, &lock) == 4).then_some(())
    });
}

/// Also that the notes of a real server can be read again, and who leaves at the end.
#[cfg(feature = "stage7")]
#[test]
fn the_notes_are_written_and_stage_7_waits_for_each_worker_to_end() {
    let file = crate::common::repository::temporary().join("notes.txt");
    let options = ["--lock", "--stage", "7", "--sleep", "0.1", "--notes"];
    let output = race(&[&options[..], &[file.to_str().unwrap()]].concat());
    assert!(!output.contains("wants"), "they are in the file: {output}");
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let label = "stage 7  graceful-shutdown  ";
    let lines = written
        .lines()
        .map(|line| line.strip_prefix(label).unwrap());
    // The workers may have started before the race.
    let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('-')).collect();
    let notes = notes(&lines.join("\n"));

    // What is only wanted has no outcome yet.
    let done = notes.notes.iter().filter(|note| note.outcome.is_some());
    let done: Vec<Action> = done.map(|note| note.action).collect();
    let count = |action| done.iter().filter(|it| **it == action).count();
    for job in [1, 2] {
        assert_eq!(
            (count(Action::BeginJob(job)), count(Action::EndJob(job))),
            (1, 1),
            "job {job}: {output}{written}"
        );
    }
    assert_eq!(
        (count(Action::Start), count(Action::End)),
        (4, 4),
        "{written}"
    );
    let join = Action::Join { scope: false };
    assert_eq!(count(join), 4, "{written}");
    let last = notes.notes.last().unwrap();
    assert_eq!(last.action, join, "the pool is the last to go");

    let printed = race(&[&options[..], &["-"]].concat());
    assert!(printed.contains(&format!("\n{label}")), "{printed}");
    assert!(printed.contains("  worker-0  starts\n"), "{printed}");
    assert!(
        printed.ends_with(" jobs\n"),
        "the result is last: {printed}"
    );
}

#[test]
fn what_the_page_is_told_is_json() {
    let told = lock(2, HELD).json(Duration::from_secs(5));
    let expected = "{\"held\":1,\"jobs\":1,\"full\":false,\"rows\":[\
        {\"name\":\"worker-0\",\"pieces\":[\
        [\"has-lock\",1000.000],[\"works-with-lock\",4000.000],[\"has-lock\",5000.000]]},\
        {\"name\":\"worker-1\",\"pieces\":[[\"waits-for-lock\",5000.000]]}],\"lines\":[]}";
    assert_eq!(told, expected);

    let none = lock(0, "1  a \"b\" \\  starts").json(Duration::from_secs(5));
    assert_eq!(
        none,
        "{\"held\":null,\"jobs\":0,\"full\":false,\"rows\":[],\"lines\":[]}"
    );
    let quoted = "1  a \"b\" \\  starts\n1  a \"b\" \\  has  mutex 1";
    let quoted = lock(0, quoted).json(Duration::from_secs(5));
    assert!(quoted.contains(r#""name":"a \"b\" \\""#), "{quoted}");

    let places = "1  a  starts\n1  a  has  mutex 1  at \"x\".rs:3:7\n2  a  releases  mutex 1  at \"x\".rs:4:9";
    let places = lock(0, places).json(Duration::from_secs(5));
    let line = r#","lines":["lock: taken at \"x\".rs:3:7, released at \"x\".rs:4:9"]}"#;
    assert!(places.ends_with(line), "{places}");
}

fn only_a_server_that_takes_notes_tells_who_had_the_lock(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    assert_eq!(get_when_free(server.addr, "/race/lock").status, 404);

    let server = Server::start(stage, &["--sleep", "0", "--lock"]);
    let page = get_when_free(server.addr, "/race");
    assert!(page.body.contains("const showsLock = true;"));
    for _ in 0..2 {
        assert_eq!(get_when_free(server.addr, "/sleep").status, 200);
    }
    // The request for the notes is a job as well, and does not count, but those before it do. While a thread writes a
    // note, those after it are left for the next request.
    let mut jobs = 2;
    let told = wait_for("the notes of all jobs", || {
        let told = get_when_free(server.addr, "/race/lock");
        jobs += 1;
        let expected = match stage {
            1 | 2 => String::from("{\"held\":null,"),
            4 => format!("{{\"held\":{jobs},\"jobs\":{jobs},"),
            _ => format!("{{\"held\":0,\"jobs\":{jobs},"),
        };
        told.body.starts_with(&expected).then_some(told)
    });
    let kind = told.header("Content-Type");
    assert_eq!(kind, Some("application/json; charset=utf-8"));
    if matches!(stage, 3 | 4) {
        let line = told
            .body
            .split('"')
            .rfind(|text| text.starts_with("lock: "));
        let page = read("docs/lock_trace.md");
        let is_told = line.is_some_and(|line| page.contains(line));
        assert!(is_told || !has_line_tables(), "{}", told.body);
    }
    // What is not a number of seconds, or too large a one, asks for everything.
    for query in ["?-1", "?1e300", "?NaN", "?x", "?", "?%00"] {
        let told = get_when_free(server.addr, &format!("/race/lock{query}"));
        assert_eq!(told.status, 200, "{query}");
    }
    // The job before may not have ended yet.
    wait_for("nothing since now", || {
        let told = get_when_free(server.addr, "/race/lock?0");
        told.body.contains("\"jobs\":0,").then_some(())
    });
}

to_every_stage! {
    only_a_server_that_takes_notes_tells_who_had_the_lock
}

/// There is room for 65,536 notes, and a request takes eight or nine.
#[cfg(feature = "stage3")]
#[test]
fn a_server_whose_recording_is_full_says_so_and_goes_on() {
    let server = Server::start(3, &["--sleep", "0.1", "--lock"]);
    let tells = || get_when_free(server.addr, "/race/lock?0.1").body;
    assert!(tells().contains("\"full\":false,"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_050 {
                    assert_eq!(get_when_free(server.addr, "/").status, 200);
                }
            });
        }
    });
    let told = tells();
    assert!(told.contains("\"full\":true,"), "{told}");
    let expected = "{\"held\":0,\"jobs\":";
    let all = get_when_free(server.addr, "/race/lock").body;
    assert!(all.starts_with(expected), "{}", &all[..100]);
    crate::common::assert_no_worker_is_missing(&server, 3);
}

/// The thirteen loops of docs/lock_scope.md: what the notes say, and what the page says.
mod spellings {
    use super::*;
    use loops::Job;
    use ten_versus_five::notes::Recording;
    use ten_versus_five::traced;
    use ten_versus_five::traced::sync::{Arc, Mutex, mpsc};

    mod loops {
        use ten_versus_five::traced as std;
        include!("../../src/explore/spellings.rs");
    }

    type Loop = fn(&Mutex<mpsc::Receiver<Job>>);

    /// Four jobs on two workers with this loop.
    fn lock_of(work: Loop) -> Lock {
        let recording = Recording::new();
        recording.watch(|| {
            let (sender, receiver) = mpsc::channel::<Job>();
            let receiver = Arc::new(Mutex::new(receiver));
            for number in 1..=4 {
                let job = move || traced::job(number, || ());
                sender.send(Box::new(job)).unwrap();
            }
            for worker in 0..2 {
                let receiver = Arc::clone(&receiver);
                let thread = traced::thread::Builder::new().name(format!("worker-{worker}"));
                thread.spawn(move || work(&receiver)).unwrap();
            }
        });
        assert!(recording.wait_for_threads(crate::common::PATIENCE));
        Lock {
            notes: recording.notes(),
            start: Duration::ZERO,
        }
    }

    #[test]
    fn the_notes_of_each_loop_say_what_the_table_says() {
        let loops: [Loop; 13] = [
            loops::let_then_call,
            loops::let_else,
            loops::match_after_let,
            loops::helper_function,
            loops::guard_dropped,
            loops::guard_in_a_block,
            loops::for_loop,
            loops::while_let,
            loops::match_on_recv,
            loops::if_let,
            loops::guard_not_dropped,
            loops::borrow_in_a_let,
            loops::while_let_block, // In edition 2024, of which this file is.
        ];
        let page = read("docs/lock_scope.md");
        let table = page.split("\n| the loop |").nth(1).unwrap();
        let mut rows = table.lines().skip(2);
        for (index, work) in loops.into_iter().enumerate() {
            let row = rows.next().unwrap();
            let held = row.contains(" | **held** | ");
            let expected = if held { (4, 4) } else { (0, 4) };
            let found = lock_of(work).held_during(Duration::MAX);
            assert_eq!(found, Some(expected), "loop {}: {row}", index + 1);
        }
        assert_eq!(rows.next(), Some(""), "the table ends here");
    }

    /// Which is why one worker does everything under the one loop, and may under the other.
    #[test]
    fn a_for_never_releases_the_lock_between_two_jobs_and_a_while_let_does_each_time() {
        let releases = |work| {
            let notes = lock_of(work).notes.notes;
            let last = notes
                .iter()
                .rposition(|note| matches!(note.action, Action::EndJob(_)));
            let releases = notes[..last.unwrap()].iter();
            releases
                .filter(|note| note.action == Action::Unlock)
                .count()
        };
        assert_eq!(releases(loops::for_loop), 0);
        assert_eq!(releases(loops::while_let), 3);
    }
}
