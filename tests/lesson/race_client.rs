//! Can a server make the race misread its answer, or wait for ever, whatever it sends?

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::common::{Nowhere, wait_for};
use crate::common::{PATIENCE, read_request, until_told};
use ten_versus_five::client::RequestOutcome;
use ten_versus_five::client::target::{self, Target};
use ten_versus_five::client::{self, Reply, read_reply, rule};

/// What a server does after it has sent its answer.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// Keeps the connection open until the client closes it.
    Hold,
    /// Closes without having read the request, which resets the connection.
    Reset,
    /// Sends this again and again until the client closes.
    Repeat(&'static str),
}

use Then::{Close, Hold, Repeat, Reset};

/// A server for one connection.
fn server(sent: String, then: Then) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        if !matches!(then, Reset) {
            read_request(&mut client).unwrap();
        }
        // This fails if the client closes before the end, as it has to in some of the tests.
        let _ = client.write_all(sent.as_bytes());
        match then {
            Close => {}
            Reset => drop(client.peek(&mut [0])),
            Hold => drop(client.read_to_end(&mut Vec::new())),
            Repeat(text) => {
                let many = text.repeat(1_000); // One at a time takes long on a busy machine.
                while client.write_all(many.as_bytes()).is_ok() {}
            }
        }
    });
    addr
}

fn target(addr: SocketAddr) -> Target {
    Target::parse(&addr.to_string()).unwrap()
}

