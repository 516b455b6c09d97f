//! Promises that a server with a bounded queue has to keep in every schedule.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::check::Verdict;
use crate::check::pool::judgement::{Lead, explorer, judge};
use crate::check::pool::schedules_page::Explored;
use crate::explore::{Job, Run};
use crate::traced::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What stands for a `TcpStream` in an exercise: a client that waits for an answer.
pub struct Connection {
    job: Job,
    clients: Arc<Clients>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the request and answers it, which may take long.
    pub fn handle(self) {
        let Connection { job, clients } = self;
        job.run_with(|| clients.wait_for_the_answer());
        let handled = clients.handled.fetch_add(1, Ordering::SeqCst) + 1;
        job.outcome(clients.say(handled));
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

    /// Runs the server in every schedule, for so many connections. The outcome is how many it handles.
    fn explore(&self, workers: usize, count: usize, comes: Comes) -> Explored {
        let serve = Arc::clone(&self.0);
        let size = (workers, count);
        Explored::new("bounded_queue", size, &explorer(), move |run: &Run| {
            let clients = Arc::new(Clients {
                count,
                comes,
                state: Mutex::new(State::default()),
                changed: Condvar::new(),
                handled: AtomicUsize::new(0),
            });
            run.outcome(clients.say(0));
            let jobs: Vec<Job> = (0..count).map(|_| run.job()).collect();
            let mut jobs = jobs.into_iter().enumerate();
            let connections = std::iter::from_fn(move || {
                let next = jobs.next();
                clients.wait_for(next.as_ref().map_or(count, |(before, _)| *before));
                let Some((_, job)) = next else {
                    clients.let_go();
                    return None;
                };
                let clients = Arc::clone(&clients);
                Some(Connection { job, clients })
            });
            serve(Box::new(connections), workers, 1);
        })
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

/// All clients of one schedule.
struct Clients {
    count: usize,
    comes: Comes,
    state: Mutex<State>,
    changed: Condvar,
    /// How many were answered. It is no step to count one: their number does not depend on the order.
    handled: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Whether an answer may be done.
    open: bool,
    /// How many are being handled, or were.
    arrived: usize,
}

impl Clients {
    fn say(&self, handled: usize) -> String {
        format!("{handled} of {} connections are handled", self.count)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, reached: impl Fn(&State) -> bool) {
        let wait = |state: &mut State| !reached(state);
        let state = self.changed.wait_while(self.lock(), wait);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }

    /// What the one that comes next waits for, when so many came before.
    fn wait_for(&self, before: usize) {
        if self.comes == Comes::WhenAllAreHandled {
            self.wait_until(|state| state.arrived == before);
        }
    }

    /// None comes any more.
    fn let_go(&self) {
        if self.comes != Comes::AtOnce {
            self.lock().open = true;
            self.changed.notify_all();
        }
    }

    /// What may take long about one that is handled.
    fn wait_for_the_answer(&self) {
        if self.comes != Comes::AtOnce {
            self.lock().arrived += 1;
            self.changed.notify_all();
            self.wait_until(|state| state.open);
        }
    }
}

const LEAD: Lead = (
    "Which thread handles the connections, and what may the thread that accepts them wait for?",
    "stage 6's page",
);

/// A thread waits for ever, or panics.
fn stops(explored: &Explored) -> Option<Verdict> {
    explored.stuck(LEAD).or_else(|| explored.panicked())
}

/// One worker, room for one, three connections: in every schedule each is handled or rejected, by one thread
/// at a time.
pub fn every_connection_is_answered(server: &Server) -> Verdict {
    let lead = (
        "Where is the connection when the queue turns out to be full, and which code can still use it?",
        "stage 6's page",
    );
    judge([&server.explore(1, 3, Comes::AtOnce)], |explored| {
        let lost = explored.lost("a connection gets no answer", lead);
        lost.or_else(|| stops(explored))
            .or_else(|| explored.at_once_on_one_worker(LEAD))
    })
}

/// One worker, room for one, three connections, of which none is done before the last has come: in every
/// schedule one or two are handled, and the others rejected.
pub fn a_full_queue_rejects(server: &Server) -> Verdict {
    let lead = (
        "How many connections may be in the pool at once: one at work, one in the queue, and where is the bound?",
        "stage 6's page",
    );
    judge(
        [&server.explore(1, 3, Comes::BeforeAnyIsDone)],
        |explored| {
            stops(explored).or_else(|| explored.goes_wrong(|it| !it.starts_with(['1', '2']), lead))
        },
    )
}

/// Two workers, and the second connection comes when the first is being handled: in every schedule both are
/// handled at once.
pub fn a_free_worker_gets_a_connection(server: &Server) -> Verdict {
    judge([&server.explore(2, 2, Comes::WhenAllAreHandled)], stops)
}
