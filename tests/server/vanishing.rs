//! What does a client leave behind that vanishes, at whatever point?
//!
//! A line in the log, if that, but no thread and no open file, nor is a worker missing. Here it is
//! the real program that clients vanish from. A reset before the response is in `bad_input.rs`: a
//! client that uses only the standard library needs the help of its server to send one.

use std::net::SocketAddr;

use crate::common::{Reply, Server, assert_all_is_well, at_rest, connect, say, wait_for};

to_every_stage! {
    a_client_may_vanish_after_any_byte_of_its_request
    clients_may_vanish_at_work_and_while_they_wait
    a_client_may_vanish_in_the_middle_of_its_response
}

/// Nobody here is silent: whoever says no more has gone. So the server may take all the time it
/// needs on a busy machine, and does not give up on a client that it has not come to yet.
fn server(stage: usize, sleep: &str) -> Server {
    Server::start(stage, &["--sleep", sleep, "--read-timeout", "600"])
}

const REQUEST: &[u8] = b"GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How many lines there are about clients who said something. No other line has an arrow.
fn clients_noticed(server: &Server) -> usize {
    let lines = server.output();
    lines.iter().filter(|line| line.contains(" -> ")).count()
}

/// One client after another: the first leaves without a word, the last after its whole request.
fn vanish_after_every_byte(server: &Server) {
    let before = clients_noticed(server);
    for said in 0..=REQUEST.len() {
        drop(say(server.addr, &REQUEST[..said]));
        wait_for("the server to notice", || {
            (clients_noticed(server) == before + said).then_some(())
        });
    }
}

fn a_client_may_vanish_after_any_byte_of_its_request(stage: usize) {
    let server = server(stage, "0.1");
    let at_rest = at_rest(&server, stage);
    vanish_after_every_byte(&server);
    // In a crowd, and faster than anybody could notice.
    for _ in 0..50 {
        drop(connect(server.addr));
    }
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// The first four keep a pool at work, as their requests have arrived whole before they vanish. Two
/// more wait behind them, and vanish too; one that comes after all of these stays.
fn clients_may_vanish_at_work_and_while_they_wait(stage: usize) {
    let server = server(stage, "0.2");
    let at_rest = at_rest(&server, stage);
    for _ in 0..4 {
        drop(say(server.addr, REQUEST));
    }
    let workers = match stage {
        1 | 2 => 0,
        4 => 1,
        _ => 4,
    };
    wait_for("the workers to be at work", || {
        let output = server.output();
        let jobs = output.iter().filter(|line| line.ends_with("executing."));
        (jobs.count() >= workers).then_some(())
    });
    for _ in 0..2 {
        drop(say(server.addr, REQUEST));
    }
    let reply = Reply::read(&mut say(server.addr, REQUEST)).unwrap();
    // Under stage 5 nobody waits; whether a worker is free again by now is up to the machine.
    assert!(
        reply.status == 200 || (stage == 5 && reply.status == 503),
        "{reply:?}"
    );
    wait_for("a line for each of them", || {
        (clients_noticed(&server) == 7).then_some(())
    });
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// Waits for the first bytes of an answer, leaves them unread, and vanishes: that is a reset.
fn reset_in_the_middle(addr: SocketAddr, request: &[u8]) {
    let client = say(addr, request);
    let count = client.peek(&mut [0]).expect("an answer should begin");
    assert_eq!(count, 1, "the server said nothing");
}

/// With a body announced that never comes, the server is still listening when the reset arrives.
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

#[cfg(any(feature = "stage5", feature = "stage6", feature = "stage7"))]
mod while_it_is_refused {
    use super::*;
    use crate::common::{exchange, get_when_free};

    #[cfg(feature = "stage5")]
    #[test]
    fn a_client_of_stage_5_may_vanish() {
        clients_may_vanish(5);
    }

    #[cfg(feature = "stage6")]
    #[test]
    fn a_client_of_stage_6_may_vanish() {
        clients_may_vanish(6);
    }

    #[cfg(feature = "stage7")]
    #[test]
    fn a_client_of_stage_7_may_vanish() {
        clients_may_vanish(7);
    }

    /// One silent client has the only worker, and another the only place in the queue, until the
    /// test is done with rejections.
    fn clients_may_vanish(stage: usize) {
        let options = ["--workers", "1", "--queue", "1", "--read-timeout", "600"];
        let server = Server::start(stage, &options);
        let at_rest = wait_for("two threads beside the main one", || {
            let held = server.threads_and_files();
            (held.0 == 3 || !cfg!(target_os = "linux")).then_some(held)
        });
        let at_work = connect(server.addr);
        wait_for("the worker to be at work", || {
            let output = server.output();
            let job = output.iter().any(|line| line.ends_with("executing."));
            job.then_some(())
        });
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

        // Whoever stays is told why.
        let reply = exchange(server.addr, REQUEST);
        assert!(reply.status == 503 && reply.is_whole(), "{reply:?}");
        drop((at_work, waiting));
        assert_eq!(get_when_free(server.addr, "/").status, 200);
        wait_for("every thread and file to be given back", || {
            (server.threads_and_files() == at_rest).then_some(())
        });
        assert_eq!(server.errors(), [""; 0]);
    }
}
