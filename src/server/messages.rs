//! What the program prints when it starts to serve, and when it cannot.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::options::ServeOptions;
use crate::stage::features;

/// What the program prints when it listens on `addr`. The address is in the first line. `enter_stops`
/// says whether Enter stops the server: it does only on a terminal.
pub fn banner(options: &ServeOptions, addr: SocketAddr, enter_stops: bool) -> String {
    let stage = options.stage;
    let (number, name, summary) = (stage.number, stage.name, stage.summary);
    format!(
        "\
Stage {number}, {name}, listens on http://{addr}
Requests run on {summary}.

Send it two slow requests together, from another terminal:
    cargo run {features} -- race --ask {addr}
or from a browser: http://{addr}/race
{stop} stops the server.",
        stop = if enter_stops {
            "Enter or Ctrl-C"
        } else {
            "Ctrl-C"
        },
        features = features(),
    )
}

/// What the program prints when it cannot listen, and what to type instead if another port would do.
pub fn cannot_listen(options: &ServeOptions, error: &io::Error) -> String {
    let addr = &options.addr;
    let message = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "{addr} is in use, perhaps by another stage. Stop that, or let the system choose a port:"
        ),
        // Windows reserves some ports, and Unix those below 1024.
        ErrorKind::PermissionDenied => format!(
            "The system does not allow this program to listen on {addr}: {error}. Let it choose a port:"
        ),
        _ => return format!("Cannot listen on {addr}: {error}"),
    };
    format!(
        "{message}\n    cargo run {} -- --stage {} --addr 127.0.0.1:0",
        features(),
        options.stage.number
    )
}
