//! Is the race ever wrong about a server? Each kind of server here has misled it once.
//!
//! A race may always say that it cannot tell. It may never say what is not so, whatever the machine does
//! meanwhile: four loops that need every processor, or a race that is stopped for moments.

use std::hint;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{PATIENCE, program, read_request, thorough, until_told};

/// What a request takes alone.
const UNIT: Duration = Duration::from_millis(400);

/// After how long a server answers a request, and with which header fields. It depends on how many came before.
type Serve = fn(usize) -> (Duration, String);

/// If a busy machine makes a server of this process later than this, it is not that server any more.
const LATE: Duration = Duration::from_millis(50);

/// How a server runs its requests.
#[derive(Clone, Copy)]
enum Threads {
    /// One, and it is busy with older requests for so long.
    One(Duration),
    /// A pool of so many.
    Pool(usize),
    /// One for each request.
    Each,
}

/// A server in this process.
struct Served {
    addr: SocketAddr,
    was_late: Arc<AtomicBool>,
}

/// Serves so many connections.
fn server(threads: Threads, count: usize, serve: Serve) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let was_late = Arc::new(AtomicBool::new(false));
    let late = Arc::clone(&was_late);
    thread::spawn(move || serve_all(&listener, threads, count, serve, &late));
    Served { addr, was_late }
}

fn serve_all(
    listener: &TcpListener,
    threads: Threads,
    count: usize,
    serve: Serve,
    was_late: &Arc<AtomicBool>,
) {
    let connections = listener.incoming().take(count).map(Result::unwrap);
    let (places, free) = mpsc::channel();
    match threads {
        Threads::One(older) => thread::sleep(older),
        Threads::Pool(size) => (0..size).for_each(|_| places.send(()).unwrap()),
        Threads::Each => {}
    }
    let mut first = None;
    for (number, connection) in connections.enumerate() {
        if let Threads::Pool(_) = threads {
            free.recv().unwrap();
        }
        // The requests are sent together. A thread for each begins with it as soon as the first one has come.
        let start = match threads {
            Threads::Each => *first.get_or_insert_with(Instant::now),
            Threads::One(_) | Threads::Pool(_) => Instant::now(),
        };
        let (places, was_late) = (places.clone(), Arc::clone(was_late));
        let run = move || {
            let (after, fields) = serve(number);
            answer(connection, start, after, &fields, &was_late);
            // The last ones are not needed any more.
            let _ = places.send(());
        };
        match threads {
            Threads::One(_) => run(),
            Threads::Pool(_) | Threads::Each => drop(thread::spawn(run)),
        }
    }
}

/// An answer so long after the start, with these header fields, and whether it was late.
fn answer(
    mut connection: TcpStream,
    start: Instant,
    after: Duration,
    fields: &str,
    was_late: &AtomicBool,
) {
    if read_request(&mut connection).is_err() {
        return;
    }
    thread::sleep(after);
    was_late.fetch_or(start.elapsed() > after + LATE, Ordering::SeqCst);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n");
    let _ = connection.write_all(head.as_bytes());
}

fn equal(_: usize) -> (Duration, String) {
    (UNIT, String::new())
}

/// Says truly how long the only thread worked.
fn reporting(_: usize) -> (Duration, String) {
    let worked = UNIT.as_millis();
    let fields = format!("X-Served-By: main\r\nServer-Timing: handle;dur={worked}\r\n");
    (UNIT, fields)
}

/// Says truly that it worked for a part of the time: the rest is the time of a database.
fn reporting_a_part(_: usize) -> (Duration, String) {
    (UNIT, String::from("Server-Timing: handle;dur=90\r\n"))
}

fn the_first_is_quicker(number: usize) -> (Duration, String) {
    (UNIT * if number == 0 { 1 } else { 2 }, String::new())
}

/// In longer units: a third of a second more, and the second one would seem to have waited for the first.
fn unequal(number: usize) -> (Duration, String) {
    let unit = 5 * UNIT;
    (unit + unit * 3 / 5 * number as u32, String::new())
}

/// What happens on this machine while a race runs.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Nothing,
    /// The race is stopped after so long, for more than two units.
    Stop(Duration),
    /// The same, beside four busy loops.
    StopAndLoad(Duration),
}

fn signal(race: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", race.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// What the race says of this server, without its name and the time.
fn verdict(addr: SocketAddr, count: usize, disturbance: Disturbance) -> String {
    let mut race = program();
    let count = count.to_string();
    race.args(["race", &addr.to_string(), "-n", &count, "--timeout", "30"]);
    let race = race.stdout(Stdio::piped()).spawn().unwrap();
    let stop = match disturbance {
        Disturbance::Nothing => None,
        Disturbance::Stop(after) | Disturbance::StopAndLoad(after) => Some(after),
    };
    let load = matches!(disturbance, Disturbance::StopAndLoad(_));
    let running = AtomicBool::new(load);
    let output = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let start = Instant::now();
                // It ends by itself if the test fails.
                while running.load(Ordering::Relaxed) && start.elapsed() < PATIENCE {
                    hint::spin_loop();
                }
            });
        }
        if let Some(after) = stop {
            thread::sleep(after);
            signal(&race, "STOP");
            thread::sleep(UNIT * 5 / 2);
            signal(&race, "CONT");
        }
        let output = race.wait_with_output().unwrap();
        running.store(false, Ordering::Relaxed);
        output
    });
    let stdout = String::from_utf8(output.stdout).unwrap();
    let result = stdout.lines().last().unwrap();
    let verdict = result.splitn(3, "  ").last().unwrap();
    assert!(!verdict.contains("answered"), "{stdout}");
    verdict.to_owned()
}

