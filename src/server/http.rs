//! One request in; one response out; both bounded in size and time.
//!
//! This is as much of HTTP/1.1 ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)) as the lesson
//! needs: a connection carries one request, and only its head is read. The stages rely on the bounds:
//! whatever a client sends or fails to send, each function here returns in time.
//!
//! [`site`](super::site) makes the pages.

use std::fmt::{self, Display, Write as _};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv6Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    pub const TARGET_TOO_LONG: Status = Status(414, "URI Too Long");
    pub const HEAD_TOO_LARGE: Status = Status(431, "Request Header Fields Too Large");
    pub const SERVICE_UNAVAILABLE: Status = Status(503, "Service Unavailable");
    pub const VERSION_NOT_SUPPORTED: Status = Status(505, "HTTP Version Not Supported");
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// What a client requests. Displayed, it is the request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, for example, in the case in which it was sent.
    pub method: String,
    /// `/sleep?2`, for example.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`, for example; always `HTTP/1.` and a digit.
    pub version: String,
    /// Whether anything is known to follow the head: a body, or another request. It is not parsed.
    pub has_more: bool,
}

impl Request {
    /// The path to route by: the target without its query string, and without `http://host`, which a
    /// client sends to a proxy. `None` if the target has no path, or no valid host.
    pub fn path(&self) -> Option<&str> {
        let target = match self.target.split_at_checked("http://".len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
                let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                host(authority).filter(|host| !host.is_empty())?;
                // RFC 9110, section 4.2.3: no path is the same as `/`.
                if path.starts_with('/') { path } else { "/" }
            }
            _ => &self.target,
        };
        target
            .split('?')
            .next()
            .filter(|path| path.starts_with('/'))
    }
}

impl Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.version)
    }
}

/// Why a connection yielded no request. Displayed, it is a sentence for the log.
#[derive(Debug)]
pub enum RequestError {
    /// The client closed the connection and sent nothing.
    Closed,
    /// The client sent nothing before the deadline.
    Silent,
    /// The connection broke.
    Broken(io::Error),
    /// The client sent a bad request. The answer has this status; this is the request line.
    Bad(Status, String),
}

impl Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Closed => {
                f.write_str("the client closed the connection and sent nothing")
            }
            RequestError::Silent => f.write_str(
                "the client opened a connection and sent nothing; browsers keep such spares",
            ),
            RequestError::Broken(error) => write!(f, "the connection broke: {error}"),
            RequestError::Bad(status, _) => write!(f, "a bad request: {status}"),
        }
    }
}

/// Reads one request head of at most [`MAX_HEAD`] bytes; never more bytes than that.
///
/// A line may end in CR LF or in LF alone. With a [`DeadlineStream`] as the reader, a silent client is a
/// [`RequestError::Silent`], and a client that stops half way gets a 408. The result depends on the bytes
/// and on how they end, but not on how the network has cut them into segments.
///
/// # Errors
///
/// [`RequestError`] says why there is no request.
pub fn read_request(reader: &mut impl Read) -> Result<Request, RequestError> {
    let mut buffer = [0; MAX_HEAD];
    let mut filled = 0;
    loop {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Err(RequestError::Closed),
            Ok(0) => return Err(bad(Status::BAD_REQUEST, &buffer[..filled])),
            Ok(count) => filled += count,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                // Systems differ in which of the two errors means that the deadline has passed.
                ErrorKind::TimedOut | ErrorKind::WouldBlock if filled == 0 => {
                    return Err(RequestError::Silent);
                }
                ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                    return Err(bad(Status::REQUEST_TIMEOUT, &buffer[..filled]));
                }
                _ => return Err(RequestError::Broken(error)),
            },
        }
        match parse(&buffer[..filled]) {
            Ok(Some(request)) => return Ok(request),
            Ok(None) if filled == MAX_HEAD => return Err(bad(too_large(&buffer), &buffer)),
            Ok(None) => {}
            Err(status) => return Err(bad(status, &buffer[..filled])),
        }
    }
}

fn bad(status: Status, bytes: &[u8]) -> RequestError {
    RequestError::Bad(status, first_line(bytes).0)
}

/// The status for a head that does not end within the limit. If not even the first line ends, the target
/// is too long.
fn too_large(head: &[u8]) -> Status {
    match first_line(head) {
        (line, false) if !line.is_empty() => Status::TARGET_TOO_LONG,
        _ => Status::HEAD_TOO_LARGE,
    }
}

