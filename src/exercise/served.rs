//! Promises that a server with a bounded queue has to keep in every schedule.

use std::fmt;
use std::sync::Arc;

use super::explored::{explorer, found, goes_wrong, judge, loses, stops};
use crate::check::Verdict;
use crate::check::pool::schedules_page::Explored;
use crate::explore::{Job, Run};
use crate::traced::sync::atomic::{AtomicUsize, Ordering};
use crate::traced::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What stands for a `TcpStream` in an exercise: a client that waits for an answer.
pub struct Connection {
    job: Job,
    visit: Arc<Visit>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the request and answers it, which may take long.
    pub fn handle(self) {
        let Connection { job, visit } = self;
        job.run_with(|| {
            if visit.comes != Comes::AtOnce {
                visit.gate.pass();
            }
        });
        let handled = visit.handled.fetch_add(1, Ordering::SeqCst) + 1;
        job.outcome(handled);
    }

    /// Answers with 503, which takes no time.
    pub fn reject(self) {
        self.job.reject();
    }
}

/// The connections of one schedule, in the order in which they come. There is an end to them.
pub type Connections = Box<dyn Iterator<Item = Connection>>;

/// A function that serves connections, with so many workers, while so many more may wait.
pub struct Server(Serve);

type Serve = Arc<dyn Fn(Connections, usize, usize) + Send + Sync>;

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(serve: impl Fn(Connections, usize, usize) + Send + Sync + 'static) -> Server {
        Server(Arc::new(serve))
    }
}

struct Visit {
    comes: Comes,
    gate: Arc<Gate>,
    /// How many were answered.
    handled: AtomicUsize,
}

/// A place in which jobs stay until it is opened.
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    arrived: usize,
}

impl Gate {
    fn new() -> Arc<Gate> {
        Arc::new(Gate {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) {
        self.lock().open = true;
        self.changed.notify_all();
    }

    /// What a job does: it arrives, and leaves when the gate is open.
    fn pass(&self) {
        self.lock().arrived += 1;
        self.changed.notify_all();
        self.wait_until(|state| state.open);
    }

    fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        let wait = |state: &mut State| !reached(state);
        let state = self.changed.wait_while(self.lock(), wait);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }
}

/// When the next client comes.
#[derive(Clone, Copy, PartialEq)]
enum Comes {
    /// At once, and all are answered at once.
    AtOnce,
    /// At once, but no answer is done before the last has come.
    BeforeAnyIsDone,
    /// When the one before is being handled; and the answers are done when all are.
    WhenAllAreHandled,
}

/// Runs the server in every schedule, for so many connections. The outcome is how many it handles.
fn explore(Server(serve): &Server, workers: usize, count: usize, comes: Comes) -> Explored {
    let serve = Arc::clone(serve);
    let name = String::from("bounded_queue");
    Explored::new(name, &explorer(), move |run: &Run| {
        let visit = Arc::new(Visit {
            comes,
            gate: Gate::new(),
            handled: AtomicUsize::new(0),
        });
        run.outcome(0);
        let jobs: Vec<Job> = (0..count).map(|_| run.job()).collect();
        let mut jobs = jobs.into_iter().enumerate();
        let connections = std::iter::from_fn(move || {
            let next = jobs.next();
            if comes == Comes::WhenAllAreHandled {
                let before = next.as_ref().map_or(count, |(before, _)| *before);
                visit.gate.wait_until(|state| state.arrived == before);
            }
            let Some((_, job)) = next else {
                if comes != Comes::AtOnce {
                    visit.gate.open();
                }
                return None;
            };
            let visit = Arc::clone(&visit);
            Some(Connection { job, visit })
        });
        serve(Box::new(connections), workers, 1);
    })
}

const WAITS: (&str, &str) = (
    "Which thread handles the connections, and what may the thread that accepts them wait for?",
    "stage 6's page",
);

/// One worker, room for one, three connections: in every schedule each is handled or rejected, by one thread
/// at a time.
pub fn every_connection_is_answered(server: &Server) -> Verdict {
    let report = explore(server, 1, 3, Comes::AtOnce);
    let lead = (
        "Where is the connection when the queue turns out to be full, and which code can still use it?",
        "stage 6's page",
    );
    let many = usize::from(report.most_at_once > 1);
    let most = report.most_schedule.as_ref();
    let broken = loses(&report, "a connection gets no answer", lead)
        .or_else(|| stops(&report, WAITS))
        .or_else(|| found(&report, many, "one worker handles two at once", most, WAITS));
    judge(&report, broken)
}

/// One worker, room for one, three connections, of which none is done before the last has come: in every
/// schedule one or two are handled, and the others rejected.
pub fn a_full_queue_rejects(server: &Server) -> Verdict {
    let report = explore(server, 1, 3, Comes::BeforeAnyIsDone);
    let lead = (
        "How many connections may be in the pool at once: one at work, one in the queue, and where is the bound?",
        "stage 6's page",
    );
    let is_wrong = |handled: &str| !["1", "2"].contains(&handled);
    let what = |handled: &str| {
        format!("{handled} of 3 are handled, with one worker and room for one more")
    };
    let broken = stops(&report, WAITS).or_else(|| goes_wrong(&report, is_wrong, what, lead));
    judge(&report, broken)
}

/// Two workers, and the second connection comes when the first is being handled: in every schedule both are
/// handled at once.
pub fn a_free_worker_gets_a_connection(server: &Server) -> Verdict {
    let report = explore(server, 2, 2, Comes::WhenAllAreHandled);
    let lead = (
        "Which connection was rejected, or waits, while a worker had nothing to do?",
        "stage 6's page",
    );
    judge(&report, stops(&report, lead))
}
