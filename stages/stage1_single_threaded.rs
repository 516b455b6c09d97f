// Stage 1: one thread does everything.
//
// The loop takes a connection, handles it to the end, and only then takes the next one. A request
// that arrives while another one is being handled has to wait.
//
// Next: stage2_spawn_per_request.rs

use std::net::TcpStream;

/// Handles every connection on the calling thread, one after another, in the order they come.
///
/// Returns when `connections` ends; by then all of them have been handled.
pub fn serve(connections: impl IntoIterator<Item = TcpStream>, handler: impl Fn(TcpStream)) {
    for connection in connections {
        handler(connection);
    }
}
