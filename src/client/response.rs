//! A response, read from any server: its head, and where its body ends.
//!
//! This is what [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112) requires of a client. The server may
//! be malicious: this module bounds how much memory a response can take, and the reader that it is given
//! bounds the time.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::server::http::{escape, is_token};

/// The most bytes that are read of a response beside its body: the heads of the responses before it
/// (1xx) and its own, and its trailer section. `curl` allows 300 KiB, browsers 256.
pub const MAX_HEAD: usize = 64 * 1024;

/// The status line and the header fields.
#[derive(Debug)]
pub struct Head {
    /// The status code, 100 or more.
    pub status: u16,
    fields: Vec<(String, String)>,
}

/// Where the body of a response ends.
#[derive(Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    Chunked,
    /// At the end of the connection.
    UntilClose,
}

/// Reads one whole response: to the end of its body, if it states where that is, or else of the
/// connection. Responses before it (100 Continue, 103 Early Hints, ...) are skipped. The body is not
/// kept.
///
/// # Errors
///
/// [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the connection ends before that; the error of the
/// reader if it fails; and otherwise a sentence that says what is wrong with the response.
pub fn read(reader: &mut impl BufRead) -> io::Result<Head> {
    let mut remaining = MAX_HEAD;
    let head = loop {
        let head = read_head(reader, &mut remaining)?;
        match head.status {
            101 => return Err(invalid("it switched protocols (101), unasked")),
            100..200 => {}
            _ => break head,
        }
    };
    match head.body()? {
        Body::Length(length) => skip(reader, length)?,
        Body::Chunked => skip_chunks(reader, &mut remaining)?,
        Body::UntilClose => drop(io::copy(reader, &mut io::sink())?),
    }
    Ok(head)
}

fn read_head(reader: &mut impl BufRead, remaining: &mut usize) -> io::Result<Head> {
    // Bytes that do not begin like HTTP may never end a line, so they are not read as a line.
    let start = peek(reader)?;
    let mut pairs = start.iter().zip(b"HTTP/1.");
    if !pairs.all(|(one, other)| one == other) {
        return Err(not_http(&start));
    }
    let status_line = read_line(reader, remaining)?;
    let status = status(&status_line).ok_or_else(|| not_http(&status_line))?;

    let mut fields: Vec<(String, String)> = Vec::new();
    loop {
        let line = read_line(reader, remaining)?;
        if line.is_empty() {
            return Ok(Head { status, fields });
        }
        // RFC 9110, section 5.5: CR and NUL are dangerous, since programs read them in different ways.
        if line.contains(&b'\r') || line.contains(&0) {
            return Err(not_http(&line));
        }
        let text = String::from_utf8_lossy(&line);
        match (text.split_once(':'), fields.last_mut()) {
            // A folded line: more of the value before.
            (_, Some((_, value))) if text.starts_with([' ', '\t']) => {
                *value = format!("{value} {}", text.trim());
            }
            (Some((name, value)), _) if is_token(name.as_bytes()) => {
                fields.push((name.to_owned(), value.trim().to_owned()));
            }
            _ => return Err(not_http(&line)),
        }
    }
}

/// The status in `HTTP/1.1 200 OK`. After it, there may be any number of words, or none.
fn status(line: &[u8]) -> Option<u16> {
    let line = String::from_utf8_lossy(line);
    let (minor, rest) = line.strip_prefix("HTTP/1.")?.split_once(' ')?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = |text: &str| !text.contains(|c: char| c.is_control() && c != '\t');
    if !digits(minor, 1) || !digits(status, 3) || !is_plain(reason) {
        return None;
    }
    status.parse().ok().filter(|status| *status >= 100)
}

impl Head {
    /// The values of a field, in order, of which a header may hold several, in any case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter();
        fields
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The elements of all the values of a field that is a list.
    pub fn elements<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
    }

    /// RFC 9112, section 6.3, for the answer to a `GET`.
    fn body(&self) -> io::Result<Body> {
        if matches!(self.status, 204 | 304) {
            return Ok(Body::Length(0));
        }
        // It wins over a `Content-Length`. A proxy had better reject a response with both, since two
        // programs could disagree where it ends. Here nothing follows it on the connection.
        let codings = self.elements("transfer-encoding");
        if let Some(last) = codings.filter(|coding| !coding.is_empty()).last() {
            return Ok(match last.eq_ignore_ascii_case("chunked") {
                true => Body::Chunked,
                false => Body::UntilClose,
            });
        }
        let mut length = None;
        for element in self.elements("content-length") {
            // A number and no more: `parse` alone would take a sign.
            let is_number = element.bytes().all(|byte| byte.is_ascii_digit());
            match element.parse().ok().filter(|_| is_number) {
                Some(number) if length.is_none_or(|length| length == number) => {
                    length = Some(number);
                }
                _ => return Err(invalid("its Content-Length makes no sense")),
            }
        }
        Ok(length.map_or(Body::UntilClose, Body::Length))
    }
}

/// The first of the bytes that have arrived, without reading them; none at the end of the connection.
fn peek(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            bytes => return Ok(bytes?.iter().take(40).copied().collect()),
        }
    }
}

/// A line without its end, CR LF or LF alone. Its length, in bytes, is subtracted from `remaining`.
fn read_line(reader: &mut impl BufRead, remaining: &mut usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let maximum = *remaining as u64;
    reader.by_ref().take(maximum).read_until(b'\n', &mut line)?;
    *remaining -= line.len();
    if line.pop() != Some(b'\n') {
        return Err(match remaining {
            0 => invalid("the head of its answer does not end"),
            _ => ErrorKind::UnexpectedEof.into(),
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn skip(reader: &mut impl BufRead, length: u64) -> io::Result<()> {
    match io::copy(&mut reader.by_ref().take(length), &mut io::sink())? {
        skipped if skipped == length => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// RFC 9112, section 7.1: chunks, each after its size, the last of size 0; then the trailer section.
fn skip_chunks(reader: &mut impl BufRead, remaining: &mut usize) -> io::Result<()> {
    let malformed = || invalid("the chunks of its answer make no sense");
    loop {
        // There may be any number of chunks, so only each size with its end is bounded.
        let mut bound = MAX_HEAD;
        let line = read_line(reader, &mut bound)?;
        let line = String::from_utf8_lossy(&line);
        // Behind a semicolon there may be extensions, which mean nothing here.
        let size = line.split(';').next().unwrap_or_default().trim_end();
        // `from_str_radix` alone would take a sign.
        if !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        match u64::from_str_radix(size, 16).map_err(|_| malformed())? {
            0 => break,
            size => skip(reader, size)?,
        }
        if !read_line(reader, &mut bound)?.is_empty() {
            return Err(malformed());
        }
    }
    while !read_line(reader, remaining)?.is_empty() {}
    Ok(())
}

fn not_http(line: &[u8]) -> io::Error {
    let start = String::from_utf8_lossy(&line[..line.len().min(40)]);
    invalid(&format!("the answer is not HTTP: {}", escape(&start, 40)))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
