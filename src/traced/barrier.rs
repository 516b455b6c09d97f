//! A barrier, made of this stand-in's own mutex and condition variable, as `std`'s is of its own.

use std::sync::PoisonError;

use super::condvar::Condvar;
use super::mutex::Mutex;

/// Stands in for [`std::sync::Barrier`].
pub struct Barrier {
    /// How many have come, and how often all have gone on.
    state: Mutex<(usize, usize)>,
    all_are_here: Condvar,
    size: usize,
}

/// Stands in for [`std::sync::BarrierWaitResult`].
#[derive(Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this thread is the one of them that may do what only one should.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// As [`std::sync::Barrier::new`].
    pub const fn new(size: usize) -> Barrier {
        Barrier {
            state: Mutex::new((0, 0)),
            all_are_here: Condvar::new(),
            size,
        }
    }

    /// As [`std::sync::Barrier::wait`].
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        if state.0 >= self.size {
            *state = (0, state.1.wrapping_add(1));
            self.all_are_here.notify_all();
            return BarrierWaitResult(true);
        }
        let round = state.1;
        let _state = self
            .all_are_here
            .wait_while(state, |state| state.1 == round);
        BarrierWaitResult(false)
    }
}

debug_by_name!(Barrier);
