//! What is a request, and what is a bad request?
//!
//! The parser alone, without a network: bytes in, a request or the status of a bad request out.

use std::io::{self, Cursor, ErrorKind, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ten_versus_five::server::http::{
    Request, RequestError, Status, asks_for_head, date, escape, parse, read_request,
};

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
fn the_start_of_a_request_is_not_a_bad_request() {
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
fn a_start_that_no_request_has_is_a_bad_request_at_once() {
    for start in [
        &b"\xff"[..],
        b"\r\n\xff",
        b"\x16\x03\x01",
        b"\rG",
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

/// RFC 9112, section 2.2. A client may have sent one line end too many after the request before.
#[test]
fn empty_lines_before_a_request_are_skipped() {
    assert_eq!(parse(b"\r\n"), Ok(None));
    for empty in ["\r\n", "\n", "\n\r\n\n"] {
        let bytes = format!("{empty}GET / HTTP/1.1\r\n\r\n");
        assert_eq!(parse(bytes.as_bytes()), Ok(Some(request("/"))), "{bytes:?}");
    }
}

/// The status of the answer to these bytes. 200 stands for any answer to a valid request.
fn status(bytes: &[u8]) -> u16 {
    match parse(bytes) {
        Ok(Some(_)) => 200,
        Ok(None) => 0,
        Err(status) => status.0,
    }
}

/// RFC 9112, section 2.3 and RFC 9110, section 2.5.
#[test]
fn the_major_number_of_a_version_decides_whether_it_is_served() {
    for (version, expected) in [
        ("HTTP/1.0", 200),
        ("HTTP/1.1", 200),
        ("HTTP/1.9", 200),
        ("HTTP/2.0", 505),
        ("HTTP/0.9", 505),
        ("HTTP/1.10", 400),
        ("HTTP/1", 400),
        ("HTTP/2", 400),
        ("HTTP/1,1", 400),
        ("HTTP/x.1", 400),
        ("http/1.1", 400),
        ("XTTP/1.1", 400),
        ("", 400),
    ] {
        let request = format!("GET / {version}\r\n\r\n");
        assert_eq!(status(request.as_bytes()), expected, "{version}");
    }
}

#[test]
fn a_request_line_is_a_token_a_target_and_a_version_with_a_space_between_them() {
    for (line, expected) in [
        ("BREW / HTTP/1.1", 200),
        ("x-1!~ / HTTP/1.1", 200),
        ("G(T / HTTP/1.1", 400),
        ("G:T / HTTP/1.1", 400),
        ("G\u{e9}T / HTTP/1.1", 400),
        (" / HTTP/1.1", 400),
        ("GET  HTTP/1.1", 400),
        ("GET\t/\tHTTP/1.1", 400),
        ("GET /\t HTTP/1.1", 400),
        ("GET /\u{85} HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        (" GET / HTTP/1.1", 400),
    ] {
        let request = format!("{line}\r\n\r\n");
        assert_eq!(status(request.as_bytes()), expected, "{line:?}");
    }
}

/// For each of these, a sentence with MUST in RFC 9110 or 9112 says whether it is a bad request.
#[test]
fn header_lines_are_as_strict_as_the_standard_demands_and_no_stricter() {
    let headers: [(&[u8], u16); 50] = [
        // RFC 9110, section 5.5: bytes above 0x7f are part of a value; NUL, CR and LF are in none.
        (b"A: caf\xe9", 200),
        (b"A: \xc3\xa9\x80\xff", 200),
        (b"A:", 200),
        (b"A:b:c", 200),
        (b"A: \0", 400),
        (b"A: b\rc", 400),
        (b"A: b\r", 400),
        // RFC 9112, section 5: a token, a colon, and no space between them; no folded lines.
        (b"A : b", 400),
        (b"A\t: b", 400),
        (b" A: b", 400),
        (b"\tA: b", 400),
        (b"A: b\r\n c", 400),
        (b"A: b\r\n\tc: d", 400),
        (b" \r\nA: b", 400),
        (b": b", 400),
        (b"A", 400),
        (b"\xe9: b", 400),
        // RFC 9112, section 3.2: one host at most, and a valid one.
        (b"Host: localhost", 200),
        (b"Host:", 200),
        (b"host: \t a-b.c_d~e:7878 ", 200),
        (b"Host: a:", 200),
        (b"Host: [::1]", 200),
        (b"Host: [::1]:7878", 200),
        (b"Host: caf%C3%a9", 200),
        (b"Host: caf\xc3\xa9", 400),
        (b"Host: a%2", 400),
        (b"Host: a%zz", 400),
        (b"Host: a b", 400),
        (b"Host: a/b", 400),
        (b"Host: a@b", 400),
        (b"Host: a:b", 400),
        (b"Host: ::1", 400),
        (b"Host: [a]", 400),
        (b"Host: [::1", 400),
        (b"Host: a\r\nHost: a", 400),
        (b"Host: a\r\nhOST: b", 400),
        // RFC 9110, section 8.6 and RFC 9112, section 6.3: one length, however often it is repeated.
        (b"Content-Length: 99999999999999999999999", 200),
        (b"Content-Length: 5\r\nContent-Length: 5", 200),
        (b"Content-Length: 5 , 05", 200),
        (b"Content-Length: 5\r\nContent-Length: 6", 400),
        (b"Content-Length: 5, 6", 400),
        (b"Content-Length: abc", 400),
        (b"Content-Length: -1", 400),
        (b"Content-Length:", 400),
        // RFC 9112, section 6.3: where the body ends has to be known.
        (b"Transfer-Encoding: Chunked", 200),
        (
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: x, chunked",
            200,
        ),
        (b"Transfer-Encoding: chunked , ,", 200),
        (b"Transfer-Encoding:", 400),
        (b"Transfer-Encoding: chunked, gzip", 400),
        (b"Transfer-Encoding: identity", 400),
    ];
    for (lines, expected) in headers {
        let request = [b"GET / HTTP/1.1\r\n", lines, b"\r\n\r\n"].concat();
        assert_eq!(status(&request), expected, "{}", lines.escape_ascii());
    }
}

/// Not even if they are cut in the middle of a character, or of a line end.
#[test]
fn what_is_answered_does_not_depend_on_how_the_bytes_are_cut() {
    for bytes in [
        &b"hello\r\nX: \xc3"[..],
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /\x01 HTTP/2.0\r\n\r\n",
        b"GET /\xc3\r\n\r\n",
        b"GET /\rx HTTP/1.1\r\n\r\n",
        b"\r\r\n",
        b"GET / HTTP/1.1\r\nno colon\0",
        b"GET / HTTP/1.1\r\nno colon\nHost: a\n\n",
        b"GET / HTTP/2.0\nno colon\n\n",
    ] {
        let whole = status(bytes);
        let mut parts = (0..bytes.len()).map(|length| status(&bytes[..length]));
        assert!(
            parts.all(|part| part == 0 || part == whole),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn what_follows_the_head_is_noticed_but_not_read() {
    let has_more = |bytes: &[u8]| parse(bytes).unwrap().unwrap().has_more;
    assert!(!has_more(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(has_more(b"GET / HTTP/1.1\r\n\r\n\xff\xff"));
    assert!(has_more(b"GET / HTTP/1.1\r\ncontent-length: 9\r\n\r\n"));
    assert!(!has_more(b"GET / HTTP/1.1\r\nContent-Length: 00\r\n\r\n"));
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
        ("http://localhost", Some("/")),
        ("http://localhost?a=/sleep", Some("/")),
        ("HTTP://localhost/sleep", Some("/sleep")),
        ("http://localhost//sleep", Some("//sleep")),
        ("http://[::1]:7878/sleep", Some("/sleep")),
        ("http://", None),
        ("http:///sleep", None),
        ("http://:80/sleep", None),
        ("http://me@localhost/sleep", None),
        ("http://localhost#/sleep", None),
        ("https://localhost/sleep", None),
        ("http:/sleep", None),
        ("sleep", None),
        ("*", None),
        ("?", None),
    ] {
        assert_eq!(request(target).path(), path, "{target}");
    }
}

/// A request of so many bytes, in a target, a header or empty lines, with the empty line at its end.
fn of_length(length: usize, start: &str, filling: &str, end: &str) -> Vec<u8> {
    let missing = length - start.len() - end.len();
    format!("{start}{}{end}", filling.repeat(missing)).into_bytes()
}

#[test]
fn a_head_may_have_8192_bytes_and_no_more() {
    let end = " HTTP/1.1\r\nA: b\r\n\r\n";
    for (start, filling, end, expected) in [
        ("GET / HTTP/1.1\r\nA: ", "a", "\r\n\r\n", 431),
        ("GET /", "a", end, 431),
        ("GET /", "a", " HTTP/1.1\r\n\r\n", 431),
        ("", "\n", "GET / HTTP/1.1\r\n\r\n", 431),
    ] {
        let fits = of_length(8192, start, filling, end);
        assert!(read_request(&mut fits.as_slice()).is_ok(), "{start}");

        let mut too_long = Cursor::new(of_length(8193, start, filling, end));
        let result = read_request(&mut too_long);
        assert!(
            matches!(result, Err(RequestError::Bad(status, _)) if status.0 == expected),
            "{start}: {result:?}"
        );
        assert_eq!(too_long.position(), 8192, "no more is read than is allowed");
    }
}

#[test]
fn it_is_the_target_that_is_too_long_when_its_line_does_not_end() {
    for (start, filling, expected) in [
        ("GET /", "a", 414),
        ("", "a", 414),
        ("\n", "a", 414),
        ("", "\n", 431),
        ("GET / HTTP/1.1\n", "a", 431),
    ] {
        let result = read_request(&mut of_length(9000, start, filling, "").as_slice());
        assert!(
            matches!(result, Err(RequestError::Bad(status, _)) if status.0 == expected),
            "{start:?}, {filling:?}: {result:?}"
        );
    }
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
        assert!(matches!(read(b"", timeout), RequestError::Silent));
        let half = read(b"GET / HT", timeout);
        assert!(matches!(half, RequestError::Bad(Status::REQUEST_TIMEOUT, s) if s == "GET / HT"));
    }
    assert!(matches!(
        read(b"GET", ErrorKind::ConnectionReset),
        RequestError::Broken(_)
    ));
    assert!(matches!(
        read_request(&mut io::empty()).unwrap_err(),
        RequestError::Closed
    ));
    let half = read_request(&mut &b"GET /"[..]).unwrap_err();
    assert!(matches!(half, RequestError::Bad(Status::BAD_REQUEST, s) if s == "GET /"));
    let after_an_empty_line = read(b"\r\nGET /", ErrorKind::TimedOut);
    assert!(matches!(after_an_empty_line, RequestError::Bad(_, s) if s == "GET /"));
}

#[test]
fn only_head_in_capitals_asks_for_the_headers_alone() {
    for (line, expected) in [
        ("HEAD / HTTP/1.1", true),
        ("HEAD", true),
        ("HEAD nonsense", true),
        ("head / HTTP/1.1", false),
        ("HEADS / HTTP/1.1", false),
        ("HEA", false),
        ("GET HEAD HTTP/1.1", false),
        ("", false),
    ] {
        assert_eq!(asks_for_head(line), expected, "{line}");
    }
}

/// As GNU's `date -u -d @SECONDS "+%a, %d %b %Y %H:%M:%S GMT"` has them. The first is the example of
/// RFC 9110.
#[test]
fn a_date_is_written_as_the_standard_wants_it() {
    for (seconds, expected) in [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
        (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (16_725_225_599, "Thu, 31 Dec 2499 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (253_402_300_800, "Sat, 01 Jan 10000 00:00:00 GMT"),
    ] {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(date(time).to_string(), expected);
    }
    let before = UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(
        date(before).to_string(),
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "a clock before 1970 does no harm"
    );
}

/// Whatever the arithmetic is, each day has the weekday, the day and the month after those before.
#[test]
fn a_date_is_followed_by_the_next() {
    const DAY: u64 = 24 * 60 * 60;
    let at = |day: u64| date(UNIX_EPOCH + Duration::from_secs(day * DAY)).to_string();
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let mut today = 0;
    for year in 1970..=2410 {
        for (month, length) in [
            ("Jan", 31),
            ("Feb", if is_leap(year) { 29 } else { 28 }),
            ("Mar", 31),
            ("Apr", 30),
            ("May", 31),
            ("Jun", 30),
            ("Jul", 31),
            ("Aug", 31),
            ("Sep", 30),
            ("Oct", 31),
            ("Nov", 30),
            ("Dec", 31),
        ] {
            for day in 1..=length {
                let weekday = weekdays[today as usize % 7];
                let expected = format!("{weekday}, {day:02} {month} {year} 00:00:00 GMT");
                assert_eq!(at(today), expected);
                today += 1;
            }
        }
    }
    assert!(UNIX_EPOCH + Duration::from_secs(today * DAY) > SystemTime::now());
}

#[test]
fn an_escaped_text_is_cut_between_characters_and_escape_sequences() {
    for (words, most, expected) in [
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abcd..."),
        ("abcd \r\n", 4, "abcd"),
        ("\u{e9}\u{e9}\u{e9}\u{e9}", 4, "\u{e9}\u{e9}\u{e9}\u{e9}"),
        (
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            4,
            "\u{e9}\u{e9}\u{e9}\u{e9}...",
        ),
        ("a\u{1b}", 7, "a\\u{1b}"),
        ("a\u{1b}", 6, "a..."),
        ("\\n", 3, "\\\\n"),
        ("\"a'", 4, "\\\"a'"),
        ("\"a'", 3, "\\\"a..."),
        ("\u{a0}\u{2003}.", 20, "\\u{a0}\\u{2003}."),
        ("", 0, ""),
        ("a", 0, "..."),
    ] {
        assert_eq!(escape(words, most), expected);
    }
}
