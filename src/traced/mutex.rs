//! A mutex that notes which thread wants it, has it and releases it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::context::{act, begin, note, step};
use super::location::seen_if_not_optimized;
use super::lock::{Poison, attempt, lock, shown_as_its_value};
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

lock!(Mutex, try_lock: TryLock, Unlock);
shown_as_its_value!(MutexGuard);