/// The first line that is not empty, as far as it has arrived, and whether all of it has arrived.
///
/// If the bytes are the start of a request, this is the request line.
pub fn first_line(bytes: &[u8]) -> (String, bool) {
    let mut lines = Lines { rest: bytes };
    let whole = lines.find(|line| !line.is_empty());
    let line = String::from_utf8_lossy(whole.unwrap_or(lines.rest)).into_owned();
    (line, whole.is_some())
}

/// Whether a request with this first line asks for the headers alone.
pub fn asks_for_head(request_line: &str) -> bool {
    request_line.split(' ').next() == Some("HEAD")
}

/// The request in these bytes, or `None` if more must come first.
///
/// Bytes are a bad request only if every continuation of them is one too, and with the same status. That
/// is why a line is not checked before its end has arrived. The first line is an exception: a byte that no
/// request line can contain is a bad request at once. So a client that speaks TLS, for example, need not
/// wait for its answer.
///
/// # Errors
///
/// The status of the answer to a bad request.
pub fn parse(bytes: &[u8]) -> Result<Option<Request>, Status> {
    let mut lines = Lines { rest: bytes };
    // RFC 9112, section 2.2: a server should ignore an empty line before the request line.
    let Some(line) = lines.find(|line| !line.is_empty()) else {
        if may_become_text(lines.rest) {
            return Ok(None);
        }
        return Err(Status::BAD_REQUEST);
    };
    let [method, target, version] = request_line(line)?;

    let mut headers = Headers::default();
    loop {
        match lines.next() {
            Some([]) => break,
            Some(line) => headers.add(line).ok_or(Status::BAD_REQUEST)?,
            None => return Ok(None),
        }
    }
    // Then nothing says where the body ends: RFC 9112, section 6.3.
    if headers.is_chunked == Some(false) {
        return Err(Status::BAD_REQUEST);
    }
    Ok(Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        version: version.to_owned(),
        has_more: headers.announce_a_body() || !lines.rest.is_empty(),
    }))
}

/// Takes whole lines from the start of some bytes, without their line ends. The rest stays.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The method, the target and the version in a whole request line.
///
/// # Errors
///
/// The status of the answer, if it is not a request line.
pub fn request_line(line: &[u8]) -> Result<[&str; 3], Status> {
    let line = std::str::from_utf8(line).map_err(|_| Status::BAD_REQUEST)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Status::BAD_REQUEST);
    };
    if !is_token(method.as_bytes()) || target.is_empty() || line.contains(char::is_control) {
        return Err(Status::BAD_REQUEST);
    }
    match version.strip_prefix("HTTP/").map(str::as_bytes) {
        // Any minor version is read like HTTP/1.1: RFC 9110, section 2.5.
        Some([b'1', b'.', b'0'..=b'9']) => Ok([method, target, version]),
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => Err(Status::VERSION_NOT_SUPPORTED),
        _ => Err(Status::BAD_REQUEST),
    }
}

/// Whether these bytes can be the start of a line of UTF-8 without control characters.
fn may_become_text(start: &[u8]) -> bool {
    // The line feed of a CR LF may follow.
    let start = start.strip_suffix(b"\r").unwrap_or(start);
    let end = match std::str::from_utf8(start) {
        // No length: the last character is cut in half, and the rest of it may follow.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => start.len(),
    };
    std::str::from_utf8(&start[..end]).is_ok_and(|text| !text.contains(char::is_control))
}

/// The characters that may stand around a value.
const WHITESPACE: [char; 2] = [' ', '\t'];

/// What the headers say about the request. No other header matters here.
#[derive(Default)]
struct Headers<'a> {
    has_host: bool,
    /// The digits of `Content-Length`, without leading zeros.
    length: Option<&'a str>,
    /// Whether the last transfer coding is `chunked`, which marks the end of the body. `None` without
    /// any coding.
    is_chunked: Option<bool>,
}

