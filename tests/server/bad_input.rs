//! Can a client stop a server, or cost it a worker?
//!
//! Each test sends a stage something that no client should send, and then requests a page as usual.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    PATIENCE, Reply, Running, Server, assert_no_worker_is_missing, connect, exchange_when_free,
    exchange_with, get_when_free, is_still_read, ran_quietly, thorough, until_told, wait_for,
};
use ten_versus_five::STAGES;
use ten_versus_five::server::site::Site;

to_every_stage! {
    what_is_no_request_is_a_bad_request
    the_answer_to_a_request_that_is_too_long_arrives
    silent_and_slow_clients_are_closed_in_time
    silent_clients_hold_up_a_request_behind_them
    a_reset_in_the_middle_of_a_request_costs_nothing
    a_reset_before_the_response_costs_nothing
    many_bad_connections_cost_nothing
}

/// A stage with a short read timeout, so that the tests do not take long.
fn server(stage: usize) -> Server {
    Server::start(stage, &["--sleep", "0.2", "--read-timeout", "0.3"])
}

const READ_TIMEOUT: Duration = Duration::from_millis(300);

/// A stage with a long read timeout, for clients that send everything at once: on a busy machine, some time
/// may pass between a connection and its first byte.
fn patient_server(stage: usize) -> Server {
    Server::start(stage, &["--sleep", "0.2", "--read-timeout", "10"])
}

/// The server answers, it has printed nothing on standard error, and its pool has lost no worker.
fn assert_all_is_well(server: &Server, stage: usize) {
    assert_eq!(get_when_free(server.addr, "/").status, 200);
    assert_eq!(server.errors(), [""; 0]);
    assert_no_worker_is_missing(server, stage);
}

/// The answer has this status. If it is not 200, its page gives a reason.
fn assert_answered(reply: &Reply, status: u16, request: &[u8]) {
    let request = request[..request.len().min(80)].escape_ascii();
    assert_eq!(reply.status, status, "{request}");
    assert!(
        status == 200 || !reply.body.contains("<p></p>"),
        "{request}: {reply:?}"
    );
}

fn what_is_no_request_is_a_bad_request(stage: usize) {
    let server = patient_server(stage);
    let requests: [(&[u8], u16); 27] = [
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"\xff\xfe\xfd", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", 200),
        (b"hello\r\nX: \xc3", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1 x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / http/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET sleep HTTP/1.1\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\n\r\n", 400),
        (b"GET http://me@localhost/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://localhost?a=/sleep HTTP/1.1\r\n\r\n", 200),
        (b"GET /\x1b[2J HTTP/1.1\r\n\r\n", 400),
        (b"G\x00T / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: no name\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\n\r\n", 405),
        (b"get / HTTP/1.1\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 405),
        (b"TRACE / HTTP/1.1\r\n\r\n", 405),
        (b"CONNECT localhost:80 HTTP/1.1\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 200),
    ];
    for (request, status) in requests {
        let reply = exchange_when_free(server.addr, request);
        assert_answered(&reply, status, request);
    }
    assert_all_is_well(&server, stage);
}

fn the_answer_to_a_request_that_is_too_long_arrives(stage: usize) {
    let server = patient_server(stage);
    let megabyte = vec![b'a'; 1024 * 1024];
    let reply = exchange_when_free(server.addr, &megabyte);
    assert_answered(&reply, 414, &megabyte);

    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000));
    let reply = exchange_when_free(server.addr, many.as_bytes());
    assert_answered(&reply, 431, many.as_bytes());

    let body = [
        b"GET / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n",
        megabyte.as_slice(),
    ]
    .concat();
    let reply = exchange_when_free(server.addr, &body);
    assert_answered(&reply, 200, &body);
    assert_all_is_well(&server, stage);
}

fn silent_and_slow_clients_are_closed_in_time(stage: usize) {
    let server = server(stage);
    let closes_at_once = connect(server.addr);
    closes_at_once.shutdown(Shutdown::Write).unwrap();
    assert_eq!(Reply::read(&mut &closes_at_once).unwrap().status, 0);

    assert_eq!(
        exchange_when_free(server.addr, b"").status,
        0,
        "a silent client gets no answer"
    );
    assert_eq!(
        exchange_when_free(server.addr, b"GET / HTTP/1.1\r\nHost:").status,
        408
    );
    let empty_lines = b"\r\n\r\n";
    assert_eq!(exchange_when_free(server.addr, empty_lines).status, 408);
    assert_eq!(
        exchange_when_free(server.addr, "GET /\u{20ac}".as_bytes()[..7].into()).status,
        408
    );

    let half = exchange_with(server.addr, |client| {
        client.write_all(b"GET / HTTP")?;
        client.shutdown(Shutdown::Write)
    });
    assert_eq!(half.status, 400);

    // A client that sends a byte now and then, until the server closes the connection.
    let mut dripping = None;
    let slow = exchange_with(server.addr, |client| {
        client.write_all(b"a")?;
        let mut writer = client.try_clone()?;
        dripping = Some(thread::spawn(move || {
            let started = Instant::now();
            while started.elapsed() < PATIENCE && writer.write_all(b"a").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
            started.elapsed()
        }));
        Ok(())
    });
    assert_eq!(slow.status, 408);
    let dripped = dripping.unwrap().join().unwrap();
    assert!(dripped < PATIENCE, "the server closes the connection");
    assert_all_is_well(&server, stage);
}

/// Sends these bytes, and then a byte now and then, until the server closes the connection.
fn drip(mut client: TcpStream, start: &[u8]) {
    let started = Instant::now();
    let mut open = client.write_all(start).is_ok();
    while open && started.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
        open = client.write_all(b"a").is_ok();
    }
}

