//! A stand-in for `std`, whose locks, channels, atomics and threads tell what they do.
//!
//! Write this as the first line of a file:
//!
//! ```
//! use ten_versus_five::traced as std;
//! ```
//!
//! From there on, the file's own `use std::sync::Mutex;` means the `Mutex` of this module. It
//! behaves like the one it replaces, and it also tells which thread wants it, has it and releases
//! it, as long as a recording is watching. The files in `stages/` run through it as they stand.
//!
//! What neither blocks nor shares (`collections`, `fmt`, `io`, `net`, `time`, ...) is `std`'s own.
//! What blocks or shares, and is not in here, is absent, so that a file which uses it does not
//! compile: a recording that misses half of what happened would be worse than none.
//!
//! ```compile_fail,E0432
//! use ten_versus_five::traced as std;
//! use std::sync::LazyLock;
//! ```
//!
//! The first read is `mutex.rs`, then `step.rs`, which has the words and those who hear them: a recorder,
//! as in `src/notes/`, or a scheduler, as in `src/explore/`.
#![warn(missing_debug_implementations)]

mod atomics;
mod barrier;
mod channel;
mod condvar;
pub(crate) mod context;
pub mod io;
pub(crate) mod location;
mod lock;
mod mutex;
mod once_lock;
mod rwlock;
pub mod stages;
pub(crate) mod step;
pub(crate) mod threads;

pub use crate::race::show;
pub use context::job;
pub(crate) use location::Location;
pub(crate) use step::{ObjectKind, next_number};

#[doc(no_inline)]
pub use ::std::{
    alloc, any, array, ascii, borrow, boxed, cell, char, clone, cmp, collections, convert, default,
    env, error, f32, f64, ffi, fmt, fs, future, hash, iter, marker, mem, net, num, ops, option, os,
    panic, path, pin, prelude, primitive, process, ptr, rc, result, slice, str, string, task, time,
    vec,
};

#[doc(no_inline)]
pub use ::std::{
    assert, assert_eq, assert_ne, cfg, column, compile_error, concat, dbg, debug_assert,
    debug_assert_eq, debug_assert_ne, eprint, eprintln, file, format, format_args, include,
    include_bytes, include_str, line, matches, module_path, option_env, print, println, stringify,
    thread_local, todo, unimplemented, unreachable, write, writeln,
};

/// Locks, channels and what else threads share.
pub mod sync {
    pub use super::barrier::{Barrier, BarrierWaitResult};
    pub use super::condvar::{Condvar, WaitTimeoutResult};
    pub use super::mutex::{Mutex, MutexGuard};
    pub use super::once_lock::OnceLock;
    pub use super::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
    #[doc(no_inline)]
    pub use ::std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};

    /// Numbers that several threads change without a lock.
    pub mod atomic {
        pub use super::super::atomics::{
            AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr,
            AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
        };
        #[doc(no_inline)]
        pub use ::std::sync::atomic::{Ordering, compiler_fence, fence};
    }

    /// Channels with many senders and one receiver.
    pub mod mpsc {
        pub use super::super::channel::{
            IntoIter, Iter, Receiver, Sender, SyncSender, TryIter, channel, sync_channel,
        };
        #[doc(no_inline)]
        pub use ::std::sync::mpsc::{
            RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError,
        };
    }
}

/// Threads: starting them, waiting for them, waking them.
pub mod thread {
    pub use super::threads::{
        Builder, JoinHandle, Scope, ScopedJoinHandle, Thread, current, park, park_timeout, scope,
        sleep, spawn, yield_now,
    };
    #[doc(no_inline)]
    pub use ::std::thread::{
        AccessError, LocalKey, Result, ThreadId, available_parallelism, panicking,
    };
}

/// Hints to the compiler, and to the scheduler.
pub mod hint {
    pub use super::threads::spin_loop;
    #[doc(no_inline)]
    pub use ::std::hint::{assert_unchecked, black_box, unreachable_unchecked};
}
