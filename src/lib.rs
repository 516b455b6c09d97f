// The pages in `docs/` link to each other as files. Here each page is a module, and a link
// definition that comes before the page wins over the page's own. Pictures cannot come along; in
// their place there is an empty one, beside the charts that the pages have as text.
#![doc = "[stage1]: stage1_single_threaded"]
#![doc = "[stage2]: stage2_spawn_per_request"]
#![doc = "[stage3]: stage3_channel_pool"]
#![doc = "[stage4]: stage4_lock_held"]
#![doc = "[stage5]: stage5_busy_counter"]
#![doc = "[stage6]: stage6_bounded_queue"]
#![doc = "[stage7]: stage7_graceful_shutdown"]
#![doc = "[walkthrough]: walkthrough"]
#![doc = "[compiler]: compiler"]
#![doc = "[lock_scope]: lock_scope"]
#![doc = "[costs]: costs"]
#![doc = "[next]: next"]
#![doc = "[race]: mod@race"]
#![doc = "[browsers]: browsers"]
#![doc = include_str!("pages/no_picture.md")]
#![doc = "[apache]: https://www.apache.org/licenses/LICENSE-2.0"]
#![doc = "[mit]: https://opensource.org/license/mit"]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
// A build without some of the stages has no page for the links to them to point to.
#![cfg_attr(
    not(all(
        feature = "stage1",
        feature = "stage2",
        feature = "stage3",
        feature = "stage4",
        feature = "stage5",
        feature = "stage6",
        feature = "stage7"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

use std::net::TcpStream;
use std::sync::Arc;

pub mod cli;
pub mod connections;
pub mod http;
pub mod race;
pub mod refusals;
pub mod site;

/// [stage2]: crate::stage2_spawn_per_request
/// [stage4]: crate::stage4_lock_held
/// [stage5]: crate::stage5_busy_counter
/// [stage6]: crate::stage6_bounded_queue
/// [stage7]: crate::stage7_graceful_shutdown
/// [lock_scope]: crate::lock_scope
/// [compiler]: crate::compiler
/// [costs]: crate::costs
/// [race]: crate::race
/// [browsers]: crate::browsers
/// [next]: crate::next
/// [readme]: crate
#[doc = include_str!("../docs/walkthrough.md")]
#[cfg(doc)]
pub mod walkthrough {}

/// [stage3]: crate::stage3_channel_pool
/// [stage4]: crate::stage4_lock_held
/// [stage7]: crate::stage7_graceful_shutdown
/// [lock_scope]: crate::lock_scope
/// [readme]: crate
#[doc = include_str!("../docs/compiler.md")]
#[cfg(doc)]
pub mod compiler {}

/// [stage3]: crate::stage3_channel_pool
/// [stage4]: crate::stage4_lock_held
/// [compiler]: crate::compiler
/// [readme]: crate
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/lock_scope.md")]
#[cfg(doc)]
pub mod lock_scope {}

/// [stage6]: crate::stage6_bounded_queue
/// [next]: crate::next
/// [readme]: crate
#[doc = include_str!("../docs/costs.md")]
#[cfg(doc)]
pub mod costs {}

/// [race]: crate::race
/// [readme]: crate
#[doc = include_str!("../docs/browsers.md")]
#[cfg(doc)]
pub mod browsers {}

/// [stage2]: crate::stage2_spawn_per_request
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage1_single_threaded.md")]
#[cfg(feature = "stage1")]
#[path = "../stages/stage1_single_threaded.rs"]
pub mod stage1_single_threaded;

/// [stage1]: crate::stage1_single_threaded
/// [stage3]: crate::stage3_channel_pool
/// [costs]: crate::costs
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage2_spawn_per_request.md")]
#[cfg(feature = "stage2")]
#[path = "../stages/stage2_spawn_per_request.rs"]
pub mod stage2_spawn_per_request;

/// [stage2]: crate::stage2_spawn_per_request
/// [stage4]: crate::stage4_lock_held
/// [compiler]: crate::compiler
/// [browsers]: crate::browsers
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage3_channel_pool.md")]
#[cfg(feature = "stage3")]
#[path = "../stages/stage3_channel_pool.rs"]
pub mod stage3_channel_pool;

/// [stage1]: crate::stage1_single_threaded
/// [stage3]: crate::stage3_channel_pool
/// [stage5]: crate::stage5_busy_counter
/// [lock_scope]: crate::lock_scope
/// [readme]: crate
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage4_lock_held.md")]
#[cfg(feature = "stage4")]
#[path = "../stages/stage4_lock_held.rs"]
pub mod stage4_lock_held;

/// [stage3]: crate::stage3_channel_pool
/// [stage6]: crate::stage6_bounded_queue
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage5_busy_counter.md")]
#[cfg(feature = "stage5")]
#[path = "../stages/stage5_busy_counter.rs"]
pub mod stage5_busy_counter;

/// [stage3]: crate::stage3_channel_pool
/// [stage5]: crate::stage5_busy_counter
/// [stage7]: crate::stage7_graceful_shutdown
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage6_bounded_queue.md")]
#[cfg(feature = "stage6")]
#[path = "../stages/stage6_bounded_queue.rs"]
pub mod stage6_bounded_queue;

/// [stage3]: crate::stage3_channel_pool
/// [stage4]: crate::stage4_lock_held
/// [stage6]: crate::stage6_bounded_queue
/// [next]: crate::next
#[doc = include_str!("pages/no_picture.md")]
#[doc = include_str!("../docs/stage7_graceful_shutdown.md")]
#[cfg(feature = "stage7")]
#[path = "../stages/stage7_graceful_shutdown.rs"]
pub mod stage7_graceful_shutdown;

/// [race]: crate::race
/// [readme]: crate
/// [stage7]: crate::stage7_graceful_shutdown
#[doc = include_str!("../docs/next.md")]
#[cfg(doc)]
pub mod next {}

/// The connections a stage serves; a [`Connections`](connections::Connections), or a part of one.
pub type Incoming = Box<dyn Iterator<Item = TcpStream> + Send>;

/// What a stage does with one connection.
pub type Handler = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// One of the ways to run requests, as the rest of the program sees it.
pub struct Stage {
    /// 1 for the first.
    pub number: usize,
    /// A name without spaces, for people and programs.
    pub name: &'static str,
    /// Who runs the requests, in a few words.
    pub summary: &'static str,
    /// How many requests it works on at one time.
    pub at_once: AtOnce,
    /// Whether it turns connections away when it is busy.
    pub turns_away: bool,
    /// Its `serve`, or `None` when the stage is not compiled in.
    pub serve: Option<Serve>,
}

/// A stage's `serve`, which takes from the setup what it needs.
pub type Serve = fn(Setup);

/// Everything that any stage may need.
pub struct Setup {
    /// The connections to serve. When they end, so does the stage.
    pub connections: Incoming,
    /// What to do with each of them.
    pub handle: Handler,
    /// What to do, at once, with one that cannot be served; from stage 5 on.
    pub turn_away: Handler,
    /// How many workers a pool has, at least 1; from stage 3 on.
    pub workers: usize,
    /// How many connections may wait for a worker; from stage 6 on.
    pub queue: usize,
}

/// How many requests a stage works on at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// One, and everybody else waits.
    One,
    /// As many as come.
    All,
    /// As many as the pool has workers.
    Workers,
}

impl AtOnce {
    /// How long `count` requests that come together take, as a multiple of what one takes, when
    /// the pool, if there is one, has `workers` workers (at least 1).
    pub fn rounds(self, count: usize, workers: usize) -> usize {
        match self {
            AtOnce::One => count,
            AtOnce::All => count.min(1),
            AtOnce::Workers => count.div_ceil(workers),
        }
    }
}

/// Every stage there is, in order, compiled in or not. The lesson proper ends with the fourth.
pub static STAGES: [Stage; 7] = [
    Stage {
        number: 1,
        name: "single-threaded",
        summary: "one thread, one after another",
        at_once: AtOnce::One,
        turns_away: false,
        #[cfg(feature = "stage1")]
        serve: Some(|setup| {
            stage1_single_threaded::serve(setup.connections, move |connection| {
                (setup.handle)(connection)
            });
        }),
        #[cfg(not(feature = "stage1"))]
        serve: None,
    },
    Stage {
        number: 2,
        name: "spawn-per-request",
        summary: "a new thread each",
        at_once: AtOnce::All,
        turns_away: false,
        #[cfg(feature = "stage2")]
        serve: Some(|setup| {
            stage2_spawn_per_request::serve(setup.connections, move |connection| {
                (setup.handle)(connection)
            });
        }),
        #[cfg(not(feature = "stage2"))]
        serve: None,
    },
    Stage {
        number: 3,
        name: "channel-pool",
        summary: "a fixed pool of threads, fed through a channel",
        at_once: AtOnce::Workers,
        turns_away: false,
        #[cfg(feature = "stage3")]
        serve: Some(|setup| {
            stage3_channel_pool::serve(
                setup.connections,
                move |connection| (setup.handle)(connection),
                setup.workers,
            );
        }),
        #[cfg(not(feature = "stage3"))]
        serve: None,
    },
    Stage {
        number: 4,
        name: "lock-held",
        summary: "the same pool, with a for loop in the worker",
        at_once: AtOnce::One,
        turns_away: false,
        #[cfg(feature = "stage4")]
        serve: Some(|setup| {
            stage4_lock_held::serve(
                setup.connections,
                move |connection| (setup.handle)(connection),
                setup.workers,
            );
        }),
        #[cfg(not(feature = "stage4"))]
        serve: None,
    },
    Stage {
        number: 5,
        name: "busy-counter",
        summary: "the pool of stage 3, and nobody waits for it",
        at_once: AtOnce::Workers,
        turns_away: true,
        #[cfg(feature = "stage5")]
        serve: Some(|setup| {
            stage5_busy_counter::serve(
                setup.connections,
                move |connection| (setup.handle)(connection),
                move |connection| (setup.turn_away)(connection),
                setup.workers,
            );
        }),
        #[cfg(not(feature = "stage5"))]
        serve: None,
    },
    Stage {
        number: 6,
        name: "bounded-queue",
        summary: "a pool for which only a few may wait",
        at_once: AtOnce::Workers,
        turns_away: true,
        #[cfg(feature = "stage6")]
        serve: Some(|setup| {
            stage6_bounded_queue::serve(
                setup.connections,
                move |connection| (setup.handle)(connection),
                move |connection| (setup.turn_away)(connection),
                setup.workers,
                setup.queue,
            );
        }),
        #[cfg(not(feature = "stage6"))]
        serve: None,
    },
    Stage {
        number: 7,
        name: "graceful-shutdown",
        summary: "a pool like that of stage 6, which finishes what it began",
        at_once: AtOnce::Workers,
        turns_away: true,
        #[cfg(feature = "stage7")]
        serve: Some(|setup| {
            stage7_graceful_shutdown::serve(
                setup.connections,
                move |connection| (setup.handle)(connection),
                move |connection| (setup.turn_away)(connection),
                setup.workers,
                setup.queue,
            );
        }),
        #[cfg(not(feature = "stage7"))]
        serve: None,
    },
];

/// The stages that are compiled in, in order.
pub fn compiled_in() -> impl Iterator<Item = &'static Stage> {
    STAGES.iter().filter(|stage| stage.serve.is_some())
}
