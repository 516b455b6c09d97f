//! One request, sent to any server that speaks HTTP/1.1, and what its answer shows.
//!
//! [`target`] is where it goes, and [`response`] reads what comes back. What the times of several
//! requests show is the matter of one [`rule`], and a [`metronome`] says when they show nothing.
#![doc = not_in_the_contract!()]

pub mod metronome;
pub mod response;
pub mod rule;
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
    /// Where it redirects to, if it does: `Location`.
    pub location: Option<String>,
    /// What became of it.
    pub outcome: RequestOutcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestOutcome {
    /// Answered, with this status; a 503 is an [`RequestOutcome::Rejected`].
    Answered(u16),
    /// Rejected with 503: the server is too busy.
    Rejected,
    /// Not answered, and why.
    Failed(String),
}

/// How far a request is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is a connection, and the client's port is this.
    Connected(u16),
    /// The system has the whole request.
    Sent,
}

/// What an answer with this status may mean, in a few words for a person; nothing for one that needs no
/// words. `location` is where it redirects to, if it does.
pub fn meaning(status: u16, location: Option<&str>) -> Option<String> {
    let words = match status {
        300..400 => return location.map(|location| format!("it redirects to {location}")),
        400 => "does it expect HTTPS?",
        401 | 403 => "it wants to know who asks",
        404 => "it has no such path",
        405 => "it takes no GET there",
        429 => "it limits requests",
        500 => "see its log",
        502 | 504 => "the server behind it does not answer",
        503 => "too busy",
        _ => return None,
    };
    Some(String::from(words))
}

/// A time with as many digits as a person wants: `12 s`, `2.5 s`, `0.25 s`.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let digits = match seconds {
        10.0.. => 1.0,
        1.0.. => 10.0,
        _ => 1000.0,
    };
    format!("{} s", (seconds * digits).round() / digits)
}

/// Sends one request, and reads the answer to its end. Tells `progress` how far it is, at that moment.
///
/// Never takes much longer than `timeout`. If the server reports a longer time than the request has
/// taken, the report cannot be true, and is left out.
pub fn request(target: &Target, timeout: Duration, progress: impl FnMut(Progress)) -> Reply {
    exchange(target, timeout, progress).unwrap_or_else(|error| {
        let why = match error.kind() {
            ErrorKind::ConnectionRefused => String::from("nothing listens there"),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                String::from("the connection was reset")
            }
            _ if is_timeout(&error) => {
                format!("no answer within {}", seconds(timeout))
            }
            ErrorKind::UnexpectedEof => String::from("closed without a whole answer"),
            _ => error.to_string(),
        };
        Reply {
            handled: None,
            thread: None,
            location: None,
            outcome: RequestOutcome::Failed(why),
        }
    })
}

/// Many servers round to whole milliseconds, and some of them round up.
const ROUNDING: Duration = Duration::from_millis(1);

fn exchange(
    target: &Target,
    timeout: Duration,
    mut progress: impl FnMut(Progress),
) -> io::Result<Reply> {
    let deadline = Instant::now() + timeout;
    let stream = connect(target.addresses(timeout)?, deadline)?;
    progress(Progress::Connected(stream.local_addr()?.port()));

    let sent = Instant::now();
    let mut bounded = DeadlineStream::new(&stream, deadline.saturating_duration_since(sent));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        target.path(),
        target.addr()
    );
    // If this fails because the server has closed the connection, its answer may have arrived before.
    let _ = bounded.write_all(request.as_bytes());
    progress(Progress::Sent);
    let mut answer = Answer {
        stream: bounded,
        began: None,
    };
    let mut reply = match (read_reply(&mut answer), answer.began) {
        (Err(error), Some(began)) if is_timeout(&error) => {
            let began = seconds(began - sent);
            let why = format!("the answer began after {began} and does not end");
            return Err(io::Error::other(why));
        }
        (reply, _) => reply?,
    };
    let taken = sent.elapsed() + ROUNDING;
    reply.handled = reply.handled.filter(|handled| *handled <= taken);
    Ok(reply)
}

/// Systems differ in which of the two a passed deadline is.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// An answer, and when its first byte came.
struct Answer<R> {
    stream: R,
    began: Option<Instant>,
}

impl<R: Read> Read for Answer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        if count > 0 && self.began.is_none() {
            self.began = Some(Instant::now());
        }
        Ok(count)
    }
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
        result = connect_to_another(addr, share.max(Duration::from_millis(1)));
        if result.is_ok() {
            break;
        }
    }
    result
}

/// A client may get, as a port of its own, the very one at which nothing listens, and is then connected to itself: TCP
/// lets two ends open a connection at the same time (RFC 9293, 3.5), even if they are one.
fn connect_to_another(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(addr, timeout)?;
    match stream.local_addr() {
        Ok(own) if own == *addr => Err(ErrorKind::ConnectionRefused.into()),
        _ => Ok(stream),
    }
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
        location: head
            .values("location")
            .next()
            .map(|location| escape(location, 60)),
        outcome: match head.status {
            503 => RequestOutcome::Rejected,
            status => RequestOutcome::Answered(status),
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