impl<'a> Headers<'a> {
    /// Adds a header line. `None` if that makes the request invalid.
    fn add(&mut self, line: &'a [u8]) -> Option<()> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        // This also rejects a space before the colon, and a line that continues the line before it.
        if !is_token(name) || value.contains(&b'\0') || value.contains(&b'\r') {
            return None;
        }
        let value = || Some(std::str::from_utf8(value).ok()?.trim_matches(WHITESPACE));
        if name.eq_ignore_ascii_case(b"host") {
            host(value()?)?;
            let is_first = !std::mem::replace(&mut self.has_host, true);
            is_first.then_some(())
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // The same length may be repeated: RFC 9110, section 8.6.
            let mut lengths = value()?
                .split(',')
                .map(|length| length.trim_matches(WHITESPACE));
            let all_the_same = lengths.all(|length| {
                let digits = length.trim_start_matches('0');
                !length.is_empty()
                    && length.bytes().all(|byte| byte.is_ascii_digit())
                    && *self.length.get_or_insert(digits) == digits
            });
            all_the_same.then_some(())
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let mut from_the_last = value()?
                .rsplit(',')
                .map(|coding| coding.trim_matches(WHITESPACE));
            let last = from_the_last.find(|coding| !coding.is_empty());
            self.is_chunked =
                Some(last.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")));
            Some(())
        } else {
            Some(())
        }
    }

    fn announce_a_body(&self) -> bool {
        self.is_chunked.is_some() || self.length.is_some_and(|length| !length.is_empty())
    }
}

/// The host in `host` or `host:port`, in `Host` or in a target: RFC 3986, section 3.2. It may be empty.
/// `None` if the text is not of this form.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_valid = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_name_byte =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
            let is_escape = |rest: &str| {
                let digits = rest.get(..2);
                digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            };
            host.bytes().all(is_name_byte) && host.split('%').skip(1).all(is_escape)
        }
    };
    (is_valid && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(host)
}

/// Whether this is a token (RFC 9110, section 5.6.2), as a method and a header's name are.
pub(crate) fn is_token(word: &[u8]) -> bool {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !word.is_empty() && word.iter().all(is_token_byte)
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// What follows the head.
    pub body: String,
    headers: String,
}

impl Response {
    /// An HTML page with the headers that every response needs.
    pub fn new(status: Status, body: String) -> Response {
        Response::of_type("text/html", status, body)
    }

    /// The same for a text that is not HTML.
    pub fn of_type(media_type: &str, status: Status, body: String) -> Response {
        // Enough capacity for all headers, so that the string need not grow with each of them.
        let mut headers = String::with_capacity(1024);
        // Writing to a `String` cannot fail.
        let _ = write!(
            headers,
            "Content-Type: {media_type}; charset=utf-8\r\n\
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

    /// Writes the response: head and body, or the head only, for the method `HEAD`.
    ///
    /// # Errors
    ///
    /// If the client has closed the connection, or if the deadline of a [`DeadlineStream`] has passed.
    pub fn write_to(&self, writer: &mut impl Write, head_only: bool) -> io::Result<()> {
        let body = if head_only { "" } else { &self.body };
        let status = self.status.to_string();
        // One string, hence one system call, and no half-filled packets.
        let response = ["HTTP/1.1 ", &status, "\r\n", &self.headers, "\r\n", body].concat();
        writer.write_all(response.as_bytes())
    }
}

/// A connection with one deadline for all of its reads and writes together.
///
/// A timeout on the socket alone bounds each read: a client that sends a byte a second could go on for
/// hours. After the deadline, one more read takes what has arrived: it may be this machine that is late.
///
/// As a rule, a response fits into the system's buffer. So a write does not wait at first, and needs no
/// timeout: that saves a system call. A read has to wait more often, and always sets its timeout.
#[derive(Debug)]
pub struct DeadlineStream<'a> {
    connection: &'a TcpStream,
    deadline: Instant,
    blocking: bool,
    read_late: bool,
}

impl DeadlineStream<'_> {
    /// Sets the deadline to `time` from now.
    ///
    /// # Panics
    ///
    /// If an [`Instant`] cannot hold that moment, which is centuries away.
    pub fn new(connection: &TcpStream, time: Duration) -> DeadlineStream<'_> {
        DeadlineStream {
            connection,
            deadline: Instant::now() + time,
            blocking: true,
            read_late: false,
        }
    }

    /// Moves the deadline: by the time, for example, that the server itself has needed.
    ///
    /// # Panics
    ///
    /// As [`new`](DeadlineStream::new) does.
    pub fn extend(&mut self, time: Duration) {
        self.deadline += time;
    }

    fn remaining(&self) -> Option<Duration> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then_some(remaining)
    }

    /// Makes the connection block, or fail at once instead.
    fn block(&mut self, blocking: bool) -> io::Result<()> {
        if self.blocking != blocking {
            self.connection.set_nonblocking(!blocking)?;
            self.blocking = blocking;
        }
        Ok(())
    }

    /// Reads what is left, in a way that lets the response arrive when the connection is closed. Returns
    /// before the deadline or at once.
    ///
    /// The system resets a connection that is closed while bytes are unread, and a reset may destroy a
    /// response on its way. So this reads what has arrived. If the client may still be sending
    /// (`more_to_come`), it goes on reading until the client closes or pauses, or the deadline passes.
    pub fn drain(mut self, more_to_come: bool) {
        let mut unread = [0; 4096];
        if more_to_come && self.connection.shutdown(Shutdown::Write).is_ok() {
            let deadline = self.deadline;
            self.deadline = deadline.min(Instant::now() + LINGER_PAUSE);
            while let Ok(1..) = self.read(&mut unread) {
                self.deadline = deadline.min(Instant::now() + LINGER_PAUSE);
            }
        }
        if self.block(false).is_ok() {
            let mut reads = (0..LAST_READS).map(|_| self.connection.read(&mut unread));
            while let Some(Ok(1..)) = reads.next() {}
        }
    }
}

