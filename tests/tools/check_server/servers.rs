//! Small servers, right ones and wrong ones, each with what is true of it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, TrySendError};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::thread;
use std::time::Duration;

/// A server: what it is called, how many requests are demanded to run at once and to wait, what is true of
/// it, which promises it is here for, by their numbers, and what it does with its connections.
pub struct Case {
    pub name: &'static str,
    pub demanded: (Option<usize>, Option<usize>),
    pub signs: &'static str,
    pub promises: &'static [usize],
    pub serve: fn(TcpListener),
}

/// Makes the table. In each row is the name, what is true of it, the promises, in parentheses the workers and the queue
/// if they are demanded, and what is done.
macro_rules! servers {
    ($($name:literal: $signs:literal $promises:tt $(($workers:literal, $queue:literal))?, $serve:expr;)*) => {
        pub const SERVERS: &[Case] = &[$(Case {
            name: $name,
            demanded: demanded(&[$($workers, $queue)?]),
            signs: $signs,
            promises: &$promises,
            serve: $serve,
        }),*];
    };
}

const fn demanded(numbers: &[usize]) -> (Option<usize>, Option<usize>) {
    match numbers {
        [workers, queue] => (Some(*workers), Some(*queue)),
        _ => (None, None),
    }
}

servers! {
    // One thread, or a thread for each connection.
    "one thread": "+--???---+++++" [2, 3, 7], |it| sequential(it, None, answer);
    "one thread, patient for a moment": "+--???++-+++++" [7, 9], |it| sequential(it, LIMIT, answer);
    "one thread, patient for half as long as the check": "+--????.-+++++" [7],
        |it| sequential(it, Some(HOLD_UP / 2), answer);
    "one thread, and two meant": "+--?+?---+++++" [4, 5, 8] (2, 1),
        |it| sequential(it, None, answer);
    "headers that lie": "+--???---+++++" [2, 9], |it| sequential(it, None, lie);
    "a thread each": "+++???++++++++" [2, 3], |it| threaded(it, answer);
    "a thread each, and two meant": "++++--++++++++" [5, 6] (2, 1), |it| threaded(it, answer);
    // Pools.
    "two workers": "+++++----+++++" [7] (2, 1), |it| pool(it, 2, 1000, None, wait_and_reject);
    "a worker too many": "++++--++-+++++" [5] (2, 0),
        |it| pool(it, 3, 1000, LIMIT, wait_and_reject);
    "a worker too few": "+++-+?++-+++++" [4] (3, 0), |it| pool(it, 2, 1000, LIMIT, wait_and_reject);
    "two workers and one in the queue": "++++++++-+++++" [4, 5, 6, 7] (2, 1),
        |it| pool(it, 2, 1, LIMIT, wait_and_reject);
    "a queue without limit": "+++++-++-+++++" [6] (2, 1),
        |it| pool(it, 2, 1000, LIMIT, wait_and_reject);
    "a queue longer than meant": "+++++-++-+++++" [6] (2, 1),
        |it| pool(it, 2, 4, LIMIT, wait_and_reject);
    "a queue shorter than meant": "+++++-++-+++++" [6] (2, 3),
        |it| pool(it, 2, 1, LIMIT, wait_and_reject);
    "rejects without a word": "++++?-**-*****" [6] (2, 1), |it| pool(it, 2, 1, LIMIT, drop);
    "rejects with half an answer": "++++?-**-*****" [6] (2, 1),
        |it| pool(it, 2, 1, LIMIT, half_a_503);
    // A request that is rejected beside bad clients waits for that as long as they may hold it up.
    "rejects late": "+++++-......**" [6] (2, 1), |it| pool(it, 2, 1, LIMIT, late_503);
    "limits requests": "+?+???????????" [2, 4], limits_requests;
    // Whose slow requests hold up some of the fast ones.
    "two processes that get connections in turn": "++-???++-+++++" [2, 3],
        |it| in_turn(it, 2, |turn| turn);
    "eight processes that get connections in turn": "++-???++-+++++" [3],
        |it| in_turn(it, 8, |turn| turn);
    "four processes that get connections at random": "+.-???........" [3],
        |it| in_turn(it, 4, |turn| turn.wrapping_mul(2_654_435_769) >> 7);
    "late by chance": "+**???........" [2, 3], late_by_chance;
    // Whose times show nothing, or something else than it seems.
    "nothing is slow": "+?????????????" [2, 14], |it| threaded(it, |c, _| respond(c, 200));
    "computes": "+*+???********" [2, 3], computes;
    "another time each time": "+**???********" [2], irregular;
    "twice as long by chance": "+*+???********" [2], twice_as_long;
    "twice as long at first": "+++???++++++++" [2], twice_as_long_at_first;
    "everything is slow": "++????++++++++" [3], |it| threaded(it, sleep_always);
    "some pages take longer": "+***??********" [2, 5] (2, 200), some_take_longer;
    "the first one alone": "+-+???++++++++" [5] (4, 4), first_alone;
    "one answer for equal requests, the first of them late": "+-+???++++++++" [2], shares_answers;
    "knows no queries": "+++???++++++++" [1, 2, 3], |it| threaded(it, exactly);
    // Whose first answer shows that there is nothing to check.
    "no such page": "-?????????????" [1, 2], |it| threaded(it, |c, _| respond(c, 404));
    "too many requests": "??????????????" [1, 2], |it| threaded(it, |c, _| respond(c, 429));
    "not HTTP": "-?????????????" [1], |it| threaded(it, not_http);
    // Whose workers one client can keep.
    "keeps a worker for each connection": "+++???++---+++" [11], |it| pool_of(it, 2, keeps_alive);
    "keeps a worker until the client leaves": "+++???++----++" [11, 12],
        |it| pool_of(it, 2, lingers);
    "waits for a body": "+++???++--++++" [10], |it| pool_of(it, 2, reads_a_body);
    // Whose workers are lost.
    "loses a worker to each that vanishes": "+++???++-+++-?" [13],
        |it| loses_workers(it, 4, usize::MAX);
    "loses one of many": "+++???++-+++-+" [9, 13], |it| loses_workers(it, 25, 1);
    "loses a worker to a silent client": "+++???-+-+++++" [7], loses_a_worker_to_silence;
    "loses a worker to a silent client, and hides it for a while": "+++?????-+++++" [7, 8],
        hides_its_loss;
    "one thread, slow with bad requests": "+--???++-+++++" [14],
        |it| sequential(it, LIMIT, think_about_what_is_bad);
    "dies of a bad request": "+--???---++++-" [14], fragile;
    "loses a worker to bad requests": "+++???++-++++-" [14], loses_a_worker;
    "busy for a while with the last bad request": "+++???++-+++++" [14], busy_for_a_while;
}

