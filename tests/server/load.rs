//! Is everybody answered when two hundred come every second, while others hold places?
//!
//! Silent clients, who say nothing, and slow ones, who never get to the end of their request, stay
//! until the server has had enough of them, and come back. All the others want a page.

#![cfg(unix)]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, Reply, Server, assert_all_is_well, at_rest};

to_every_stage! {
    two_hundred_a_second_are_answered_while_others_hold_places
}

/// Two hundred a second, for ten seconds; for two where there are not enough ports to connect from, see
/// `bad_input.rs`.
const REQUESTS: usize = if cfg!(target_os = "linux") { 2000 } else { 400 };
const PACE: Duration = Duration::from_millis(5);

/// A client that is late catches up by no more than this, twenty requests. A server that could not
/// run either may find twenty clients waiting for it; the system has room for a hundred and more.
const CATCH_UP: Duration = Duration::from_millis(100);

/// Who holds places, and how.
struct Others {
    silent: usize,
    slow: usize,
    /// For so long does the server put up with one of them,
    time: Duration,
    /// and so long does that one then stay away.
    pause: Duration,
}

impl Others {
    /// As many as a stage can bear. Where one is served after the other, each of these two stops
    /// everybody for a fifth of a second, about every second: forty requests then wait, eighty if
    /// the two come one behind the other, and there is time enough between. Where there are threads
    /// without number, nobody notices. Of the pool of stage 3 they want every worker, and its queue
    /// takes everybody else. Where a pool says no, they want more workers than it has; some of
    /// them are refused, like most of the others, and there are moments in which a worker is free.
    fn of(stage: usize) -> Others {
        let milliseconds = Duration::from_millis;
        let (each, time, pause) = match stage {
            1 | 4 => (1, milliseconds(200), milliseconds(1000)),
            2 => (16, milliseconds(1000), milliseconds(50)),
            3 => (2, milliseconds(1000), milliseconds(50)),
            _ => (3, milliseconds(1000), milliseconds(50)),
        };
        Others {
            silent: each,
            slow: each,
            time,
            pause,
        }
    }
}

fn two_hundred_a_second_are_answered_while_others_hold_places(stage: usize) {
    let others = Others::of(stage);
    let time = others.time.as_secs_f64().to_string();
    let server = Server::start(stage, &["--sleep", "0.1", "--read-timeout", &time]);
    let at_rest = at_rest(&server, stage);
    let addr = server.addr;

    let over = AtomicBool::new(false);
    let again_and_again = |hold: fn(SocketAddr) -> io::Result<()>| -> io::Result<()> {
        while !over.load(Ordering::SeqCst) {
            hold(addr)?;
            thread::sleep(others.pause);
        }
        Ok(())
    };
    let (asking, answers, held) = thread::scope(|scope| {
        let silent = (0..others.silent).map(|_| scope.spawn(|| again_and_again(stay_silent)));
        let slow = (0..others.slow).map(|_| scope.spawn(|| again_and_again(be_slow)));
        let holding: Vec<_> = silent.chain(slow).collect();

        // One thread asks, and does not wait for answers. Another one does, until one is bad.
        let (asked, to_read) = mpsc::channel();
        let reader = scope.spawn(move || read_answers(to_read));
        let start = Instant::now();
        let mut next = start;
        for _ in 0..REQUESTS {
            if asked.send(Asked::ask(addr, others.time)).is_err() {
                break;
            }
            next = (next + PACE).max(Instant::now() - CATCH_UP);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        drop(asked);
        let asking = start.elapsed();
        let answers = reader.join();
        // First of all: whoever holds places would go on for ever.
        over.store(true, Ordering::SeqCst);
        let held: Vec<_> = holding.into_iter().map(|one| one.join().unwrap()).collect();
        (asking, answers.unwrap(), held)
    });

    let count = |wanted: Answer| answers.iter().filter(|answer| **answer == wanted).count();
    let [served, refused, too_slow] = [Answer::Served, Answer::Refused, Answer::TooSlow].map(count);
    assert_eq!(
        served + refused + too_slow,
        REQUESTS,
        "the last answer was {:?}",
        answers.last()
    );
    assert!(served > 0, "{refused} refused, {too_slow} too slow");
    assert!(stage >= 5 || refused == 0, "{refused} refused");
    // Ten seconds, on any machine that has the time.
    assert!(
        asking < PATIENCE,
        "they could not come any faster: {asking:?}"
    );
    for result in held {
        result.expect("the server should let go of everybody");
    }
    assert_all_is_well(&server, stage, at_rest);
    assert_eq!(server.errors(), [""; 0]);
}

/// A request on its way, unless it could not be sent.
struct Asked {
    client: io::Result<TcpStream>,
    /// Whether the server may have taken this client for a silent one.
    too_slow: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Served,
    Refused,
    /// None, through nobody's fault: the machine had no time for the client.
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
            Ok(reply) if reply.status == 503 && reply.is_whole() => Answer::Refused,
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

/// When the system's queue of connections to accept is full, it lets the client try again after a
/// second. That may be, as long as the client gets through.
fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let client = TcpStream::connect_timeout(&addr, PATIENCE)?;
    client.set_read_timeout(Some(PATIENCE))?;
    Ok(client)
}

/// Says nothing until the server closes the connection.
fn stay_silent(addr: SocketAddr) -> io::Result<()> {
    connect(addr)?.read(&mut [0]).map(drop)
}

/// Sends a byte now and then until the server says something, or closes the connection.
fn be_slow(addr: SocketAddr) -> io::Result<()> {
    let mut client = connect(addr)?;
    client.set_read_timeout(Some(Duration::from_millis(20)))?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let said = client.write_all(b"G");
        let heard = said.and_then(|()| client.read(&mut [0]));
        match heard.map_err(|error| error.kind()) {
            Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // An answer, an end, or a reset.
            _ => return Ok(()),
        }
    }
    Err(ErrorKind::TimedOut.into())
}
