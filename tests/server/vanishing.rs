//! What remains of a client that closes its connection too early, at any point?
//!
//! At most a line in the log: no thread and no open file, and no worker is lost. This is tested with the
//! real program. A reset before the response is tested in `bad_input.rs`: a client that uses only the
//! standard library needs the help of its server for that.

use std::net::SocketAddr;

use crate::common::{Reply, Server, assert_all_is_well, at_rest, connect, send, wait_until};

to_every_stage! {
    a_client_may_vanish_after_any_byte_of_its_request
    clients_may_vanish_at_work_and_while_they_wait
    a_client_may_vanish_in_the_middle_of_its_response
}

/// A server with a long read timeout. No client here keeps a connection open in silence, so the server
/// needs no short one, and on a busy machine a short one could end before it reads a request.
fn server(stage: usize, sleep: &str) -> Server {
    Server::start(stage, &["--sleep", sleep])
}

const REQUEST: &[u8] = b"GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How many lines of the log are about clients that sent something. No other line has an arrow.
fn clients_noticed(server: &Server) -> usize {
    let lines = server.output();
    lines.iter().filter(|line| line.contains(" -> ")).count()
}

/// One client after another: the first sends nothing, and the last its whole request.
fn vanish_after_every_byte(server: &Server) {
    let before = clients_noticed(server);
    for sent in 0..=REQUEST.len() {
        drop(send(server.addr, &REQUEST[..sent]));
        wait_until("the server to notice", || {
            clients_noticed(server) == before + sent
        });
    }
}

fn a_client_may_vanish_after_any_byte_of_its_request(stage: usize) {
    let server = server(stage, "0.1");
    let at_rest = at_rest(&server, stage);
    vanish_after_every_byte(&server);
    // A burst of clients that close at once.
    for _ in 0..50 {
        drop(connect(server.addr));
    }
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// The first four clients keep the workers busy: their whole requests arrive before they vanish. Two more
/// wait behind them, and vanish too. A last client stays, and gets its answer.
fn clients_may_vanish_at_work_and_while_they_wait(stage: usize) {
    let server = server(stage, "0.2");
    let at_rest = at_rest(&server, stage);
    for _ in 0..4 {
        drop(send(server.addr, REQUEST));
    }
    let workers = match stage {
        1 | 2 => 0,
        4 => 1,
        _ => 4,
    };
    wait_until("the workers to be busy", || server.jobs() >= workers);
    for _ in 0..2 {
        drop(send(server.addr, REQUEST));
    }
    let reply = Reply::read(&mut send(server.addr, REQUEST)).unwrap();
    // Stage 5 has no queue, so the answer depends on whether a worker is free by now.
    assert!(
        reply.status == 200 || (stage == 5 && reply.status == 503),
        "{reply:?}"
    );
    wait_until("a line for each of them", || clients_noticed(&server) == 7);
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// Waits for the first bytes of an answer, and closes with these bytes unread: the system sends a reset.
fn reset_in_the_middle(addr: SocketAddr, request: &[u8]) {
    let client = send(addr, request);
    let count = client.peek(&mut [0]).expect("an answer should begin");
    assert_eq!(count, 1, "the server sent nothing");
}

/// If the client announces a body and does not send it, the server still reads when the reset arrives.
fn a_client_may_vanish_in_the_middle_of_its_response(stage: usize) {
    let server = server(stage, "0.1");
    let at_rest = at_rest(&server, stage);
    for request in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n",
        b"what is this?\r\n",
        REQUEST,
    ] {
        for _ in 0..5 {
            reset_in_the_middle(server.addr, request);
        }
    }
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

mod while_it_is_rejected {
    use super::*;
    use crate::common::{exchange, get_when_free, wait_for};

    to_every_stage_that_rejects! {
        clients_may_vanish
    }

    /// One silent client keeps the only worker busy, and another fills the queue. So every other request
    /// is rejected.
    fn clients_may_vanish(stage: usize) {
        let options = ["--workers", "1", "--queue", "1"];
        let server = Server::start(stage, &options);
        let at_rest = wait_for("two threads beside the main one", || {
            let held = server.threads_and_files();
            (held.0 == 3 || !cfg!(target_os = "linux")).then_some(held)
        });
        let busy = connect(server.addr);
        wait_until("the worker to be busy", || server.jobs() > 0);
        let waiting = connect(server.addr);

        vanish_after_every_byte(&server);
        for _ in 0..50 {
            drop(connect(server.addr));
            reset_in_the_middle(server.addr, REQUEST);
        }
        let log = server.output();
        let answers = log.iter().filter(|line| line.contains(" -> "));
        assert!(
            answers.clone().all(|line| line.starts_with("rejections: ")),
            "{log:?}"
        );

        // A client that stays gets a whole answer.
        let reply = exchange(server.addr, REQUEST);
        assert!(reply.status == 503 && reply.is_whole(), "{reply:?}");
        drop((busy, waiting));
        assert_eq!(get_when_free(server.addr, "/").status, 200);
        wait_until("every thread to end and every file to be closed", || {
            server.threads_and_files() == at_rest
        });
        assert_eq!(server.errors(), [""; 0]);
    }
}
