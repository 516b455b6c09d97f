//! Promises that a server with a bounded queue has to keep in every schedule.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::check::Verdict;
use crate::check::pool::judgement::{Lead, explorer, judge};
use crate::check::pool::schedules_page::ExploredPool;
use crate::explore::{Job, Run};
use crate::traced::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What stands for a `TcpStream` in an exercise: a client that waits for an answer.
pub struct Connection {
    job: Job,
    arrivals: Arc<Arrivals>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the request and answers it, which may take long.
    pub fn handle(self) {
        let Connection { job, arrivals } = self;
        job.run_with(|| arrivals.wait_for_the_answer());
        let handled = arrivals.handled.fetch_add(1, Ordering::SeqCst) + 1;
        job.outcome(arrivals.say(handled));
    }

    /// Answers with 503, which takes no time.
    pub fn reject(self) {
        self.job.reject();
    }
}

/// The connections of one schedule, in the order in which they come. There is an end to them.
pub type ExerciseConnections = Box<dyn Iterator<Item = Connection>>;

/// A function that serves connections, with so many workers, while so many more may wait.
pub struct ServeFunction(Serve);

type Serve = Arc<dyn Fn(ExerciseConnections, usize, usize) + Send + Sync>;

impl fmt::Debug for ServeFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeFunction").finish_non_exhaustive()
    }
}

impl ServeFunction {
    pub(super) fn new(
        serve: impl Fn(ExerciseConnections, usize, usize) + Send + Sync + 'static,
    ) -> ServeFunction {
        ServeFunction(Arc::new(serve))
    }

    /// Runs the server in every schedule, for so many connections. The outcome is how many it handles.
    fn explore(&self, workers: usize, count: usize, comes: Comes) -> ExploredPool {
        let serve = Arc::clone(&self.0);
        let size = (workers, count);
        ExploredPool::new("bounded_queue", size, &explorer(), move |run: &Run| {
            let arrivals = Arc::new(Arrivals {
                count,
                comes,
                state: Mutex::new(State::default()),
                changed: Condvar::new(),
                handled: AtomicUsize::new(0),
            });
            run.outcome(arrivals.say(0));
            let jobs: Vec<Job> = (0..count).map(|_| run.job()).collect();
            let mut jobs = jobs.into_iter().enumerate();
            let connections = std::iter::from_fn(move || {
                let next = jobs.next();
                arrivals.wait_for(next.as_ref().map_or(count, |(before, _)| *before));
                let Some((_, job)) = next else {
                    arrivals.let_go();
                    return None;
                };
                let arrivals = Arc::clone(&arrivals);
                Some(Connection { job, arrivals })
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

/// All arrivals of one schedule.
struct Arrivals {
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

impl Arrivals {
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
fn broken_if_it_stops(explored: &ExploredPool) -> Option<Verdict> {
    explored
        .broken_if_stuck(LEAD)
        .or_else(|| explored.broken_if_panicked())
}

/// One worker, room for one, three connections: in every schedule each is handled or rejected, by one thread
/// at a time.
pub fn every_connection_is_answered(server: &ServeFunction) -> Verdict {
    let lead = (
        "Where is the connection when the queue turns out to be full, and which code can still use it?",
        "stage 6's page",
    );
    judge([&server.explore(1, 3, Comes::AtOnce)], |explored| {
        let lost = explored.broken_if_lost("a connection gets no answer", lead);
        lost.or_else(|| broken_if_it_stops(explored))
            .or_else(|| explored.broken_if_crowded(LEAD))
    })
}

/// One worker, room for one, three connections, of which none is done before the last has come: in every
/// schedule one or two are handled, and the others rejected.
pub fn a_full_queue_rejects(server: &ServeFunction) -> Verdict {
    let lead = (
        "How many connections may be in the pool at once: one at work, one in the queue, and where is the bound?",
        "stage 6's page",
    );
    judge(
        [&server.explore(1, 3, Comes::BeforeAnyIsDone)],
        |explored| {
            broken_if_it_stops(explored)
                .or_else(|| explored.broken_by_an_outcome(|it| !it.starts_with(['1', '2']), lead))
        },
    )
}

/// Two workers, and the second connection comes when the first is being handled: in every schedule both are
/// handled at once.
pub fn a_free_worker_gets_a_connection(server: &ServeFunction) -> Verdict {
    judge(
        [&server.explore(2, 2, Comes::WhenAllAreHandled)],
        broken_if_it_stops,
    )
}
