//! A mutex that notes which thread wants it, has it and releases it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::context::{act, begin, explored, note, step};
use super::location::seen_if_not_optimized;
use super::step::{Action, Object, ObjectKind, Outcome};

/// Stands in for [`std::sync::Mutex`].
pub struct Mutex<T: ?Sized> {
    pub(super) object: Object,
    pub(super) poison: Poison,
    inner: sync::Mutex<T>,
}

/// Stands in for [`std::sync::MutexGuard`].
#[must_use = "if unused the Mutex will immediately unlock"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized + 'a> {
    pub(super) mutex: &'a Mutex<T>,
    was_panicking: bool,
    /// `None` only while the guard is dropped, or given to a condition variable.
    pub(super) inner: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    /// As [`std::sync::Mutex::new`].
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            object: Object::new(ObjectKind::Mutex),
            poison: Poison::new(),
            inner: sync::Mutex::new(value),
        }
    }

    /// As [`std::sync::Mutex::into_inner`].
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

impl<T: ?Sized> Mutex<T> {
    /// As [`std::sync::Mutex::lock`].
    ///
    /// # Errors
    ///
    /// If it is poisoned: a thread panicked while it had the mutex. The guard is in the error.
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        begin(Action::Lock, &self.object);
        self.lock_inner()
    }

    /// As [`std::sync::Mutex::try_lock`].
    ///
    /// # Errors
    ///
    /// If it is locked, or poisoned.
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        let inner = attempt(Action::TryLock, &self.object, || self.inner.try_lock());
        Ok(self.guard(inner.ok_or(TryLockError::WouldBlock)?)?)
    }

    /// As [`std::sync::Mutex::is_poisoned`].
    #[track_caller]
    pub fn is_poisoned(&self) -> bool {
        step(Action::Look, &self.object);
        self.poison.get()
    }

    /// As [`std::sync::Mutex::clear_poison`].
    #[track_caller]
    pub fn clear_poison(&self) {
        step(Action::ClearPoison, &self.object);
        self.poison.clear();
    }

    /// As [`std::sync::Mutex::get_mut`].
    ///
    /// # Errors
    ///
    /// If it is poisoned; the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let value = self.inner.get_mut();
        self.poison
            .lock_result(value.unwrap_or_else(PoisonError::into_inner))
    }

    /// Sees that something has been done under this lock, or has not, without locking it.
    #[track_caller]
    pub(super) fn look(&self) {
        act(Action::Look, &self.object);
    }

    /// Is about to do what such a look sees.
    #[track_caller]
    pub(super) fn set(&self) {
        act(Action::Set, &self.object);
    }

    #[track_caller]
    pub(super) fn lock_inner(&self) -> LockResult<MutexGuard<'_, T>> {
        self.guard(self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The guard of a mutex that has just been locked.
    #[track_caller]
    pub(super) fn guard<'a>(
        &'a self,
        inner: sync::MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        note(Action::Lock, Outcome::Done, &self.object);
        self.poison.lock_result(MutexGuard {
            mutex: self,
            was_panicking: thread::panicking(),
            inner: Some(inner),
        })
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        seen_if_not_optimized(|| {
            if self.inner.is_some() {
                let Mutex { object, poison, .. } = self.mutex;
                poison.at_release(object, self.was_panicking);
                // Before it is unlocked. Afterwards, another thread could have it already.
                act(Action::Unlock, object);
            }
        });
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // A guard that is being dropped, or has been given away, cannot be used.
        self.inner.as_ref().expect("the guard holds the lock")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("the guard holds the lock")
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    /// As `std`'s, it locks to look inside, if it can. There is no note of it: a recording is not
    /// about what is printed.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        let free = step(Action::TryLock, &self.object) != Some(Outcome::Refused);
        let value = free.then(|| self.inner.try_lock());
        match &value {
            Some(Ok(value)) => debug.field("data", &&**value),
            Some(Err(TryLockError::Poisoned(value))) => debug.field("data", &&**value.get_ref()),
            _ => debug.field("data", &format_args!("<locked>")),
        };
        if free {
            step(Action::Unlock, &self.object);
        }
        drop(value);
        debug.field("poisoned", &self.poison.get());
        debug.finish_non_exhaustive()
    }
}

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
