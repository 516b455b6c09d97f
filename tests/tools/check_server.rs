//! Does the check of servers tell right from wrong?
//!
//! Each server has a sign for each promise, in the order in which they are printed: `+` it is kept,
//! `-` it is broken, `?` the check cannot tell, `*` it is kept or the check cannot tell, as chance has
//! it, `.` anything. A slow request takes 0.6 s, and a verdict would have to be off by half of that to be
//! wrong; most of the time nothing happens, so all servers are checked at once.

mod servers;

use std::env;
#[cfg(target_os = "linux")]
use std::io::{BufRead, BufReader};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Output;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
#[cfg(unix)]
use std::time::Duration;
use std::time::Instant;

use crate::common::{Nowhere, Server, may_ask_again, program, thorough};
use servers::{Case, HOLD_UP, SERVERS, threaded};
use ten_versus_five::check::server::{CheckOptions, Format, ServerCheck};
use ten_versus_five::client::target::Target;
use ten_versus_five::compiled_in;

fn options(addr: impl ToString, (workers, queue): (Option<usize>, Option<usize>)) -> CheckOptions {
    CheckOptions {
        target: Target::parse(&addr.to_string()).unwrap(),
        workers,
        queue,
        tap: true,
        strict: false,
    }
}

/// What the check prints for programs, and whether it says that nothing is broken.
fn tap(check: &ServerCheck) -> String {
    let mut printed = Vec::new();
    let count = check.report(&mut printed, Format::Tap, |_| {}).unwrap();
    let tap = String::from_utf8(printed).unwrap();
    assert_eq!(count.broken == 0, !tap.contains("not ok"), "{tap}");
    assert_eq!(count.untold == 0, !tap.contains("# SKIP"), "{tap}");
    tap
}

/// The verdicts as signs. Every line has to be as TAP 14 wants it.
fn signs(tap: &str) -> String {
    let mut lines = tap.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    let plan = lines.next().unwrap();
    let mut signs = String::new();
    for line in lines.filter(|line| !line.starts_with("# ")) {
        let number = signs.len() + 1;
        if line.starts_with(&format!("not ok {number} - ")) {
            signs.push('-');
        } else {
            assert!(line.starts_with(&format!("ok {number} - ")), "{tap}");
            signs.push(if line.contains(" # SKIP cannot tell: ") {
                '?'
            } else {
                '+'
            });
        }
    }
    assert_eq!(plan, format!("1..{}", signs.len()), "{tap}");
    // What was seen is told of a promise that is kept, and of no other.
    for broken in tap.split("\nnot ok ").skip(1) {
        let comments = broken
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with("# "));
        assert!(comments.last().unwrap().starts_with("# See "), "{tap}");
    }
    signs
}

/// Whether the verdicts are what is expected.
fn are_right(signs: &str, expected: &str) -> bool {
    assert_eq!(signs.len(), expected.len());
    let mut pairs = signs.chars().zip(expected.chars());
    pairs.all(|(sign, expected)| {
        sign == expected || (expected == '*' && sign != '-') || expected == '.'
    })
}

/// Whether a verdict is none that is right, nor that it cannot tell.
fn are_wrong(signs: &str, expected: &str) -> bool {
    let mut pairs = signs.chars().zip(expected.chars());
    pairs
        .any(|(sign, expected)| sign != '?' && !are_right(&sign.to_string(), &expected.to_string()))
}

/// What is wrong with the verdicts of a check on the promises with these names. On a busy machine it may not be
/// able to tell, and is then asked again about those, of a new server, since it may have damaged the old one. But
/// it is never wrong.
fn misjudged(names: &[&str], expected: &str, check: impl Fn(&[&str]) -> String) -> Option<String> {
    let mut open: Vec<(&str, String)> = names
        .iter()
        .zip(expected.chars())
        .map(|(name, sign)| (*name, sign.to_string()))
        .collect();
    let mut last = String::new();
    let start = Instant::now();
    for asked in 0.. {
        if !may_ask_again(asked, start) {
            break;
        }
        let (names, expected): (Vec<&str>, String) = open.iter().cloned().unzip();
        let tap = check(&names);
        let signs = signs(&tap);
        last = format!("{signs} not\n{expected}\n{tap}");
        if are_wrong(&signs, &expected) {
            return Some(last);
        }
        let mut signs = signs.chars();
        open.retain(|(_, expected)| !are_right(&String::from_iter(signs.next()), expected));
        if open.is_empty() {
            return None;
        }
    }
    Some(last)
}

