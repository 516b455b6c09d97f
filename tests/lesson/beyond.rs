//! How does a pool reject requests (load shedding), and how does it shut down gracefully?
//!
//! Stages 5 to 7. Where possible, the tests need no clock, as in `overlap.rs`: requests stay in a room
//! until the test lets them out.

#![cfg(any(feature = "stage5", feature = "stage6", feature = "stage7"))]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::common::{
    PATIENCE, Reply, Room, Running, Server, connect, get, ran_quietly, sleep_together, wait_for,
    wait_until,
};

/// Whether the stage rejects this connection: here, it closes it without an answer.
fn is_rejected(client: &mut TcpStream) -> bool {
    client.read(&mut [0]).is_ok_and(|count| count == 0)
}

/// A stage with two workers, which are both busy: they stay in the room until the test lets them out.
fn two_busy_workers(stage: usize, queue: usize) -> (Running, Arc<Room>, Vec<TcpStream>) {
    let room = Room::new();
    let inside = Arc::clone(&room);
    let visit = Arc::new(move |_connection| inside.visit());
    let running = Running::with_queue(stage, 2, queue, visit);
    let mut clients = Vec::new();
    for count in 1..=2 {
        clients.push(running.connect());
        assert!(room.holds(count, PATIENCE));
    }
    (running, room, clients)
}

/// Five requests for a slow page: two, each of which a worker picks up before the next is sent, and then three
/// together. One of these may wait, if there is a queue.
fn of_five_requests_those_are_rejected_for_which_there_is_no_room(stage: usize) {
    let (queue, may_wait): (&[&str], usize) = match stage {
        5 => (&[], 0),
        _ => (&["--queue", "1"], 1),
    };
    let options = [&["--workers", "2", "--sleep", "600"], queue].concat();
    let server = Server::start(stage, &options);
    let slow = || crate::common::send(server.addr, b"GET /sleep HTTP/1.1\r\n\r\n");
    let mut accepted = Vec::new();
    for busy in 1..=2 {
        accepted.push(slow());
        wait_until("a worker to be busy", || server.jobs() == busy);
    }
    let mut others: Vec<TcpStream> = (0..3).map(|_| slow()).collect();
    wait_until("the rejections", || {
        others.retain_mut(|client| !is_rejected_with_503(client));
        others.len() == may_wait
    });
    // No other request has taken the place of the one that waits.
    assert_eq!(get(server.addr, "/").status, 503);
    accepted.append(&mut others);
    assert!(!accepted.iter_mut().any(is_rejected_with_503));
}

/// Whether an answer has begun to come. It can only be this one, as all others come after ten minutes.
fn is_rejected_with_503(client: &mut TcpStream) -> bool {
    client
        .set_read_timeout(Some(Duration::from_millis(10)))
        .unwrap();
    let is_answered = client.peek(&mut [0]).is_ok();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    if is_answered {
        assert_eq!(Reply::read(client).unwrap().status, 503);
    }
    is_answered
}

fn one_may_wait_and_the_next_is_rejected(stage: usize) {
    if ran_quietly() {
        return;
    }
    let queue = if stage == 5 { 0 } else { 1 };
    let (running, room, mut clients) = two_busy_workers(stage, queue);
    clients.extend((0..queue).map(|_| running.connect()));
    assert!(is_rejected(&mut running.connect()));
    room.let_out(2 + queue);
    room.wait_until_left(2 + queue);
    running.stop();
}

/// A server whose only worker is busy until the end of the test, so that all other requests are rejected.
fn full(stage: usize) -> (Server, TcpStream) {
    let options = [
        "--workers",
        "1",
        "--queue",
        "0",
        "--sleep",
        "600",
        "--read-timeout",
        "3",
    ];
    let server = Server::start(stage, &options);
    let addr = server.addr;
    // Without a queue, a request is rejected until the worker is ready to take it.
    let taken = wait_for("the worker to take a request", || {
        let mut client = connect(addr);
        client.write_all(b"GET /sleep HTTP/1.1\r\n\r\n").unwrap();
        client
            .set_read_timeout(Some(Duration::from_millis(10)))
            .unwrap();
        let taken = wait_for("a rejection, or a worker", || {
            if Reply::read(&mut client).is_ok() {
                return Some(false);
            }
            (server.jobs() > 0).then_some(true)
        });
        taken.then_some(client)
    });
    (server, taken)
}

fn assert_rejected(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.header("Retry-After"), Some("600"));
    assert!(reply.is_whole(), "{reply:?}");
    assert!(
        reply.body.contains("Try again in a few seconds"),
        "{}",
        reply.body
    );
}

