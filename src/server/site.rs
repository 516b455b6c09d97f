//! The pages: `/`, `/sleep`, `/race`, `/explore` if the stage has a pool, and everything else is 404. A server that notes which worker has the
//! lock tells the page `/race` at `/race/lock`.
//!
//! [`Site::handle`] is the handler of every stage. It [reads a request](http::read_request), answers it,
//! and prints a line about it. Whatever the client does, it returns, and it does not panic.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::http::{self, DeadlineStream, Request, RequestError, Response, Status, escape};
use crate::Stage;
use crate::explore;
use crate::notes::Recording;
use crate::notes::lock::Lock;
use crate::output::log;

/// The maximum length of a request line in the log, in characters.
const MAX_QUOTE: usize = 80;

/// How long a worker waits for the page of all schedules. It takes less than a second to make, but on a
/// machine that has other things to do.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// How the other pages link to it.
const EXPLORE: &str = "<p><strong><a href=\"/explore\">Why?</a></strong> Be the scheduler of this \
    pool: you say which thread takes the next step.</p>\n";

/// The pages of one stage.
#[derive(Debug)]
pub struct Site {
    server: String,
    index: Page,
    race: Page,
    /// None if the stage has no pool.
    schedules: Option<Arc<Schedules>>,
    sleep: Duration,
    read_timeout: Duration,
    recording: Option<Arc<Recording>>,
}

impl Site {
    /// The pages of `stage`, with a `/sleep` that takes `sleep`. A client has `read_timeout` in all to
    /// send its request, read its response and close; the time that the page takes is not counted.
    /// With a recording of the stage's threads, `/race` shows which worker has the lock.
    pub fn new(
        stage: &Stage,
        sleep: Duration,
        read_timeout: Duration,
        recording: Option<Arc<Recording>>,
    ) -> Site {
        let version = env!("CARGO_PKG_VERSION");
        let values = [
            ("title", format!("Stage {}, {}", stage.number, stage.name)),
            ("summary", stage.summary.to_owned()),
            ("seconds", sleep.as_secs_f64().to_string()),
            ("lock", recording.is_some().to_string()),
            (
                "explore",
                String::from(if stage.has_pool { EXPLORE } else { "" }),
            ),
        ];
        Site {
            server: format!("ten-versus-five/{version} (stage {})", stage.number),
            index: Page::new(&in_layout(include_str!("pages/index.html")), &values),
            race: Page::new(include_str!("pages/race.html"), &values),
            schedules: stage.has_pool.then(|| {
                Arc::new(Schedules {
                    stage: stage.number,
                    asked: Once::new(),
                    made: OnceLock::new(),
                })
            }),
            sleep,
            read_timeout,
            recording,
        }
    }

    /// How long a client may hold a thread, without the time that the page takes.
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// Reads one request, answers it, closes the connection, and prints one line about it.
    ///
    /// The thread waits for a silent or slow client no longer than the read timeout.
    pub fn handle(&self, connection: TcpStream) {
        let accepted = Instant::now();
        let current = thread::current();
        let thread = current.name().unwrap_or("a thread with no name");

        let mut bounded = DeadlineStream::new(&connection, self.read_timeout);
        let (started, request_line, response, has_more) = match http::read_request(&mut bounded) {
            Ok(request) => {
                // A browser may open a connection long before it has a request for it.
                let started = Instant::now();
                let response = self.respond(&request, thread);
                bounded.extend(started.elapsed());
                (started, request.to_string(), response, request.has_more)
            }
            Err(RequestError::Bad(status, request_line)) => {
                (accepted, request_line, error_page(status), true)
            }
            Err(error) => return log(format_args!("{thread}: {error}")),
        };
        let status = response.status.0;
        let sent = self
            .with_server_headers(response, thread, started)
            .write_to(&mut bounded, http::asks_for_head(&request_line));
        let took = started.elapsed();
        bounded.drain(has_more);
        drop(connection);

        let request_line = quoted(&request_line);
        match sent {
            Ok(()) => log(format_args!(
                "{thread}: {request_line} -> {status} in {took:.1?}"
            )),
            Err(error) => log(format_args!(
                "{thread}: {request_line} -> the response was not sent: {error}"
            )),
        }
    }

    /// Answers 503 to a request that begins with these bytes, and prints a line about it. Neither
    /// blocks nor closes the connection.
    ///
    /// # Errors
    ///
    /// If the client has closed the connection, or does not read.
    pub fn reject(&self, connection: &mut TcpStream, request: &[u8]) -> io::Result<()> {
        let started = Instant::now();
        let current = thread::current();
        let thread = current.name().unwrap_or("a thread with no name");
        let (request_line, _) = http::first_line(request);

        let status = Status::SERVICE_UNAVAILABLE;
        let response = error_page(status).header("Retry-After", self.sleep.as_secs_f64().ceil());
        self.with_server_headers(response, thread, started)
            .write_to(connection, http::asks_for_head(&request_line))?;
        let request_line = quoted(&request_line);
        log(format_args!(
            "{thread}: {request_line} -> {} in {:.1?}",
            status.0,
            started.elapsed()
        ));
        Ok(())
    }

