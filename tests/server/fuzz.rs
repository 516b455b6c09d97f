//! Are there bytes that the parser of requests cannot handle?
//!
//! The test makes ten thousand inputs, or two hundred thousand in a thorough run, from real requests, by cutting,
//! repeating and changing them. They are the same in every run, so an input that fails once fails again. The
//! message holds its number.
//! Each input is read twice, in larger and in smaller pieces, and the answer has to be the same.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::panic;

use crate::common::thorough;
use ten_versus_five::server::http::{
    MAX_HEAD, Request, RequestError, Status, asks_for_head, read_request,
};

const REQUESTS: [&[u8]; 7] = [
    b"GET / HTTP/1.1\r\nHost: localhost:7878\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
    b"GET /sleep?2 HTTP/1.1\r\nHost: 127.0.0.1:7878\r\nConnection: keep-alive\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello=world",
    b"HEAD http://localhost/race HTTP/1.0\nAccept-Language: de, en;q=0.5\n\n",
    "GET /caf\u{e9}/\u{20ac}\u{1f980} HTTP/1.1\r\nCookie: a=b; c=\"d\"\r\n\r\n".as_bytes(),
    b"OPTIONS * HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"\r\nHEAD / HTTP/2.0\r\nHost: [::1]\r\nContent-Length: 0, 00\r\nA: caf\xe9\r\n\r\n",
];

/// Numbers that look random: <https://en.wikipedia.org/wiki/Xorshift>, of a seed that is not 0.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

fn make_input(numbers: &mut Numbers) -> Vec<u8> {
    let mut input = numbers.of(&REQUESTS).to_vec();
    for _ in 0..numbers.below(6) {
        let start = numbers.below(input.len());
        let end = start + numbers.below(input.len() - start + 1);
        match numbers.below(6) {
            0 => input.truncate(start),
            1 => drop(input.drain(start..end)),
            2 => {
                let piece = input[start..end].repeat(1 + numbers.below(200));
                input.splice(start..start, piece.into_iter().take(2 * MAX_HEAD));
            }
            3 if !input.is_empty() => input[start] ^= 1 << numbers.below(8),
            4 => input.insert(start, numbers.of(b"\0\r\n\t :/?%\x1b\x7f\x80\xff")),
            _ => input.extend_from_slice(numbers.of(&REQUESTS)),
        }
    }
    input
}

/// Bytes that come in pieces, and then an end of one kind or another.
struct Pieces<'a> {
    bytes: &'a [u8],
    numbers: Numbers,
    /// The longest piece, in bytes.
    most: usize,
    end: Option<ErrorKind>,
    taken: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return self.end.map_or(Ok(0), |kind| Err(kind.into()));
        }
        if self.numbers.below(20) == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = buffer.len().min(self.bytes.len()).min(self.most);
        let count = if self.numbers.below(2) == 0 {
            most
        } else {
            1 + self.numbers.below(most)
        };
        let (piece, rest) = self.bytes.split_at(count.min(most));
        buffer[..piece.len()].copy_from_slice(piece);
        self.bytes = rest;
        self.taken += piece.len();
        Ok(piece.len())
    }
}

/// The status of the answer to this input. 200 stands for any answer to a valid request, and 0 for none.
fn check(number: u64) -> u16 {
    let mut numbers = Numbers(number);
    let input = make_input(&mut numbers);
    let end = numbers.of(&[
        None,
        Some(ErrorKind::TimedOut),
        Some(ErrorKind::WouldBlock),
        Some(ErrorKind::ConnectionReset),
    ]);
    let mut pieces = Pieces {
        bytes: &input,
        numbers,
        most: MAX_HEAD,
        end,
        taken: 0,
    };
    let outcome = read_request(&mut pieces);
    assert!(pieces.taken <= MAX_HEAD, "{} bytes read", pieces.taken);
    check_smaller_pieces(number, &input, end, &answer(&outcome));
    match &outcome {
        Ok(request) => check_request(request, &input),
        Err(RequestError::Closed) => assert!(input.is_empty() && end.is_none()),
        Err(RequestError::Silent) => assert!(input.is_empty() && end.is_some()),
        Err(RequestError::Broken(_)) => assert_eq!(end, Some(ErrorKind::ConnectionReset)),
        Err(RequestError::Bad(Status::BAD_REQUEST | Status::VERSION_NOT_SUPPORTED, _)) => {}
        Err(RequestError::Bad(Status::REQUEST_TIMEOUT, _)) => {
            assert!(pieces.bytes.is_empty() && end.is_some());
        }
        Err(RequestError::Bad(Status::TARGET_TOO_LONG | Status::HEAD_TOO_LARGE, _)) => {
            assert_eq!(pieces.taken, MAX_HEAD);
        }
        Err(other) => panic!("{other:?}"),
    }
    match outcome {
        Ok(_) => 200,
        Err(RequestError::Bad(status, _)) => status.0,
        Err(_) => 0,
    }
}

/// What a client sees of an outcome: the request that is answered; or the status of a bad request and
/// whether the answer has a body; or why there is no answer.
fn answer(outcome: &Result<Request, RequestError>) -> String {
    match outcome {
        Ok(request) => request.to_string(),
        Err(RequestError::Bad(status, line)) => format!("{status}, {}", asks_for_head(line)),
        Err(other) => other.to_string(),
    }
}

/// A short one comes byte by byte; a long one would take too long like that.
fn check_smaller_pieces(number: u64, input: &[u8], end: Option<ErrorKind>, expected: &str) {
    let most = 1 + input.len() / 10;
    let mut pieces = Pieces {
        bytes: input,
        numbers: Numbers(number + 1),
        most,
        end,
        taken: 0,
    };
    let outcome = answer(&read_request(&mut pieces));
    assert_eq!(outcome, expected, "in pieces of at most {most} bytes");
}

fn check_request(request: &Request, input: &[u8]) {
    assert!(
        input
            .trim_ascii_start()
            .starts_with(request.to_string().as_bytes()),
        "what was not sent is not asked"
    );
    assert!(
        !request
            .method
            .contains(|c: char| c.is_control() || c.is_whitespace())
    );
    assert!(!request.target.contains(char::is_control));
    let minor = request.version.strip_prefix("HTTP/1.").unwrap();
    assert!(minor.len() == 1 && minor.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(
        request
            .path()
            .is_none_or(|path| path.starts_with('/') && !path.contains('?'))
    );
}

#[test]
fn whatever_comes_is_read_within_bounds_and_has_an_answer() {
    let inputs = if thorough() { 200_000 } else { 10_000 };
    let mut seen = BTreeMap::new();
    for number in 1..=inputs {
        let Ok(status) = panic::catch_unwind(|| check(number)) else {
            let input = make_input(&mut Numbers(number));
            panic!("input {number} failed: {}", input.escape_ascii());
        };
        *seen.entry(status).or_insert(0) += 1;
    }
    // If all inputs were bad requests, or all too short, this would prove little.
    for status in [200, 400, 408, 414, 431, 505] {
        assert!(seen.get(&status) > Some(&15), "{status}: {seen:?}");
    }
}