/// What a client gets from every stage that rejects, whatever makes the stage reject it.
fn a_rejection_arrives(stage: usize) {
    let (server, _taken) = full(stage);

    // A thousand requests, a hundred of them at a time.
    for _ in 0..10 {
        for (_, reply) in sleep_together(server.addr, 100) {
            assert_rejected(&reply);
        }
    }

    // Even if the client sends a large body.
    let mut post = b"POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n".to_vec();
    post.resize(post.len() + 1024 * 1024, b'a');
    assert_rejected(&crate::common::exchange(server.addr, &post));

    // The server reads what the client sends. Otherwise the system would reset the connection.
    wait_until("a server that goes on reading", || {
        let mut client = crate::common::send(server.addr, b"POST / HTTP/1.1\r\n\r\n");
        assert_rejected(&Reply::read(&mut client).unwrap());
        crate::common::is_still_read(&client)
    });

    // A client that stops in the middle of its first line is answered when its time is up: see below.
    let mut half = crate::common::send(server.addr, b"GET / HTTP");
    let mut half_of_head = crate::common::send(server.addr, b"HEAD / HTTP");

    // Even if the client is slow: the answer comes after its first line.
    let mut client = connect(server.addr);
    client.write_all(b"G").unwrap();
    thread::sleep(Duration::from_millis(50));
    let _ = client.write_all(b"ET / HTTP/1.1\r\n\r\n");
    assert_rejected(&Reply::read(&mut client).unwrap());

    // Or when the client closes its direction of the connection.
    let client = crate::common::send(server.addr, b"GET");
    client.shutdown(Shutdown::Write).unwrap();
    assert_rejected(&Reply::read(&mut &client).unwrap());

    // Whether there is a body does not depend on how the bytes are cut.
    let mut client = crate::common::send(server.addr, b"HE");
    thread::sleep(Duration::from_millis(50));
    client.write_all(b"AD / HTTP/1.1\r\n\r\n").unwrap();
    let head = Reply::read(&mut client).unwrap();
    assert_eq!((head.status, head.body.as_str()), (503, ""));

    // HEAD gets no body, and a silent client no answer. Silent clients delay no other client.
    let mut silent: Vec<TcpStream> = (0..50).map(|_| connect(server.addr)).collect();
    let head = crate::common::exchange(server.addr, b"HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (503, ""));
    assert_eq!(Reply::read(&mut silent[0]).unwrap().status, 0);
    assert_rejected(&Reply::read(&mut half).unwrap());
    let head = Reply::read(&mut half_of_head).unwrap();
    assert_eq!((head.status, head.body.as_str()), (503, ""));

    let log = server.output().join("\n");
    assert!(
        log.contains("rejections: POST / HTTP/1.1 -> 503 in "),
        "{log}"
    );
    assert_eq!(server.errors(), [""; 0]);
}

/// The memory in KiB and the threads of a server, as Linux reports them.
fn memory_and_threads(server: &Server) -> (usize, usize) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (field("VmRSS:"), field("Threads:"))
}

/// During the first hundred requests, every part of the program takes the memory that it needs. The next
/// two thousand must not need more.
fn memory_and_threads_stay_flat(stage: usize) {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let (server, _taken) = full(stage);
    sleep_together(server.addr, 100);
    let (memory, threads) = memory_and_threads(&server);
    for _ in 0..20 {
        sleep_together(server.addr, 100);
    }
    let (memory_after, threads_after) = memory_and_threads(&server);
    assert_eq!(threads, threads_after);
    assert!(
        memory_after < memory + 2048,
        "{memory} KiB grew to {memory_after} KiB"
    );
}

/// What these stages have in common.
mod rejecting {
    use super::*;

    to_every_stage_that_rejects! {
        a_rejection_arrives
        memory_and_threads_stay_flat
        of_five_requests_those_are_rejected_for_which_there_is_no_room
        one_may_wait_and_the_next_is_rejected
    }
}

#[cfg(feature = "stage5")]
mod stage5 {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use crate::common::WATCH;
    use ten_versus_five::stage5_busy_counter::ThreadPool;

    #[test]
    fn a_request_while_all_workers_are_busy_is_rejected_at_once() {
        if ran_quietly() {
            return;
        }
        let (running, room, _clients) = two_busy_workers(5, 0);
        for _ in 0..3 {
            assert!(is_rejected(&mut running.connect()));
        }
        // A permit is returned when its job is over.
        room.let_out(usize::MAX);
        room.wait_until_left(2);
        wait_until("a permit", || {
            let _client = running.connect();
            room.visitors().len() > 2
        });
        running.stop();
    }

    /// No job has started here, or has even been sent.
    #[test]
    fn a_permit_is_taken_before_the_job_starts() {
        let pool = ThreadPool::new(2);
        let (first, second) = (pool.try_acquire(), pool.try_acquire());
        assert!(first.is_some() && second.is_some());
        assert!(pool.try_acquire().is_none());
        drop(first);
        assert!(pool.try_acquire().is_some());
    }