/// What a check says when it can tell all that it should, in one of a few attempts.
fn settled(is_settled: impl Fn(&str) -> bool, check: impl Fn() -> String) -> String {
    let (mut said, start) = (check(), Instant::now());
    for asked in 1.. {
        if is_settled(&said) || !may_ask_again(asked, start) {
            break;
        }
        said = check();
    }
    said
}

/// The names of all promises, in order.
fn names() -> Vec<String> {
    let tap = tap(&ServerCheck::new(options(
        Nowhere::new().addr,
        (None, None),
    )));
    let lines = tap.lines().filter(|line| line.contains("ok "));
    let names = lines.filter_map(|line| Some(line.split_once(" - ")?.1));
    names
        .map(|name| name.split(" # ").next().unwrap().to_owned())
        .collect()
}

/// The names and the signs of the promises for which a server is here, or of all.
fn chosen<'a>(case: &Case, names: &'a [String]) -> (Vec<&'a str>, String) {
    if thorough() {
        return (
            names.iter().map(String::as_str).collect(),
            case.signs.to_owned(),
        );
    }
    let of = |number: &usize| {
        (
            names[number - 1].as_str(),
            case.signs.as_bytes()[number - 1],
        )
    };
    let (names, signs): (Vec<&str>, Vec<u8>) = case.promises.iter().map(of).unzip();
    (names, String::from_utf8(signs).unwrap())
}

/// Starts one of the servers of this file, which never ends.
fn start(case: &Case) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let serve = case.serve;
    thread::spawn(move || serve(listener));
    addr
}

/// Asks a question about each of the servers, all at once, and returns the answers.
fn ask(question: impl Fn(&Case) -> Option<String> + Sync) -> Vec<String> {
    let question = &question;
    thread::scope(|scope| {
        let asked: Vec<_> = SERVERS
            .iter()
            .map(|case| scope.spawn(move || question(case)))
            .collect();
        let answers = asked.into_iter().zip(SERVERS).filter_map(|(it, case)| {
            let answer = it.join().unwrap()?;
            Some(format!("{}\n{answer}", case.name))
        });
        answers.collect()
    })
}

/// Each is checked for what it is here for.
#[test]
fn no_server_is_misjudged() {
    let names = names();
    let misjudged = ask(|case| {
        let (only, expected) = chosen(case, &names);
        misjudged(&only, &expected, |only| {
            let check = ServerCheck::new(options(start(case), case.demanded)).hold_up(HOLD_UP);
            tap(&check.only(only))
        })
    });
    assert!(misjudged.is_empty(), "{}", misjudged.join("\n"));
}

// The same on a machine that is busy, and with a check that stands still for moments.

/// In this variable, a process finds what to do.
const TASK: &str = "CHECK_SERVER_TASK";

/// This program again, with one of its tests that are no tests by themselves.
#[cfg(unix)]
fn process(test: &str, task: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            &format!("tools::check_server::{test}"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(TASK, task)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Checks the server of this address and this number for what it is here for.
#[test]
#[ignore = "another test runs it in a process of its own"]
fn process_that_checks() {
    let task = env::var(TASK).unwrap();
    let (addr, number) = task.split_once(' ').unwrap();
    let case = &SERVERS[number.parse::<usize>().unwrap()];
    let names = names();
    let check = ServerCheck::new(options(addr, case.demanded)).hold_up(HOLD_UP);
    eprint!("{}", tap(&check.only(&chosen(case, &names).0)));
}

/// Stops the process again and again, for up to a second, until it ends. Returns what it wrote.
#[cfg(unix)]
fn stopped_for_moments(child: Child, mut random: u64) -> String {
    let id = child.id().to_string();
    let ended = AtomicBool::new(false);
    let signal = |name: &str| {
        // It may have ended meanwhile.
        let mut kill = Command::new("kill");
        kill.args([name, &id])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    };
    let pause = |from: u64, random: u64, to: u64| {
        thread::sleep(Duration::from_millis(from + (random >> 33) % (to - from)));
    };
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                pause(1000, random, 4000);
                signal("-STOP");
                pause(100, random, 1000);
                signal("-CONT");
            }
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::SeqCst);
        output
    });
    String::from_utf8(output.stderr).unwrap()
}