/// How long a slow request takes.
const UNIT: Duration = Duration::from_millis(600);

/// The check's limit for what holds up a request.
pub const HOLD_UP: Duration = Duration::from_millis(1500);

/// How long a patient server waits for each piece of a request.
const LIMIT: Option<Duration> = Some(Duration::from_millis(375));

/// What is done with a connection and the head of its request.
type Answer = fn(TcpStream, &str);

/// Reads a request's head. Each read may take as long as the limit, all together as long as it likes.
fn read_head(connection: &TcpStream, limit: Option<Duration>) -> Option<String> {
    connection.set_read_timeout(limit).unwrap();
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match { connection }.read(&mut piece) {
            Ok(length @ 1..) if head.len() < 100_000 => head.extend_from_slice(&piece[..length]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// Whether it asks for the slow page.
fn is_slow(head: &str) -> bool {
    head.starts_with("GET /sleep ") || head.starts_with("GET /sleep?")
}

/// Whether it has a method that a server may know.
fn is_request(head: &str) -> bool {
    head.starts_with("GET /") || head.starts_with("POST /")
}

pub fn respond(mut connection: TcpStream, status: u16) {
    let response = format!("HTTP/1.1 {status} Such\r\nContent-Length: 2\r\n\r\nOK");
    let _ = connection.write_all(response.as_bytes());
    let _ = connection.shutdown(Shutdown::Write);
}

/// `/sleep` takes its time, and all else none.
fn answer(connection: TcpStream, head: &str) {
    if is_slow(head) {
        thread::sleep(UNIT);
    }
    respond(connection, 200);
}

/// The bad requests of the check, of which 25 come here, take it longer in all than the check waits for one answer.
fn think_about_what_is_bad(connection: TcpStream, head: &str) {
    if is_request(head) {
        return answer(connection, head);
    }
    thread::sleep(HOLD_UP / 7);
    respond(connection, 400);
}

fn sleep_always(connection: TcpStream, _head: &str) {
    thread::sleep(UNIT);
    respond(connection, 200);
}

/// Claims that another thread has worked for a moment only.
fn lie(mut connection: TcpStream, head: &str) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    if is_slow(head) {
        thread::sleep(UNIT);
    }
    let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: worker-{request}\r\n\
         Server-Timing: handle;dur=1000\r\n\r\nOK"
    );
    let _ = connection.write_all(response.as_bytes());
}

fn not_http(mut connection: TcpStream, _head: &str) {
    let _ = connection.write_all(b"hello\r\n\r\n");
}

/// Compares the whole first line, as the Book's server does.
fn exactly(connection: TcpStream, head: &str) {
    match head.lines().next() {
        Some("GET /sleep HTTP/1.1") => {
            thread::sleep(UNIT);
            respond(connection, 200);
        }
        Some("GET / HTTP/1.1") => respond(connection, 200),
        _ => respond(connection, 404),
    }
}

/// Has one request at a time, and answers the others with 429.
fn limits_requests(listener: TcpListener) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if RUNNING.fetch_add(1, Ordering::SeqCst) > 0 && is_slow(head) {
            respond(connection, 429);
        } else {
            answer(connection, head);
        }
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Holds up nothing, but each answer is late by some time: mostly none, and by much one in fifteen.
fn late_by_chance(listener: TcpListener) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
        let chance = request.wrapping_mul(2_654_435_769) >> 7 & 0xff;
        thread::sleep(UNIT.mul_f64(1.5 * (chance as f64 / 256.0).powi(16)));
        answer(connection, head);
    });
}

