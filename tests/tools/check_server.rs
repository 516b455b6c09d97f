//! Does the check of servers tell right from wrong?
//!
//! Each server has a sign for each promise, in the order in which they are printed: `+` it is kept,
//! `-` it is broken, `?` the check cannot tell, `*` it is kept or the check cannot tell, as chance has
//! it. A slow request takes a second, and a verdict would have to be off by half of that to be wrong;
//! most of the time nothing happens, so all servers are checked at once.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, TrySendError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Server, program};
use ten_versus_five::check::server::{Options, report};
use ten_versus_five::client::target::Target;
use ten_versus_five::compiled_in;

const SECOND: Duration = Duration::from_secs(1);

/// What the check prints about a server on this machine, and whether it says that all is well.
fn check(addr: SocketAddr, workers: Option<usize>, queue: Option<usize>) -> (String, bool) {
    let target = Target::parse(&format!("{addr}/sleep")).unwrap();
    let options = Options {
        target,
        workers,
        queue,
    };
    let mut printed = Vec::new();
    let well = report(&options, &mut printed, |_| {}).unwrap();
    (String::from_utf8(printed).unwrap(), well)
}

/// The verdicts as signs. Every line has to be as TAP 14 wants it.
fn signs(tap: &str) -> String {
    let mut lines = tap.lines();
    assert_eq!(lines.next(), Some("TAP version 14"));
    assert_eq!(lines.next(), Some("1..11"));
    let mut signs = String::new();
    for line in lines {
        let number = signs.len() + 1;
        if line.starts_with("# ") {
            assert!(signs.ends_with('-'), "only a failure is explained: {tap}");
        } else if line.starts_with(&format!("not ok {number} - ")) {
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
    assert_eq!(signs.len(), 11, "{tap}");
    signs
}

/// A server of this file: what it is called, how many workers and places in a queue it is said to
/// have, what is true of it, and what it does with its connections.
type Case = (
    &'static str,
    Option<usize>,
    Option<usize>,
    &'static str,
    fn(TcpListener),
);

const SERVERS: [Case; 28] = [
    ("one thread", None, None, "+--???---++", |it| {
        sequential(it, None, answer)
    }),
    (
        "one thread, patient for a second",
        None,
        None,
        "+--???++-++",
        |it| sequential(it, LIMIT, answer),
    ),
    (
        "one thread, and two meant",
        Some(2),
        Some(1),
        "+--?+?---++",
        |it| sequential(it, None, answer),
    ),
    ("headers that lie", None, None, "+--???---++", |it| {
        sequential(it, None, lie)
    }),
    ("a thread each", None, None, "+++???+++++", |it| {
        threaded(it, answer)
    }),
    (
        "a thread each, and two meant",
        Some(2),
        Some(1),
        "++++--+++++",
        |it| threaded(it, answer),
    ),
    ("two workers", Some(2), None, "+++++?---++", |it| {
        pool(it, 2, 1000, None, wait_and_reject)
    }),
    (
        "two workers, patient for a second",
        Some(2),
        None,
        "+++++?++-++",
        |it| pool(it, 2, 1000, LIMIT, wait_and_reject),
    ),
    ("a worker too many", Some(2), None, "++++-?++-++", |it| {
        pool(it, 3, 1000, LIMIT, wait_and_reject)
    }),
    ("a worker too few", Some(3), None, "+++-+?++-++", |it| {
        pool(it, 2, 1000, LIMIT, wait_and_reject)
    }),
    (
        "two workers and one in the queue",
        Some(2),
        Some(1),
        "++++++++-++",
        |it| pool(it, 2, 1, LIMIT, wait_and_reject),
    ),
    (
        "a queue without limit",
        Some(2),
        Some(1),
        "+++++-++-++",
        |it| pool(it, 2, 1000, LIMIT, wait_and_reject),
    ),
    (
        "a queue longer than meant",
        Some(2),
        Some(1),
        "+++++-++-++",
        |it| pool(it, 2, 4, LIMIT, wait_and_reject),
    ),
    (
        "a queue shorter than meant",
        Some(2),
        Some(3),
        "+++++-++-++",
        |it| pool(it, 2, 1, LIMIT, wait_and_reject),
    ),
    (
        "rejects without a word",
        Some(2),
        Some(1),
        "++++?-++-++",
        |it| pool(it, 2, 1, LIMIT, drop),
    ),
    (
        "rejects with half an answer",
        Some(2),
        Some(1),
        "++++?-++-++",
        |it| pool(it, 2, 1, LIMIT, half_a_503),
    ),
    ("rejects late", Some(2), Some(1), "+++++-++-++", |it| {
        pool(it, 2, 1, LIMIT, late_503)
    }),
    (
        "rejects late, once",
        Some(2),
        Some(1),
        "++++++++-++",
        |it| pool(it, 2, 1, LIMIT, late_once),
    ),
    ("nothing is slow", None, None, "+?????+++++", |it| {
        threaded(it, |c, _| respond(c, 200))
    }),
    ("no such page", None, None, "-??????????", |it| {
        threaded(it, |c, _| respond(c, 404))
    }),
    ("not HTTP", None, None, "-??????????", |it| {
        threaded(it, not_http)
    }),
    ("computes", None, None, "+?+???+++++", computes),
    (
        "another time each time",
        None,
        None,
        "+**???+++++",
        irregular,
    ),
    ("everything is slow", None, None, "++????+++++", |it| {
        threaded(it, sleep_always)
    }),
    (
        "one thread, slow with bad requests",
        None,
        None,
        "+--???++-++",
        |it| sequential(it, LIMIT, think_about_what_is_bad),
    ),
    ("dies of a bad request", None, None, "+--???---+-", |it| {
        fragile(it)
    }),
    (
        "loses a worker to bad requests",
        None,
        None,
        "+++???++-+-",
        loses_a_worker,
    ),
    (
        "busy for a while with the last bad request",
        None,
        None,
        "+++???++-++",
        busy_for_a_while,
    ),
];

/// How often a check may say that it cannot tell, where it should be able to.
const ATTEMPTS: usize = 4;

/// What is wrong with the verdicts of a check. On a busy machine it may not be able to tell, and is
/// then asked again. But it is never wrong.
fn misjudged(expected: &str, check: impl Fn() -> String) -> Option<String> {
    let mut unclear = None;
    for _ in 0..ATTEMPTS {
        let tap = check();
        let signs = signs(&tap);
        let why = format!("{signs} not\n{expected}\n{tap}");
        let is = |sign, expected| match expected {
            '*' => sign != '-',
            _ => sign == expected,
        };
        let pairs = || signs.chars().zip(expected.chars());
        if pairs().all(|(sign, expected)| is(sign, expected)) {
            return None;
        }
        if pairs().any(|(sign, expected)| sign != '?' && !is(sign, expected)) {
            return Some(why);
        }
        unclear = Some(why);
    }
    unclear
}

#[test]
fn no_server_is_misjudged() {
    let misjudged: Vec<String> = thread::scope(|scope| {
        let checks = SERVERS.map(|(name, workers, queue, expected, serve)| {
            scope.spawn(move || {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let addr = listener.local_addr().unwrap();
                thread::spawn(move || serve(listener));
                let misjudged = misjudged(expected, || {
                    let (tap, well) = check(addr, workers, queue);
                    assert_eq!(well, !tap.contains("not ok"));
                    tap
                });
                misjudged.map(|why| format!("{name}\n{why}"))
            })
        });
        let verdicts = checks.map(|check| check.join().unwrap());
        verdicts.into_iter().flatten().collect()
    });
    assert!(misjudged.is_empty(), "{}", misjudged.join("\n"));
}

/// What each stage promises with four workers and a queue of four, in the order of the stages.
const STAGES: [&str; 7] = [
    "+--?+?+++++",
    "++++--+++++",
    "+++++-+++++",
    "+--?+?+++++",
    "+++++-+++++",
    "+++++++++++",
    "+++++++++++",
];

#[test]
fn no_stage_is_misjudged() {
    thread::scope(|scope| {
        for stage in compiled_in() {
            scope.spawn(|| {
                let options = ["--sleep", "1", "--workers", "4", "--queue", "4"];
                let server = Server::start(stage.number, &options);
                let expected = STAGES[stage.number - 1];
                let misjudged = misjudged(expected, || check(server.addr, Some(4), Some(4)).0);
                assert_eq!(misjudged, None, "stage {}", stage.number);
            });
        }
    });
}

/// The names of the promises, as the output has them.
fn names(tap: &str) -> Vec<&str> {
    let lines = tap.lines().filter(|line| line.contains("ok "));
    let names = lines.filter_map(|line| line.split_once(" - "));
    names
        .map(|(_, name)| name.split(" # ").next().unwrap())
        .collect()
}

#[test]
fn the_page_says_which_stage_first_keeps_which_promise() {
    let page = crate::common::repository::read("docs/check.md");
    let (tap, _) = check(nowhere().parse().unwrap(), None, None);
    let matrix = crate::check_pool::matrix(&names(&tap), &STAGES);
    assert!(page.contains(&format!("\n\n{matrix}\n")), "{matrix}");
}

/// What the page shows of two servers that Python brings along is what is true of such servers.
#[test]
fn the_page_shows_what_is_true_of_one_thread_and_of_a_thread_each() {
    let page = crate::common::repository::read("docs/check.md");
    let blocks = crate::common::repository::blocks(&page, "```text");
    let shown = blocks.iter().filter(|block| block.starts_with("TAP"));
    let shown: Vec<String> = shown.map(|tap| signs(tap)).collect();
    let expected = ["one thread", "a thread each"].map(|name| {
        let server = SERVERS.iter().find(|(it, ..)| *it == name);
        server.unwrap().3
    });
    assert_eq!(shown, expected);
}

/// Stage 5 has no queue. Said so, it keeps all its promises.
#[cfg(feature = "stage5")]
#[test]
fn no_queue_is_a_queue_of_zero() {
    let server = Server::start(5, &["--sleep", "1", "--workers", "2"]);
    let (tap, well) = check(server.addr, Some(2), Some(0));
    assert_eq!((signs(&tap).as_str(), well), ("+++++++++++", true), "{tap}");
}

// The command.

fn run(arguments: &[&str]) -> Output {
    program().arg("check").args(arguments).output().unwrap()
}

/// An address at which nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn three_names_are_relied_on_and_a_failure_exits_with_1() {
    let output = run(&[&nowhere()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, b"", "progress is for terminals");
    let tap = String::from_utf8(output.stdout).unwrap();
    assert_eq!(signs(&tap), "-??????????");
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
    thread::spawn(move || threaded(listener, |connection, _| respond(connection, 200)));
    let output = run(&[
        &format!("http://{addr}/fast"),
        "--workers=2",
        "--queue",
        "1",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let tap = String::from_utf8(output.stdout).unwrap();
    assert!(tap.contains("/fast is answered after "), "{tap}");
}

#[test]
fn a_mistake_in_the_command_exits_with_2() {
    for (arguments, part) in [
        (&[][..], "check takes the address of a server"),
        (&["127.0.0.1"], "like 127.0.0.1:7878"),
        (&["--stage", "3"], "\"--stage\" means nothing here"),
        (&["127.0.0.1:1", "--workers", "0"], "from 1 to 1024"),
        (&["127.0.0.1:1", "--workers"], "--workers needs a value"),
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
    use std::process::{Command, Stdio};

    let full = std::fs::File::create("/dev/full").unwrap();
    let nowhere = nowhere();
    let check = |stdout: Stdio| {
        let mut command = program();
        command.args(["check", &nowhere]).stdout(stdout);
        command.output().unwrap()
    };
    let output = check(full.into());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));

    // A pipe whose reader has gone.
    let mut reader = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    let output = check(pipe.into());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
}

// The servers.

/// How long a patient server waits for each piece of a request.
const LIMIT: Option<Duration> = Some(SECOND);

/// What is done with a connection and the head of its request.
type Answer = fn(TcpStream, &str);

/// Reads a request's head. Each read may take as long as the limit, all together as long as it likes.
fn read_head(connection: &TcpStream, limit: Option<Duration>) -> Option<String> {
    connection.set_read_timeout(limit).unwrap();
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match { connection }.read(&mut piece) {
            Ok(length @ 1..) if head.len() < 100_000 => head.extend_from_slice(&piece[..length]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

fn respond(mut connection: TcpStream, status: u16) {
    let response = format!("HTTP/1.1 {status} Such\r\nContent-Length: 2\r\n\r\nOK");
    let _ = connection.write_all(response.as_bytes());
    let _ = connection.shutdown(Shutdown::Write);
}

/// `/sleep` takes a second, and all else no time.
fn answer(connection: TcpStream, head: &str) {
    if head.starts_with("GET /sleep ") {
        thread::sleep(SECOND);
    }
    respond(connection, 200);
}

/// The bad requests of the check take it more than twenty seconds in all.
fn think_about_what_is_bad(connection: TcpStream, head: &str) {
    if head.starts_with("GET /") {
        return answer(connection, head);
    }
    thread::sleep(SECOND * 3 / 5);
    respond(connection, 400);
}

fn sleep_always(connection: TcpStream, _head: &str) {
    thread::sleep(SECOND);
    respond(connection, 200);
}

/// Claims that another thread has worked for a moment only.
fn lie(mut connection: TcpStream, head: &str) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    if head.starts_with("GET /sleep ") {
        thread::sleep(SECOND);
    }
    let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: worker-{request}\r\n\
         Server-Timing: handle;dur=1000\r\n\r\nOK"
    );
    let _ = connection.write_all(response.as_bytes());
}

fn not_http(mut connection: TcpStream, _head: &str) {
    let _ = connection.write_all(b"hello\r\n\r\n");
}

/// Takes another time from request to request, but for `/`.
fn irregular(listener: TcpListener) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if head.starts_with("GET /sleep ") {
            let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
            thread::sleep(SECOND * [2, 3, 2, 4][request % 4] / 3);
        }
        respond(connection, 200);
    });
}

/// Shares one processor among the requests: two take twice as long as one.
fn computes(listener: TcpListener) {
    static BUSY: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if head.starts_with("GET /sleep ") {
            BUSY.fetch_add(1, Ordering::SeqCst);
            for _ in 0..20 {
                thread::sleep(SECOND / 20 * BUSY.load(Ordering::SeqCst) as u32);
            }
            BUSY.fetch_sub(1, Ordering::SeqCst);
        }
        respond(connection, 200);
    });
}

