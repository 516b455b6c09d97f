//! One request, sent to any server that speaks HTTP/1.1, and what its answer shows.
//!
//! [`target`] is where it goes, and [`response`] reads what comes back.

pub mod response;
pub mod target;

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::server::http::{DeadlineStream, escape};
use response::Head;
use target::Target;

/// What is known about a request when it has ended.
#[derive(Debug, PartialEq)]
pub struct Reply {
    /// How long a thread worked on it, if the server reports it: `Server-Timing: handle;dur=...`.
    pub handled: Option<Duration>,
    /// The thread that worked on it, if the server reports it: `X-Served-By`.
    pub thread: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Answered, with this status; a 503 is an [`Outcome::Rejected`].
    Answered(u16),
    /// Rejected with 503: the server is too busy.
    Rejected,
    /// Not answered, and why.
    Failed(String),
}

/// Sends one request, and reads the answer to its end. Calls `connected` with the port of the client.
///
/// Never takes much longer than `timeout`. If the server reports a longer time than the request has
/// taken, the report cannot be true, and is left out.
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

/// Many servers round to whole milliseconds, and some of them round up.
const ROUNDING: Duration = Duration::from_millis(1);

fn exchange(target: &Target, timeout: Duration, connected: impl FnOnce(u16)) -> io::Result<Reply> {
    let deadline = Instant::now() + timeout;
    let stream = connect(target.addresses(timeout)?, deadline)?;
    connected(stream.local_addr()?.port());

    let sent = Instant::now();
    let mut bounded = DeadlineStream::new(&stream, deadline.saturating_duration_since(sent));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        target.path(),
        target.addr()
    );
    // If this fails because the server has closed the connection, its answer may have arrived before.
    let _ = bounded.write_all(request.as_bytes());
    let mut reply = read_reply(&mut bounded)?;
    let taken = sent.elapsed() + ROUNDING;
    reply.handled = reply.handled.filter(|handled| *handled <= taken);
    Ok(reply)
}

/// Connects to the first of these addresses that accepts the connection.
///
/// # Errors
///
/// The error of the last address that was tried, if none accepts before the deadline.
pub fn connect(addrs: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut result = Err(io::Error::other("the host has no address"));
    for (tried, addr) in addrs.iter().enumerate() {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        // An address that does not answer must leave time for those after it.
        let share = remaining.div_f64((addrs.len() - tried) as f64);
        result = TcpStream::connect_timeout(addr, share.max(Duration::from_millis(1)));
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Reads a whole answer: to the end of its body, if it states a length, or else of the connection.
///
/// # Errors
///
/// If the connection ends or breaks before that, or if the answer is not HTTP.
pub fn read_reply(reader: &mut impl Read) -> io::Result<Reply> {
    let head = response::read(&mut BufReader::new(reader))?;
    Ok(Reply {
        handled: handled(&head),
        thread: head
            .values("x-served-by")
            .next()
            .map(|thread| escape(thread, 20)),
        outcome: match head.status {
            503 => Outcome::Rejected,
            status => Outcome::Answered(status),
        },
    })
}

/// The time in `Server-Timing: handle;dur=12.5`, which is in milliseconds. `handle` may be one of
/// several metrics, and `dur` one of its parameters.
fn handled(head: &Head) -> Option<Duration> {
    let mut metrics = head.elements("server-timing");
    let parameters = metrics.find_map(|metric| {
        let (name, parameters) = metric.split_once(';')?;
        (name.trim() == "handle").then_some(parameters)
    })?;
    let milliseconds: f64 = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_duration = name.trim().eq_ignore_ascii_case("dur");
        value
            .trim()
            .trim_matches('"')
            .parse()
            .ok()
            .filter(|_| is_duration)
    })?;
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}