/// Ten times each, five of them beside four busy loops and stopped for moments. "Cannot tell" is all right. Says
/// how often that was the verdict where another would have been right.
#[cfg(unix)]
#[test]
#[ignore = "takes five minutes"]
fn no_server_is_misjudged_on_a_busy_machine() {
    let (names, mut misjudged) = (names(), Vec::new());
    for round in 0..10 {
        let busy = AtomicBool::new(round % 2 == 1);
        let (told, untold) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while busy.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            misjudged.extend(ask(|case| {
                let number = SERVERS.iter().position(|it| it.name == case.name).unwrap();
                let task = format!("{} {number}", start(case));
                let child = process("process_that_checks", &task);
                let tap = if round % 2 == 1 {
                    stopped_for_moments(child, (100 * round + number) as u64)
                } else {
                    String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
                };
                let (signs, expected) = (signs(&tap), chosen(case, &names).1);
                for (sign, expected) in signs.chars().zip(expected.chars()) {
                    match sign {
                        '?' if expected == '?' => {}
                        '?' => drop(untold.fetch_add(1, Ordering::SeqCst)),
                        _ => drop(told.fetch_add(1, Ordering::SeqCst)),
                    }
                }
                are_wrong(&signs, &expected).then(|| format!("{signs} not\n{expected}\n{tap}"))
            }));
            busy.store(false, Ordering::Relaxed);
        });
        println!("round {round}: {told:?} told, {untold:?} untold");
    }
    assert!(misjudged.is_empty(), "{}", misjudged.join("\n"));
}

/// Loops without a pause when a client has sent all that it sends, for as long as it lives.
#[test]
#[ignore = "another test runs it in a process of its own"]
fn process_that_spins() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    eprintln!("{}", listener.local_addr().unwrap());
    servers::spins(listener);
}

/// Only Linux tells. In a process of its own, because it is not stopped otherwise.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_spins_at_the_end_of_input_is_found_out() {
    let names = names();
    let only = [names[6].as_str(), names[7].as_str()];
    let misjudged = misjudged(&only, "+-", |only| {
        let mut child = process("process_that_spins", "");
        let mut addr = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut addr).unwrap();
        let check = ServerCheck::new(options(addr.trim(), (None, None))).hold_up(HOLD_UP);
        let tap = tap(&check.only(only));
        child.kill().unwrap();
        child.wait().unwrap();
        tap
    });
    assert_eq!(misjudged, None);
}

/// What each stage promises with four workers and a queue of four, in the order of the stages.
const STAGES: [&str; 7] = [
    "+--?+?++++++++",
    "++++--++++++++",
    "+++++-++++++++",
    "+--?+?++++++++",
    "+++++-++++++++",
    "++++++++++++++",
    "++++++++++++++",
];

/// Which promises of a stage are checked where not everything is: those in which stages differ.
const OF_A_STAGE: [usize; 5] = [2, 3, 4, 5, 6];

#[test]
fn no_stage_is_misjudged() {
    let names = names();
    thread::scope(|scope| {
        for stage in compiled_in() {
            let names = &names;
            scope.spawn(move || {
                let case = Case {
                    name: stage.name,
                    demanded: (Some(4), Some(4)),
                    signs: STAGES[stage.number - 1],
                    promises: &OF_A_STAGE,
                    serve: |_| {},
                };
                let options = [
                    "--sleep",
                    "0.6",
                    "--workers",
                    "4",
                    "--queue",
                    "4",
                    "--read-timeout",
                    "1",
                ];
                let server = Server::start(stage.number, &options);
                let (only, expected) = chosen(&case, names);
                let check = ServerCheck::new(self::options(server.addr, case.demanded));
                let check = |only: &[&str]| tap(&check.clone().only(only));
                assert_eq!(misjudged(&only, &expected, check), None, "{}", stage.name);
            });
        }
    });
}

