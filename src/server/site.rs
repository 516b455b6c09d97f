//! The pages: `/`, `/sleep`, `/race`, and everything else is 404.
//!
//! [`Site::handle`] is what every stage does with a connection: [read a
//! request](http::read_request), answer it, print a line about it. It returns in every case, and
//! does not panic, whatever the client does.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::http::{self, NoRequest, Request, Response, Status, Timed, printable};
use crate::Stage;

/// The longest piece of a client's words in a line of the log, in characters.
const MAX_QUOTE: usize = 80;

/// The pages of one stage.
pub struct Site {
    server: String,
    index: Page,
    race: Page,
    sleep: Duration,
    read_timeout: Duration,
}

impl Site {
    /// The pages of `stage`, with a `/sleep` that takes `sleep`. A client has `read_timeout` in all to
    /// send its request, take its response and close; what the page takes is not counted.
    pub fn new(stage: &Stage, sleep: Duration, read_timeout: Duration) -> Site {
        let version = env!("CARGO_PKG_VERSION");
        let values = [
            ("title", format!("Stage {}, {}", stage.number, stage.name)),
            ("summary", stage.summary.to_owned()),
            ("seconds", sleep.as_secs_f64().to_string()),
        ];
        Site {
            server: format!("ten-versus-five/{version} (stage {})", stage.number),
            index: Page::new(&in_layout(include_str!("pages/index.html")), &values),
            race: Page::new(include_str!("pages/race.html"), &values),
            sleep,
            read_timeout,
        }
    }

    /// How long a client may keep a thread, beside the time that the page takes.
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// Reads one request, answers it, closes the connection, and prints one line about it.
    ///
    /// However silent or slow the client is, the thread waits for it no longer than the read timeout.
    pub fn handle(&self, connection: TcpStream) {
        let accepted = Instant::now();
        let current = thread::current();
        let thread = current.name().unwrap_or("a thread with no name");

        let mut timed = Timed::new(&connection, self.read_timeout);
        let (started, said, response, has_more) = match http::read_request(&mut timed) {
            Ok(request) => {
                // A browser may open a connection long before it has a request for it.
                let started = Instant::now();
                let response = self.respond(&request, thread);
                timed.extend(started.elapsed());
                (started, request.to_string(), response, request.has_more)
            }
            Err(NoRequest::Refused(status, said)) => (accepted, said, refusal(status), true),
            Err(nothing) => return log(format_args!("{thread}: {nothing}")),
        };
        let status = response.status.0;
        let sent = self
            .signed(response, thread, started)
            .write_to(&mut timed, http::asks_for_head(&said));
        let took = started.elapsed();
        let deadline = timed.deadline();
        http::close(connection, has_more, deadline);

        let said = quoted(&said);
        match sent {
            Ok(()) => log(format_args!("{thread}: {said} -> {status} in {took:.1?}")),
            Err(error) => log(format_args!(
                "{thread}: {said} -> the client has gone: {error}"
            )),
        }
    }

    /// Tells a client that the server is too busy, in answer to a request that begins with these
    /// bytes, and prints a line about it. This does not wait, nor does it close the connection.
    ///
    /// # Errors
    ///
    /// When the client has gone, or does not take what it is sent.
    pub fn refuse(&self, connection: &mut TcpStream, request: &[u8]) -> io::Result<()> {
        let started = Instant::now();
        let current = thread::current();
        let thread = current.name().unwrap_or("a thread with no name");
        let (said, _) = http::first_line(request);

        let status = Status::SERVICE_UNAVAILABLE;
        let response = refusal(status).header("Retry-After", self.sleep.as_secs_f64().ceil());
        self.signed(response, thread, started)
            .write_to(connection, http::asks_for_head(&said))?;
        let said = quoted(&said);
        log(format_args!(
            "{thread}: {said} -> {} in {:.1?}",
            status.0,
            started.elapsed()
        ));
        Ok(())
    }

    /// A response with the headers that say who made it, when, and in what time.
    fn signed(&self, response: Response, thread: &str, started: Instant) -> Response {
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        response
            .header("Date", http::date(SystemTime::now()))
            .header("X-Served-By", thread)
            .header(
                "Server-Timing",
                format_args!("handle;dur={milliseconds:.3}"),
            )
            .header("Server", &self.server)
    }

    fn respond(&self, request: &Request, thread: &str) -> Response {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return refusal(Status::METHOD_NOT_ALLOWED).header("Allow", "GET, HEAD");
        }
        match request.path() {
            Some("/") => self.index.response(Status::OK),
            Some("/race") => self.race.response(Status::OK),
            Some("/sleep") => {
                thread::sleep(self.sleep);
                let title = format!("Slept {} s on {thread}", self.sleep.as_secs_f64());
                let page = in_layout(include_str!("pages/sleep.html"));
                Page::new(&page, &[("title", title)]).response(Status::OK)
            }
            Some(_) => refusal(Status::NOT_FOUND),
            None => refusal(Status::BAD_REQUEST),
        }
    }
}

/// The page that says why there is no other.
fn refusal(status: Status) -> Response {
    let reason = match status {
        Status::BAD_REQUEST => "What came is not an HTTP request.",
        Status::NOT_FOUND => "There is nothing at this address.",
        Status::METHOD_NOT_ALLOWED => "These pages can only be read, with GET or HEAD.",
        Status::REQUEST_TIMEOUT => "The request did not arrive whole in the time it has.",
        Status::TARGET_TOO_LONG => "The first line of the request is longer than 8 KiB.",
        Status::HEAD_TOO_LARGE => "The head of the request is longer than 8 KiB.",
        Status::SERVICE_UNAVAILABLE => {
            "All workers are busy, and as many requests are waiting for them as may wait. \
             Nobody has looked at yours. Try again in a while."
        }
        Status::VERSION_NOT_SUPPORTED => "This server speaks HTTP/1.1.",
        _ => "",
    };
    let page = in_layout(include_str!("pages/refusal.html"));
    let values = [("title", status.to_string()), ("reason", reason.to_owned())];
    Page::new(&page, &values).response(status)
}

/// A page that is all there but for its nonce: a number used once, by which the browser knows that a
/// style or a script is the page's own. It obeys no other, and asks no other server.
///
/// These are the pieces between which the nonce goes.
struct Page(Vec<String>);

impl Page {
    /// Puts values where the page says `{{name}}`. One is left: `{{nonce}}`.
    fn new(html: &str, values: &[(&str, String)]) -> Page {
        let filled = values.iter().fold(html.to_owned(), |html, (name, value)| {
            html.replace(&format!("{{{{{name}}}}}"), value)
        });
        Page(filled.split("{{nonce}}").map(String::from).collect())
    }

    fn response(&self, status: Status) -> Response {
        // The hasher of a `HashMap` is the standard library's only source of randomness.
        let nonce = format!("{:016x}", RandomState::new().build_hasher().finish());
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
             connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        Response::new(status, self.0.join(&nonce)).header("Content-Security-Policy", policy)
    }
}

fn in_layout(body: &str) -> String {
    include_str!("pages/layout.html").replace("{{body}}", body)
}

/// What a client said, for a line of the log. If that is not a request line, it could be anything, a
/// line of the log for example; so it is put in quotation marks.
fn quoted(said: &str) -> String {
    if http::request_line(said.as_bytes()).is_ok() {
        printable(said, MAX_QUOTE)
    } else {
        format!("\"{}\"", printable(said, MAX_QUOTE))
    }
}

/// Prints a line, in one piece, and carries on if nobody can read it.
fn log(line: fmt::Arguments<'_>) {
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
}
