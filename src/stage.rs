//! What the rest of the program knows about a stage, and the list of all stages.
//!
//! The file of a stage, in `stages/`, does not use this module.
#![doc = not_in_the_contract!()]

use std::net::TcpStream;
use std::sync::Arc;

use crate::args::UsageError;

/// The connections that a stage serves: [`Connections`](crate::server::connections::Connections), or the
/// first of them.
pub type Incoming = Box<dyn Iterator<Item = TcpStream> + Send>;

/// A function that a stage calls with one connection.
pub type Handler = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// One of the designs, as the rest of the program sees it.
#[derive(Debug)]
pub struct Stage {
    /// 1 for the first.
    pub number: usize,
    /// A name without spaces.
    pub name: &'static str,
    /// What runs the requests, in a few words.
    pub summary: &'static str,
    /// How many requests it runs at a time.
    pub concurrency: Concurrency,
    /// Whether it has a pool of workers.
    pub has_pool: bool,
    /// Whether it rejects connections while it is too busy (load shedding).
    pub rejects: bool,
    /// Its `serve`, or `None` if the stage is not compiled in.
    pub serve: Option<Serve>,
    /// The same of its [traced](crate::traced::stages) copy, which notes what locks and channels do.
    pub traced: Option<Serve>,
}

/// Calls the `serve` of a stage with the parts of the setup that it needs.
pub type Serve = fn(Setup);

/// The maximum of workers. Some systems do not have more threads for one program.
pub(crate) const MAX_WORKERS: usize = 1024;

/// The maximum capacity of the queue, in connections. A bounded channel allocates it all at once.
pub(crate) const MAX_QUEUE: usize = 65_536;

/// Everything that a stage may need.
pub struct Setup {
    /// The connections to serve. The stage ends when they end.
    pub connections: Incoming,
    /// Handles one of them.
    pub handler: Handler,
    /// Takes a connection that is rejected, without blocking; from stage 5 on.
    pub reject: Handler,
    /// The number of workers of the pool, at least 1; from stage 3 on.
    pub workers: usize,
    /// The capacity of the queue, in connections; from stage 6 on.
    pub queue: usize,
}

debug_by_name!(Setup, workers, queue);

/// How many requests a stage runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// One. All others wait.
    One,
    /// Any number, without a limit.
    Unbounded,
    /// As many as the pool has workers.
    PerWorker,
}

impl Concurrency {
    /// The number of waves in which `count` requests that arrive together are answered. The pool, if
    /// there is one, has `workers` workers, at least 1. A wave takes as long as one request.
    pub fn waves(self, count: usize, workers: usize) -> usize {
        match self {
            Concurrency::One => count,
            Concurrency::Unbounded => count.min(1),
            Concurrency::PerWorker => count.div_ceil(workers),
        }
    }
}

/// The stage's `serve` if its feature is on, and `None` if it is off. In parentheses: the handlers that
/// it takes after the connections, and the numbers after those.
macro_rules! if_compiled_in {
    ($feature:literal, $($module:ident)::+($($handler:ident),* $(; $($number:ident),*)?)) => {{
        #[cfg(feature = $feature)]
        const SERVE: Option<Serve> = Some(|setup| {
            crate::$($module)::+::serve(
                setup.connections,
                $({
                    // A stage takes a function, and an `Arc` of a function is not one.
                    let handler = setup.$handler;
                    move |connection| handler(connection)
                },)*
                $($(setup.$number,)*)?
            );
        });
        #[cfg(not(feature = $feature))]
        const SERVE: Option<Serve> = None;
        SERVE
    }};
}