#[test]
fn the_page_says_which_stage_first_keeps_which_promise() {
    let page = crate::common::repository::read("docs/check.md");
    let names = names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let matrix = crate::tools::check_pool::matrix(&names, &STAGES);
    assert!(page.contains(&format!("\n\n{matrix}\n")), "{matrix}");
}

/// What the page shows of two servers that Python brings along is what is true of such servers.
#[test]
fn the_page_shows_what_is_true_of_one_thread_and_of_a_thread_each() {
    let page = crate::common::repository::read("docs/check.md");
    let blocks = crate::common::repository::blocks(&page, "```text");
    let shown = blocks.iter().find(|block| block.starts_with("TAP"));
    let signs_of = |name| SERVERS.iter().find(|it| it.name == name).unwrap().signs;
    assert_eq!(signs(shown.unwrap()), signs_of("one thread"));
    assert_eq!(signs_of("a thread each").matches('+').count(), 11);
    assert!(page.contains("So eleven promises are kept"));
}

/// Stage 5 has no queue. Said so, it keeps all its promises.
#[cfg(feature = "stage5")]
#[test]
fn no_queue_is_a_queue_of_zero() {
    let server = Server::start(5, &["--sleep", "0.6", "--workers", "2"]);
    let names = names();
    let only = [3, 4, 5].map(|number| names[number].as_str());
    let check = ServerCheck::new(options(server.addr, (Some(2), Some(0))));
    let misjudged = misjudged(&only, "+++", |only| tap(&check.clone().only(only)));
    assert_eq!(misjudged, None);
}

// The command.

fn run(arguments: &[&str]) -> Output {
    program().arg("check").args(arguments).output().unwrap()
}

#[test]
fn three_names_are_relied_on_and_a_failure_exits_with_1() {
    let nowhere = Nowhere::new();
    let output = run(&[&nowhere.addr.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, b"", "progress is for terminals");
    let tap = String::from_utf8(output.stdout).unwrap();
    assert_eq!(signs(&tap), "-?????????????");
    for name in [
        "two requests run at once",
        "never more requests at once than workers",
        "requests beyond workers and queue are rejected with 503",
    ] {
        assert!(
            tap.contains(&format!(" - {name} # SKIP cannot tell: ")),
            "{tap}"
        );
    }
}

/// Nothing is slow here, so that most cannot be told, and none is broken.
#[test]
fn nothing_broken_exits_with_0() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || threaded(listener, |connection, _| servers::respond(connection, 200)));
    let output = run(&[
        &format!("http://{addr}/fast"),
        "--workers=2",
        "--queue",
        "1",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let tap = String::from_utf8(output.stdout).unwrap();
    assert!(tap.contains("/fast is answered after "), "{tap}");
    let output = run(&[&format!("{addr}/fast"), "--strict"]);
    assert_eq!(output.status.code(), Some(1), "much cannot be told");
}

/// What the check says to people.
fn plain(check: &ServerCheck, width: usize) -> String {
    let mut printed = Vec::new();
    let plain = Format::Plain(width);
    check.report(&mut printed, plain, |_| {}).unwrap();
    String::from_utf8(printed).unwrap()
}

#[test]
fn people_get_lines_that_fit_one_question_once_and_a_sum() {
    let names = names();
    let case = SERVERS.iter().find(|it| it.name == "one thread").unwrap();
    let sum = "1 kept, 2 broken, 1 cannot tell";
    let text = settled(
        |text| text.contains(sum),
        || {
            let check = ServerCheck::new(options(start(case), (None, None))).hold_up(HOLD_UP);
            let only = [&names[0], &names[3], &names[6], &names[7]].map(String::as_str);
            plain(&check.only(&only), 60)
        },
    );
    let lines: Vec<&str> = text.lines().collect();
    let longest = lines.iter().map(|line| line.chars().count()).max();
    assert!(
        longest <= Some(60 + 13),
        "only names are not wrapped: {text}"
    );
    let wrapped = lines
        .iter()
        .filter(|line| line.starts_with(&" ".repeat(13)));
    assert!(
        wrapped.clone().all(|line| line.chars().count() <= 60),
        "{text}"
    );
    let verdicts: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split("  ").next())
        .collect();
    let verdicts: Vec<&str> = verdicts.into_iter().filter(|it| !it.is_empty()).collect();
    assert_eq!(verdicts, ["kept", "cannot tell", "BROKEN", "BROKEN", sum]);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(one_line.matches("is there a deadline").count(), 1, "{text}");
    assert_eq!(
        one_line.matches("got no answer for 1.8 s").count(),
        2,
        "{text}"
    );
}

