// Stage 2: a thread for every request.
//
// The loop gives each connection to a thread of its own and goes straight back for the next one, so
// no request waits for another. Nothing limits how many threads there are.
//
// All but the shape of `serve` is new since stage1_single_threaded.rs. Next: stage3_channel_pool.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;

/// Handles every connection on a new thread; the threads are called `request-1`, `request-2`, ...
///
/// Returns when `connections` ends; threads that are still at work go on by themselves. When the
/// system has no thread left to give, that connection is closed without an answer, and standard
/// error says so.
pub fn serve(
    connections: impl IntoIterator<Item = TcpStream>,
    handler: impl Fn(TcpStream) + Clone + Send + 'static, // It moves to threads that may outlive us.
) {
    for (index, connection) in connections.into_iter().enumerate() {
        let handler = handler.clone(); // Every thread gets its own.
        let name = format!("request-{}", index + 1);

        // Not `thread::spawn`: it cannot name the thread, and panics when there is none.
        let spawned = thread::Builder::new()
            .name(name.clone())
            .spawn(move || handler(connection));

        if let Err(error) = spawned {
            // Not `eprintln!`: it panics, and ends the server, once its output cannot be read.
            let _ = writeln!(io::stderr(), "{name} is lost, no thread: {error}");
        }
    }
}