/// The read timeout covers the request, the answer and closing, all together. A busy machine may take
/// longer, but not every time.
#[test]
fn a_client_that_never_stops_holds_a_thread_for_one_read_timeout() {
    let site = Site::new(&STAGES[0], Duration::ZERO, READ_TIMEOUT, None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for start in [
        &b"GET"[..],
        b"GET / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n",
    ] {
        let held = wait_for("a client that is closed in time", || {
            let client = connect(listener.local_addr().unwrap());
            let (server, _) = listener.accept().unwrap();
            let dripping = thread::spawn(move || drip(client, start));
            let started = Instant::now();
            site.handle(server);
            let held = started.elapsed();
            dripping.join().unwrap();
            (held < 3 * READ_TIMEOUT).then_some(held)
        });
        if start == b"GET" {
            assert!(held >= READ_TIMEOUT, "{held:?}");
        }
    }
}

/// Otherwise the system would reset the connection, and a slow client might lose its response. The time
/// that the page takes is not counted, so the client still has some time here.
#[test]
fn what_a_client_still_sends_is_read_until_its_time_is_up() {
    let site = Site::new(&STAGES[0], 2 * READ_TIMEOUT, READ_TIMEOUT, None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    until_told(|| {
        let mut client = connect(listener.local_addr().unwrap());
        let (server, _) = listener.accept().unwrap();
        client
            .write_all(b"GET /sleep HTTP/1.1\r\nContent-Length: 9999\r\n\r\n")
            .unwrap();
        thread::scope(|scope| {
            scope.spawn(|| site.handle(server));
            let reply = Reply::read(&mut client).unwrap();
            assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
            let is_still_read = is_still_read(&client);
            drop(client);
            is_still_read.then_some(())
        })
    });
}

/// Each client has one read timeout. If no other thread is free, the timeouts add up.
fn silent_clients_hold_up_a_request_behind_them(stage: usize) {
    let server = server(stage);
    let started = Instant::now();
    let silent: Vec<_> = (0..8).map(|_| connect(server.addr)).collect();
    assert_eq!(get_when_free(server.addr, "/").status, 200);
    let elapsed = started.elapsed();
    drop(silent);
    let timeouts = match stage {
        1 | 4 => 8,
        3 => 2, // Each of the four workers gets two of the eight.
        _ => 0,
    };
    assert!(elapsed >= timeouts * READ_TIMEOUT, "{elapsed:?}");
}

/// A connection that is reset when its client closes it, since the client leaves a byte unread.
fn about_to_reset(running: &Running) -> (TcpStream, TcpStream) {
    let (client, mut server) = running.pair();
    server.write_all(b"!").unwrap();
    client.peek(&mut [0]).unwrap();
    (client, server)
}

/// The pages of a stage in this process, on connections that can be reset.
fn site(stage: usize, sleep: Duration) -> Running {
    let site = Site::new(&STAGES[stage - 1], sleep, READ_TIMEOUT, None);
    Running::start(
        stage,
        1,
        Arc::new(move |connection| site.handle(connection)),
    )
}

/// From stage 5 on, the request may be rejected until the worker is free.
fn assert_answers(running: &Running) {
    wait_for("an answer", || {
        let mut client = running.connect();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").ok()?;
        let reply = Reply::read(&mut client).ok()?;
        (reply.status == 200).then_some(())
    });
}

fn a_reset_in_the_middle_of_a_request_costs_nothing(stage: usize) {
    if ran_quietly() {
        return;
    }
    let running = site(stage, Duration::ZERO);
    for part in [&b""[..], b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n"] {
        let (mut client, server) = about_to_reset(&running);
        client.write_all(part).unwrap();
        drop(client);
        running.serve(server);
        assert_answers(&running);
    }
    running.stop();
}

fn a_reset_before_the_response_costs_nothing(stage: usize) {
    if ran_quietly() {
        return;
    }
    let running = site(stage, Duration::from_millis(100));
    let (mut client, server) = about_to_reset(&running);
    client.write_all(b"GET /sleep HTTP/1.1\r\n\r\n").unwrap();
    running.serve(server);
    drop(client);
    assert_answers(&running);
    running.stop();
}

/// Seven stages are tested at the same time. macOS and Windows have only sixteen thousand ports for
/// clients, and a used port is not free again for some time.
fn many() -> usize {
    if thorough() && cfg!(target_os = "linux") {
        10_000
    } else {
        1_000
    }
}

fn many_bad_connections_cost_nothing(stage: usize) {
    let server = server(stage);
    let starts: [&[u8]; 4] = [b"", b"GET / HT", b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n"];
    for number in 1..=many() {
        let mut client = connect(server.addr);
        match client.write_all(starts[number % starts.len()]) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::BrokenPipe),
        }
        drop(client);
        // Let the server catch up. Otherwise the backlog of the listener is full after 128 connections,
        // and the next client waits for a second.
        if number % 100 == 0 {
            assert_eq!(get_when_free(server.addr, "/").status, 200);
        }
    }
    assert_all_is_well(&server, stage);
}
