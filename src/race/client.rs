//! One request, sent to any server that speaks HTTP/1.1, and what can be learnt from the answer.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::Outcome;
use crate::server::http::{Timed, printable};

/// The longest head of an answer that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Where to send a request. Displayed, it is what to type on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    addr: String,
    path: String,
}

impl Target {
    /// A path at a host and port.
    pub fn new(addr: impl Into<String>, path: impl Into<String>) -> Target {
        Target {
            addr: addr.into(),
            path: path.into(),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.addr, self.path)
    }
}

/// What there is to say about a request when it has ended.
#[derive(Debug, PartialEq)]
pub struct Reply {
    /// For how long it was worked on, if the server tells: `Server-Timing: handle;dur=...`.
    pub handled: Option<Duration>,
    /// The thread that did, if the server tells: `X-Served-By`.
    pub thread: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Sends one request, and reads the answer to its end. Tells `connected` the port it comes from.
///
/// Never takes much longer than `timeout`.
pub fn request(target: &Target, timeout: Duration, connected: impl FnOnce(u16)) -> Reply {
    exchange(target, timeout, connected).unwrap_or_else(|error| {
        let why = match error.kind() {
            ErrorKind::ConnectionRefused => String::from("nothing listens there"),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                String::from("the connection was reset")
            }
            // Systems differ in which of the two a passed deadline is.
            ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                format!("no answer within {} s", timeout.as_secs_f64())
            }
            ErrorKind::UnexpectedEof => String::from("closed without a whole answer"),
            _ => error.to_string(),
        };
        Reply {
            handled: None,
            thread: None,
            outcome: Outcome::Failed(why),
        }
    })
}

fn exchange(target: &Target, timeout: Duration, connected: impl FnOnce(u16)) -> io::Result<Reply> {
    let deadline = Instant::now() + timeout;
    let stream = connect(&target.addr, deadline)?;
    connected(stream.local_addr()?.port());

    let mut timed = Timed::new(&stream, deadline.saturating_duration_since(Instant::now()));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        target.path, target.addr
    );
    // If the server has closed already, its answer may be here all the same.
    let _ = timed.write_all(request.as_bytes());
    read_reply(&mut timed)
}

fn connect(addr: &str, deadline: Instant) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::other("the host has no address"));
    for addr in addr.to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        result = TcpStream::connect_timeout(&addr, left);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Reads a whole answer: to the end of its body, if it says how long that is, or of the connection.
///
/// # Errors
///
/// When the connection ends or breaks before that, or when what comes is not HTTP.
pub fn read_reply(reader: &mut impl Read) -> io::Result<Reply> {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    let mut read = |received: &mut Vec<u8>| loop {
        match reader.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(count) => {
                received.extend_from_slice(&chunk[..count]);
                return Ok(count);
            }
        }
    };

    let end = loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if received.len() > MAX_HEAD {
            return Err(not_http(&received));
        }
        if read(&mut received)? == 0 {
            return Err(match received.as_slice() {
                [] => ErrorKind::UnexpectedEof.into(),
                _ => not_http(&received),
            });
        }
    };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let (true, Some(status)) = (head.starts_with("HTTP/1."), status) else {
        return Err(not_http(&received));
    };

    let length: Option<usize> =
        header(&head, "content-length").and_then(|value| value.parse().ok());
    let mut body = received.len() - end;
    while length.is_none_or(|length| body < length) {
        received.clear();
        match read(&mut received)? {
            0 if length.is_some() => return Err(ErrorKind::UnexpectedEof.into()),
            0 => break,
            count => body += count,
        }
    }

    Ok(Reply {
        handled: header(&head, "server-timing").and_then(handled),
        thread: header(&head, "x-served-by").map(|thread| printable(thread, 20)),
        outcome: if status == 503 {
            Outcome::Refused
        } else {
            Outcome::Answered(status)
        },
    })
}

fn not_http(received: &[u8]) -> io::Error {
    let start = String::from_utf8_lossy(&received[..received.len().min(40)]);
    io::Error::other(format!("what came is not HTTP: {}", printable(&start, 40)))
}

/// The value of a header; `name` in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The time in `handle;dur=12.5`, which is in milliseconds and may be one of several metrics.
fn handled(server_timing: &str) -> Option<Duration> {
    server_timing.split(',').find_map(|metric| {
        let milliseconds: f64 = metric.trim().strip_prefix("handle;dur=")?.parse().ok()?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    })
}