/// An address at which every request is answered with these bytes.
fn answers_with(response: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(response.as_bytes());
        }
    });
    addr
}

#[test]
fn a_status_is_explained() {
    let names = names();
    for (response, sign, words) in [
        (
            "302 Found\r\nLocation: /login\r\n",
            "-",
            "status 302 (it redirects to /login)",
        ),
        ("400 Bad\r\n", "-", "status 400 (does it expect HTTPS?)"),
        ("429 Slowly\r\n", "?", "status 429 (it limits requests)"),
        ("500 Oh\r\n", "-", "status 500 (see its log)"),
    ] {
        let response = format!("HTTP/1.1 {response}Content-Length: 0\r\n\r\n");
        let check = ServerCheck::new(options(answers_with(response.leak()), (None, None)));
        let tap = tap(&check.only(&[&names[0]]));
        assert_eq!(signs(&tap), sign, "{tap}");
        assert!(tap.contains(words), "{tap}");
    }
}

/// A verdict says what was seen: how many ran at once, how many bad clients there were, and what became of
/// the server.
#[test]
fn a_verdict_has_its_numbers() {
    let names = names();
    let said = |name: &str, numbers: &[usize], words: &[&str]| {
        let case = SERVERS.iter().find(|it| it.name == name).unwrap();
        let only: Vec<&str> = numbers.iter().map(|it| names[it - 1].as_str()).collect();
        let says_all = |tap: &str| words.iter().all(|words| tap.contains(words));
        let tap = settled(says_all, || {
            let check = ServerCheck::new(options(start(case), (None, None))).hold_up(HOLD_UP);
            tap(&check.only(&only))
        });
        assert!(says_all(&tap), "{words:?}\n{tap}");
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            said(
                "two workers and one in the queue",
                &[4, 7],
                &[
                    "of 8 sent together 2 ran at once, 1 waited, 5 were rejected",
                    "# 3 clients that send nothing",
                ],
            );
        });
        scope.spawn(|| {
            said(
                "one thread",
                &[5],
                &["of 2 sent together 1 ran at once, 1 waited, none was rejected"],
            )
        });
        scope.spawn(|| {
            said(
                "dies of a bad request",
                &[14],
                &["no connection: the server has ended"],
            )
        });
        scope.spawn(|| {
            said(
                "too many requests",
                &[1],
                &["status 429 (it limits requests)"],
            )
        });
    });
}

#[test]
fn a_mistake_in_the_command_exits_with_2() {
    for (arguments, part) in [
        (&[][..], "check takes the address of a server"),
        (&["127.0.0.1"], "like 127.0.0.1:7878"),
        (&["--stage", "3"], "\"--stage\" means nothing here"),
        (&["127.0.0.1:1", "--workers", "0"], "from 1 to 1024"),
        (&["127.0.0.1:1", "--workers"], "--workers needs a value"),
        (&["127.0.0.1:1", "127.0.0.1:2"], "the address of one server"),
        (&["127.0.0.1:1", "--strict=yes"], "means nothing here"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains(part), "{complaint}");
        assert_eq!(output.stdout, b"");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_exits_with_1() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let nowhere = Nowhere::new();
    let addr = nowhere.addr.to_string();
    let check = |stdout: Stdio| {
        let mut command = program();
        command.args(["check", &addr]).stdout(stdout);
        command.output().unwrap()
    };
    let output = check(full.into());
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.starts_with("Cannot write to standard output: "),
        "{complaint}"
    );

    // A pipe whose reader has gone.
    let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    let output = check(pipe.into());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
}