/// Takes another time from request to request, but for `/`.
fn irregular(listener: TcpListener) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if is_slow(head) {
            let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
            thread::sleep(UNIT * [2, 3, 2, 4][request % 4] / 3);
        }
        respond(connection, 200);
    });
}

/// The second of two slow requests takes twice as long, and so does each fourth one that is alone: as if chance did it.
fn twice_as_long(listener: TcpListener) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static ALONE: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if is_slow(head) {
            let is_long = match RUNNING.fetch_add(1, Ordering::SeqCst) {
                0 => ALONE.fetch_add(1, Ordering::SeqCst) % 4 == 3,
                _ => {
                    ALONE.store(0, Ordering::SeqCst);
                    true
                }
            };
            thread::sleep(UNIT * if is_long { 2 } else { 1 });
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        }
        respond(connection, 200);
    });
}

/// The first two that come while another one runs take twice as long.
fn twice_as_long_at_first(listener: TcpListener) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static LONG: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if is_slow(head) {
            let is_second = RUNNING.fetch_add(1, Ordering::SeqCst) > 0;
            let is_long = is_second && LONG.fetch_add(1, Ordering::SeqCst) < 2;
            thread::sleep(UNIT * if is_long { 2 } else { 1 });
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        }
        respond(connection, 200);
    });
}

/// Every other request takes longer.
fn some_take_longer(listener: TcpListener) {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if is_slow(head) {
            let request = REQUESTS.fetch_add(1, Ordering::SeqCst);
            thread::sleep(UNIT * [10, 16][request % 2] / 10);
        }
        respond(connection, 200);
    });
}

/// Shares one processor among the requests: two take twice as long as one.
fn computes(listener: TcpListener) {
    static BUSY: AtomicUsize = AtomicUsize::new(0);
    threaded(listener, |connection, head| {
        if is_slow(head) {
            BUSY.fetch_add(1, Ordering::SeqCst);
            for _ in 0..20 {
                thread::sleep(UNIT / 20 * BUSY.load(Ordering::SeqCst) as u32);
            }
            BUSY.fetch_sub(1, Ordering::SeqCst);
        }
        respond(connection, 200);
    });
}

/// Handles the first slow request alone, and then all at once that have come meanwhile.
fn first_alone(listener: TcpListener) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static FIRST: Mutex<()> = Mutex::new(());
    threaded(listener, |connection, head| {
        if !is_slow(head) {
            return respond(connection, 200);
        }
        let others = RUNNING.fetch_add(1, Ordering::SeqCst);
        let first = FIRST.lock().unwrap();
        if others == 0 {
            thread::sleep(UNIT);
            drop(first);
        } else {
            drop(first);
            thread::sleep(UNIT);
        }
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        respond(connection, 200);
    });
}

/// Makes one page at a time, and gives it to all who wait for the same. The first takes longer.
fn shares_answers(listener: TcpListener) {
    static WARM_UP: Once = Once::new();
    static MAKES: Mutex<()> = Mutex::new(());
    static WANTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static MADE: Condvar = Condvar::new();
    threaded(listener, |connection, head| {
        let page = head.lines().next().unwrap_or_default().to_owned();
        let mut wanted = WANTED.lock().unwrap();
        if wanted.contains(&page) {
            let still = |wanted: &mut Vec<String>| wanted.contains(&page);
            drop(MADE.wait_while(wanted, still).unwrap());
        } else if is_slow(head) {
            wanted.push(page.clone());
            drop(wanted);
            let one = MAKES.lock().unwrap();
            WARM_UP.call_once(|| thread::sleep(2 * UNIT));
            thread::sleep(UNIT);
            drop(one);
            WANTED.lock().unwrap().retain(|it| *it != page);
            MADE.notify_all();
        } else {
            drop(wanted);
        }
        respond(connection, 200);
    });
}

