//! Promises that a server with a bounded queue has to keep in every schedule.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::judgement::{Lead, explorer, judge};
use super::schedules_page::ExploredPool;
use crate::check::Verdict;
use crate::explore::{ExploredJob, Run};
use crate::traced::sync::mpsc::{self, Receiver, Sender};
use crate::traced::sync::{Mutex, PoisonError};

/// What stands for a `TcpStream` in an exercise: a client that waits for an answer.
pub struct Connection {
    job: ExploredJob,
    slow: Option<Slow>,
    /// How many were handled. It is no step to count one: their number does not depend on the order.
    handled: Arc<AtomicUsize>,
}

/// What takes long about a connection.
#[derive(Clone)]
struct Slow {
    /// Is told when it is being handled.
    arrived: Sender<()>,
    /// Closes when it may be answered.
    door: Arc<Mutex<Receiver<()>>>,
}

/// What the connections of a schedule share, if they take long. The others do without, since each end of a channel that
/// is dropped is a step, and would be shown.
struct Gate {
    slow: Slow,
    arrivals: Receiver<()>,
    open: Option<Sender<()>>,
}

impl Gate {
    fn new() -> Gate {
        let (arrived, arrivals) = mpsc::channel();
        let (open, door) = mpsc::channel();
        let door = Arc::new(Mutex::new(door));
        Gate {
            slow: Slow { arrived, door },
            arrivals,
            open: Some(open),
        }
    }
}

debug_by_name!(Connection);

impl Connection {
    /// Reads the request and answers it, which may take long.
    pub fn handle(self) {
        self.job.run_with(|| {
            if let Some(Slow { arrived, door }) = &self.slow {
                let _ = arrived.send(()); // Most do not wait for it.
                let door = door.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = door.recv();
            }
        });
        let handled = self.handled.fetch_add(1, Ordering::SeqCst) + 1;
        self.job.outcome(outcome(handled));
    }

    /// Answers with 503, which takes no time.
    pub fn reject(self) {
        self.job.reject();
    }
}

fn outcome(handled: usize) -> String {
    format!("{handled} of the connections are handled")
}

/// The connections of one schedule, in the order in which they come. There is an end to them.
pub type ExerciseConnections = Box<dyn Iterator<Item = Connection>>;

/// A function that serves connections, with so many workers, while so many more may wait.
pub struct ServeFunction(Arc<dyn Fn(ExerciseConnections, usize, usize) + Send + Sync>);

debug_by_name!(ServeFunction);

impl ServeFunction {
    pub(crate) fn new(
        serve: impl Fn(ExerciseConnections, usize, usize) + Send + Sync + 'static,
    ) -> ServeFunction {
        ServeFunction(Arc::new(serve))
    }

    /// Runs the server in every schedule, for so many connections. The outcome is how many it handles.
    fn explore(&self, workers: usize, count: usize, comes: Comes) -> ExploredPool {
        let serve = Arc::clone(&self.0);
        let size = (workers, count);
        let work = move |run: &Run| {
            run.outcome(outcome(0));
            let handled = Arc::new(AtomicUsize::new(0));
            let mut gate = (comes != Comes::AtOnce).then(Gate::new);
            let jobs: Vec<ExploredJob> = (0..count).map(|_| run.job()).collect();
            let mut jobs = jobs.into_iter();
            let connections = iter::from_fn(move || {
                let waits = comes == Comes::WhenTheLastIsHandled && jobs.len() < count;
                if let Some(gate) = gate.as_ref().filter(|_| waits) {
                    let _ = gate.arrivals.recv();
                }
                let Some(job) = jobs.next() else {
                    drop(gate.as_mut().map(|gate| gate.open.take()));
                    return None;
                };
                Some(Connection {
                    job,
                    slow: gate.as_ref().map(|gate| gate.slow.clone()),
                    handled: Arc::clone(&handled),
                })
            });
            serve(Box::new(connections), workers, 1);
        };
        ExploredPool::new("bounded_queue", size, "connection", &explorer(), work)
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
    WhenTheLastIsHandled,
}

/// Where a thread waits for ever, or panics.
const STOPS: Lead = (
    "Which thread handles the connections, and what may the thread that accepts them wait for?",
    "stage 6's page",
);

/// One worker, room for one, three connections: in every schedule each is handled or rejected, by one thread
/// at a time.
pub fn every_connection_is_answered(server: &ServeFunction) -> Verdict {
    let lead = (
        "Where is the connection when the queue turns out to be full, and which code can still use it?",
        "stage 6's page",
    );
    judge([&server.explore(1, 3, Comes::AtOnce)], |explored| {
        let lost = explored.broken_if_lost("a connection gets no answer", lead);
        lost.or_else(|| explored.broken_if_it_stops(STOPS))
            .or_else(|| explored.broken_if_crowded(STOPS))
    })
}

/// One worker, room for one, three connections, of which none is done before the last has come: in every
/// schedule one or two are handled, and the others rejected.
pub fn a_full_queue_rejects(server: &ServeFunction) -> Verdict {
    let lead = (
        "How many connections may be in the pool at once: one at work, one in the queue, and where is the bound?",
        "stage 6's page",
    );
    let explored = server.explore(1, 3, Comes::BeforeAnyIsDone);
    judge([&explored], |it| {
        let is_wrong = |outcome: &str| !outcome.starts_with(['1', '2']);
        let stops = it.broken_if_it_stops(STOPS);
        stops.or_else(|| it.broken_by_an_outcome(is_wrong, lead))
    })
}

/// Two workers, and the second connection comes when the first is being handled: in every schedule both are
/// handled at once.
pub fn a_free_worker_gets_a_connection(server: &ServeFunction) -> Verdict {
    let explored = server.explore(2, 2, Comes::WhenTheLastIsHandled);
    judge([&explored], |it| it.broken_if_it_stops(STOPS))
}
