//! A reader-writer lock that notes which thread reads and which writes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::context::{act, begin, note, step};
use super::location::seen_if_not_optimized;
use super::lock::{Poison, attempt, lock, shown_as_its_value};
use super::step::{Action, Object, ObjectKind, Outcome};

/// Stands in for [`std::sync::RwLock`].
pub struct RwLock<T: ?Sized> {
    object: Object,
    poison: Poison,
    inner: sync::RwLock<T>,
}

/// Stands in for [`std::sync::RwLockReadGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized + 'a> {
    object: &'a Object,
    inner: sync::RwLockReadGuard<'a, T>,
}

/// Stands in for [`std::sync::RwLockWriteGuard`].
#[must_use = "if unused the RwLock will immediately unlock"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized + 'a> {
    object: &'a Object,
    poison: &'a Poison,
    was_panicking: bool,
    inner: sync::RwLockWriteGuard<'a, T>,
}

impl<T: ?Sized> RwLock<T> {
    /// As [`std::sync::RwLock::read`].
    ///
    /// # Errors
    ///
    /// If it is poisoned; the guard is in the error.
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        begin(Action::Read, &self.object);
        self.reader(self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`std::sync::RwLock::try_read`].
    ///
    /// # Errors
    ///
    /// If it is locked for writing, or poisoned.
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let inner = attempt(Action::TryRead, &self.object, || self.inner.try_read());
        Ok(self.reader(inner.ok_or(TryLockError::WouldBlock)?)?)
    }

    /// As [`std::sync::RwLock::write`].
    ///
    /// # Errors
    ///
    /// If it is poisoned; the guard is in the error.
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        begin(Action::Lock, &self.object);
        self.writer(self.inner.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`std::sync::RwLock::try_write`].
    ///
    /// # Errors
    ///
    /// If it is locked, or poisoned.
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let inner = attempt(Action::TryLock, &self.object, || self.inner.try_write());
        Ok(self.writer(inner.ok_or(TryLockError::WouldBlock)?)?)
    }

    #[track_caller]
    fn reader<'a>(
        &'a self,
        inner: sync::RwLockReadGuard<'a, T>,
    ) -> LockResult<RwLockReadGuard<'a, T>> {
        note(Action::Read, Outcome::Done, &self.object);
        self.poison.lock_result(RwLockReadGuard {
            object: &self.object,
            inner,
        })
    }

    #[track_caller]
    fn writer<'a>(
        &'a self,
        inner: sync::RwLockWriteGuard<'a, T>,
    ) -> LockResult<RwLockWriteGuard<'a, T>> {
        note(Action::Lock, Outcome::Done, &self.object);
        self.poison.lock_result(RwLockWriteGuard {
            object: &self.object,
            poison: &self.poison,
            was_panicking: thread::panicking(),
            inner,
        })
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        seen_if_not_optimized(|| {
            act(Action::StopReading, self.object);
        });
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        seen_if_not_optimized(|| {
            self.poison.at_release(self.object, self.was_panicking);
            act(Action::Unlock, self.object);
        });
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

lock!(RwLock, try_read: TryRead, StopReading);
shown_as_its_value!(RwLockReadGuard RwLockWriteGuard);