    /// Adds the headers that name the server, the thread, the time of day and the time that it took.
    fn with_server_headers(&self, response: Response, thread: &str, started: Instant) -> Response {
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
            return error_page(Status::METHOD_NOT_ALLOWED).header("Allow", "GET, HEAD");
        }
        match request.path() {
            Some("/") => self.index.response(Status::OK),
            Some("/race") => self.race.response(Status::OK),
            Some("/explore") => match &self.schedules {
                Some(schedules) => schedules.response(),
                None => error_page(Status::NOT_FOUND),
            },
            Some("/sleep") => {
                thread::sleep(self.sleep);
                let title = format!("Slept {} s on {thread}", self.sleep.as_secs_f64());
                let page = in_layout(include_str!("pages/sleep.html"));
                Page::new(&page, &[("title", title)]).response(Status::OK)
            }
            Some("/race/lock") => match &self.recording {
                Some(recording) => lock(recording, request, thread),
                None => error_page(Status::NOT_FOUND),
            },
            Some(_) => error_page(Status::NOT_FOUND),
            None => error_page(Status::BAD_REQUEST),
        }
    }
}

/// The page of all schedules of a stage's pool. It is made when a client asks for it the first time, on
/// a thread of its own: a worker waits for it no longer than [`MOST_WAIT`].
#[derive(Debug)]
struct Schedules {
    stage: usize,
    asked: Once,
    made: OnceLock<Page>,
}

impl Schedules {
    fn response(self: &Arc<Schedules>) -> Response {
        self.asked.call_once(|| {
            let schedules = Arc::clone(self);
            let make = move || {
                let pool = explore::page::of_stage(schedules.stage);
                let html = explore::page::served(&Vec::from_iter(pool));
                schedules.made.get_or_init(|| Page::new(&html, &[]));
            };
            let thread = thread::Builder::new().name(String::from("explore"));
            if let Err(error) = thread.spawn(make) {
                log(format_args!(
                    "There is no thread to explore the pool on: {error}"
                ));
            }
        });
        let start = Instant::now();
        while self.made.get().is_none() && start.elapsed() < MOST_WAIT {
            thread::sleep(Duration::from_millis(5));
        }
        match self.made.get() {
            Some(page) => page.response(Status::OK),
            None => Page::new(
                &in_layout(include_str!("pages/making.html")),
                &[("title", String::from("All schedules"))],
            )
            .response(Status::OK),
        }
    }
}

/// Which worker had the lock, as JSON: `/race/lock?10.5` begins 10.5 seconds ago, and `/race/lock` when
/// the server started. It ends where the job of this request began.
fn lock(recording: &Recording, request: &Request, thread: &str) -> Response {
    let ago = request.target.split_once('?');
    let ago = ago.and_then(|(_, seconds)| seconds.parse().ok());
    let ago = ago.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let now = recording.start().elapsed();
    let lock = Lock {
        start: now.saturating_sub(ago.unwrap_or(Duration::MAX)),
        notes: recording.notes(),
    };
    let json = lock.json(lock.last_job(thread));
    Response::of_type("application/json", Status::OK, json)
}

/// The page that says why the client does not get the page that it requested.
fn error_page(status: Status) -> Response {
    let reason = match status {
        Status::BAD_REQUEST => "This is not a valid HTTP request.",
        Status::NOT_FOUND => "There is no page at this address.",
        Status::METHOD_NOT_ALLOWED => "These pages can only be read, with GET or HEAD.",
        Status::REQUEST_TIMEOUT => "The request did not arrive completely before its time was up.",
        Status::TARGET_TOO_LONG => "The first line of the request is longer than 8 KiB.",
        Status::HEAD_TOO_LARGE => "The head of the request is longer than 8 KiB.",
        Status::SERVICE_UNAVAILABLE => {
            "The server is overloaded: all its workers are busy, and its queue, if it has one, is full. \
             So it rejected your request at once. Try again in a few seconds."
        }
        Status::VERSION_NOT_SUPPORTED => "This server speaks HTTP/1.1.",
        _ => "",
    };
    let page = in_layout(include_str!("pages/error.html"));
    let values = [("title", status.to_string()), ("reason", reason.to_owned())];
    Page::new(&page, &values).response(status)
}

/// A page that lacks only its nonce: a number that is used once. The browser runs no style and no script
/// without that number, and sends no request to another server.
///
/// The nonce goes between these pieces.
#[derive(Debug)]
struct Page(Vec<String>);

impl Page {
    /// Replaces each `{{name}}` by its value. Only `{{nonce}}` stays.
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

/// The first line that a client sent, escaped for the log. If it is not a request line, it stands in
/// quotation marks, so that a client cannot forge a line of the log.
fn quoted(request_line: &str) -> String {
    if http::request_line(request_line.as_bytes()).is_ok() {
        escape(request_line, MAX_QUOTE)
    } else {
        format!("\"{}\"", escape(request_line, MAX_QUOTE))
    }
}
