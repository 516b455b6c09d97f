//! When does the iterator of connections end, and when does a write to one of them?
//!
//! The iterator ends only when the stopper is called, even if no client connects meanwhile. A write ends
//! with the deadline, if not before.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{PATIENCE, wait_until};
use ten_versus_five::server::connections::Connections;
use ten_versus_five::server::http::DeadlineStream;

#[test]
fn a_stopper_ends_the_connections_while_they_wait_for_one() {
    for addr in ["127.0.0.1:0", "0.0.0.0:0"] {
        let listener = TcpListener::bind(addr).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut connections = Connections::new(listener);
        let stop = connections.stopper().unwrap();

        let (sender, taken) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let count = connections
                .by_ref()
                .inspect(|_| sender.send(()).unwrap())
                .count();
            (count, connections)
        });
        for _ in 0..3 {
            drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
            taken.recv_timeout(PATIENCE).unwrap();
        }
        assert!(!waiting.is_finished(), "it goes on by itself");
        stop();
        wait_until("the end", || waiting.is_finished());
        let (count, mut connections) = waiting.join().unwrap();
        assert_eq!(
            count, 3,
            "the connection that the stopper makes is not yielded"
        );
        assert!(
            connections.next().is_none(),
            "the iterator has ended for good"
        );
    }
}

/// More than any system's buffer takes at once.
const LARGE: usize = 64 * 1024 * 1024;

/// Both ends of a connection, the client's first.
fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

#[test]
fn a_response_that_does_not_fit_into_the_buffer_waits_for_its_client() {
    let (mut client, server) = connected();
    let reader = thread::spawn(move || io::copy(&mut client, &mut io::sink()).unwrap());
    let mut stream = DeadlineStream::new(&server, PATIENCE);
    stream.write_all(&vec![b'a'; LARGE]).unwrap();
    stream.drain(false);
    drop(server);
    assert_eq!(reader.join().unwrap(), LARGE as u64);
}

#[test]
fn a_client_that_does_not_read_holds_a_thread_until_the_deadline_only() {
    let (_client, server) = connected();
    let (sender, written) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = DeadlineStream::new(&server, Duration::from_millis(100));
        let _ = sender.send(stream.write_all(&vec![b'a'; LARGE]));
    });
    let written = written.recv_timeout(PATIENCE);
    assert!(written.expect("the deadline has passed").is_err());
}

/// It may be this machine that is late, and not the client. But a client that goes on and on gets no more time.
#[test]
fn what_has_arrived_is_read_once_after_the_deadline() {
    let (mut client, server) = connected();
    client.write_all(b"late").unwrap();
    server.peek(&mut [0; 4]).unwrap();
    let mut stream = DeadlineStream::new(&server, Duration::ZERO);
    assert_eq!(stream.read(&mut [0; 2]).unwrap(), 2);
    let error = stream.read(&mut [0; 2]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
