//! What all stages share: connections in, requests read and answered, rejections.
//!
//! # The road of a request
//!
//! `main` calls [`run`], which listens and starts the stage. From then on, a request takes this road:
//!
//! 1. [`connections`] accepts it, and yields it to the stage's `serve`.
//! 2. The stage chooses a thread, and calls the handler there. This is the only step that differs
//!    between the stages.
//! 3. The handler is [`Site::handle`]: it reads the request with [`http`], chooses a page, and writes
//!    the response with [`http`].
//!
//! A stage that is too busy rejects the connection in step 2. Then [`rejections`] answers it with 503.
#![doc = not_in_the_contract!()]

pub mod connections;
pub mod foreground;
pub mod http;
pub mod messages;
pub mod options;
pub mod rejections;
pub mod site;

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use crate::notes::Recording;
use crate::traced;
use crate::{Handler, Setup, output, threads};
use connections::Connections;
pub use options::ServeOptions;
use site::Site;

/// Serves a stage: prints how to reach it, and returns when its connections end. They end after
/// [`ServeOptions::requests`] of them, or when Enter is pressed.
///
/// # Errors
///
/// Why the stage cannot be served, as a sentence that also says what to type instead.
pub fn run(options: &ServeOptions) -> Result<(), String> {
    let server = Server::start(options, "")?;
    let enter_stops = io::stdin().is_terminal() && foreground::may_read_the_terminal();
    output::log(messages::banner(options, server.addr, enter_stops));
    if enter_stops {
        stop_on_enter(&server.connections).map_err(|error| error.to_string())?;
    }
    server.serve(|_| {});
    Ok(())
}

/// Makes Enter end these connections.
fn stop_on_enter(connections: &Connections) -> io::Result<()> {
    let stop = connections.stopper()?;
    let wait = move || {
        // 0 bytes are the end of the input, and no line.
        if matches!(io::stdin().read_line(&mut String::new()), Ok(1..)) {
            stop();
        }
    };
    // Without this thread, there is still Ctrl-C.
    let _ = thread::Builder::new()
        .name(String::from("enter"))
        .spawn(wait);
    Ok(())
}

/// A stage that listens, and has not accepted a connection yet.
pub(crate) struct Server<'a> {
    /// The address on which it listens, with the real port.
    pub addr: SocketAddr,
    options: &'a ServeOptions,
    connections: Connections,
    site: Arc<Site>,
    /// With [`ServeOptions::lock`], what the stage's threads do.
    recording: Option<Arc<Recording>>,
    reject: Handler,
    rejections: Option<JoinHandle<()>>,
}

impl Server<'_> {
    /// Listens, starts the thread for rejections if the stage needs one, and checks that the system
    /// has threads for the pool. `command` is the word on the command line, for a message: empty, or
    /// `race` and a space.
    ///
    /// # Errors
    ///
    /// What is missing, as a sentence that also says what to type instead.
    pub fn start<'a>(options: &'a ServeOptions, command: &str) -> Result<Server<'a>, String> {
        let listen = || {
            let listener = TcpListener::bind(&options.addr)?;
            Ok((listener.local_addr()?, listener))
        };
        let (addr, listener) =
            listen().map_err(|error| messages::cannot_listen(options, &error))?;
        let recording = options.lock.then(|| Arc::new(Recording::new()));
        let (stage, sleep, read_timeout) = (options.stage, options.sleep, options.read_timeout);
        let site = Site::new(stage, sleep, read_timeout, recording.clone());
        let site = Arc::new(site);
        let (reject, rejections) = rejections::start(options.stage, Arc::clone(&site))
            .map_err(|error| format!("There is no thread to reject requests on: {error}"))?;
        if stage.has_pool {
            threads::check_for(options.workers, || {
                format!("{command}--stage {} --workers 1", stage.number)
            })?;
        }
        Ok(Server {
            addr,
            options,
            connections: Connections::new(listener),
            site,
            recording,
            reject,
            rejections,
        })
    }

    /// What ends its connections, as [`Connections::stopper`].
    pub fn stopper(&self) -> io::Result<impl Fn() + Send + use<>> {
        self.connections.stopper()
    }

    /// What the stage's threads do, if that is recorded.
    pub fn recording(&self) -> Option<Arc<Recording>> {
        self.recording.clone()
    }

    /// Runs the stage until its connections end, and then until every rejected connection is closed.
    /// `picked_up` is called with each connection, on the thread that picks it up.
    pub fn serve(self, picked_up: impl Fn(&TcpStream) + Send + Sync + 'static) {
        let Server { options, site, .. } = self;
        let requests = options.requests.unwrap_or(usize::MAX);
        let handler: Handler = Arc::new(move |connection| {
            picked_up(&connection);
            site.handle(connection);
        });
        let setup = |handler| Setup {
            connections: Box::new(self.connections.take(requests)),
            handler,
            reject: self.reject,
            workers: options.workers,
            queue: options.queue,
        };
        match self.recording {
            Some(recording) => recording.watch(|| (options.serve)(setup(as_jobs(handler)))),
            None => (options.serve)(setup(handler)),
        }
        if let Some(rejections) = self.rejections {
            // It ends within a second or two, and does not panic.
            let _ = rejections.join();
        }
    }
}

/// A handler whose calls are [jobs](traced::job), with numbers from 1.
fn as_jobs(handler: Handler) -> Handler {
    let calls = AtomicUsize::new(0);
    Arc::new(move |connection| {
        let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
        traced::job(number, || handler(connection));
    })
}
