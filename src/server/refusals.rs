//! Saying no to connections that a stage has turned away: 503, from one thread for all of them.
//!
//! A stage turns a connection away on the thread that accepts, and nobody else gets in until that is
//! done. So it must not be there that somebody waits for a slow client to read, or for a silent one to
//! speak. It is done here, where no connection has to wait for another: none is ever waited for alone.

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

/// How many connections may be on their way out at a time. One more is closed without a word.
const MOST: usize = 1024;

/// How long a client may take to stop sending what nobody will read, and to close.
const LINGER: Duration = Duration::from_secs(1);

/// How often to see whether there is news of any of them.
const POLL: Duration = Duration::from_millis(5);

/// Starts the thread, if this stage turns anybody away. Returns what turns a connection away, which
/// takes no time, and the thread, which ends when that has been dropped and the last connection has
/// been seen out.
///
/// # Errors
///
/// When the system has no thread for it.
pub fn start(stage: &Stage, site: Arc<Site>) -> io::Result<(Handler, Option<JoinHandle<()>>)> {
    if !stage.turns_away {
        return Ok((Arc::new(drop), None));
    }
    let (sender, receiver) = mpsc::sync_channel(MOST);
    let thread = thread::Builder::new()
        .name(String::from("refusals"))
        .spawn(move || see_out(&receiver, &site))?;
    let turn_away = move |connection| drop(sender.try_send(connection));
    Ok((Arc::new(turn_away), Some(thread)))
}

fn see_out(receiver: &Receiver<TcpStream>, site: &Site) {
    let mut leaving: Vec<Leaving> = Vec::new();
    loop {
        if leaving.is_empty() {
            let Ok(first) = receiver.recv() else {
                return;
            };
            leaving.extend(Leaving::new(first));
        } else {
            thread::sleep(POLL);
        }
        let more = receiver.try_iter().take(MOST - leaving.len());
        leaving.extend(more.filter_map(Leaving::new));
        leaving.retain_mut(|connection| connection.is_still_here(site));
    }
}

/// A connection that has been turned away, but not yet closed.
struct Leaving {
    connection: TcpStream,
    since: Instant,
    received: Vec<u8>,
    answered: bool,
}

impl Leaving {
    /// `None` if the connection is broken already.
    fn new(connection: TcpStream) -> Option<Leaving> {
        connection.set_nonblocking(true).ok()?;
        Some(Leaving {
            connection,
            since: Instant::now(),
            received: Vec::new(),
            answered: false,
        })
    }

    /// Takes in what the client has sent, and answers when the first line of that is there: only then
    /// is it certain whether the answer has a body. The connection may be closed when the client has
    /// closed it, or when its time is up. A client that says nothing gets no answer: browsers keep
    /// spare connections, and an answer there would be a surprise to them.
    fn is_still_here(&mut self, site: &Site) -> bool {
        let mut bytes = [0; 4096];
        // Not for ever, however fast the client sends: there are others.
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
        let told = site.refuse(&mut self.connection, &received);
        told.and_then(|()| self.connection.shutdown(Shutdown::Write))
            .is_ok()
    }
}