/// The reply to a request to a server that sends this. It has to come soon after `timeout`.
fn ask(sent: &str, then: Then, timeout: Duration) -> Reply {
    let target = target(server(sent.to_owned(), then));
    let start = Instant::now();
    let reply = client::request(&target, timeout, drop);
    assert!(start.elapsed() < timeout + PATIENCE, "{sent:?}");
    reply
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const ANSWERED: &str = "answered 200";
const CUT_OFF: &str = "closed without a whole answer";
const NOT_HTTP: &str = "the answer is not HTTP: ";
const LENGTH: &str = "its Content-Length makes no sense";
const CHUNKS: &str = "the chunks of its answer make no sense";
const TOO_LONG: &str = "the head of its answer does not end";

fn described(outcome: &RequestOutcome) -> String {
    match outcome {
        RequestOutcome::Answered(status) => format!("answered {status}"),
        RequestOutcome::Rejected => String::from("rejected"),
        RequestOutcome::Failed(why) => why.clone(),
    }
}

/// `rest` makes an answer of each case. The race has to describe all of these answers in the same way.
fn check<const COUNT: usize>(
    then: Then,
    expected: &str,
    cases: [&str; COUNT],
    rest: impl Fn(&str) -> String + Sync,
) {
    let check = |case: &str| {
        let found = described(&ask(&rest(case), then, PATIENCE).outcome);
        let start: String = case.chars().take(100).collect();
        assert!(found.starts_with(expected), "{start:?}: {found}");
    };
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

fn bytes(sent: &str) -> String {
    sent.to_owned()
}

fn length(value: &str) -> String {
    format!("{OK}Content-Length: {value}\r\n\r\nhello")
}

fn chunks(body: &str) -> String {
    format!("{OK}Transfer-Encoding: chunked\r\n\r\n{body}")
}

fn fields(fields: &str) -> String {
    format!("{OK}{fields}\r\n\r\nhello")
}

fn status_line(line: &str) -> String {
    format!("{line}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn a_response_that_comes_before_the_answer_is_not_the_answer() {
    let busy = |first: &str| format!("{first}\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n");
    let fine = |first: &str| format!("{first}\r\n\r\n").repeat(50) + &length("5");
    let interim = [
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 102 Processing\r\nServer-Timing: handle;dur=1",
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>",
    ];
    check(Close, "rejected", interim, busy);
    check(Hold, ANSWERED, interim, fine);
    check(Close, CUT_OFF, ["HTTP/1.1 100 Continue\r\n\r\n"], bytes);
    let again = Repeat("HTTP/1.1 100 Continue\r\n\r\n");
    check(again, TOO_LONG, [""], bytes);
    let switched = ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"];
    let unasked = "it switched protocols (101), unasked";
    check(Hold, unasked, switched, |first| format!("{first}\r\n\r\n"));
}

#[test]
fn a_length_is_one_number_or_no_length() {
    let fine = ["5", "5, 5", "005", "\t5 ", "\r\n 5"];
    check(Hold, ANSWERED, fine, length);
    check(Hold, ANSWERED, ["5\r\ncontent-length: 5", "0", "1"], length);
    let wrong = ["-1", "+5", "0x5", "five", "5.0", "", "5 5", "5,"];
    check(Hold, LENGTH, wrong, length);
    check(Hold, LENGTH, ["5, 6", "5\r\nContent-Length: 4"], length);
    check(Hold, LENGTH, ["99999999999999999999999999"], length);
    check(Close, CUT_OFF, ["6", "18446744073709551615"], length);
}

#[test]
fn an_answer_without_a_length_ends_with_the_connection() {
    let no_length = ["Server: x", "Connection: keep-alive"];
    check(Close, ANSWERED, no_length, fields);
    check(Reset, "the connection was reset", ["Server: x"], fields);
    let no_body = |line: &str| format!("{line}\r\n\r\n");
    check(Close, "answered 404", ["HTTP/1.0 404 Not Found"], no_body);
    check(Hold, "answered 204", ["HTTP/1.1 204 No Content"], no_body);
    check(Hold, "answered 304", ["HTTP/1.1 304 Not Modified"], no_body);
    // These two have no body, whatever length they state.
    let length = ["HTTP/1.1 304 Not Modified\r\nContent-Length: 9"];
    check(Hold, "answered 304", length, no_body);
}

#[test]
fn chunks_are_read_to_the_last_and_no_further() {
    let whole = [
        "5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "0005;a=\"b c\"\r\nhello\r\n000\r\nTrailer: x\r\n\r\n",
        "A \r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\nand more",
        "0\r\n\r\n",
    ];
    check(Hold, ANSWERED, whole, chunks);
    let cut_off = [
        "",
        "5",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0\r\n",
        "0\r\nTrailer: x\r\n",
        "ffffffffffffffff\r\nhello",
    ];
    check(Close, CUT_OFF, cut_off, chunks);
    let wrong = [
        "-5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "hello\r\n",
        "4\r\nhello\r\n",
        "10000000000000000\r\nhello\r\n",
    ];
    check(Hold, CHUNKS, wrong, chunks);
    check(Repeat("a"), TOO_LONG, ["", "0;x=", "0\r\nX: "], chunks);
    check(Repeat("Trailer: x\r\n"), TOO_LONG, ["0\r\n"], chunks);
}

#[test]
fn chunks_win_over_a_length_and_other_encodings_end_with_the_connection() {
    let body = |fields: &str| format!("{OK}{fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    let last_is_chunked = [
        "Transfer-Encoding: gzip, Chunked",
        "Transfer-Encoding: gzip\r\ntransfer-encoding: chunked",
        "Content-Length: 900\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: -1",
    ];
    check(Hold, ANSWERED, last_is_chunked, body);
    let half = |fields: &str| format!("{OK}{fields}\r\n\r\n5\r\nhel");
    let short = ["Content-Length: 3\r\nTransfer-Encoding: chunked"];
    check(Close, CUT_OFF, short, half);
    let last_is_not = ["Transfer-Encoding: gzip\r\nContent-Length: 900"];
    check(Close, ANSWERED, last_is_not, half);
}

#[test]
fn what_does_not_begin_with_a_status_line_is_not_http() {
    let fine = [
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200 \u{e4}",
    ];
    check(Hold, ANSWERED, fine, status_line);
    check(Hold, "answered 500", ["HTTP/1.1 500 Oh"], status_line);
    check(Hold, "answered 999", ["HTTP/1.1 999 Odd"], status_line);
    let control = ["HTTP/1.1 200 \u{1b}[2J"];
    let escaped = "the answer is not HTTP: HTTP/1.1 200 \\u{1b}[2J";
    check(Hold, escaped, control, status_line);
    let wrong = [
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 \u{9b}2J",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 099 No",
        "HTTP/1.1 2OO OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1",
        "HTTP/1.x 200 OK",
        "HTTP/1.11 200 OK",
        "HTTP/2 200",
        "http/1.1 200 OK",
        "ICY 200 OK",
        " HTTP/1.1 200 OK",
        "\r\nHTTP/1.1 200 OK",
        "220 mail.example ready",
        "<!DOCTYPE html>",
    ];
    check(Hold, NOT_HTTP, wrong, status_line);
    // Neither of these ever ends a line.
    check(Hold, NOT_HTTP, ["hello"], bytes);
    check(Repeat("for ever "), NOT_HTTP, [""], bytes);
    check(Repeat("x"), TOO_LONG, ["HTTP/1.1 200 "], bytes);
}

#[test]
fn a_field_is_a_name_a_colon_and_a_value() {
    let end = |fields: &str| format!("{OK}{fields}\r\nContent-Length: 0\r\n\r\n");
    let fine = ["X:", "X: a\r\n b\r\n\tc", "X: \u{e4}\u{1b}"];
    check(Hold, ANSWERED, fine, end);
    let wrong = [
        "no colon",
        "X : y",
        " folded: into nothing",
        ": y",
        "X: a\0b",
        "X: a\rY: b",
    ];
    check(Hold, NOT_HTTP, wrong, end);
    check(Repeat("x"), TOO_LONG, ["X: "], fields_begin);
    check(Repeat("X: y\r\n"), TOO_LONG, [""], fields_begin);
}

fn fields_begin(start: &str) -> String {
    format!("{OK}{start}")
}

#[test]
fn a_connection_that_ends_early_is_no_answer() {
    check(Close, CUT_OFF, ["", "HTT", "HTTP/1.1 200 OK", OK], bytes);
    check(Reset, "the connection was reset", [""], bytes);
    for whole in [length("5"), chunks("5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n")] {
        assert!(read_reply(&mut whole.as_bytes()).is_ok());
        for end in 0..whole.len() {
            let error = read_reply(&mut &whole.as_bytes()[..end]).unwrap_err();
            let (kind, eof) = (error.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(kind, eof, "{:?}", &whole[..end]);
        }
    }
}

#[test]
fn an_answer_that_never_ends_is_given_up_after_the_timeout() {
    let short = Duration::from_millis(300);
    let endless = [
        (String::new(), Hold),
        (bytes("HT"), Hold),
        (bytes(OK), Hold),
        (length("6"), Hold),
        (fields("Server: x"), Hold),
        (fields("Server: x"), Repeat("for ever ")),
        (length("18446744073709551615"), Repeat("for ever ")),
        (chunks("5\r\nhello\r\n0\r\n"), Hold),
        (chunks(""), Repeat("5\r\nhello\r\n")),
        (chunks("ffffffffffffffff\r\n"), Repeat("for ever ")),
    ];
    thread::scope(|scope| {
        for (sent, then) in endless {
            scope.spawn(move || {
                if sent.is_empty() {
                    let found = described(&ask(&sent, then, short).outcome);
                    assert_eq!(found, "no answer within 0.3 s");
                    return;
                }
                // On a busy machine, it may not have begun by then.
                let mut timeout = Duration::ZERO;
                let found = until_told(|| {
                    timeout += short;
                    let found = described(&ask(&sent, then, timeout).outcome);
                    (!found.starts_with("no answer within")).then_some(found)
                });
                assert!(found.starts_with("the answer began after "), "{found}");
                assert!(found.ends_with(" s and does not end"), "{found}");
            });
        }
    });
}

/// A reader that yields one byte at a time, and is interrupted before each.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.1 {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => self.0.read(&mut buffer[..1]),
        }
    }
}

#[test]
fn how_an_answer_is_cut_into_pieces_makes_no_difference() {
    let early = bytes("HTTP/1.1 100 Continue\r\n\r\n");
    for sent in [
        length("5"),
        early + &chunks("5;x\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        fields("Server-Timing: handle;dur=5\r\nX-Served-By: me"),
        bytes("HTTP/1.1 503 Busy\r\n\r\n"),
        bytes("SSH-2.0-OpenSSH\r\n"),
        length("6"),
        chunks("x"),
    ] {
        let at_once = read_reply(&mut sent.as_bytes()).map_err(|error| error.kind());
        let in_pieces = read_reply(&mut Trickle(sent.as_bytes(), false));
        assert_eq!(at_once, in_pieces.map_err(|error| error.kind()), "{sent:?}");
    }
}

/// And control characters that a server sends do not reach the terminal.
#[test]
fn the_thread_is_read_from_its_header() {
    let thread = |name: &str| {
        let sent = fields(&format!("X-Served-By: {name}"));
        read_reply(&mut sent.as_bytes()).unwrap().thread
    };
    assert_eq!(thread("worker-0").as_deref(), Some("worker-0"));
    let evil = thread("\x1b[2Jworker-with-a-very-long-name").unwrap();
    let is_cut = evil.starts_with("\\u{1b}[2J") && evil.chars().count() <= 40;
    assert!(is_cut, "{evil}");
    let none = read_reply(&mut fields("Server: x").as_bytes()).unwrap();
    assert_eq!(
        (none.thread, none.handled, none.location),
        (None, None, None)
    );
}

#[test]
fn the_time_of_the_work_is_found_among_other_metrics() {
    let handled = |metrics: &str| {
        let sent = fields(&format!("Server-Timing: {metrics}"));
        let handled = read_reply(&mut sent.as_bytes()).unwrap().handled;
        handled.map(|handled| handled.as_secs_f64() * 1000.0)
    };
    for metrics in [
        "handle;dur=12.5",
        "cache, db;dur=1, handle;dur=12.5",
        "handle ; desc=all ; Dur = \"12.5\"",
        "db;dur=1\r\nServer-Timing: handle;dur=12.5",
    ] {
        assert_eq!(handled(metrics), Some(12.5), "{metrics}");
    }
    for metrics in [
        "handle",
        "handle;dur",
        "handle;dur=",
        "handle;dur=soon",
        "handle;dur=NaN",
        "handle;dur=inf",
        "handle;dur=-1",
        "handle;dur=1e300",
        "handles;dur=1",
        "db;dur=1",
        "",
    ] {
        assert_eq!(handled(metrics), None, "{metrics}");
    }
}

#[test]
fn a_report_of_more_work_than_the_request_took_is_ignored() {
    let handled = |milliseconds: &str| {
        let timing = format!("Server-Timing: handle;dur={milliseconds}\r\nContent-Length: 5");
        ask(&fields(&timing), Hold, PATIENCE).handled
    };
    let longer_than_patience = "31000";
    assert_eq!(handled(longer_than_patience), None);
    assert_eq!(handled("0.001"), Some(Duration::from_micros(1)));
    // Servers that round up report this for half a millisecond.
    assert_eq!(handled("1"), Some(Duration::from_millis(1)));
}

#[test]
fn a_lookup_that_takes_too_long_is_abandoned() {
    let (_never_sends, never) = std::sync::mpsc::channel::<()>();
    let forever = move || never.recv_timeout(2 * PATIENCE);
    let start = Instant::now();
    let found = target::within(Duration::from_millis(100), forever).unwrap();
    assert!(found.is_none() && start.elapsed() < PATIENCE);
    let found = target::within(PATIENCE, || 7).unwrap();
    assert_eq!(found, Some(7));
}

#[test]
fn a_host_that_does_not_exist_is_a_failure_and_not_a_panic() {
    // A part of a name has at most 63 letters, so the lookup fails without a network.
    let target = Target::parse(&format!("{}:80", "x".repeat(64))).unwrap();
    let why = described(&client::request(&target, PATIENCE, drop).outcome);
    // Windows says it in words of its own.
    let says_so = why.contains(if cfg!(windows) { "11001" } else { "lookup" });
    assert!(says_so && !why.contains("within"), "{why}");
}

#[test]
fn localhost_is_looked_up() {
    let addr = server(length("5"), Hold);
    let target = Target::parse(&format!("localhost:{}/x", addr.port())).unwrap();
    let reply = client::request(&target, PATIENCE, drop);
    assert_eq!(described(&reply.outcome), ANSWERED);
}

/// Linux gives clients one port after another, so that one of these is given the port that it asks for.
#[cfg(target_os = "linux")]
#[test]
fn no_client_is_connected_to_itself() {
    let addr = Nowhere::new().addr;
    for _ in 0..15_000 {
        let error = client::connect(&[addr], Instant::now() + PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

/// On Linux, a client waits if the backlog of a listener is full.
#[cfg(target_os = "linux")]
#[test]
fn an_address_that_does_not_answer_leaves_time_for_the_next() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_addr = silent.local_addr().unwrap();
    let moment = Duration::from_millis(500);
    let mut waiting = Vec::new();
    let full = wait_for("a listener that takes no more", || {
        let connection = std::net::TcpStream::connect_timeout(&silent_addr, moment);
        connection.map(|it| waiting.push(it)).err()
    });
    assert_eq!(full.kind(), io::ErrorKind::TimedOut);

    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    let addrs = [silent_addr, there.local_addr().unwrap()];
    let deadline = Instant::now() + 8 * moment;
    let connection = client::connect(&addrs, deadline).expect("half of the time is left");
    assert_eq!(connection.peer_addr().unwrap(), addrs[1]);

    let start = Instant::now();
    let error = client::connect(&[silent_addr; 3], start + moment).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= moment && start.elapsed() < PATIENCE);
}

#[test]
fn an_address_is_checked_and_encoded() {
    for (typed, shown) in [
        ("127.0.0.1:80", "127.0.0.1:80/sleep"),
        ("127.0.0.1:80/", "127.0.0.1:80/"),
        ("HTTP://127.0.0.1:80/a", "127.0.0.1:80/a"),
        ("localhost:80?a=/b", "localhost:80/?a=/b"),
        ("localhost:80/a#b/c?d", "localhost:80/a"),
        ("localhost:80#b", "localhost:80/sleep"),
        ("[::1]:80/a?b", "[::1]:80/a?b"),
        ("h:80/\u{e4}%20\u{202e}", "h:80/%C3%A4%20%E2%80%AE"),
        ("h:80/<&\"'>", "h:80/<&\"'>"),
        ("http://localhost/sleep", "localhost:80/sleep"),
        ("http://[::1]", "[::1]:80/sleep"),
    ] {
        assert_eq!(Target::parse(typed).unwrap().to_string(), shown, "{typed}");
    }
    for (typed, part) in [
        (
            "127.0.0.1",
            "a host and a port, like 127.0.0.1:7878 or [::1]:7878",
        ),
        ("127.0.0.1/a:80", "not \"127.0.0.1\""),
        ("::1:80", "[::1]:7878"),
        ("::1", "[::1]:7878"),
        ("[::1]", "[::1]:7878"),
        ("[localhost]:80", "a host and a port"),
        ("h:+80", "a host and a port"),
        ("h:65536", "a host and a port"),
        ("h:", "a host and a port"),
        (":80", "a host and a port"),
        ("", "a host and a port"),
        ("me:secret@h:80", "a host and a port"),
        ("h\r\nX: y:80", "a host and a port"),
        ("h\u{e4}:80", "a host and a port"),
        ("https://h:443/", "plain HTTP"),
        ("http://h:/", "a host and a port"),
        ("http:///a", "a host and a port"),
        ("h:80/a b", "Write %20"),
        ("h:80/a\r\nX: y", "Write %20"),
        ("h:80/\u{1b}[2J", "Write %20"),
        ("h:80?\u{a0}", "Write %20"),
    ] {
        let mistake = Target::parse(typed).unwrap_err();
        assert!(mistake.contains(part), "{typed:?}: {mistake}");
        assert!(!mistake.contains(char::is_control), "{mistake:?}");
    }
}

#[test]
fn a_status_is_explained_in_a_few_words() {
    let reply = ask(
        "HTTP/1.1 302 Found\r\nLocation: /log\u{1b}in\r\nContent-Length: 0\r\n\r\n",
        Close,
        PATIENCE,
    );
    let location = reply.location.as_deref();
    let words = client::meaning(302, location).unwrap();
    assert_eq!(words, "it redirects to /log\\u{1b}in");
    assert_eq!(client::meaning(302, None), None);
    assert_eq!(client::meaning(400, None).unwrap(), "does it expect HTTPS?");
    assert_eq!(client::meaning(429, None).unwrap(), "it limits requests");
    assert_eq!(client::meaning(500, None).unwrap(), "see its log");
    assert_eq!(client::meaning(200, None), None);
}

#[test]
fn a_time_has_no_more_digits_than_a_person_wants() {
    let shown = |time| client::seconds(Duration::from_secs_f64(time));
    assert_eq!(shown(12.041799782), "12 s");
    assert_eq!(shown(2.54), "2.5 s");
    assert_eq!(shown(0.25), "0.25 s");
    assert_eq!(shown(60.0), "60 s");
}

#[test]
fn the_times_of_all_answers_have_to_fit_one_number_at_once() {
    let at_once = |times: &[f64]| {
        let times = times.iter().map(|time| Duration::from_secs_f64(*time));
        rule::at_once(&times.collect::<Vec<_>>(), Duration::from_secs(1))
    };
    assert_eq!(at_once(&[1.0, 2.0]), Some(1));
    assert_eq!(at_once(&[1.0, 1.49]), Some(2));
    assert_eq!(at_once(&[1.0, 1.5]), None);
    assert_eq!(at_once(&[1.0, 1.74]), None);
    assert_eq!(at_once(&[1.75, 1.0]), Some(1));
    assert_eq!(at_once(&[1.0, 1.0, 1.0, 1.0, 2.0, 2.0]), Some(4));
    // One alone, five together: six one after another would take six.
    assert_eq!(at_once(&[1.0, 2.0, 2.0, 2.0, 2.0, 2.0]), None);
    assert_eq!(at_once(&[1.0, 1.0, 1.0, 1.0, 2.0, 3.0]), None);
    // Each is a little late, and the lateness adds up.
    let late: Vec<f64> = (1..=50).map(|number| 1.1 * f64::from(number)).collect();
    assert_eq!(at_once(&late), Some(1));
    assert_eq!(at_once(&[2.0, 2.0]), None, "nothing is answered after one");
    assert_eq!(at_once(&[]), None);
}

#[test]
fn a_request_is_sent_to_the_address_without_its_fragment() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let target = Target::parse(&format!("http://{addr}/\u{e4}?b=c#d")).unwrap();
    let client = thread::spawn(move || client::request(&target, PATIENCE, drop));
    let (mut connection, _) = listener.accept().unwrap();
    let request = read_request(&mut connection).unwrap();
    connection.write_all(length("5").as_bytes()).unwrap();
    let expected = format!("GET /%C3%A4?b=c HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    assert_eq!(request, expected);
    assert_eq!(described(&client.join().unwrap().outcome), ANSWERED);
}