/// One thread, which a request that is no good ends.
fn fragile(listener: TcpListener) {
    for connection in listener.incoming().flatten() {
        match read_head(&connection, None) {
            Some(head) if head.starts_with("GET /") => answer(connection, &head),
            Some(_) => return,
            None => {}
        }
    }
}

/// Two workers, of which one leaves when a request is no good.
fn loses_a_worker(listener: TcpListener) {
    let may_leave = AtomicUsize::new(1);
    two_workers(&listener, || may_leave.swap(0, Ordering::SeqCst) == 0);
}

/// Two workers, of which one is busy for a while with the last of the check's bad requests. (Of the
/// hundred, 37 look to [`read_head`] like requests.)
fn busy_for_a_while(listener: TcpListener) {
    let bad = AtomicUsize::new(0);
    two_workers(&listener, || {
        if bad.fetch_add(1, Ordering::SeqCst) % 37 == 36 {
            thread::sleep(6 * SECOND);
        }
        true
    });
}

/// Two workers. One that gets a request that is no good goes on if `goes_on` says so.
fn two_workers(listener: &TcpListener, goes_on: impl Fn() -> bool + Sync) {
    let work = || {
        for connection in listener.incoming().flatten() {
            match read_head(&connection, LIMIT) {
                Some(head) if head.starts_with("GET /") => answer(connection, &head),
                Some(_) if !goes_on() => return,
                _ => {}
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

fn sequential(listener: TcpListener, limit: Option<Duration>, answer: Answer) {
    for connection in listener.incoming().flatten() {
        if let Some(head) = read_head(&connection, limit) {
            answer(connection, &head);
        }
    }
}

fn threaded(listener: TcpListener, answer: Answer) {
    for connection in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Some(head) = read_head(&connection, None) {
                answer(connection, &head);
            }
        });
    }
}

fn pool(
    listener: TcpListener,
    workers: usize,
    queue: usize,
    limit: Option<Duration>,
    reject: fn(TcpStream),
) {
    let (sender, receiver) = mpsc::sync_channel::<TcpStream>(queue);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..workers {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            loop {
                let Ok(connection) = receiver.lock().unwrap().recv() else {
                    break;
                };
                if let Some(head) = read_head(&connection, limit) {
                    answer(connection, &head);
                }
            }
        });
    }
    for connection in listener.incoming().flatten() {
        if let Err(TrySendError::Full(connection)) = sender.try_send(connection) {
            thread::spawn(move || reject(connection));
        }
    }
}

/// Reads the request first: to close a connection before that could destroy the response.
fn wait_and_reject(connection: TcpStream) {
    if read_head(&connection, LIMIT).is_some() {
        respond(connection, 503);
    }
}

fn late_503(connection: TcpStream) {
    thread::sleep(3 * SECOND);
    wait_and_reject(connection);
}

/// The third rejection is late, as on a machine that stands still for a moment. It is the first one for
/// which the check sends requests beyond the queue: it has sent two requests more than workers, twice.
fn late_once(connection: TcpStream) {
    static REJECTED: AtomicUsize = AtomicUsize::new(0);
    match REJECTED.fetch_add(1, Ordering::SeqCst) {
        2 => late_503(connection),
        _ => wait_and_reject(connection),
    }
}

fn half_a_503(mut connection: TcpStream) {
    if read_head(&connection, LIMIT).is_some() {
        let _ = connection.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 20\r\n\r\nhalf");
    }
}
