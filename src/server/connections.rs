//! A listener as an iterator of connections, which neither a client nor a shortage can end.
//!
//! The stage decides what happens to a connection next: see the files in `stages/`.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait before the next attempt when the system cannot accept: long enough not to use the
/// processor, short enough that a person does not notice.
const PAUSE: Duration = Duration::from_millis(50);

/// Failures with less than this between them belong to one shortage, which is reported once.
const SAME_SHORTAGE: Duration = Duration::from_secs(5);

/// How many failures in a row may concern one connection each: about as many connections as a system
/// keeps in its backlog. Without a bound, the accept loop would spin if the listener fails for good.
const BACKLOG: u32 = 128;

/// Every connection made to a listener, without end.
///
/// The standard library's [`Incoming`](std::net::Incoming) yields accept errors too. Such an error means
/// either that one connection is lost (its client gave up while it waited in the backlog), or that the
/// system is short of something, most often of file descriptors. After the first kind, the next
/// connection can be accepted. The second kind needs a pause, since the next attempt would fail at once.
/// During a shortage, Linux keeps new connections waiting, and macOS drops those that it cannot accept.
///
/// To stop after some connections, [`take`](Iterator::take) that many. To stop at any time, make a
/// [`stopper`](Connections::stopper) first.
#[derive(Debug)]
pub struct Connections {
    listener: TcpListener,
    stopped: Arc<AtomicBool>,
    failures: Failures,
}

impl Connections {
    /// The connections made to this listener.
    pub fn new(listener: TcpListener) -> Connections {
        Connections {
            listener,
            stopped: Arc::default(),
            failures: Failures::default(),
        }
    }

    /// A function to call, from any thread, to make `next` return `None` from then on.
    ///
    /// # Errors
    ///
    /// If the system does not report the address of the listener.
    pub fn stopper(&self) -> io::Result<impl Fn() + Send + use<>> {
        let mut addr = self.listener.local_addr()?;
        if addr.ip().is_unspecified() {
            // A listener can have the address "every address", but a client cannot connect to it.
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let stopped = Arc::clone(&self.stopped);
        Ok(move || {
            stopped.store(true, Ordering::SeqCst);
            // `accept` blocks until a connection comes, so make one.
            let _ = TcpStream::connect(addr);
        })
    }
}

impl Iterator for Connections {
    type Item = TcpStream;

    fn next(&mut self) -> Option<TcpStream> {
        while !self.stopped.load(Ordering::SeqCst) {
            match self.listener.accept() {
                // This may be the connection that the stopper has made.
                Ok(_) if self.stopped.load(Ordering::SeqCst) => break,
                Ok((connection, _)) => {
                    self.failures.in_a_row = 0;
                    return Some(connection);
                }
                Err(error) => match self.failures.next(&error, Instant::now()) {
                    Failure::OfOneConnection => {}
                    Failure::Shortage { report } => {
                        if report {
                            let _ = writeln!(
                                io::stderr(),
                                "Cannot accept connections for the moment: {error}"
                            );
                        }
                        thread::sleep(PAUSE);
                    }
                },
            }
        }
        None
    }
}

/// The failures to accept so far.
#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    last_shortage: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Failure {
    /// One connection is lost. The next attempt may succeed.
    OfOneConnection,
    /// The next attempt would fail too. `report` is true for the first failure of a shortage.
    Shortage { report: bool },
}

impl Failures {
    /// Classifies one more failure, at the time `now`.
    fn next(&mut self, error: &io::Error, now: Instant) -> Failure {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if concerns_one_connection(error) && self.in_a_row <= BACKLOG {
            return Failure::OfOneConnection;
        }
        let last = self.last_shortage.replace(now);
        Failure::Shortage {
            report: last.is_none_or(|last| now - last > SAME_SHORTAGE),
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            // The error of macOS for a client that has already reset its connection.
            | ErrorKind::InvalidInput
    )
}

// Unit tests, because on Linux no client can cause most of these failures.
#[cfg(test)]
mod tests {
    use super::*;

    const REPORTED: Failure = Failure::Shortage { report: true };
    const NOT_REPORTED: Failure = Failure::Shortage { report: false };

    fn fail(failures: &mut Failures, kind: ErrorKind, now: Instant) -> Failure {
        failures.next(&kind.into(), now)
    }

    #[test]
    fn a_client_that_has_closed_its_connection_is_no_shortage() {
        let now = Instant::now();
        for kind in [
            ErrorKind::ConnectionAborted,
            ErrorKind::ConnectionReset,
            ErrorKind::Interrupted,
            ErrorKind::InvalidInput,
        ] {
            let mut failures = Failures::default();
            for _ in 0..128 {
                let failure = fail(&mut failures, kind, now);
                assert_eq!(failure, Failure::OfOneConnection, "{kind:?}");
            }
        }
        let failure = fail(&mut Failures::default(), ErrorKind::Other, now);
        assert_eq!(failure, REPORTED);
    }

    #[test]
    fn more_failures_in_a_row_than_connections_in_the_backlog_are_a_shortage() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for _ in 0..128 {
            fail(&mut failures, ErrorKind::InvalidInput, now);
        }
        assert_eq!(fail(&mut failures, ErrorKind::InvalidInput, now), REPORTED);
        assert_eq!(
            fail(&mut failures, ErrorKind::InvalidInput, now),
            NOT_REPORTED
        );
    }

    #[test]
    fn a_shortage_is_reported_again_after_five_seconds_without_one() {
        let start = Instant::now();
        let mut failures = Failures::default();
        for (second, expected) in [
            (0.0, REPORTED),
            (4.9, NOT_REPORTED),
            (9.8, NOT_REPORTED),
            (14.8, NOT_REPORTED),
            (19.9, REPORTED),
            (19.9, NOT_REPORTED),
        ] {
            let now = start + Duration::from_secs_f64(second);
            let failure = fail(&mut failures, ErrorKind::OutOfMemory, now);
            assert_eq!(failure, expected, "after {second} s");
        }
    }
}
