//! What the tests share: the real program as a child process, a client that speaks plain bytes, and
//! a room in which requests can meet.

pub mod compiler;
pub mod repository;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use ten_versus_five::{Handler, STAGES, Setup};

/// Turns each function that takes the number of a stage into a test, if the stage is compiled in.
macro_rules! to_stage {
    ($feature:literal $stage:ident $number:literal: $($test:ident)*) => {
        // Without this, they would be unused if no stage is compiled in.
        $( const _: fn(usize) = $test; )*
        #[cfg(feature = $feature)]
        mod $stage { $( #[test] fn $test() { super::$test($number); } )* }
    };
}

/// The same for each stage.
macro_rules! to_every_stage {
    ($($test:ident)*) => {
        to_stage!("stage1" stage1 1: $($test)*);
        to_stage!("stage2" stage2 2: $($test)*);
        to_stage!("stage3" stage3 3: $($test)*);
        to_stage!("stage4" stage4 4: $($test)*);
        to_every_stage_that_rejects!($($test)*);
    };
}

/// The same for each stage that may reject a request.
macro_rules! to_every_stage_that_rejects {
    ($($test:ident)*) => {
        to_stage!("stage5" stage5 5: $($test)*);
        to_stage!("stage6" stage6 6: $($test)*);
        to_stage!("stage7" stage7 7: $($test)*);
    };
}

/// How long a test waits for anything before it fails. A test that passes needs much less.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to watch for something that must not happen. A correct program passes, however busy the
/// machine is; a longer watch would only find more of the wrong programs.
pub const WATCH: Duration = Duration::from_millis(300);

/// Whether to test with large amounts: more inputs, more variants, longer load. `THOROUGH=1` asks for it, and
/// `.ci/run` does so for some of the tests. Without it, each test does less of the same.
pub fn thorough() -> bool {
    env::var_os("THOROUGH").is_some_and(|value| !value.is_empty())
}

/// Asks until a busy machine does not hide the answer any more: ten times at least, and for some minutes.
pub fn until_told<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let mut asked = 0;
    loop {
        if let Some(told) = ask() {
            return told;
        }
        asked += 1;
        let again = may_ask_again(asked, start);
        assert!(again, "it could not be told, {asked} times");
    }
}

/// Whether what was asked so many times since then may be asked once more.
pub fn may_ask_again(asked: usize, start: Instant) -> bool {
    asked < 10 || start.elapsed() < 10 * PATIENCE
}

/// Whether this test has just run, and passed, in a process of its own, so that nothing is left to do in this one.
///
/// A worker of a stage writes a line for each job past what the test program captures. So a test with such workers
/// begins with this: what they write is only shown if the test fails.
pub fn ran_quietly() -> bool {
    const QUIETLY: &str = "TEST_THAT_RUNS_QUIETLY";
    let thread = thread::current();
    // With one thread for all tests, which is no test's own, all of them run here.
    let Some(test) = thread.name().filter(|name| *name != "main") else {
        return false;
    };
    if env::var_os(QUIETLY).is_some() {
        return false;
    }
    let mut program = Command::new(env::current_exe().unwrap());
    program
        .args([test, "--exact", "--nocapture"])
        .env(QUIETLY, "1");
    let output = program.stdin(Stdio::null()).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let passed = output.status.success() && printed.contains("test result: ok. 1 passed;");
    assert!(passed, "in a process of its own:\n{printed}");
    true
}

/// Whether the tests, and the program that is tested, were built with the lines of their source, and are not
/// optimized. Otherwise it is not known where something is dropped.
pub fn has_line_tables() -> bool {
    let backtrace = std::backtrace::Backtrace::force_capture();
    cfg!(debug_assertions) && backtrace.to_string().contains("common/mod.rs:")
}

/// The drawing of a schedule as it is without debug information.
fn without_places_of_drops(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((place, before)) = words.split_last().filter(|(place, _)| {
        let (line, column) = place.split_once(':').unwrap_or_default();
        line.parse::<u32>().is_ok() && column.parse::<u32>().is_ok()
    }) else {
        return line.to_owned();
    };
    let start = line.len() - place.len();
    if before.contains(&"unlock") {
        return format!("{}not known", &line[..start]);
    }
    let is_drop = before.contains(&"drop");
    line[..if is_drop { start } else { line.len() }]
        .trim_end()
        .to_owned()
}

/// Whether this compiler says that a `for` takes its next item at what it iterates over (1.85), and not at the
/// `for` itself (1.95).
pub fn next_is_at_the_iterator() -> bool {
    struct Columns(Option<u32>);
    impl Iterator for Columns {
        type Item = u32;

        #[track_caller]
        fn next(&mut self) -> Option<u32> {
            let column = std::panic::Location::caller().column();
            self.0
                .take()
                .map(|column_of_new| column.abs_diff(column_of_new))
        }
    }
    #[track_caller]
    fn columns() -> Columns {
        Columns(Some(std::panic::Location::caller().column()))
    }

    let mut distances = Vec::new();
    for distance in columns() {
        distances.push(distance);
    }
    distances == [0]
}

/// The stage's `for` is the only one on the pages.
fn with_next_at_the_iterator(drawing: &str) -> String {
    let stage = repository::read("stages/stage4_for_loop.rs");
    let lines = (1..).zip(stage.lines());
    let places = lines.filter_map(|(line, text)| {
        let (before, _) = text.split_once("for job in receiver")?;
        let column = before.len() + 1;
        let iterator = column + "for job in ".len();
        Some((format!("{line}:{column}"), format!("{line}:{iterator}")))
    });
    places.fold(drawing.to_owned(), |drawing, (of_for, of_iterator)| {
        drawing.replace(&of_for, &of_iterator)
    })
}

/// What a page shows of a schedule, as the program that is tested shows it.
pub fn drawn(expected: &str) -> String {
    let expected = match next_is_at_the_iterator() {
        true => with_next_at_the_iterator(expected),
        false => expected.to_owned(),
    };
    if has_line_tables() {
        return expected;
    }
    let lines = expected.lines().map(without_places_of_drops);
    lines.collect::<Vec<_>>().join("\n")
}

/// Calls `probe` again and again until it returns something.
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

/// Asks again and again until this is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}

/// The program, without arguments.
pub fn program() -> Command {
    let name = format!("ten-versus-five{}", env::consts::EXE_SUFFIX);
    Command::new(repository::built().join(name))
}

/// A command that runs another one of a shell on a terminal of its own, and types its own input there. The standard
/// library cannot make a terminal, but on Linux the `script` program can.
#[cfg(target_os = "linux")]
pub fn on_a_terminal(command: &str) -> Command {
    let mut script = Command::new("script"); // It is a part of util-linux.
    script
        .args(["--quiet", "--return", "--command", command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    script
}

/// The program fails with these arguments if it cannot write what it prints. It says why if the disk is full. If the
/// reader has closed the pipe, as `head -1` does, it has read enough, so there is no message.
#[cfg(unix)]
pub fn assert_fails_without_output(mut program: impl FnMut() -> Command) {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};
    let mut errors = |stdout: OwnedFd| {
        let output = program().stdout(stdout).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    if cfg!(target_os = "linux") {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let message = errors(full.into());
        let reason = "Cannot write to standard output: ";
        assert!(message.starts_with(reason), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let (stdout, reader) = UnixStream::pair().unwrap();
    drop(reader);
    assert_eq!(errors(stdout.into()), "");
}

/// The Cargo that runs the tests.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A crate that is new: it depends on this one, and has these files. Cargo in its folder.
pub fn new_crate<'a>(
    name: &str,
    edition: &str,
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Command {
    let crates = repository::temporary();
    let folder = crates.join(name);
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"{edition}\"\n\
         [dependencies]\nten-versus-five = {{ path = {:?} }}\n[workspace]\n",
        repository::root()
    );
    write_if_new(&folder.join("Cargo.toml"), &manifest);
    for (file, text) in files {
        write_if_new(&folder.join(file), text);
    }
    let mut cargo = cargo();
    cargo.current_dir(&folder);
    share_a_build(&mut cargo);
    cargo
}

/// Writes a file, with its folders. Cargo does not compile again what has not changed.
pub fn write_if_new(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    if fs::read_to_string(file).ok().as_deref() != Some(text) {
        fs::write(file, text).unwrap();
    }
}

/// Makes Cargo compile this crate once for all the crates that are made in tests.
pub fn share_a_build(cargo: &mut Command) {
    let target = repository::temporary().join("target");
    cargo.env("CARGO_TARGET_DIR", target);
    compile_quickly(cargo);
}

/// Makes Cargo leave out what only a debugger needs.
pub fn compile_quickly(cargo: &mut Command) {
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
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

    /// The same, with a command that runs the program with the arguments that it gets.
    pub fn launch(command: Command, stage: usize, options: &[&str]) -> Server {
        let mut server = Server::spawn(command, stage, options);
        let first = wait_for("the first line", || server.output().into_iter().next());
        let (_, addr) = first
            .split_once("http://")
            .expect("the first line holds the address");
        server.addr = addr.trim().parse().unwrap();
        server
    }

    /// The same, with a command that sends the program's output elsewhere.
    #[cfg(target_os = "linux")]
    pub fn launch_without_output(command: Command, stage: usize, options: &[&str]) -> Server {
        let mut server = Server::spawn(command, stage, options);
        server.addr = wait_for("a listener", || listens_on(server.id()));
        // The program listens before it accepts. After an answer, it has started completely.
        get_when_free(server.addr, "/");
        server
    }

    /// The same, without waiting for anything: the address is not known yet.
    pub fn spawn(mut command: Command, stage: usize, options: &[&str]) -> Server {
        let mut child = command
            .args(["--stage", &stage.to_string(), "--addr", "127.0.0.1:0"])
            // A busy machine may keep a client from sending. Where it matters, the test has an option of its own.
            .args(["--read-timeout", "600"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program should start");
        Server {
            addr: (Ipv4Addr::UNSPECIFIED, 0).into(),
            output: Lines::read(child.stdout.take().unwrap()),
            errors: Lines::read(child.stderr.take().unwrap()),
            child,
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

    /// How many jobs its workers have taken.
    pub fn jobs(&self) -> usize {
        let output = self.output();
        let jobs = output.iter().filter(|line| line.ends_with("executing."));
        jobs.count()
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many threads and how many open files the program has. Only on Linux; 0 elsewhere.
    pub fn threads_and_files(&self) -> (usize, usize) {
        let count = |of| {
            let list = fs::read_dir(format!("/proc/{}/{of}", self.id()));
            list.map_or(0, Iterator::count)
        };
        if !cfg!(target_os = "linux") {
            return (0, 0);
        }
        (count("task"), count("fd"))
    }

    /// Closes the pipe to which the program writes its standard output, after one more line.
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

/// The address at which a process listens, if it does. Linux lists the open files of a process, in which a
/// socket has a number, and all sockets with their numbers.
#[cfg(target_os = "linux")]
fn listens_on(process: u32) -> Option<SocketAddr> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let files: Vec<_> = files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .collect();
    let sockets = fs::File::open(format!("/proc/{process}/net/tcp")).ok()?;
    let lines = BufReader::with_capacity(150, sockets).lines().skip(1);
    for line in lines.map_while(Result::ok) {
        // "0: 0100007F:1F90 00000000:0000 0A ..." and, as the tenth, the number: see proc(5). Those that listen come
        // first, and after them all connections, which may be thousands: so this reads a line, or 150 bytes, at a time.
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, address, _, "0A", .., number] = fields.get(..10)? else {
            return None;
        };
        let name = format!("socket:[{number}]");
        if files.iter().any(|file| file.as_os_str() == name.as_str()) {
            let port = u16::from_str_radix(address.split_once(':')?.1, 16).ok()?;
            return Some((Ipv4Addr::LOCALHOST, port).into());
        }
    }
    None
}

/// The threads and files of a program without connections, when all its threads have started. A pool
/// has four workers.
pub fn at_rest(server: &Server, stage: usize) -> (usize, usize) {
    let workers = if stage >= 3 { 4 } else { 0 };
    let threads = 1 + workers + usize::from(STAGES[stage - 1].rejects);
    wait_for("the threads to start", || {
        let held = server.threads_and_files();
        (held.0 == threads || !cfg!(target_os = "linux")).then_some(held)
    })
}

/// The server answers, its pool has all four workers, and it is [at rest](at_rest) again.
pub fn assert_all_is_well(server: &Server, stage: usize, at_rest: (usize, usize)) {
    assert_eq!(get_when_free(server.addr, "/").status, 200);
    assert_no_worker_is_missing(server, stage);
    wait_until("every thread to end and every file to be closed", || {
        server.threads_and_files() == at_rest
    });
}

/// Each of the four workers answers some request. In stage 4 only one of them ever does. The server
/// must sleep for a tenth of a second at least: without it, one worker can answer all by itself.
pub fn assert_no_worker_is_missing(server: &Server, stage: usize) {
    if !matches!(stage, 3 | 5..) {
        return;
    }
    let mut workers = BTreeSet::new();
    for _ in 0..50 {
        let replies = sleep_together(server.addr, 4);
        // A pool may reject a request while a worker still closes its last connection.
        for (time, reply) in replies.iter().filter(|(_, reply)| reply.status == 200) {
            assert!(*time >= Duration::from_millis(100), "no sleep: {time:?}");
            workers.insert(reply.header("X-Served-By").unwrap().to_owned());
        }
        if workers.len() == 4 {
            return;
        }
    }
    panic!("only {workers:?} are left of four workers");
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

/// An address at which nothing listens, and that no other program gets for as long as this value lives: a client has
/// its port.
pub struct Nowhere {
    pub addr: SocketAddr,
    _connection: [TcpStream; 2],
}

impl Nowhere {
    pub fn new() -> Nowhere {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Nowhere {
            addr: client.local_addr().unwrap(),
            _connection: [client, listener.accept().unwrap().0],
        }
    }
}

/// A connection to a server, with a read timeout.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server should accept connections");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A client that has sent these bytes, unless the server has rejected and closed the connection before.
pub fn send(addr: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut client = connect(addr);
    let _ = client.write_all(bytes);
    client
}

/// Whether the server still reads what this client sends after its response. The client sends more at a
/// time than a server reads at once. If the server closes the connection while bytes are unread, the
/// system resets it, and the client cannot send any more.
pub fn is_still_read(mut client: &TcpStream) -> bool {
    let lines = "x\n".repeat(8192);
    (0..10).all(|_| {
        thread::sleep(Duration::from_millis(20));
        client.write_all(lines.as_bytes()).is_ok()
    })
}

/// A client that takes longer than this to connect and to send a request may find that its time is up.
const LATE: Duration = Duration::from_millis(50);

/// Whether the server may have given up waiting for the request.
fn is_given_up(reply: &io::Result<Reply>) -> bool {
    let given_up = |reply: &Reply| matches!(reply.status, 0 | 408);
    reply.as_ref().map_or(true, given_up)
}

/// Sends `bytes` and reads until the server closes.
pub fn exchange(addr: SocketAddr, bytes: &[u8]) -> Reply {
    exchange_with(addr, |stream| stream.write_all(bytes))
}

/// The same for what is sent in another way. A client that a busy machine makes too late asks again.
pub fn exchange_with(
    addr: SocketAddr,
    mut ask: impl FnMut(&mut TcpStream) -> io::Result<()>,
) -> Reply {
    until_told(|| {
        let start = Instant::now();
        let mut stream = connect(addr);
        let written = ask(&mut stream);
        let is_late = start.elapsed() > LATE;
        let reply = written.and_then(|()| Reply::read(&mut stream));
        if is_late && is_given_up(&reply) {
            return None;
        }
        Some(
            reply.expect(
                "the server should take the request and answer, then close without a reset",
            ),
        )
    })
}

/// Sends `bytes` again and again until the server does not reject them. Before stage 5, it never does.
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

/// The answer to `GET target`, as soon as the server does not reject it.
pub fn get_when_free(addr: SocketAddr, target: &str) -> Reply {
    exchange_when_free(addr, get_request(addr, target).as_bytes())
}

/// The answers to `count` requests for `/sleep` sent together, each with the time since then, in
/// the order in which they came.
pub fn sleep_together(addr: SocketAddr, count: usize) -> Vec<(Duration, Reply)> {
    until_told(|| {
        let begun = Instant::now();
        let connections: Vec<TcpStream> = (0..count).map(|_| connect(addr)).collect();
        let start = Instant::now();
        let ask = |(number, mut connection): (usize, TcpStream)| {
            // At once, so that no part of it comes after an answer.
            let request = get_request(addr, &format!("/sleep?{number}"));
            (connection.write_all(request.as_bytes()), connection)
        };
        let asked: Vec<_> = connections.into_iter().enumerate().map(ask).collect();
        let is_late = begun.elapsed() > LATE;
        let readers: Vec<_> = asked
            .into_iter()
            .map(|(written, mut connection)| {
                thread::spawn(move || {
                    let reply = written.and_then(|()| Reply::read(&mut connection));
                    (start.elapsed(), reply)
                })
            })
            .collect();
        let replies = readers.into_iter().map(|reader| reader.join().unwrap());
        let mut replies: Vec<_> = replies.collect();
        if is_late && replies.iter().any(|(_, reply)| is_given_up(reply)) {
            return None;
        }
        replies.sort_by_key(|(time, _)| *time);
        let answered = |(time, reply): (_, io::Result<_>)| {
            (time, reply.expect("each request should be answered"))
        };
        Some(replies.into_iter().map(answered).collect())
    })
}

/// The head of a request that a server of the test's own gets.
pub fn read_request(client: &mut TcpStream) -> io::Result<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        request.push(byte[0].into());
    }
    Ok(request)
}

/// What a server sent before it closed the connection.
#[derive(Debug)]
pub struct Reply {
    /// 0 if it closed without an answer.
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

    /// Whether its body is as long as its head says.
    pub fn is_whole(&self) -> bool {
        let length = self.header("Content-Length");
        length.is_some_and(|length| length == self.body.len().to_string())
    }

    /// The value of a header. The name is case-sensitive here.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A stage that runs in this process. The test gives it one connection after another.
pub struct Running {
    listener: TcpListener,
    incoming: Sender<TcpStream>,
    server: JoinHandle<()>,
}

impl Running {
    /// From stage 6 on, the capacity of the queue is the number of workers. A rejected connection is
    /// closed.
    pub fn start(stage: usize, workers: usize, handler: Handler) -> Running {
        Running::with_queue(stage, workers, workers, handler)
    }

    pub fn with_queue(stage: usize, workers: usize, queue: usize, handler: Handler) -> Running {
        let serve = STAGES[stage - 1].serve.expect("the stage is compiled in");
        let (incoming, connections) = mpsc::channel();
        let server = thread::Builder::new()
            .name(String::from("main"))
            .spawn(move || {
                serve(Setup {
                    connections: Box::new(connections.into_iter()),
                    handler,
                    reject: Arc::new(drop),
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

    /// The two ends of a new connection, the client's and the server's, which the stage does not have yet.
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
        wait_until("the stage to return", || self.server.is_finished());
        self.server.join().expect("the stage should not panic");
    }
}

/// A room in which requests meet: a thread that enters it stays until the test lets it out.
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

    /// Enters the room, and blocks until the test lets this thread out, or a minute has passed. No test
    /// waits that long for anything.
    pub fn visit(&self) {
        let mut state = self.state.lock().unwrap();
        state.visitors.push(thread::current().id());
        self.changed.notify_all();
        let wait = |state: &mut RoomState| state.may_leave == 0;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, 2 * PATIENCE, wait)
            .unwrap();
        state.may_leave = state.may_leave.saturating_sub(1);
        state.left += 1;
        self.changed.notify_all();
    }

    /// Lets out so many threads, now or when they enter.
    pub fn let_out(&self, count: usize) {
        let mut state = self.state.lock().unwrap();
        state.may_leave = state.may_leave.saturating_add(count);
        drop(state);
        self.changed.notify_all();
    }

    /// Whether `count` threads are in the room at one moment before `time` is over.
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

    /// Waits until `count` threads have entered and left.
    pub fn wait_until_left(&self, count: usize) {
        let fewer = |state: &mut RoomState| state.left < count;
        let state = self.state.lock().unwrap();
        let timed_out = self
            .changed
            .wait_timeout_while(state, PATIENCE, fewer)
            .unwrap()
            .1
            .timed_out();
        assert!(!timed_out, "fewer than {count} threads have left");
    }

    /// All threads that have entered, in the order in which they entered.
    pub fn visitors(&self) -> Vec<ThreadId> {
        self.state.lock().unwrap().visitors.clone()
    }
}
