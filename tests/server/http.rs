//! What is a request, and what is not?
//!
//! The reader of requests, without a network: bytes in, a request or a refusal out.

use std::io::{self, Cursor, ErrorKind, Read};

use ten_versus_five::server::http::{MAX_HEAD, NoRequest, Request, Status, parse, read_request};

fn request(target: &str) -> Request {
    Request {
        method: "GET".into(),
        target: target.into(),
        version: "HTTP/1.1".into(),
        has_more: false,
    }
}

#[test]
fn a_head_is_a_request() {
    let head = b"GET /sleep?2 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
    assert_eq!(parse(head), Ok(Some(request("/sleep?2"))));
    assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Ok(Some(request("/"))));
}

#[test]
fn a_line_may_end_without_a_carriage_return() {
    assert_eq!(
        parse(b"GET / HTTP/1.1\nHost: localhost\n\n"),
        Ok(Some(request("/")))
    );
}

#[test]
fn a_displayed_request_is_its_request_line() {
    assert_eq!(request("/a b").to_string(), "GET /a b HTTP/1.1");
}

#[test]
fn the_start_of_a_request_is_not_refused() {
    let whole = "GET /\u{20ac} HTTP/1.1\r\nHost: localhost\r\n\r\n".as_bytes();
    for length in 0..whole.len() {
        assert_eq!(
            parse(&whole[..length]),
            Ok(None),
            "{}",
            whole[..length].escape_ascii()
        );
    }
}

#[test]
fn a_hopeless_start_is_refused_at_once() {
    for start in [
        &b"\xff"[..],
        b"\r\n",
        b"hello\n",
        b"GET /\n",
        b"GET / HTTP/3\n",
    ] {
        assert_eq!(
            parse(start),
            Err(Status::BAD_REQUEST),
            "{}",
            start.escape_ascii()
        );
    }
}

#[test]
fn what_follows_the_head_is_noticed_but_not_read() {
    let has_more = |bytes: &[u8]| parse(bytes).unwrap().unwrap().has_more;
    assert!(!has_more(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(has_more(b"GET / HTTP/1.1\r\n\r\n\xff\xff"));
    assert!(has_more(b"GET / HTTP/1.1\r\ncontent-length: 9\r\n\r\n"));
    assert!(has_more(
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
}

#[test]
fn a_path_is_a_target_without_host_and_query() {
    for (target, path) in [
        ("/", Some("/")),
        ("/sleep", Some("/sleep")),
        ("/sleep?2", Some("/sleep")),
        ("/?/sleep", Some("/")),
        ("http://localhost:7878/sleep?2", Some("/sleep")),
        ("http://localhost", None),
        ("sleep", None),
        ("*", None),
        ("?", None),
    ] {
        assert_eq!(request(target).path(), path, "{target}");
    }
}

#[test]
fn a_head_may_have_8_kib_and_no_more() {
    let head_of = |length: usize| {
        let shortest = "GET / HTTP/1.1\r\nA: \r\n\r\n".len();
        format!(
            "GET / HTTP/1.1\r\nA: {}\r\n\r\n",
            "a".repeat(length - shortest)
        )
        .into_bytes()
    };
    assert!(read_request(&mut Cursor::new(head_of(MAX_HEAD))).is_ok());

    let mut endless = Cursor::new(head_of(MAX_HEAD + 1));
    let refused = read_request(&mut endless);
    assert!(
        matches!(refused, Err(NoRequest::Refused(Status::HEAD_TOO_LARGE, _))),
        "{refused:?}"
    );
    assert_eq!(
        endless.position(),
        MAX_HEAD as u64,
        "no more is read than is allowed"
    );
}

/// A reader that yields one byte at a time, and then an error.
struct ByteByByte<'a>(&'a [u8], ErrorKind);

impl Read for ByteByByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                buffer[0] = byte;
                self.0 = rest;
                Ok(1)
            }
            None => Err(self.1.into()),
        }
    }
}

#[test]
fn a_request_may_come_in_pieces() {
    let mut pieces = ByteByByte(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ErrorKind::TimedOut);
    assert_eq!(read_request(&mut pieces).unwrap(), request("/"));
}

#[test]
fn each_kind_of_ending_has_its_name() {
    let read = |bytes, error| read_request(&mut ByteByByte(bytes, error)).unwrap_err();
    for timeout in [ErrorKind::TimedOut, ErrorKind::WouldBlock] {
        assert!(matches!(read(b"", timeout), NoRequest::Silent));
        let half = read(b"GET / HT", timeout);
        assert!(matches!(half, NoRequest::Refused(Status::REQUEST_TIMEOUT, s) if s == "GET / HT"));
    }
    assert!(matches!(
        read(b"GET", ErrorKind::ConnectionReset),
        NoRequest::Broken(_)
    ));
    assert!(matches!(
        read_request(&mut io::empty()).unwrap_err(),
        NoRequest::Closed
    ));
    let mut half = Cursor::new(b"GET /");
    let half = read_request(&mut half).unwrap_err();
    assert!(matches!(
        half,
        NoRequest::Refused(Status::REQUEST_TIMEOUT, _)
    ));
}
