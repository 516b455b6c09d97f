//! One bounded, timed request in; one response out.
//!
//! This is as much of HTTP/1.1 ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)) as the lesson
//! needs: a connection carries one request, and only its head is read. What is bounded here is what
//! a stage relies on: whatever a client sends or fails to send, each function returns, in time.
//!
//! The pages that are sent are the business of [`site`](super::site).

use std::fmt::{self, Display, Write as _};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The longest request head accepted, in bytes, with the empty line at its end.
pub const MAX_HEAD: usize = 8 * 1024;

/// A status code and the phrase that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16, pub &'static str);

#[allow(missing_docs)] // Their names are the standard's, RFC 9110 and RFC 6585.
impl Status {
    pub const OK: Status = Status(200, "OK");
    pub const BAD_REQUEST: Status = Status(400, "Bad Request");
    pub const NOT_FOUND: Status = Status(404, "Not Found");
    pub const METHOD_NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
    pub const REQUEST_TIMEOUT: Status = Status(408, "Request Timeout");
    pub const HEAD_TOO_LARGE: Status = Status(431, "Request Header Fields Too Large");
    pub const SERVICE_UNAVAILABLE: Status = Status(503, "Service Unavailable");
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// What a client asked for. Displayed, it is the request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, for example, in the case in which it was sent.
    pub method: String,
    /// `/sleep?2`, for example.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// Something follows the head: a body, or another request. It is not read as such.
    pub has_more: bool,
}

impl Request {
    /// The path to route by: the target without its query string, and without `http://host` when
    /// the client talks to us as to a proxy. `None` when there is no path in it.
    pub fn path(&self) -> Option<&str> {
        let target = match self.target.strip_prefix("http://") {
            Some(rest) => &rest[rest.find('/')?..],
            None => &self.target,
        };
        let path = target.split('?').next()?;
        path.starts_with('/').then_some(path)
    }
}

impl Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.version)
    }
}

/// Why there is no request. Displayed, it is a sentence for the log.
#[derive(Debug)]
pub enum NoRequest {
    /// The client closed the connection without a word.
    Closed,
    /// The client said nothing until the time was up.
    Silent,
    /// The connection broke.
    Broken(io::Error),
    /// Something came that deserves this answer; this is its first line.
    Refused(Status, String),
}

impl Display for NoRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoRequest::Closed => f.write_str("the client closed the connection without a word"),
            NoRequest::Silent => f.write_str(
                "the client opened a connection and said nothing; browsers keep such spares",
            ),
            NoRequest::Broken(error) => write!(f, "the connection broke: {error}"),
            NoRequest::Refused(status, _) => write!(f, "refused with {status}"),
        }
    }
}

/// Reads one request head of at most [`MAX_HEAD`] bytes; never more bytes than that.
///
/// A line may end in CR LF or in LF alone. A [timed](Timed) reader makes a silent client end in
/// [`NoRequest::Silent`], and one that stops half way in a 408.
///
/// # Errors
///
/// [`NoRequest`] says what there was in place of a request.
pub fn read_request(reader: &mut impl Read) -> Result<Request, NoRequest> {
    let mut buffer = [0; MAX_HEAD];
    let mut filled = 0;
    loop {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Err(NoRequest::Closed),
            Ok(0) => return Err(refused(Status::REQUEST_TIMEOUT, &buffer[..filled])),
            Ok(count) => filled += count,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                // Systems differ in which of the two a passed deadline is.
                ErrorKind::TimedOut | ErrorKind::WouldBlock if filled == 0 => {
                    return Err(NoRequest::Silent);
                }
                ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                    return Err(refused(Status::REQUEST_TIMEOUT, &buffer[..filled]));
                }
                _ => return Err(NoRequest::Broken(error)),
            },
        }
        match parse(&buffer[..filled]) {
            Ok(Some(request)) => return Ok(request),
            Ok(None) if filled == MAX_HEAD => {
                return Err(refused(Status::HEAD_TOO_LARGE, &buffer));
            }
            Ok(None) => {}
            Err(status) => return Err(refused(status, &buffer[..filled])),
        }
    }
}

fn refused(status: Status, bytes: &[u8]) -> NoRequest {
    let first_line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    NoRequest::Refused(status, String::from_utf8_lossy(first_line).into_owned())
}

