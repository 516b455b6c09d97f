//! Servers to measure, each in a process of its own, and clients for them.

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::jobs;

/// The words on the command line that make this program a server which only accepts, reads, writes and
/// closes: on four threads that all accept, or on one thread that accepts and a pool of four.
pub const LIMIT: &str = "serve-the-limit";
pub const BARE_POOL: &str = "serve-behind-a-bare-pool";

const THREADS: usize = 4;

/// How long to wait for anything before giving up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server process, for as long as this value lives.
pub struct Server {
    pub addr: SocketAddr,
    process: Child,
}

impl Server {
    /// The real program, serving one stage, without standard output.
    pub fn of_stage(number: usize, options: &[&str]) -> Server {
        Server::start(|addr| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_ten-versus-five"));
            program.args(["--stage", &number.to_string(), "--addr", addr]);
            program.args(options);
            program
        })
    }

    /// This program, as one of the servers above, which answers with so many bytes.
    pub fn that_does_nothing(command: &str, bytes: usize) -> Server {
        Server::start(|addr| {
            let this = env::current_exe().expect("a program should know where it is");
            let mut program = Command::new(this);
            program.args([command, addr, &bytes.to_string()]);
            program
        })
    }

    /// Starts a server without standard output, so that no other process has to read it. Then the
    /// server cannot report its address, and has to be given a free one.
    ///
    /// A port is free until its server has bound it. So servers start one at a time: otherwise two of
    /// them could be given the same port.
    fn start(program: impl Fn(&str) -> Command) -> Server {
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = STARTING.lock();
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").expect("there should be a free port");
            let addr = free
                .local_addr()
                .expect("a listener should know where it is");
            drop(free);
            let process = program(&addr.to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the server should start");
            let mut server = Server { addr, process };
            if server.is_there() {
                return server;
            }
        }
        panic!("the server cannot be reached, ten times in a row");
    }

    /// Waits until it can be reached, or has ended because another process has taken its port.
    fn is_there(&mut self) -> bool {
        let start = Instant::now();
        let mut reached = false;
        while !reached && start.elapsed() < PATIENCE && self.is_running() {
            thread::sleep(Duration::from_millis(5));
            reached = TcpStream::connect(self.addr).is_ok();
        }
        // If the server has ended, the connection was made to the other process.
        reached && self.is_running()
    }

    fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// The number of its threads, and its peak memory in MiB. `None` if the system does not report them;
    /// Linux does, see proc_pid_status(5).
    pub fn threads_and_memory(&self) -> Option<(usize, f64)> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let number = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        };
        Some((number("Threads")? as usize, number("VmHWM")? / 1024.0))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The plainest server that takes one request from each connection.
pub fn serve_the_limit(addr: &str, bytes: &str) {
    let (listener, response) = listen(addr, bytes);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for connection in listener.incoming().flatten() {
                    answer_anything(connection, &response);
                }
            });
        }
    });
}

/// The same work, handed off to workers as in stage 3.
pub fn serve_behind_a_bare_pool(addr: &str, bytes: &str) {
    let (listener, response) = listen(addr, bytes);
    let response = Arc::new(response);
    let sender = jobs::bare_pool(THREADS, |_| {});
    for connection in listener.incoming().flatten() {
        let response = Arc::clone(&response);
        let job = move || answer_anything(connection, &response);
        sender.send(Box::new(job)).expect("the workers are there");
    }
}

fn listen(addr: &str, bytes: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind(addr).expect("the port should be free");
    let bytes = bytes.parse().expect("this program knows how many");
    (listener, format!("{:x<bytes$}", "HTTP/1.1 200 OK\r\n\r\n"))
}

fn answer_anything(mut connection: TcpStream, response: &str) {
    let _ = connection.read(&mut [0; 8 * 1024]);
    let _ = connection.write_all(response.as_bytes());
}

/// Sends a request on a new connection.
pub fn ask(addr: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(addr)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes())?;
    Ok(connection)
}

/// Reads the answer to its end. Returns its status and its length.
pub fn answer(mut connection: TcpStream) -> io::Result<(u16, usize)> {
    let mut answer = Vec::with_capacity(4096);
    connection.read_to_end(&mut answer)?;
    // "HTTP/1.1 200 OK"
    let status = answer
        .get(9..12)
        .and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("this is no answer"))?;
    Ok((status, answer.len()))
}
