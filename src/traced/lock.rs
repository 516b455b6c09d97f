//! What a mutex and a reader-writer lock have in common.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::context::{explored, note, step};
use super::step::{Action, Object, Outcome};

/// What both kinds of locks can do, but for locking. To look inside, `Debug` takes these two steps.
macro_rules! lock {
    ($name:ident, $try_lock:ident: $locks:ident, $unlocks:ident) => {
        impl<T> $name<T> {
            #[doc = concat!("As [`std::sync::", stringify!($name), "::new`].")]
            pub const fn new(value: T) -> $name<T> {
                $name {
                    object: Object::new(ObjectKind::$name),
                    poison: Poison::new(),
                    inner: sync::$name::new(value),
                }
            }

            #[doc = concat!("As [`std::sync::", stringify!($name), "::into_inner`].")]
            ///
            /// # Errors
            ///
            /// If it is poisoned; the value is in the error.
            pub fn into_inner(self) -> LockResult<T> {
                let value = self.inner.into_inner();
                self.poison
                    .lock_result(value.unwrap_or_else(PoisonError::into_inner))
            }
        }

        impl<T: ?Sized> $name<T> {
            #[doc = concat!("As [`std::sync::", stringify!($name), "::is_poisoned`].")]
            #[track_caller]
            pub fn is_poisoned(&self) -> bool {
                step(Action::Look, &self.object);
                self.poison.get()
            }

            #[doc = concat!("As [`std::sync::", stringify!($name), "::clear_poison`].")]
            #[track_caller]
            pub fn clear_poison(&self) {
                step(Action::ClearPoison, &self.object);
                self.poison.clear();
            }

            #[doc = concat!("As [`std::sync::", stringify!($name), "::get_mut`].")]
            ///
            /// # Errors
            ///
            /// If it is poisoned; the reference is in the error.
            pub fn get_mut(&mut self) -> LockResult<&mut T> {
                let value = self.inner.get_mut();
                self.poison
                    .lock_result(value.unwrap_or_else(PoisonError::into_inner))
            }
        }

        impl<T> From<T> for $name<T> {
            fn from(value: T) -> $name<T> {
                $name::new(value)
            }
        }

        impl<T: Default> Default for $name<T> {
            fn default() -> $name<T> {
                $name::new(T::default())
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $name<T> {
            /// As `std`'s, it locks to look inside, if it can. There is no note of it: a recording is not
            /// about what is printed.
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                let mut debug = f.debug_struct(stringify!($name));
                let free = step(Action::$locks, &self.object) != Some(Outcome::Refused);
                let value = free.then(|| self.inner.$try_lock());
                match &value {
                    Some(Ok(value)) => debug.field("data", &&**value),
                    Some(Err(TryLockError::Poisoned(value))) => {
                        debug.field("data", &&**value.get_ref())
                    }
                    _ => debug.field("data", &format_args!("<locked>")),
                };
                if free {
                    step(Action::$unlocks, &self.object);
                }
                drop(value);
                debug.field("poisoned", &self.poison.get());
                debug.finish_non_exhaustive()
            }
        }
    };
}
pub(super) use lock;

/// A guard is shown as what it guards.
macro_rules! shown_as_its_value {
    ($($guard:ident)*) => { $(
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )* };
}
pub(super) use shown_as_its_value;

/// Tries to lock, in a step of a schedule or for a recorder. It is told only if that is in vain: who has the lock
/// in the end notes that it does.
#[track_caller]
pub(super) fn attempt<G>(
    action: Action,
    object: &Object,
    try_lock: impl FnOnce() -> TryLockResult<G>,
) -> Option<G> {
    if step(action, object) == Some(Outcome::Refused) {
        return None;
    }
    match try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {
            note(action, Outcome::Refused, object);
            None
        }
    }
}

/// Whether a thread panicked while it had the lock. The lock inside is poisoned too, but that does
/// not count.
pub(super) struct Poison(AtomicBool);

impl Poison {
    pub(super) const fn new() -> Poison {
        Poison(AtomicBool::new(false))
    }

    // Relaxed, here and below: it is the lock that puts the threads in order.
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// To be called when a lock is released that can be written to. It is poisoned first, and then
    /// unlocked, and what comes in between sees that. Threads that the explorer sends away because
    /// a schedule is over poison nothing.
    pub(super) fn at_release(&self, object: &Object, was_panicking: bool) {
        if !was_panicking && thread::panicking() && explored().is_none_or(|it| it.is_running()) {
            step(Action::Poison, object);
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn lock_result<G>(&self, guard: G) -> LockResult<G> {
        if self.get() {
            Err(PoisonError::new(guard))
        } else {
            Ok(guard)
        }
    }
}