    #[test]
    fn threads_that_compete_for_permits_never_get_more_than_there_are() {
        let pool = ThreadPool::new(2);
        let taken = AtomicUsize::new(0);
        let started = Instant::now();
        let compete = || {
            while started.elapsed() < WATCH {
                if let Some(_permit) = pool.try_acquire() {
                    assert!(taken.fetch_add(1, Ordering::SeqCst) < 2, "a third permit");
                    taken.fetch_sub(1, Ordering::SeqCst);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(compete);
            }
        });
        // No permit has been lost, and none has been returned twice.
        let (first, second) = (pool.try_acquire(), pool.try_acquire());
        assert!(first.is_some() && second.is_some());
        assert!(pool.try_acquire().is_none());
    }

    #[test]
    fn a_job_that_panics_returns_its_permit() {
        if ran_quietly() {
            return;
        }
        let pool = ThreadPool::new(2);
        let (permit, _other) = (pool.try_acquire().unwrap(), pool.try_acquire().unwrap());
        pool.execute(move || {
            let _permit = permit;
            panic!("a job of this test");
        });
        wait_for("the permit to be returned", || pool.try_acquire());
    }
}

#[cfg(feature = "stage6")]
mod stage6 {
    use super::*;
    use std::net::TcpListener;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::TrySendError;
    use std::time::Instant;
    use ten_versus_five::stage6_bounded_queue::{ThreadPool, serve};

    #[test]
    fn a_full_queue_gives_the_job_back() {
        if ran_quietly() {
            return;
        }
        let room = Room::new();
        let inside = Arc::clone(&room);
        let pool = ThreadPool::new(1, 1, move |_job: &str| inside.visit());
        assert_eq!(pool.try_execute("at work"), Ok(()));
        assert!(room.holds(1, PATIENCE));
        assert_eq!(pool.try_execute("waiting"), Ok(()));
        assert_eq!(
            pool.try_execute("too many"),
            Err(TrySendError::Full("too many"))
        );
        room.let_out(2);
        room.wait_until_left(2);
    }

    /// A dead pool is not a full pool: `serve` panics, instead of rejecting requests for ever.
    #[test]
    fn a_pool_whose_workers_have_all_panicked_is_disconnected() {
        if ran_quietly() {
            return;
        }
        let pool = ThreadPool::new(2, 2, |_job: &str| panic!("a job of this test"));
        wait_until("every worker to die", || {
            let _ = pool.try_execute("panic");
            let mut workers = pool.workers().iter();
            workers.all(|worker| worker.thread.is_finished())
        });
        let too_late = pool.try_execute("too late");
        assert_eq!(too_late, Err(TrySendError::Disconnected("too late")));
    }

    #[test]
    fn a_server_whose_workers_have_all_panicked_ends() {
        if ran_quietly() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let deadline = Instant::now() + PATIENCE;
        let connections = std::iter::from_fn(|| {
            thread::sleep(Duration::from_millis(5));
            let _client = TcpStream::connect(addr).unwrap();
            let (connection, _) = listener.accept().unwrap();
            (Instant::now() < deadline).then_some(connection)
        });
        let panics = |_| panic!("a job of this test");
        let serve = AssertUnwindSafe(|| serve(connections, panics, drop, 2, 2));
        assert!(catch_unwind(serve).is_err(), "it went on, without a worker");
    }

    /// A pool whose workers only count their jobs, and the counter.
    fn idle_pool(size: usize, queue: usize) -> (ThreadPool<()>, Arc<AtomicUsize>) {
        let done = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&done);
        let count = move |()| {
            counter.fetch_add(1, Ordering::SeqCst);
        };
        (ThreadPool::new(size, queue, count), done)
    }

    /// Whether an idle pool ever rejects more than `usually` of `jobs` jobs that are sent in one burst. That
    /// depends on which thread is faster, so it may take some bursts.
    fn rejects_more_than(usually: usize, jobs: usize, size: usize, queue: usize) -> bool {
        let (pool, done) = idle_pool(size, queue);
        let mut taken = 0;
        for _ in 0..100_000 {
            let rejected = (0..jobs).filter(|_| pool.try_execute(()).is_err()).count();
            taken += jobs - rejected;
            wait_until("an idle pool", || done.load(Ordering::SeqCst) == taken);
            if rejected > usually {
                return true;
            }
        }
        false
    }

    #[test]
    fn a_job_counts_against_the_capacity_until_a_worker_picks_it_up() {
        if ran_quietly() {
            return;
        }
        assert!(
            rejects_more_than(2, 5, 2, 1),
            "two workers, a capacity of one, and five jobs"
        );
    }

    /// A channel with capacity 0 is a rendezvous: it takes a job only while a thread is in `recv`. Of the
    /// workers that share a receiver, only the one that holds the lock can be there.
    #[test]
    fn without_a_queue_jobs_are_rejected_while_workers_are_idle() {
        if ran_quietly() {
            return;
        }
        assert!(
            rejects_more_than(0, 4, 4, 0),
            "four idle workers, and four jobs"
        );
    }
}