/// All stages, in order, compiled in or not. The first four are the lesson; the others go beyond it.
pub static STAGES: [Stage; 7] = [
    Stage {
        number: 1,
        name: "single-threaded",
        summary: "one thread, one after another",
        concurrency: Concurrency::One,
        has_pool: false,
        rejects: false,
        serve: if_compiled_in!("stage1", stage1_single_threaded(handler)),
        traced: if_compiled_in!("stage1", traced::stages::stage1(handler)),
    },
    Stage {
        number: 2,
        name: "spawn-per-request",
        summary: "a new thread each",
        concurrency: Concurrency::Unbounded,
        has_pool: false,
        rejects: false,
        serve: if_compiled_in!("stage2", stage2_spawn_per_request(handler)),
        traced: if_compiled_in!("stage2", traced::stages::stage2(handler)),
    },
    Stage {
        number: 3,
        name: "channel-pool",
        summary: "a fixed pool of threads, fed through a channel",
        concurrency: Concurrency::PerWorker,
        has_pool: true,
        rejects: false,
        serve: if_compiled_in!("stage3", stage3_channel_pool(handler; workers)),
        traced: if_compiled_in!("stage3", traced::stages::stage3(handler; workers)),
    },
    Stage {
        number: 4,
        name: "for-loop",
        summary: "the same pool, with a for loop in the worker",
        concurrency: Concurrency::One,
        has_pool: true,
        rejects: false,
        serve: if_compiled_in!("stage4", stage4_for_loop(handler; workers)),
        traced: if_compiled_in!("stage4", traced::stages::stage4(handler; workers)),
    },
    Stage {
        number: 5,
        name: "busy-counter",
        summary: "the pool of stage 3, which rejects a request instead of queueing it",
        concurrency: Concurrency::PerWorker,
        has_pool: true,
        rejects: true,
        serve: if_compiled_in!("stage5", stage5_busy_counter(handler, reject; workers)),
        traced: if_compiled_in!("stage5", traced::stages::stage5(handler, reject; workers)),
    },
    Stage {
        number: 6,
        name: "bounded-queue",
        summary: "a pool with a bounded queue",
        concurrency: Concurrency::PerWorker,
        has_pool: true,
        rejects: true,
        serve: if_compiled_in!("stage6", stage6_bounded_queue(handler, reject; workers, queue)),
        traced: if_compiled_in!("stage6", traced::stages::stage6(handler, reject; workers, queue)),
    },
    Stage {
        number: 7,
        name: "graceful-shutdown",
        summary: "the pool of stage 6, which shuts down gracefully",
        concurrency: Concurrency::PerWorker,
        has_pool: true,
        rejects: true,
        serve: if_compiled_in!("stage7", stage7_graceful_shutdown(handler, reject; workers, queue)),
        traced: if_compiled_in!("stage7", traced::stages::stage7(handler, reject; workers, queue)),
    },
];

/// The stages that are compiled in, in order.
pub fn compiled_in() -> impl Iterator<Item = &'static Stage> {
    STAGES.iter().filter(|stage| stage.serve.is_some())
}

/// The stage of this number, and its `serve`.
///
/// # Errors
///
/// If there is none, or it is not compiled in.
pub fn by_number(number: usize) -> Result<(&'static Stage, Serve), UsageError> {
    let Some(stage) = STAGES.iter().find(|stage| stage.number == number) else {
        let last = STAGES.len();
        return Err(UsageError::new(format!(
            "There is no stage {number}. They go from 1 to {last}."
        )));
    };
    let not_compiled_in = || {
        UsageError::new(format!(
            "Stage {number} is not compiled in. To run it:\n    \
             cargo run --features stage{number}"
        ))
    };
    Ok((stage, stage.serve.ok_or_else(not_compiled_in)?))
}

/// The options of Cargo that select the features of this program. With other features, Cargo would build
/// it again, and Windows does not allow that while it runs.
pub fn features() -> String {
    let compiled_in: Vec<String> = compiled_in()
        .map(|stage| format!("stage{}", stage.number))
        .collect();
    if compiled_in.len() == STAGES.len() {
        String::from("--all-features")
    } else {
        format!("--features {}", compiled_in.join(","))
    }
}