/// Races against servers of one kind, several times, on a machine that is disturbed in several ways. No
/// verdict is other than these, or that the race cannot tell. It is not the race's fault if the server was late.
fn is_never_wrong(threads: Threads, count: usize, serve: Serve, right: &[&str]) {
    let stops = [1, 4, 8, 12, 16].map(|eighths| UNIT * eighths / 8);
    let disturbances = if cfg!(not(unix)) {
        vec![Disturbance::Nothing]
    } else if thorough() {
        let stops = stops.into_iter();
        let mut all: Vec<_> = stops.clone().map(Disturbance::Stop).collect();
        all.extend(stops.map(Disturbance::StopAndLoad));
        all.extend([Disturbance::Nothing; 2]);
        all
    } else {
        vec![Disturbance::Nothing, Disturbance::Stop(stops[1])]
    };
    for disturbance in disturbances {
        not_wrong(threads, count, serve, right, disturbance);
    }
}

/// The verdict on a server of this kind, once.
fn not_wrong(
    threads: Threads,
    count: usize,
    serve: Serve,
    right: &[&str],
    disturbance: Disturbance,
) -> String {
    let server = server(threads, count, serve);
    let verdict = verdict(server.addr, count, disturbance);
    let fine = right.contains(&verdict.as_str()) || verdict.starts_with("cannot tell: ");
    let was_late = server.was_late.load(Ordering::SeqCst);
    assert!(fine || was_late, "{disturbance:?}: {verdict}");
    verdict
}

const NOT_BUSY: Threads = Threads::One(Duration::ZERO);

#[test]
fn one_thread_runs_one_after_another_also_when_the_race_is_stopped() {
    is_never_wrong(NOT_BUSY, 2, equal, &["one after another"]);
    is_never_wrong(NOT_BUSY, 2, reporting, &["one after another"]);
}

#[test]
fn threads_without_a_limit_run_side_by_side_also_when_the_race_is_stopped() {
    is_never_wrong(Threads::Each, 6, equal, &["side by side"]);
    is_never_wrong(Threads::Each, 6, reporting_a_part, &["side by side"]);
}

#[test]
fn a_pool_of_two_runs_two_at_a_time_also_when_the_race_is_stopped() {
    is_never_wrong(Threads::Pool(2), 6, equal, &["2 at a time"]);
}

#[test]
fn one_quick_answer_does_not_make_a_server_run_one_after_another() {
    is_never_wrong(Threads::Each, 6, the_first_is_quicker, &["side by side"]);
}

#[test]
fn pages_of_unequal_length_do_not_make_a_server_run_one_after_another() {
    is_never_wrong(Threads::Each, 2, unequal, &["side by side"]);
}

#[test]
fn older_requests_in_its_queue_do_not_make_a_server_run_side_by_side() {
    let busy = Threads::One(UNIT * 2);
    is_never_wrong(busy, 2, equal, &["one after another"]);
    is_never_wrong(busy, 2, reporting, &["one after another"]);
}

/// Until the race can tell, since a busy machine may hide it.
#[test]
fn a_server_that_is_not_disturbed_gets_its_verdict() {
    let kinds: [(Threads, Serve, &str); 4] = [
        (NOT_BUSY, equal, "one after another"),
        (NOT_BUSY, reporting, "one after another"),
        (Threads::Each, equal, "side by side"),
        (Threads::Pool(2), equal, "2 at a time"),
    ];
    for (threads, serve, right) in kinds {
        until_told(|| {
            let verdict = not_wrong(threads, 4, serve, &[right], Disturbance::Nothing);
            (verdict == right).then_some(())
        });
    }
}

/// Linux drops what does not fit into the queue of a listener, and the client knocks again after a second.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_came_late_does_not_make_a_limit() {
    for _ in 0..if thorough() { 10 } else { 1 } {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        // Nothing accepts these, so in the end there is room for a few more.
        let mut queued = Vec::new();
        while let Ok(client) = TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
            queued.push(client);
            assert!(queued.len() < 100_000, "the queue has no end");
        }
        let waiting = queued.len();
        let was_late = Arc::new(AtomicBool::new(false));
        let late = Arc::clone(&was_late);
        thread::spawn(move || {
            for (number, connection) in listener.incoming().take(waiting + 6).enumerate() {
                let connection = connection.unwrap();
                if number == 3 {
                    // The race comes now, and finds room for three. The others come after a second, and
                    // are answered twice as late as the first ones.
                    thread::sleep(Duration::from_millis(300));
                }
                if number >= waiting {
                    let (quick, start) = (Duration::from_millis(200), Instant::now());
                    let late = Arc::clone(&late);
                    thread::spawn(move || answer(connection, start, quick, "", &late));
                }
            }
        });
        let verdict = verdict(addr, 6, Disturbance::Nothing);
        let fine = verdict == "side by side" || verdict.starts_with("cannot tell: ");
        assert!(fine || was_late.load(Ordering::SeqCst), "{verdict}");
    }
}
