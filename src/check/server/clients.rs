//! Clients that behave badly.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a server may take to accept a connection, or to take in a few words.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for an answer that matters to no one.
const MOMENT: Duration = Duration::from_millis(50);

/// How long a client that drips waits before its next byte.
const DRIP: Duration = Duration::from_millis(100);

/// After a longer wait, a server may close the connection, and would be right to.
const LONGEST_DRIP: Duration = Duration::from_millis(500);

/// Half a request: its head has no end.
const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ";

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Silent,
    Half,
    Dripping,
}

/// Clients of one kind. When the server's queue of connections is full, the rest is left out: those that
/// are connected occupy the server already.
pub(super) struct Clients {
    pub connected: usize,
    /// Dropped, it ends the thread that drips.
    end: Option<Sender<()>>,
    connections: Vec<TcpStream>,
    dripping: Option<JoinHandle<Duration>>,
}

impl Clients {
    pub fn connect(addr: &str, kind: Kind, count: usize) -> io::Result<Clients> {
        let mut connections = Vec::new();
        // Not all at once: a queue may be full for the moment that a worker takes to pick one up.
        let pause = Duration::from_millis(20).min(Duration::from_millis(500) / count.max(1) as u32);
        for _ in 0..count {
            let Ok(mut connection) = connect(addr) else {
                break;
            };
            thread::sleep(pause);
            if !matches!(kind, Kind::Silent) {
                // If the server has closed it already, it does not wait for more.
                let _ = connection.write_all(HALF);
            }
            connections.push(connection);
        }
        let mut clients = Clients {
            connected: connections.len(),
            end: None,
            connections,
            dripping: None,
        };
        if let Kind::Dripping = kind {
            let (end, ended) = mpsc::channel();
            let mut connections = std::mem::take(&mut clients.connections);
            clients.end = Some(end);
            clients.dripping = Some(thread::Builder::new().spawn(move || {
                let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
                while ended.recv_timeout(DRIP) == Err(RecvTimeoutError::Timeout) {
                    // Not one that the server has closed.
                    connections.retain_mut(|connection| connection.write_all(b"a").is_ok());
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                }
                longest
            })?);
        }
        Ok(clients)
    }

    /// They close their connections. Returns whether those that drip have done so all the time, and were
    /// not kept from it by a busy machine.
    pub fn leave(mut self) -> bool {
        self.end = None;
        let dripping = self.dripping.take();
        // The thread does not panic.
        dripping.is_none_or(|it| it.join().is_ok_and(|longest| longest < LONGEST_DRIP))
    }
}

/// Connects, says something, and vanishes without looking at the answer.
pub(super) fn vanish(addr: &str, words: &[u8]) {
    if let Ok(mut connection) = connect(addr) {
        let _ = connection.write_all(words);
    }
}

/// Sends a request that is none: another one for each number. Returns the connection if the server
/// [has not dealt with it](is_waiting) a moment later.
pub(super) fn send_bad_request(addr: &str, number: usize) -> Option<TcpStream> {
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
    let mut connection = connect(addr).ok()?;
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

fn connect(addr: &str) -> io::Result<TcpStream> {
    let mut result = Err(io::ErrorKind::NotFound.into());
    for addr in addr.to_socket_addrs()? {
        result = TcpStream::connect_timeout(&addr, PATIENCE);
        if result.is_ok() {
            break;
        }
    }
    let connection = result?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}
