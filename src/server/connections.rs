//! A listener as an iterator of connections, which no client and no shortage can end.
//!
//! What happens to a connection next is the stage's business: see the files in `stages/`.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long to leave the system alone when it cannot accept: long enough not to spin, short
/// enough that a person does not notice.
const PAUSE: Duration = Duration::from_millis(50);

/// Failures with less than this between them are one and the same trouble, and told once.
const SAME_TROUBLE: Duration = Duration::from_secs(5);

/// Failures in a row that may concern one connection each: about as many as systems let wait to be
/// accepted. Without a bound, a listener that fails for good would be asked again and again, for ever.
const QUEUE: u32 = 128;

/// Every connection made to a listener, for ever.
///
/// The standard library's [`Incoming`](std::net::Incoming) hands accept errors to the caller. An
/// error here means that one connection is lost (its client gave up while it was queueing), or that
/// the system is out of something, file descriptors above all. The first needs nothing; the second
/// needs a pause, since trying again at once fails at once. Whether new connections wait for the end
/// of a shortage depends on the system: Linux keeps them, macOS drops each one that it fails to hand
/// over.
///
/// To stop after some connections, [`take`](Iterator::take) that many. To stop at any time, make a
/// [`stopper`](Connections::stopper) first.
pub struct Connections {
    listener: TcpListener,
    stopped: Arc<AtomicBool>,
    failures: Failures,
}

impl Connections {
    /// Takes over a listener.
    pub fn new(listener: TcpListener) -> Connections {
        Connections {
            listener,
            stopped: Arc::default(),
            failures: Failures::default(),
        }
    }

    /// What to call, from any thread, to make `next` return `None` from now on.
    ///
    /// # Errors
    ///
    /// If the system does not say on which address the listener is.
    pub fn stopper(&self) -> io::Result<impl Fn() + Send + use<>> {
        let mut addr = self.listener.local_addr()?;
        if addr.ip().is_unspecified() {
            // One listens on every address there is, but one cannot connect to that.
            addr.set_ip(match addr {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let stopped = Arc::clone(&self.stopped);
        Ok(move || {
            stopped.store(true, Ordering::SeqCst);
            // `accept` waits for a connection, so let it have one.
            let _ = TcpStream::connect(addr);
        })
    }
}

impl Iterator for Connections {
    type Item = TcpStream;

    fn next(&mut self) -> Option<TcpStream> {
        while !self.stopped.load(Ordering::SeqCst) {
            match self.listener.accept() {
                // This one may be the stopper's.
                Ok(_) if self.stopped.load(Ordering::SeqCst) => break,
                Ok((connection, _)) => {
                    self.failures.in_a_row = 0;
                    return Some(connection);
                }
                Err(error) => match self.failures.next(&error, Instant::now()) {
                    Failure::OfOneConnection => {}
                    Failure::Shortage { is_news } => {
                        if is_news {
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
#[derive(Default)]
struct Failures {
    in_a_row: u32,
    last_shortage: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Failure {
    /// The next connection may be a good one.
    OfOneConnection,
    /// So would the next attempt be. It is news if there has been none for a while.
    Shortage { is_news: bool },
}

impl Failures {
    /// What it means that accepting has failed once more, at this time.
    fn next(&mut self, error: &io::Error, now: Instant) -> Failure {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if concerns_one_connection(error) && self.in_a_row <= QUEUE {
            return Failure::OfOneConnection;
        }
        let last = self.last_shortage.replace(now);
        Failure::Shortage {
            is_news: last.is_none_or(|last| now - last > SAME_TROUBLE),
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            // What macOS says of a client that has reset its connection already.
            | ErrorKind::InvalidInput
    )
}

// On Linux, no client and no test can make most of these happen.
#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: Failure = Failure::Shortage { is_news: true };
    const NO_NEWS: Failure = Failure::Shortage { is_news: false };

    fn fail(failures: &mut Failures, kind: ErrorKind, now: Instant) -> Failure {
        failures.next(&kind.into(), now)
    }

    #[test]
    fn a_client_that_has_gone_is_no_shortage() {
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
        assert_eq!(failure, NEWS);
    }

    #[test]
    fn what_fails_more_often_than_connections_can_wait_is_a_shortage() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for _ in 0..128 {
            fail(&mut failures, ErrorKind::InvalidInput, now);
        }
        assert_eq!(fail(&mut failures, ErrorKind::InvalidInput, now), NEWS);
        assert_eq!(fail(&mut failures, ErrorKind::InvalidInput, now), NO_NEWS);
    }

    #[test]
    fn a_shortage_is_news_again_when_there_has_been_none_for_five_seconds() {
        let start = Instant::now();
        let mut failures = Failures::default();
        for (second, expected) in [
            (0.0, NEWS),
            (4.9, NO_NEWS),
            (9.8, NO_NEWS),
            (14.8, NO_NEWS),
            (19.9, NEWS),
            (19.9, NO_NEWS),
        ] {
            let now = start + Duration::from_secs_f64(second);
            let failure = fail(&mut failures, ErrorKind::OutOfMemory, now);
            assert_eq!(failure, expected, "after {second} s");
        }
    }
}
