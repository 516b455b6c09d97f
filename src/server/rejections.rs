//! Answers the connections that a stage rejects with 503 (load shedding): one thread polls all of them.
//!
//! A stage rejects a connection in its accept loop, and accepts no other connection meanwhile. So the
//! accept loop must not wait until a slow client reads, or until a silent one sends. It only passes the
//! connection on. The thread here polls all rejected connections without blocking, so none of them
//! waits for another.

use std::io::{self, ErrorKind, Read};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::http::{self, MAX_HEAD};
use super::site::Site;
use crate::{Handler, Stage};

/// The maximum of rejected connections that are open at a time. One more is closed without an answer.
const MAXIMUM: usize = 1024;

/// How long a client that has its answer may keep its connection open.
const LINGER: Duration = Duration::from_secs(1);

/// How often to poll.
const POLL: Duration = Duration::from_millis(5);

/// Starts the thread, if this stage rejects connections. Returns a handler that rejects one without
/// blocking, and the thread, which ends when the handler has been dropped and the last connection has
/// been closed.
///
/// # Errors
///
/// If the system has no thread for it.
pub fn start(stage: &Stage, site: Arc<Site>) -> io::Result<(Handler, Option<JoinHandle<()>>)> {
    if !stage.rejects {
        return Ok((Arc::new(drop), None));
    }
    let (sender, receiver) = mpsc::sync_channel(MAXIMUM);
    let thread = thread::Builder::new()
        .name(String::from("rejections"))
        .spawn(move || poll_all(&receiver, &site))?;
    let reject = move |connection| drop(sender.try_send(connection));
    Ok((Arc::new(reject), Some(thread)))
}

fn poll_all(receiver: &Receiver<TcpStream>, site: &Site) {
    let mut rejected: Vec<Rejected> = Vec::new();
    loop {
        if rejected.is_empty() {
            let Ok(first) = receiver.recv() else {
                return;
            };
            rejected.extend(Rejected::new(first));
        } else {
            thread::sleep(POLL);
        }
        let more = receiver.try_iter().take(MAXIMUM - rejected.len());
        rejected.extend(more.filter_map(Rejected::new));
        rejected.retain_mut(|connection| connection.poll(site));
    }
}

/// A connection that has been rejected, but not yet closed.
struct Rejected {
    connection: TcpStream,
    since: Instant,
    received: Vec<u8>,
    answered: bool,
}

impl Rejected {
    /// `None` if the connection is already broken.
    fn new(connection: TcpStream) -> Option<Rejected> {
        connection.set_nonblocking(true).ok()?;
        Some(Rejected {
            connection,
            since: Instant::now(),
            received: Vec::new(),
            answered: false,
        })
    }

    /// Reads what the client has sent, and answers when the first line has arrived: only then is it
    /// certain whether the answer has a body. Returns whether to keep the connection: `false` if the
    /// client has closed it, or if its time is up. A silent client gets no answer: browsers open spare
    /// connections, and do not expect an answer there.
    fn poll(&mut self, site: &Site) -> bool {
        let mut bytes = [0; 4096];
        // Bounded, because the other connections wait meanwhile.
        for _ in 0..16 {
            match self.connection.read(&mut bytes) {
                Ok(0) => {
                    // The client may have closed only one direction, and still read the other.
                    self.answer(site);
                    return false;
                }
                Ok(_) if self.answered => {}
                Ok(count) => {
                    self.received.extend_from_slice(&bytes[..count]);
                    let is_whole = http::first_line(&self.received).1;
                    if (is_whole || self.received.len() >= MAX_HEAD) && !self.answer(site) {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        if self.answered {
            self.since.elapsed() < LINGER
        } else {
            self.since.elapsed() < site.read_timeout() || self.answer(site)
        }
    }

    /// Answers what has been received, once. Returns whether the client can read the answer.
    fn answer(&mut self, site: &Site) -> bool {
        let received = mem::take(&mut self.received);
        if received.is_empty() {
            return false;
        }
        self.answered = true;
        self.since = Instant::now();
        let result = site.reject(&mut self.connection, &received);
        result
            .and_then(|()| self.connection.shutdown(Shutdown::Write))
            .is_ok()
    }
}
