//! Clients that behave badly.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::{self, target::Target};
use crate::server::http::DeadlineStream;

/// How long a server may take to accept a connection, or to take in a few words.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for an answer that matters to no one.
const MOMENT: Duration = Duration::from_millis(50);

/// How long a client that drips waits before its next byte.
const DRIP: Duration = Duration::from_millis(100);

/// After a longer wait, a server may close the connection, and would be right to.
const LONGEST_DRIP: Duration = Duration::from_millis(300);

/// How much longer than usual idle clients wait for their pages.
const PAGE: Duration = Duration::from_millis(500);

/// Half a request: its head has no end.
const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ";

/// A request whose body ends early.
const HALF_A_BODY: &[u8] = b"POST / HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nhalf=";

/// A whole request, of a client that may want more.
const WHOLE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A whole request, and the last one.
const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A way to keep a connection open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadClient {
    Silent,
    Half,
    Dripping,
    HalfBody,
    /// Has its page, and keeps the connection for the next one, as browsers do.
    Idle,
    /// Does not read its answer.
    Unread,
}

impl BadClient {
    /// What they do, to stand behind "clients that".
    pub fn what(self) -> &'static str {
        match self {
            BadClient::Silent => "send nothing",
            BadClient::Half => "stop in the middle of a request",
            BadClient::Dripping => "send a byte at a time",
            BadClient::HalfBody => "stop in the middle of a body",
            BadClient::Idle => "keep their connection open",
            BadClient::Unread => "do not read their answer",
        }
    }

    fn words(self) -> &'static [u8] {
        match self {
            BadClient::Silent => b"",
            BadClient::Half | BadClient::Dripping => HALF,
            BadClient::HalfBody => HALF_A_BODY,
            BadClient::Idle => WHOLE,
            BadClient::Unread => LAST,
        }
    }
}

/// Clients of one kind. When the server's queue of connections is full, the rest is left out: those that
/// are connected occupy the server already.
pub(super) struct Clients {
    pub connected: usize,
    connections: Vec<TcpStream>,
    /// It has the connections of those that drip.
    dripping: Option<Dripping>,
}

impl Clients {
    /// Connects them one after another, with a pause before each says something, which is shorter if they are
    /// many. `page` is how long an idle one's page takes.
    pub fn connect(
        target: &Target,
        kind: BadClient,
        count: usize,
        pause: Duration,
        page: Duration,
    ) -> io::Result<Clients> {
        let mut clients = Clients {
            connected: 0,
            connections: Vec::new(),
            dripping: (kind == BadClient::Dripping)
                .then(Dripping::start)
                .transpose()?,
        };
        let pause = pause.min(Duration::from_millis(500) / count.max(1) as u32);
        for _ in 0..count {
            let Ok(mut connection) = connect(target) else {
                break;
            };
            thread::sleep(pause);
            // If the server has closed it already, it does not wait for more.
            let _ = connection.write_all(kind.words());
            clients.connected += 1;
            match &clients.dripping {
                Some(dripping) => dripping.add(connection),
                None => clients.connections.push(connection),
            }
        }
        if kind == BadClient::Idle {
            // Those that get no page now occupy the server already.
            let deadline = Instant::now() + page + PAGE;
            for connection in &clients.connections {
                let remaining = deadline.saturating_duration_since(Instant::now());
                let mut stream = DeadlineStream::new(connection, remaining);
                let _ = client::read_reply(&mut stream);
            }
        }
        Ok(clients)
    }

    /// They close their connections. Returns whether those that drip have done so all the time, and were
    /// not kept from it by a busy machine.
    pub fn leave(self) -> bool {
        self.dripping.is_none_or(Dripping::end)
    }
}

/// A thread that sends a byte on each of its connections, again and again.
struct Dripping {
    /// Dropped, it ends the thread.
    connections: Sender<TcpStream>,
    /// Returns the longest time between two bytes.
    thread: JoinHandle<Duration>,
}

impl Dripping {
    fn start() -> io::Result<Dripping> {
        let (sender, receiver) = mpsc::channel::<TcpStream>();
        let drip = move || {
            let mut connections: Vec<TcpStream> = Vec::new();
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            loop {
                let next = receiver.recv_timeout(DRIP.saturating_sub(last.elapsed()));
                longest = longest.max(last.elapsed());
                match next {
                    Ok(connection) => connections.push(connection),
                    Err(RecvTimeoutError::Timeout) => {
                        // Not on one that the server has closed.
                        connections.retain_mut(|connection| connection.write_all(b"a").is_ok());
                        last = Instant::now();
                    }
                    Err(RecvTimeoutError::Disconnected) => return longest,
                }
            }
        };
        Ok(Dripping {
            connections: sender,
            thread: thread::Builder::new().spawn(drip)?,
        })
    }

    fn add(&self, connection: TcpStream) {
        // The thread runs until this sender is dropped.
        let _ = self.connections.send(connection);
    }

    /// Returns whether no byte came later than a server may wait for it.
    fn end(self) -> bool {
        drop(self.connections);
        // The thread does not panic.
        self.thread
            .join()
            .is_ok_and(|longest| longest < LONGEST_DRIP)
    }
}

/// Connects, says something, and vanishes without looking at the answer.
pub(super) fn vanish(target: &Target, words: &[u8]) {
    if let Ok(mut connection) = connect(target) {
        let _ = connection.write_all(words);
    }
}

/// Sends a request that is none: another one for each number. Returns the connection if the server
/// [has not dealt with it](is_waiting) a moment later.
pub(super) fn send_bad_request(target: &Target, number: usize) -> Option<TcpStream> {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(20_000));
    let requests: [&[u8]; 8] = [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", // As TLS begins.
        b"GET / HTTP/1.1\r\nHost",
        b"GET /\xff\xfe\x00 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"one two three four five\r\n\r\n",
        long.as_bytes(),
    ];
    let mut connection = connect(target).ok()?;
    // The server may close it at any moment, and is right to.
    let _ = connection.write_all(requests[number % requests.len()]);
    let _ = connection.shutdown(Shutdown::Write);
    // More than the server is quick enough to accept would have to wait to connect.
    let _ = connection.set_read_timeout(Some(MOMENT));
    let waiting = is_waiting(&connection);
    let _ = connection.set_read_timeout(Some(Duration::from_millis(1)));
    waiting.then_some(connection)
}

/// Whether the server has neither answered nor closed the connection, up to the read timeout.
pub(super) fn is_waiting(mut connection: &TcpStream) -> bool {
    let read = connection.read(&mut [0; 4096]);
    // Systems differ in which of the two a passed timeout is.
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn connect(target: &Target) -> io::Result<TcpStream> {
    let connection = client::connect(target.addresses(PATIENCE)?, Instant::now() + PATIENCE)?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_client_drips_before_the_next_one_says_anything() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (target, pause) = (Target::parse(&address).unwrap(), Duration::from_secs(1));
        let (kind, page) = (BadClient::Dripping, Duration::ZERO);
        let drips = || {
            thread::scope(|scope| {
                let clients = scope.spawn(|| Clients::connect(&target, kind, 2, pause, page));
                let [mut first, next] = [(); 2].map(|()| listener.accept().unwrap().0);
                first
                    .read_exact(&mut vec![0; HALF.len() + 1])
                    .expect("half a request, and a byte more");
                next.set_nonblocking(true).unwrap();
                let is_first = next.peek(&mut [0]).is_err();
                clients.join().unwrap().unwrap().leave();
                is_first
            })
        };
        // The thread that drips may get no processor for a while.
        assert!((0..10).any(|_| drips()));
    }
}
