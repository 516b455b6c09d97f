//! Where the requests of a race go: the address from the command line, checked and encoded.

use std::fmt::{self, Display, Write as _};
use std::io;
use std::net::{SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// Where to send a request: a host, a port and a path.
///
/// Displayed, it is what to type on the command line, in plain ASCII without control characters.
#[derive(Clone, Debug)]
pub struct Target {
    addr: String,
    path: String,
    /// The requests of a race share one lookup. The error is a sentence.
    found: Arc<OnceLock<Result<Vec<SocketAddr>, String>>>,
}

impl Target {
    /// A path at a host and port, both of them as they are sent.
    pub(crate) fn new(addr: impl Into<String>, path: impl Into<String>) -> Target {
        Target {
            addr: addr.into(),
            path: path.into(),
            found: Arc::default(),
        }
    }

    /// Another path at the same host. Both share one lookup.
    pub(crate) fn with_path(&self, path: impl Into<String>) -> Target {
        Target {
            path: path.into(),
            ..self.clone()
        }
    }

    /// Understands `HOST:PORT`, `HOST:PORT/PATH` and the same behind `http://`. Without a path it
    /// is `/sleep`. Behind `http://`, the port may be left out if it is 80.
    ///
    /// A fragment (`#...`) is for browsers only and is left out. Characters of the path that are not
    /// ASCII are percent-encoded, as `curl` and browsers do. Spaces and control characters are a
    /// mistake, as they are for `curl`.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to type instead, as a sentence.
    pub fn parse(typed: &str) -> Result<Target, String> {
        let (scheme, rest) = match typed.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, typed),
        };
        if !scheme.unwrap_or("http").eq_ignore_ascii_case("http") {
            return Err(format!(
                "This program speaks plain HTTP, to a host and a port like 127.0.0.1:7878, not {typed:?}."
            ));
        }
        let url = rest.split('#').next().unwrap_or_default();
        let (addr, path) = url.split_at(url.find(['/', '?']).unwrap_or(url.len()));
        if path.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(format!(
                "A path has no spaces: {path:?}. Write %20 for a space."
            ));
        }
        let mut addr = addr.to_owned();
        if scheme.is_some() && !is_host_and_port(&addr) && is_host_and_port(&format!("{addr}:80")) {
            addr += ":80";
        }
        if !is_host_and_port(&addr) {
            return Err(format!(
                "A server has a host and a port, like 127.0.0.1:7878 or [::1]:7878, not {addr:?}."
            ));
        }
        let path = match path {
            "" => String::from("/sleep"),
            query if query.starts_with('?') => percent_encoded(&format!("/{query}")),
            path => percent_encoded(path),
        };
        Ok(Target::new(addr, path))
    }

    /// Host and port, as they stand in the `Host` header.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Path and query, as they stand in the request line.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The addresses of the host. The first call looks them up; other calls wait for it, and return the
    /// same result.
    ///
    /// # Errors
    ///
    /// If there is no such host, or if the lookup takes longer than `timeout`.
    pub fn addresses(&self, timeout: Duration) -> io::Result<&[SocketAddr]> {
        let look_up = || {
            if let Ok(literal) = self.addr.parse() {
                return Ok(vec![literal]);
            }
            let addr = self.addr.clone();
            match within(timeout, move || addr.to_socket_addrs()) {
                Ok(Some(found)) => found
                    .map(Iterator::collect)
                    .map_err(|error| error.to_string()),
                Ok(None) => Err(format!(
                    "no address found within {}",
                    super::seconds(timeout)
                )),
                Err(error) => Err(format!("no thread to look up the address: {error}")),
            }
        };
        let found = self.found.get_or_init(look_up).as_deref();
        found.map_err(|why| io::Error::other(why.clone()))
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.addr, self.path)
    }
}

/// What `call` returns, or `None` if it has not returned within `time`. The system's lookup takes no
/// deadline, so it runs on a thread of its own. When the time is up, that thread goes on by itself.
///
/// # Errors
///
/// If the system has no thread for it.
pub fn within<T: Send + 'static>(
    time: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (sender, returned) = mpsc::channel();
    thread::Builder::new()
        .name(String::from("lookup"))
        // `send` fails when the time is up and the receiver is dropped.
        .spawn(move || drop(sender.send(call())))?;
    Ok(returned.recv_timeout(time).ok())
}

/// Whether this is a name or an address, and a port. An IPv6 address has to be in brackets: without
/// them nothing tells its last part from the port.
fn is_host_and_port(addr: &str) -> bool {
    if addr.parse::<SocketAddrV6>().is_ok() {
        return true;
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    addr.rsplit_once(':').is_some_and(|(host, port)| {
        // `parse` alone would take a sign.
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        !host.is_empty() && host.bytes().all(is_part) && is_number && port.parse::<u16>().is_ok()
    })
}

/// The path with every byte that is not ASCII as `%C3`, say.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'!'..=b'~' => encoded.push(byte.into()),
            // Writing to a `String` cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
