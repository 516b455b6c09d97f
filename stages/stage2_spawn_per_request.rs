// Stage 2: a thread for every request.
//
// The loop gives each connection to a thread of its own and goes straight back for the next
// one, so nobody waits for anybody. Nothing limits how many threads there are.
//
// "New" marks what changed since stage1_single_threaded.rs. Next: stage3_channel_pool.rs

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;

/// Handles every connection on a new thread; the threads are called `request-1`, `request-2`, ...
///
/// Returns when `connections` ends; threads still at work then go on by themselves. When the
/// system has no thread left to give, that connection is closed without an answer, and standard
/// error says so.
pub fn serve<C, H>(connections: C, handle: H)
where
    C: IntoIterator<Item = TcpStream>,
    H: Fn(TcpStream) + Clone + Send + 'static, // New: it moves to threads that may outlive us.
{
    for (number, connection) in (1_u64..).zip(connections) {
        let handle = handle.clone(); // New: every thread gets its own.

        // New. Not `thread::spawn`: it cannot name the thread, and panics when there is none.
        let spawned = thread::Builder::new()
            .name(format!("request-{number}"))
            .spawn(move || handle(connection));

        if let Err(error) = spawned {
            // Not `eprintln!`: it panics, and ends the server, once nobody can read its output.
            let _ = writeln!(io::stderr(), "request-{number} is lost, no thread: {error}");
        }
    }
}