impl Read for DeadlineStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(remaining) = self.remaining() else {
            if std::mem::replace(&mut self.read_late, true) {
                return Err(ErrorKind::TimedOut.into());
            }
            self.block(false)?;
            return self.connection.read(buffer);
        };
        self.block(true)?;
        unless_shut(self.connection.set_read_timeout(Some(remaining)))?;
        self.connection.read(buffer)
    }
}

/// The timeout of a write after the deadline. The system takes what fits into its buffer at once, which is
/// a whole response if it is the first on the connection.
const LAST_WRITE: Duration = Duration::from_millis(1);

impl Write for DeadlineStream<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.block(false)?;
        match self.connection.write(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.block(true)?,
            result => return result,
        }
        let remaining = self.remaining().unwrap_or(LAST_WRITE);
        unless_shut(self.connection.set_write_timeout(Some(remaining)))?;
        self.connection.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

/// Ignores the error of macOS when a timeout is set on a connection that both sides have closed. No
/// timeout is needed then: nothing blocks, and the bytes that have arrived can still be read.
fn unless_shut(timeout_set: io::Result<()>) -> io::Result<()> {
    match timeout_set {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// How long to wait for more bytes from a client that has its response but has not closed yet.
const LINGER_PAUSE: Duration = Duration::from_millis(200);

/// The maximum of reads of bytes that have already arrived.
const LAST_READS: usize = 16;

/// A time in the format of the header `Date`: RFC 9110, section 5.6.7. A time before 1970 is shown as the
/// start of 1970.
pub fn date(time: SystemTime) -> impl Display {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days count from 1 March 0000, so that a leap day is the last of its year, and 400 years have
    // 146,097 of them. 1970 began 719,468 days after that.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    // Without the leap days before it, one in 4 years but for 3 in 400, every year has 365 days.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days, again and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let name = [
        "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb",
    ];
    let year = 400 * era + year + month / 10;
    // 1 January 1970 was a Thursday.
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let month = name[month as usize];
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Escapes a text from a client or a server for the log or a terminal: without control characters, and
/// cut to `maximum` characters, followed by three dots if it was longer.
///
/// An escape sequence counts with all its characters, and is never cut in half.
pub fn escape(text: &str, maximum: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for character in text.trim_end().chars() {
        let before = escaped.len();
        match character {
            // A backslash begins an escape sequence, and a quotation mark ends a quotation.
            '\\' | '"' => escaped.extend(['\\', character]),
            ' '..='~' => escaped.push(character),
            _ => escaped.extend(character.escape_debug()),
        }
        length += escaped[before..].chars().count();
        if length > maximum {
            escaped.truncate(before);
            return escaped + "...";
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit test, because no connection on Linux gets into this state.
    #[test]
    fn a_connection_that_takes_no_timeout_is_read_and_written_all_the_same() {
        let failed = |kind: ErrorKind| unless_shut(Err(kind.into()));
        assert!(failed(ErrorKind::InvalidInput).is_ok());
        assert!(failed(ErrorKind::NotConnected).is_err());
    }
}
