//! A reader-writer lock that notes which thread reads and which writes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;

use super::context::{act, begin, note, step};
use super::location::seen_if_not_optimized;
use super::mutex::{Poison, attempt};
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

impl<T> RwLock<T> {
    /// As [`std::sync::RwLock::new`].
    pub const fn new(value: T) -> RwLock<T> {
        RwLock {
            object: Object::new(ObjectKind::RwLock),
            poison: Poison::new(),
            inner: sync::RwLock::new(value),
        }
    }

    /// As [`std::sync::RwLock::into_inner`].
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

    /// As [`std::sync::RwLock::is_poisoned`].
    #[track_caller]
    pub fn is_poisoned(&self) -> bool {
        step(Action::Look, &self.object);
        self.poison.get()
    }

    /// As [`std::sync::RwLock::clear_poison`].
    #[track_caller]
    pub fn clear_poison(&self) {
        step(Action::ClearPoison, &self.object);
        self.poison.clear();
    }

    /// As [`std::sync::RwLock::get_mut`].
    ///
    /// # Errors
    ///
    /// If it is poisoned; the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let value = self.inner.get_mut();
        self.poison
            .lock_result(value.unwrap_or_else(PoisonError::into_inner))
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

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        let free = step(Action::TryRead, &self.object) != Some(Outcome::Refused);
        let value = free.then(|| self.inner.try_read());
        match &value {
            Some(Ok(value)) => debug.field("data", &&**value),
            Some(Err(TryLockError::Poisoned(value))) => debug.field("data", &&**value.get_ref()),
            _ => debug.field("data", &format_args!("<locked>")),
        };
        if free {
            step(Action::StopReading, &self.object);
        }
        drop(value);
        debug.field("poisoned", &self.poison.get());
        debug.finish_non_exhaustive()
    }
}