/// So many processes with one thread each, and a proxy that gives the connection with this number to that
/// of this number, modulo theirs.
fn in_turn(listener: TcpListener, processes: usize, turn: fn(usize) -> usize) {
    let processes: Vec<mpsc::Sender<TcpStream>> = (0..processes)
        .map(|_| {
            let (sender, connections) = mpsc::channel::<TcpStream>();
            thread::spawn(move || {
                for connection in connections {
                    if let Some(head) = read_head(&connection, LIMIT) {
                        answer(connection, &head);
                    }
                }
            });
            sender
        })
        .collect();
    for (number, connection) in listener.incoming().flatten().enumerate() {
        let process = &processes[turn(number) % processes.len()];
        process.send(connection).unwrap();
    }
}

/// Answers one request after another on its connection, and waits for them without a limit.
fn keeps_alive(mut connection: TcpStream) -> bool {
    let mut limit = LIMIT;
    while let Some(head) = read_head(&connection, limit) {
        if is_slow(&head) {
            thread::sleep(UNIT);
        }
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
        if head.contains("Connection: close") {
            break;
        }
        limit = None;
    }
    true
}

/// Waits after its answer until the client leaves.
fn lingers(connection: TcpStream) -> bool {
    if let Some(head) = read_head(&connection, LIMIT) {
        answer(connection.try_clone().unwrap(), &head);
        connection.set_read_timeout(None).unwrap();
        while let Ok(1..) = (&connection).read(&mut [0; 4096]) {}
    }
    true
}

/// Waits for as long a body as the head says.
fn reads_a_body(connection: TcpStream) -> bool {
    if let Some(head) = read_head(&connection, LIMIT) {
        let length = head.split("Content-Length: ").nth(1);
        let length = length.and_then(|it| it.lines().next()?.parse::<usize>().ok());
        let (_, so_far) = head.split_once("\r\n\r\n").unwrap();
        let missing = length.unwrap_or(0).saturating_sub(so_far.len());
        connection.set_read_timeout(None).unwrap();
        if (&connection).read_exact(&mut vec![0; missing]).is_ok() {
            answer(connection, &head);
        }
    }
    true
}

/// Loses a worker, and at most so many, when a client is gone that should get a slow answer.
fn loses_workers(listener: TcpListener, workers: usize, most: usize) {
    let lost = Arc::new(AtomicUsize::new(0));
    pool_of(listener, workers, move |connection| {
        let Some(head) = read_head(&connection, LIMIT) else {
            return true;
        };
        if is_slow(&head) {
            thread::sleep(UNIT);
            connection.set_nonblocking(true).unwrap();
            if connection.peek(&mut [0]).is_ok() && lost.fetch_add(1, Ordering::SeqCst) < most {
                return false;
            }
        }
        respond(connection, 200);
        true
    });
}

/// Four workers, of which one leaves when a client says nothing for too long.
fn loses_a_worker_to_silence(listener: TcpListener) {
    let may_leave = AtomicUsize::new(1);
    pool_of(listener, 4, move |connection| {
        let Some(head) = read_head(&connection, LIMIT) else {
            return may_leave.swap(0, Ordering::SeqCst) == 0;
        };
        answer(connection, &head);
        true
    });
}

/// The same, but all slow requests fail until the next clients come, which send something.
fn hides_its_loss(listener: TcpListener) {
    let (may_leave, fails) = (AtomicUsize::new(1), AtomicUsize::new(0));
    pool_of(listener, 4, move |connection| {
        connection.set_read_timeout(LIMIT).unwrap();
        if !matches!(connection.peek(&mut [0]), Ok(1)) {
            fails.store(1, Ordering::SeqCst);
            return may_leave.swap(0, Ordering::SeqCst) == 0;
        }
        match read_head(&connection, LIMIT) {
            None => fails.store(0, Ordering::SeqCst),
            Some(head) if is_slow(&head) && fails.load(Ordering::SeqCst) == 1 => {
                respond(connection, 500);
            }
            Some(head) => answer(connection, &head),
        }
        true
    });
}

/// One thread, which a request that is no good ends.
fn fragile(listener: TcpListener) {
    for connection in listener.incoming().flatten() {
        match read_head(&connection, None) {
            Some(head) if is_request(&head) => answer(connection, &head),
            Some(_) => return,
            None => {}
        }
    }
}

