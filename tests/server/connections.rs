//! When does the iterator of connections end?
//!
//! Only when the stopper is called, even if no client connects meanwhile.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use crate::common::{PATIENCE, wait_for};
use ten_versus_five::server::connections::Connections;

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
        wait_for("the end", || waiting.is_finished().then_some(()));
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
