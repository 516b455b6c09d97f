//! What the program prints when it starts to serve, and when it cannot.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::Stage;
use crate::cli::{Options, features};

/// What the program prints when it listens on `addr`. The address is in the first line. `enter_stops`
/// says whether Enter stops the server: it does only on a terminal.
pub fn banner(options: &Options, addr: SocketAddr, enter_stops: bool) -> String {
    let Options {
        stage:
            Stage {
                number,
                name,
                summary,
                concurrency,
                rejects,
                ..
            },
        workers,
        queue,
        ..
    } = options;
    let sleep = options.sleep.as_secs_f64();
    let both = sleep * concurrency.waves(2, *workers) as f64;
    // The counter of stage 5 lets in one request for each worker, and none to wait.
    let room = if *number == 5 {
        *workers
    } else {
        workers + queue
    };
    let expect = if *rejects && room < 2 {
        format!("one answer after about {sleep} s, and for the other 503 at once: it was rejected")
    } else if both > sleep {
        format!("one answer after about {sleep} s, the other after {both} s: it waited")
    } else {
        format!("both answers after about {sleep} s: neither waited for the other")
    };
    format!(
        "\
Stage {number}, {name}, listens on http://{addr}
Requests run on {summary}.

Send it two slow requests together, from another terminal:
    cargo run {features} -- race {addr}
or from a browser: http://{addr}/race
Expect {expect}.
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
pub fn cannot_listen(options: &Options, error: &io::Error) -> String {
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
