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

/// Every connection made to a listener, for ever.
///
/// The standard library's [`Incoming`](std::net::Incoming) hands accept errors to the caller. An
/// error here means that one connection is lost (its client gave up while it was queueing), or that
/// the system is out of something, file descriptors above all. The first needs nothing; the second
/// needs a pause, since the connection is still waiting and trying again at once fails at once.
///
/// To stop after some connections, [`take`](Iterator::take) that many. To stop at any time, make a
/// [`stopper`](Connections::stopper) first.
pub struct Connections {
    listener: TcpListener,
    stopped: Arc<AtomicBool>,
    last_failure: Option<Instant>,
}

impl Connections {
    /// Takes over a listener.
    pub fn new(listener: TcpListener) -> Connections {
        Connections {
            listener,
            stopped: Arc::default(),
            last_failure: None,
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
                Ok((connection, _)) => return Some(connection),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    let now = Instant::now();
                    if self
                        .last_failure
                        .is_none_or(|last| now - last > SAME_TROUBLE)
                    {
                        let _ = writeln!(
                            io::stderr(),
                            "Cannot accept connections for the moment, new ones wait: {error}"
                        );
                    }
                    self.last_failure = Some(now);
                    thread::sleep(PAUSE);
                }
            }
        }
        None
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
