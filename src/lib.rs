//! A lesson in threads, thread pools and lock scope: one small web server that runs its requests in
//! seven ways, its stages. [The book] explains them, in chapters; `stages/` has the code, one file for
//! each stage.
//!
//! # Start here
//!
//! ```console
//! $ cargo run --all-features -- race
//! ```
//!
//! sends two slow requests to each stage and draws how long each of them waited:
//!
//! ![Four stages, two requests each. In stages 1 and 4 the second request waits for five seconds and
//! is answered after ten. In stages 2 and 3 both are answered after five.][race.svg]
//!
//! Then read the chapters in their order. Chapters 1 to 7 without 3 are the lesson, which takes about an
//! hour; the others are for later. Chapter 3 is for those who like to write the pool before they read it.
//!
#![doc = include_str!("book/contents.md")]
//! # The code
//!
//! - The stages: `stage1_single_threaded` and so on. Each is a module behind a feature of its own.
//!   [`stage`] is the list of all stages, and what the rest of the program knows about them.
//! - [`server`] is what the stages share: connections, HTTP, the pages, rejections. Start there to
//!   follow the road of a request.
//! - [`race`](mod@race) sends requests together and draws how long each of them waited and ran.
//! - [`traced`] stands in for `std`: with it, locks, channels and threads tell what they do.
//! - [`notes`] is what a recording has heard of that, and what it tells of a lock.
//! - [`explore`] runs a pool in every schedule of its threads.
//! - [`check`] finds out which promises a pool or a server keeps, and [`exercise`] is what the
//!   exercises in `examples/` have in common.
//! - [`client`] sends one request to any server, for a race or a check.
//! - [`command`] is the command line, and [`args`] what a room reads its options from. [`output`] writes
//!   to standard output, and [`terminal`] knows what that can show.
//!
//! The contract, on which other crates can rely, is [`traced`], [`explore`], [`check`], and the macros
//! [`check_pool!`] and [`explore_pool!`]. What is not part of it says so at its top.
//!
//! [The book]: crate::book
#![doc = include_str!("book/links.md")]
#![doc = include_str!("book/pictures.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

/// What stands at the top of each public module on which no other crate can rely.
macro_rules! not_in_the_contract {
    () => {
        "\nNot part of the contract: public so that the program and the tests reach it, and changed without notice."
    };
}

/// `Debug` of a type whose fields cannot be shown, or say nothing to a reader: its name, and the fields that are
/// named here.
macro_rules! debug_by_name {
    ($([$($generics:tt)*])? $name:ident $(<$argument:tt>)? $(, $field:ident)*) => {
        impl $(<$($generics)*>)? ::std::fmt::Debug for $name $(<$argument>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $( .field(stringify!($field), &self.$field) )*
                    .finish_non_exhaustive()
            }
        }
    };
}

#[cfg(doc)]
pub mod book;

pub mod args;
pub mod check;
pub mod client;
pub mod command;
pub mod exercise;
pub mod explore;
pub(crate) mod json;
pub mod notes;
pub mod output;
pub mod race;
pub mod server;
pub mod stage;
pub mod terminal;
pub(crate) mod threads;
pub mod traced;
pub(crate) mod whole_file;

/// Stage 1: one thread does everything. [Its chapter](crate::book::ch01_stage1_single_threaded).
#[cfg(feature = "stage1")]
#[path = "../stages/stage1_single_threaded.rs"]
pub mod stage1_single_threaded;

/// Stage 2: a thread for every request. [Its chapter](crate::book::ch02_stage2_spawn_per_request).
#[cfg(feature = "stage2")]
#[path = "../stages/stage2_spawn_per_request.rs"]
pub mod stage2_spawn_per_request;

/// Stage 3: a pool of threads, fed through a channel. [Its chapter](crate::book::ch04_stage3_channel_pool).
#[cfg(feature = "stage3")]
#[path = "../stages/stage3_channel_pool.rs"]
pub mod stage3_channel_pool;

/// Stage 4: the same pool with a `for` loop in the worker. [Its chapter](crate::book::ch05_stage4_for_loop).
#[cfg(feature = "stage4")]
#[path = "../stages/stage4_for_loop.rs"]
pub mod stage4_for_loop;

/// Stage 5: a pool that rejects requests while all its workers are busy. [Its chapter](crate::book::ch09_stage5_busy_counter).
#[cfg(feature = "stage5")]
#[path = "../stages/stage5_busy_counter.rs"]
pub mod stage5_busy_counter;

/// Stage 6: a pool with a bounded queue. [Its chapter](crate::book::ch10_stage6_bounded_queue).
#[cfg(feature = "stage6")]
#[path = "../stages/stage6_bounded_queue.rs"]
pub mod stage6_bounded_queue;

/// Stage 7: a pool that finishes what it has taken before it ends. [Its chapter](crate::book::ch11_stage7_graceful_shutdown).
#[cfg(feature = "stage7")]
#[path = "../stages/stage7_graceful_shutdown.rs"]
pub mod stage7_graceful_shutdown;

pub use stage::{Concurrency, Handler, Incoming, STAGES, Serve, Setup, Stage, compiled_in};