/// Two workers, of which one leaves when a request is no good.
fn loses_a_worker(listener: TcpListener) {
    let may_leave = AtomicUsize::new(1);
    two_workers(&listener, || may_leave.swap(0, Ordering::SeqCst) == 0);
}

/// Two workers, of which one is busy for a while with the last of the check's bad requests. (Of the
/// hundred, 25 look to [`read_head`] like requests, but have no method.)
fn busy_for_a_while(listener: TcpListener) {
    let bad = AtomicUsize::new(0);
    two_workers(&listener, || {
        if bad.fetch_add(1, Ordering::SeqCst) % 25 == 24 {
            thread::sleep(3 * UNIT);
        }
        true
    });
}

/// Two workers. One that gets a request that is no good goes on if `goes_on` says so.
fn two_workers(listener: &TcpListener, goes_on: impl Fn() -> bool + Sync) {
    let work = || {
        for connection in listener.incoming().flatten() {
            match read_head(&connection, LIMIT) {
                Some(head) if is_request(&head) => answer(connection, &head),
                Some(_) if !goes_on() => return,
                _ => {}
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

fn sequential(listener: TcpListener, limit: Option<Duration>, answer: Answer) {
    for connection in listener.incoming().flatten() {
        if let Some(head) = read_head(&connection, limit) {
            answer(connection, &head);
        }
    }
}

pub fn threaded(listener: TcpListener, answer: Answer) {
    for connection in listener.incoming().flatten() {
        thread::spawn(move || {
            if let Some(head) = read_head(&connection, None) {
                answer(connection, &head);
            }
        });
    }
}

fn pool(
    listener: TcpListener,
    workers: usize,
    queue: usize,
    limit: Option<Duration>,
    reject: fn(TcpStream),
) {
    let work = move |connection: TcpStream| {
        if let Some(head) = read_head(&connection, limit) {
            answer(connection, &head);
        }
        true
    };
    pool_with(listener, workers, queue, work, reject);
}

/// A pool with a queue for all.
fn pool_of(
    listener: TcpListener,
    workers: usize,
    work: impl Fn(TcpStream) -> bool + Send + Sync + 'static,
) {
    pool_with(listener, workers, 10_000, work, wait_and_reject);
}

/// A pool whose workers go on as long as `work` says so.
fn pool_with(
    listener: TcpListener,
    workers: usize,
    queue: usize,
    work: impl Fn(TcpStream) -> bool + Send + Sync + 'static,
    reject: fn(TcpStream),
) {
    let (sender, receiver) = mpsc::sync_channel::<TcpStream>(queue);
    let receiver = Arc::new(Mutex::new(receiver));
    let work = Arc::new(work);
    for _ in 0..workers {
        let (receiver, work) = (Arc::clone(&receiver), Arc::clone(&work));
        thread::spawn(move || {
            loop {
                let Ok(connection) = receiver.lock().unwrap().recv() else {
                    break;
                };
                if !work(connection) {
                    break;
                }
            }
        });
    }
    for connection in listener.incoming().flatten() {
        match sender.try_send(connection) {
            Ok(()) => {}
            Err(TrySendError::Full(connection)) => drop(thread::spawn(move || reject(connection))),
            Err(TrySendError::Disconnected(_)) => return,
        }
    }
}

/// Reads the request first: to close a connection before that could destroy the response.
fn wait_and_reject(connection: TcpStream) {
    if read_head(&connection, LIMIT).is_some() {
        respond(connection, 503);
    }
}

fn late_503(connection: TcpStream) {
    thread::sleep(3 * UNIT);
    wait_and_reject(connection);
}

fn half_a_503(mut connection: TcpStream) {
    if read_head(&connection, LIMIT).is_some() {
        let _ = connection.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 20\r\n\r\nhalf");
    }
}

/// Reads on at the end of input, again and again, for the first client that stops in the middle of its request: to
/// do so for each of them would only take the processors from other tests.
pub fn spins(listener: TcpListener) {
    let spins = AtomicBool::new(false);
    pool_of(listener, 2, move |connection| {
        connection.set_read_timeout(LIMIT).unwrap();
        let begins = matches!(connection.peek(&mut [0]), Ok(1));
        match read_head(&connection, LIMIT) {
            Some(head) => answer(connection, &head),
            None if begins && !spins.swap(true, Ordering::SeqCst) => {
                connection.set_read_timeout(None).unwrap();
                thread::spawn(move || while (&connection).read(&mut [0]).is_ok() {});
            }
            None => {}
        }
        true
    });
}
