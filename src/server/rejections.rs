//! Answers the connections that a stage rejects with 503: one thread polls all of them.
//!
//! A stage rejects a connection on the thread of the accept loop, and no other client gets in until
//! that is done. So the accept loop must not wait for a slow client to read, or for a silent one to
//! send. It only passes the connection on. The thread here polls all rejected connections without
//! blocking, so none of them waits for another.

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

/// How many rejected connections are kept at a time. One more is closed without an answer.
const MAXIMUM: usize = 1024;

/// How long a client that has its answer may go on sending before its connection is closed.
const LINGER: Duration = Duration::from_secs(1);

/// How often to poll.
const POLL: Duration = Duration::from_millis(5);

/// Starts the thread, if this stage rejects connections. Returns a handler that rejects one without
/// blocking, and the thread, which ends when the handler has been dropped and the last connection has
/// been closed.
///
/// # Errors
///
/// When the system has no thread for it.
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
    /// `None` if the connection is broken already.
    fn new(connection: TcpStream) -> Option<Rejected> {
        connection.set_nonblocking(true).ok()?;
        Some(Rejected {
            connection,
            since: Instant::now(),
            received: Vec::new(),
            answered: false,
        })
    }

    /// Reads what the client has sent, and answers when the first line of that is there: only then is
    /// it certain whether the answer has a body. Returns whether to keep the connection: `false` when
    /// the client has closed it, or when its time is up. A silent client gets no answer: browsers keep
    /// spare connections, and do not expect an answer there.
    fn poll(&mut self, site: &Site) -> bool {
        let mut bytes = [0; 4096];
        // Bounded, however fast the client sends: there are other connections.
        for _ in 0..16 {
            match self.connection.read(&mut bytes) {
                Ok(0) => {
                    // It may have closed one direction only, and be listening in the other.
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

    /// Answers what has been received, once. Whether the client may still be listening after that.
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