#[cfg(feature = "stage7")]
mod stage7 {
    use super::*;
    use std::io::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use ten_versus_five::stage7_graceful_shutdown::ThreadPool;

    #[test]
    fn dropping_the_pool_waits_for_every_job_it_has_taken() {
        if ran_quietly() {
            return;
        }
        let room = Room::new();
        let (inside, done) = (Arc::clone(&room), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&done);
        let pool = ThreadPool::new(2, 4, move |()| {
            inside.visit();
            counter.fetch_add(1, Ordering::SeqCst);
        });
        for _ in 0..4 {
            assert_eq!(pool.try_execute(()), Ok(()));
        }
        assert!(room.holds(2, PATIENCE));
        let dropping = thread::spawn(move || drop(pool));
        thread::sleep(crate::common::WATCH);
        assert!(!dropping.is_finished(), "`drop` waits");
        room.let_out(4);
        dropping.join().unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 4, "all jobs have run by then");
    }

    /// In a process of its own, because the test counts the lines on standard error.
    #[test]
    fn a_hundred_panicking_jobs_are_reported_twice_each_and_cost_no_worker() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "lesson::beyond::stage7::a_hundred_jobs_panic",
                "--ignored",
                "--nocapture",
            ])
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{errors}");
        // The panic hook reports a panic, and so does the worker.
        for report in [" panicked at ", " goes on: its job panicked.\n"] {
            assert_eq!(errors.matches(report).count(), 100, "{report}: {errors}");
        }
        let output = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            output.matches(" has finished. Goodbye.\n").count(),
            4,
            "{output}"
        );
    }

    #[test]
    #[ignore = "another test runs this one, in a process of its own"]
    fn a_hundred_jobs_panic() {
        let room = Room::new();
        let inside = Arc::clone(&room);
        let pool = ThreadPool::new(4, 100, move |job| match job {
            "panic" => panic!("a job of this test"),
            _ => inside.visit(),
        });
        for _ in 0..100 {
            assert_eq!(pool.try_execute("panic"), Ok(()));
        }
        for _ in 0..4 {
            wait_for("room in the queue", || pool.try_execute("meet").ok());
        }
        assert!(room.holds(4, PATIENCE), "all four workers are still there");
        room.let_out(4);
    }

    /// The listener is closed by then. Otherwise the client would wait for an answer in vain.
    #[test]
    fn a_client_cannot_connect_during_the_shutdown() {
        let server = Server::start(7, &["--requests", "1", "--sleep", "600"]);
        let mut busy = connect(server.addr);
        busy.write_all(b"GET /sleep HTTP/1.1\r\n\r\n").unwrap();
        wait_for("a connection that is refused", || {
            // Without a timeout, the attempt could wait for minutes and fail for another reason.
            let error = TcpStream::connect_timeout(&server.addr, PATIENCE / 6).err()?;
            (error.kind() == ErrorKind::ConnectionRefused).then_some(())
        });
        busy.set_nonblocking(true).unwrap();
        let waits = busy.read(&mut [0]).unwrap_err();
        assert_eq!(waits.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_request_in_flight_is_answered_before_the_program_ends() {
        let mut server = Server::start(7, &["--requests", "1", "--sleep", "1"]);
        let reply = get(server.addr, "/sleep");
        assert_eq!(reply.status, 200);
        assert!(reply.is_whole(), "{reply:?}");
        assert!(server.wait().success());
        let goodbyes = wait_for("goodbyes", || {
            let output = server.output();
            let count = output
                .iter()
                .filter(|line| line.ends_with("Goodbye."))
                .count();
            (count == 4).then_some(count)
        });
        assert_eq!(goodbyes, 4);
    }
}

#[cfg(feature = "stage3")]
#[test]
fn in_stage_3_a_request_in_flight_is_cut_off_when_the_program_ends() {
    let mut server = Server::start(3, &["--requests", "1", "--sleep", "60"]);
    let mut client = connect(server.addr);
    client.write_all(b"GET /sleep HTTP/1.1\r\n\r\n").unwrap();
    let answered = Reply::read(&mut client).is_ok_and(|reply| reply.status != 0);
    assert!(!answered);
    assert!(server.wait().success());
}
