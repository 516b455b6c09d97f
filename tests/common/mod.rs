//! What the tests share: the real program as a child process, a client that speaks plain bytes, and
//! a room in which requests can meet.

#![allow(dead_code, unused_macros)] // Every test file uses a part of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use ten_versus_five::{Handler, STAGES, Setup};

/// Makes of each function that takes the number of a stage a test of each stage compiled in.
macro_rules! to_every_stage {
    ($($test:ident)*) => {
        #[cfg(feature = "stage1")]
        mod stage1 { $( #[test] fn $test() { super::$test(1); } )* }
        #[cfg(feature = "stage2")]
        mod stage2 { $( #[test] fn $test() { super::$test(2); } )* }
        #[cfg(feature = "stage3")]
        mod stage3 { $( #[test] fn $test() { super::$test(3); } )* }
        #[cfg(feature = "stage4")]
        mod stage4 { $( #[test] fn $test() { super::$test(4); } )* }
        #[cfg(feature = "stage5")]
        mod stage5 { $( #[test] fn $test() { super::$test(5); } )* }
        #[cfg(feature = "stage6")]
        mod stage6 { $( #[test] fn $test() { super::$test(6); } )* }
        #[cfg(feature = "stage7")]
        mod stage7 { $( #[test] fn $test() { super::$test(7); } )* }
    };
}

/// How long anything may take before a test gives up. No test that passes comes near it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to watch for something that must not happen. However busy the machine is, this cannot
/// fail a correct program; a longer watch would only catch more of the wrong ones.
pub const WATCH: Duration = Duration::from_millis(300);

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The program, without arguments.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ten-versus-five"))
}

/// The program serving one stage, for as long as this value lives.
pub struct Server {
    pub addr: SocketAddr,
    child: Child,
    output: Lines,
    errors: Lines,
}

impl Server {
    /// Starts a stage on a free port and waits until it can be reached.
    pub fn start(stage: usize, options: &[&str]) -> Server {
        Server::launch(program(), stage, options)
    }

    /// The same, by a command that runs the program with the arguments it is given.
    pub fn launch(mut command: Command, stage: usize, options: &[&str]) -> Server {
        let mut child = command
            .args(["--stage", &stage.to_string(), "--addr", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program should start");
        let output = Lines::read(child.stdout.take().unwrap());
        let errors = Lines::read(child.stderr.take().unwrap());
        let first = wait_for("the first line", || output.so_far().into_iter().next());
        let (_, addr) = first
            .split_once("http://")
            .expect("the first line holds the address");
        Server {
            addr: addr.trim().parse().unwrap(),
            child,
            output,
            errors,
        }
    }

    /// The lines on standard output so far.
    pub fn output(&self) -> Vec<String> {
        self.output.so_far()
    }

    /// The lines on standard error so far.
    pub fn errors(&self) -> Vec<String> {
        self.errors.so_far()
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// After one more line, closes the pipe that standard output goes into.
    pub fn close_output(&self) {
        self.output.enough.store(true, Ordering::SeqCst);
    }

    /// Waits for the program to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the program", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, read as they come by a thread that ends with the stream.
#[derive(Clone, Default)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    enough: Arc<AtomicBool>,
}

impl Lines {
    fn read(stream: impl Read + Send + 'static) -> Lines {
        let read = Lines::default();
        let Lines { lines, enough } = read.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
                if enough.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        read
    }

    fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// A connection to a server that gives up reading some day.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server should accept connections");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends `bytes` and reads until the server closes.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = connect(addr);
    stream
        .write_all(bytes)
        .expect("the server should take the request");
    Reply::read(&mut stream).expect("the server should answer, then close without a reset")
}

/// Sends `bytes` again and again until the server is not too busy. Before stage 5, it never is.
pub fn exchange_when_free(addr: SocketAddr, bytes: &[u8]) -> Reply {
    wait_for("a server that is not busy", || {
        let reply = exchange(addr, bytes);
        (reply.status != 503).then_some(reply)
    })
}

fn get_request(addr: SocketAddr, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {addr}\r\n\r\n")
}

/// The answer to `GET target`.
pub fn get(addr: SocketAddr, target: &str) -> Reply {
    exchange(addr, get_request(addr, target).as_bytes())
}

/// The answer to `GET target` as soon as the server is not too busy for it.
pub fn get_when_free(addr: SocketAddr, target: &str) -> Reply {
    exchange_when_free(addr, get_request(addr, target).as_bytes())
}

/// The answers to `count` requests for `/sleep` sent together, each with the time since then, in
/// the order in which they came.
pub fn sleep_together(addr: SocketAddr, count: usize) -> Vec<(Duration, Reply)> {
    let mut connections: Vec<TcpStream> = (0..count).map(|_| connect(addr)).collect();
    let start = Instant::now();
    for (number, connection) in connections.iter_mut().enumerate() {
        write!(
            connection,
            "GET /sleep?{number} HTTP/1.1\r\nHost: {addr}\r\n\r\n"
        )
        .unwrap();
    }
    let readers: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            thread::spawn(move || {
                let reply = Reply::read(&mut connection).expect("each request should be answered");
                (start.elapsed(), reply)
            })
        })
        .collect();
    let mut replies: Vec<_> = readers
        .into_iter()
        .map(|reader| reader.join().unwrap())
        .collect();
    replies.sort_by_key(|(time, _)| *time);
    replies
}

/// What a server sent before it closed the connection.
#[derive(Debug)]
pub struct Reply {
    /// 0 if it closed without a word.
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn read(stream: &mut impl Read) -> io::Result<Reply> {
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .map_or(0, |status| status.parse().unwrap());
        Ok(Reply {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// The value of a header, whose name is to be spelt as the design spells it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A stage that runs in this process, on connections that the test gives it one by one.
pub struct Running {
    listener: TcpListener,
    incoming: Sender<TcpStream>,
    server: JoinHandle<()>,
}

impl Running {
    /// A pool from stage 6 on gets a queue with as many places as it has workers. What is turned
    /// away is closed.
    pub fn start(stage: usize, workers: usize, handle: Handler) -> Running {
        Running::with_queue(stage, workers, workers, handle)
    }

    pub fn with_queue(stage: usize, workers: usize, queue: usize, handle: Handler) -> Running {
        let serve = STAGES[stage - 1].serve.expect("the stage is compiled in");
        let (incoming, connections) = mpsc::channel();
        let server = thread::Builder::new()
            .name(String::from("main"))
            .spawn(move || {
                serve(Setup {
                    connections: Box::new(connections.into_iter()),
                    handle,
                    turn_away: Arc::new(drop),
                    workers,
                    queue,
                })
            })
            .unwrap();
        Running {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            incoming,
            server,
        }
    }

    /// The two ends of a new connection, of which the stage has seen nothing yet.
    pub fn pair(&self) -> (TcpStream, TcpStream) {
        let client = connect(self.listener.local_addr().unwrap());
        (client, self.listener.accept().unwrap().0)
    }

    /// Gives the server's end of a connection to the stage.
    pub fn serve(&self, connection: TcpStream) {
        self.incoming
            .send(connection)
            .expect("the stage should still be serving");
    }

    /// Gives the stage a new connection, and returns the client's end.
    pub fn connect(&self) -> TcpStream {
        let (client, server) = self.pair();
        self.serve(server);
        client
    }

    /// Ends the connections and waits until the stage has returned.
    pub fn stop(self) {
        drop(self.incoming);
        wait_for("the stage to return", || {
            self.server.is_finished().then_some(())
        });
        self.server.join().expect("the stage should not panic");
    }
}

/// A place in which requests meet: whoever enters stays until the test lets somebody out.
#[derive(Default)]
pub struct Room {
    state: Mutex<RoomState>,
    changed: Condvar,
}

#[derive(Default)]
struct RoomState {
    visitors: Vec<ThreadId>,
    left: usize,
    may_leave: usize,
}

impl Room {
    pub fn new() -> Arc<Room> {
        Arc::default()
    }

    /// Enters, and stays until it may leave.
    pub fn visit(&self) {
        let mut state = self.state.lock().unwrap();
        state.visitors.push(thread::current().id());
        self.changed.notify_all();
        let wait = |state: &mut RoomState| state.may_leave == 0;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, PATIENCE, wait)
            .unwrap();
        state.may_leave = state.may_leave.saturating_sub(1);
        state.left += 1;
        self.changed.notify_all();
    }

    /// Lets out this many, now or when they come.
    pub fn let_out(&self, count: usize) {
        let mut state = self.state.lock().unwrap();
        state.may_leave = state.may_leave.saturating_add(count);
        drop(state);
        self.changed.notify_all();
    }

    /// Whether `count` are in the room at one time before `time` is over.
    pub fn holds(&self, count: usize, time: Duration) -> bool {
        let fewer = |state: &mut RoomState| state.visitors.len() - state.left < count;
        let state = self.state.lock().unwrap();
        !self
            .changed
            .wait_timeout_while(state, time, fewer)
            .unwrap()
            .1
            .timed_out()
    }

    /// Waits until `count` have come and gone.
    pub fn wait_until_left(&self, count: usize) {
        let fewer = |state: &mut RoomState| state.left < count;
        let state = self.state.lock().unwrap();
        let timed_out = self
            .changed
            .wait_timeout_while(state, PATIENCE, fewer)
            .unwrap()
            .1
            .timed_out();
        assert!(!timed_out, "some never came");
    }

    /// The threads of all who came, in the order of their coming.
    pub fn visitors(&self) -> Vec<ThreadId> {
        self.state.lock().unwrap().visitors.clone()
    }
}
