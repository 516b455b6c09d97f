//! Does a server answer two hundred requests a second while other clients hold its threads?
//!
//! Silent clients send nothing, and slow clients never finish their request. Both keep their connections
//! until the server closes them, and then connect again. All other clients request a page.

#![cfg(unix)]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, Reply, Server, assert_all_is_well, at_rest, thorough};

to_every_stage! {
    two_hundred_requests_a_second_are_answered_while_clients_hold_threads
}

/// Two hundred a second, for two seconds, or for ten in a thorough run. Not on systems with few ports for
/// clients, see `bad_input.rs`.
fn requests() -> usize {
    if thorough() && cfg!(target_os = "linux") {
        2000
    } else {
        400
    }
}
const PACE: Duration = Duration::from_millis(5);

/// The sender, if it is late, catches up by no more than this: twenty requests. So twenty clients may
/// wait for a server that is late too. The backlog of its listener holds more than a hundred.
const CATCH_UP: Duration = Duration::from_millis(100);

/// The clients that hold threads.
struct Holders {
    silent: usize,
    slow: usize,
    /// The read timeout of the server: how long one of them holds a thread.
    time: Duration,
    /// How long it then waits before it connects again.
    pause: Duration,
}

impl Holders {
    /// As many as a stage can bear.
    ///
    /// - Stages 1 and 4 run one request at a time. Each of two holders blocks all others for a fifth of a
    ///   second, about every second. Forty requests wait then, or eighty if one holder follows the other,
    ///   and there is enough time between.
    /// - Stage 2 has a thread for every holder.
    /// - In stage 3, the holders take every worker, and all other requests wait in its queue.
    /// - From stage 5 on, there are more holders than workers. Some of them are rejected, like most of the
    ///   other requests, and at some moments a worker is free.
    fn of(stage: usize) -> Holders {
        let milliseconds = Duration::from_millis;
        let (each, time, pause) = match stage {
            1 | 4 => (1, milliseconds(200), milliseconds(1000)),
            2 => (16, milliseconds(1000), milliseconds(50)),
            3 => (2, milliseconds(1000), milliseconds(50)),
            _ => (3, milliseconds(1000), milliseconds(50)),
        };
        Holders {
            silent: each,
            slow: each,
            time,
            pause,
        }
    }
}

fn two_hundred_requests_a_second_are_answered_while_clients_hold_threads(stage: usize) {
    let holders = Holders::of(stage);
    let time = holders.time.as_secs_f64().to_string();
    let server = Server::start(stage, &["--sleep", "0.1", "--read-timeout", &time]);
    let at_rest = at_rest(&server, stage);
    let addr = server.addr;

    let over = AtomicBool::new(false);
    let again_and_again = |hold: fn(SocketAddr) -> io::Result<()>| -> io::Result<()> {
        while !over.load(Ordering::SeqCst) {
            hold(addr)?;
            thread::sleep(holders.pause);
        }
        Ok(())
    };
    let (asking, answers, held) = thread::scope(|scope| {
        let silent = (0..holders.silent).map(|_| scope.spawn(|| again_and_again(stay_silent)));
        let slow = (0..holders.slow).map(|_| scope.spawn(|| again_and_again(be_slow)));
        let holding: Vec<_> = silent.chain(slow).collect();

        // One thread sends and does not wait for answers. Another one reads them, until one is bad.
        let (asked, to_read) = mpsc::channel();
        let reader = scope.spawn(move || read_answers(to_read));
        let start = Instant::now();
        let mut next = start;
        for _ in 0..requests() {
            if asked.send(Asked::ask(addr, holders.time)).is_err() {
                break;
            }
            next = (next + PACE).max(Instant::now() - CATCH_UP);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        drop(asked);
        let asking = start.elapsed();
        let answers = reader.join();
        // Before anything can fail: the holders would never end.
        over.store(true, Ordering::SeqCst);
        let held: Vec<_> = holding.into_iter().map(|one| one.join().unwrap()).collect();
        (asking, answers.unwrap(), held)
    });

    let count = |wanted: Answer| answers.iter().filter(|answer| **answer == wanted).count();
    let [served, rejected, too_slow] =
        [Answer::Served, Answer::Rejected, Answer::TooSlow].map(count);
    assert_eq!(
        served + rejected + too_slow,
        requests(),
        "the last answer was {:?}",
        answers.last()
    );
    assert!(served > 0, "{rejected} rejected, {too_slow} too slow");
    assert!(stage >= 5 || rejected == 0, "{rejected} rejected");
    // Two seconds or ten, unless the machine is too busy to send them in time.
    assert!(
        asking < PATIENCE,
        "the requests were not sent in time: {asking:?}"
    );
    for result in held {
        result.expect("the server should close every holder's connection");
    }
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// A request in flight, unless it could not be sent.
struct Asked {
    client: io::Result<TcpStream>,
    /// Whether this client was so late that the server may have closed it as a silent one.
    too_slow: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Served,
    Rejected,
    /// None, and the server is not to blame: the machine was too busy to run the client in time.
    TooSlow,
    Bad(String),
}

impl Asked {
    fn ask(addr: SocketAddr, time: Duration) -> Asked {
        let start = Instant::now();
        let client = connect(addr).and_then(|mut client| {
            client.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
            Ok(client)
        });
        let too_slow = start.elapsed() >= time;
        Asked { client, too_slow }
    }

    fn answer(self) -> Answer {
        let reply = self.client.and_then(|mut client| Reply::read(&mut client));
        match reply.map_err(|error| error.kind()) {
            Ok(reply) if reply.status == 200 && reply.is_whole() => Answer::Served,
            Ok(reply) if reply.status == 503 && reply.is_whole() => Answer::Rejected,
            Ok(Reply { status: 0, .. })
            | Err(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
                if self.too_slow =>
            {
                Answer::TooSlow
            }
            other => Answer::Bad(format!("{other:?}")),
        }
    }
}

/// The answers, up to the first that is bad.
fn read_answers(asked: Receiver<Asked>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(asked.answer());
        if matches!(answers.last(), Some(Answer::Bad(_))) {
            break;
        }
    }
    answers
}

/// If the backlog of the listener is full, the system tries again after a second. That is no failure, as
/// long as the connection is made in the end.
fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&addr, PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    Ok(client)
}

/// Sends nothing until the server closes the connection.
fn stay_silent(addr: SocketAddr) -> io::Result<()> {
    connect(addr)?.read(&mut [0]).map(drop)
}

/// Sends a byte now and then until the server answers or closes the connection.
fn be_slow(addr: SocketAddr) -> io::Result<()> {
    let mut client = connect(addr)?;
    client.set_read_timeout(Some(Duration::from_millis(20)))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let sent = client.write_all(b"G");
        let received = sent.and_then(|()| client.read(&mut [0]));
        match received.map_err(|error| error.kind()) {
            Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // An answer, an end, or a reset.
            _ => return Ok(()),
        }
    }
    Err(ErrorKind::TimedOut.into())
}
