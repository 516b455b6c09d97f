// Stage 2: a thread for every request.
//
// The loop gives each connection to a thread of its own and goes straight back for the next one, so
// no request waits for another. Nothing limits how many threads there are.
//
// "New" marks what changed since stage1_single_threaded.rs. Next: stage3_channel_pool.rs

use std::io::{self, Write}; // New.
use std::net::TcpStream;
use std::thread; // New.

/// Handles every connection on a new thread; the threads are called `request-1`, `request-2`, ...
///
/// Returns when `connections` ends; threads that are still at work go on by themselves. When the
/// system has no thread left to give, that connection is closed without an answer, and standard
/// error says so.
pub fn serve<C, H>(connections: C, handler: H)
where
    C: IntoIterator<Item = TcpStream>,
    H: Fn(TcpStream) + Clone + Send + 'static, // New: it moves to threads that may outlive us.
{
    // New: connections are counted, so that each thread can be named.
    for (index, connection) in connections.into_iter().enumerate() {
        let handler = handler.clone(); // New: every thread gets its own.
        let name = format!("request-{}", index + 1); // New.

        // New. Not `thread::spawn`: it cannot name the thread, and panics when there is none.
        let spawned = thread::Builder::new()
            .name(name.clone())
            .spawn(move || handler(connection));

        // New.
        if let Err(error) = spawned {
            // Not `eprintln!`: it panics, and ends the server, once its output cannot be read.
            let _ = writeln!(io::stderr(), "{name} is lost, no thread: {error}");
        }
    }
}