/// The request in these bytes, or `None` if more must come first.
///
/// # Errors
///
/// The status to refuse them with, as soon as no continuation could make a request of them.
pub fn parse(bytes: &[u8]) -> Result<Option<Request>, Status> {
    let end = head_end(bytes);
    let head = match std::str::from_utf8(&bytes[..end.unwrap_or(bytes.len())]) {
        Ok(head) => head,
        // A character cut in half by the network. The rest of it may come.
        Err(error) if error.error_len().is_none() && end.is_none() => "",
        Err(_) => return Err(Status::BAD_REQUEST),
    };
    let Some((request_line, headers)) = head.split_once('\n') else {
        return Ok(None);
    };

    let mut words = without_cr(request_line).split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Status::BAD_REQUEST);
    };
    if !is_token(method)
        || target.is_empty()
        || target.contains(char::is_control)
        || !matches!(version, "HTTP/1.1" | "HTTP/1.0")
    {
        return Err(Status::BAD_REQUEST);
    }
    let Some(end) = end else {
        return Ok(None);
    };

    let mut has_more = bytes.len() > end;
    for line in headers.lines().take_while(|line| !line.is_empty()) {
        match line.split_once(':') {
            Some((name, _)) if is_token(name) => {
                has_more |= name.eq_ignore_ascii_case("content-length")
                    || name.eq_ignore_ascii_case("transfer-encoding");
            }
            _ => return Err(Status::BAD_REQUEST),
        }
    }
    Ok(Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        has_more,
    }))
}

/// Where the first empty line ends.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return Some(end);
        }
    }
    None
}

fn without_cr(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// Whether this is what RFC 9110, section 5.6.2, calls a token: a method, a header's name.
fn is_token(word: &str) -> bool {
    let is_token_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !word.is_empty() && word.bytes().all(is_token_byte)
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// An HTML page.
    pub body: String,
    headers: String,
}

impl Response {
    /// An HTML page with the headers that every response has to have.
    pub fn new(status: Status, body: String) -> Response {
        // Room for all that the pages add, so that it need not grow with every header.
        let mut headers = String::with_capacity(1024);
        // Writing to a `String` cannot fail.
        let _ = write!(
            headers,
            "Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Connection: close\r\n\
             Cache-Control: no-store\r\n",
            body.len()
        );
        Response {
            status,
            body,
            headers,
        }
    }

    /// Adds a header. Its value must not hold a line end.
    pub fn header(mut self, name: &str, value: impl Display) -> Response {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// Writes the response, its body too unless `head_only`, as it must be for `HEAD`.
    ///
    /// # Errors
    ///
    /// When the client has gone, or when a [timed](Timed) writer's time is up.
    pub fn write_to(&self, writer: &mut impl Write, head_only: bool) -> io::Result<()> {
        let body = if head_only { "" } else { &self.body };
        let status = self.status.to_string();
        // One string, hence one system call, and no half-filled packets.
        let response = ["HTTP/1.1 ", &status, "\r\n", &self.headers, "\r\n", body].concat();
        writer.write_all(response.as_bytes())
    }
}

/// A connection with a deadline: however many reads and writes there are, together they end by then.
///
/// A timeout on the socket alone bounds each read; a byte a second would go on for hours.
pub struct Timed<'a> {
    connection: &'a TcpStream,
    deadline: Instant,
}

impl Timed<'_> {
    /// From now on, and for this long.
    ///
    /// # Panics
    ///
    /// If `time` from now is further away than an [`Instant`] can tell, which is centuries.
    pub fn new(connection: &TcpStream, time: Duration) -> Timed<'_> {
        Timed {
            connection,
            deadline: Instant::now() + time,
        }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(ErrorKind::TimedOut.into())
        } else {
            Ok(Some(left))
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.set_read_timeout(self.left()?)?;
        self.connection.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.connection.set_write_timeout(self.left()?)?;
        self.connection.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

/// How long a client may take to stop sending what nobody will read, and for how long it may pause.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
const LINGER_PAUSE: Duration = Duration::from_millis(200);

/// Closes a connection so that the response arrives.
///
/// To close while bytes are unread resets the connection, and a reset may destroy a response that is
/// still on its way. So what has arrived is read first; when the client may still be sending
/// (`more_to_come`), so is what it sends until it closes, pauses, or has had its time.
pub fn close(connection: TcpStream, more_to_come: bool) {
    let prepared = if more_to_come {
        let told = connection.shutdown(Shutdown::Write);
        told.and_then(|()| connection.set_read_timeout(Some(LINGER_PAUSE)))
    } else {
        connection.set_nonblocking(true)
    };
    if prepared.is_err() {
        return; // The client has gone: nothing is left to destroy.
    }
    let deadline = Instant::now() + LINGER;
    let mut unread = [0; 4096];
    while let Ok(1..) = (&connection).read(&mut unread) {
        if Instant::now() > deadline {
            break;
        }
    }
}

/// The other side's words as they may appear on a terminal: about so many characters at most, and
/// nothing in them that a terminal would obey.
pub fn printable(words: &str, most: usize) -> String {
    let mut printable = String::new();
    for character in words.trim_end().chars() {
        match character {
            // ASCII as it is, but for the backslash: that says that something was not.
            ' '..='[' | ']'..='~' => printable.push(character),
            _ => printable.extend(character.escape_debug()),
        }
        if printable.len() > most {
            return printable.chars().take(most).chain("...".chars()).collect();
        }
    }
    printable
}
