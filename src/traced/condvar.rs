//! A condition variable that notes which thread waits and which notifies.

use std::sync::{self, LockResult, PoisonError};
use std::time::{Duration, Instant};

use super::context::{act, explored, note};
use super::mutex::MutexGuard;
use super::step::{Action, Object, ObjectKind, Outcome};

/// Stands in for [`std::sync::Condvar`].
#[derive(Debug)]
pub struct Condvar {
    object: Object,
    inner: sync::Condvar,
}

/// Stands in for [`std::sync::WaitTimeoutResult`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was over before anybody notified.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// As [`std::sync::Condvar::new`].
    pub const fn new() -> Condvar {
        Condvar {
            object: Object::new(ObjectKind::Condvar),
            inner: sync::Condvar::new(),
        }
    }

    /// As [`std::sync::Condvar::wait`].
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the guard is in the error.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_for(guard, None).0
    }

    /// As [`std::sync::Condvar::wait_while`].
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the guard is in the error.
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`std::sync::Condvar::wait_timeout`].
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the guard is in the error.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (guard, timed_out) = self.wait_for(guard, Some(time));
        let result = WaitTimeoutResult(timed_out);
        match guard {
            Ok(guard) => Ok((guard, result)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), result))),
        }
    }

    /// As [`std::sync::Condvar::wait_timeout_while`].
    ///
    /// # Errors
    ///
    /// If the mutex is poisoned; the guard is in the error.
    #[track_caller]
    pub fn wait_timeout_while<'a, T, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)>
    where
        F: FnMut(&mut T) -> bool,
    {
        let start = Instant::now();
        let mut result = WaitTimeoutResult(false);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            if result.timed_out() {
                return Ok((guard, result));
            }
            let left = time.saturating_sub(start.elapsed());
            (guard, result) = self.wait_timeout(guard, left)?;
        }
    }

    /// As [`std::sync::Condvar::notify_one`].
    #[track_caller]
    pub fn notify_one(&self) {
        act(Action::NotifyOne, &self.object);
        self.inner.notify_one();
    }

    /// As [`std::sync::Condvar::notify_all`].
    #[track_caller]
    pub fn notify_all(&self) {
        act(Action::NotifyAll, &self.object);
        self.inner.notify_all();
    }

    /// Waits, and says whether it was for too long.
    #[track_caller]
    fn wait_for<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        time: Option<Duration>,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let mutex = guard.mutex;
        let (explored, timed) = (explored(), time.is_some());
        let objects = [Some(self.object.id()), Some(mutex.object.id())];
        if let Some(member) = &explored {
            // The guard still has the real mutex, in case that this thread is sent away here.
            member.step(Action::Wait, objects);
        }
        // Only this and `drop` take it out, and each has the guard for itself.
        let inner = guard.inner.take().expect("the guard holds the lock");
        drop(guard);
        if let Some(member) = explored {
            drop(inner);
            if !timed {
                // That it was woken for no reason is not for the caller to know.
                member.step(Action::Wake { timed }, objects);
                return (mutex.lock_inner(), false);
            }
            // One whose time is over is not notified any more while it waits for the mutex.
            let outcome = member.step(Action::Wake { timed }, [objects[0], None]);
            member.step(Action::Lock, [objects[1], None]);
            return (mutex.lock_inner(), outcome == Outcome::Refused);
        }
        note(Action::Wait, Outcome::Done, &self.object);
        note(Action::Unlock, Outcome::Done, &mutex.object);
        let (inner, timed_out) = match time {
            None => (self.inner.wait(inner), false),
            Some(time) => match self.inner.wait_timeout(inner, time) {
                Ok((inner, result)) => (Ok(inner), result.timed_out()),
                Err(poisoned) => {
                    let (inner, result) = poisoned.into_inner();
                    (Ok(inner), result.timed_out())
                }
            },
        };
        note(Action::Wake { timed }, Outcome::Done, &self.object);
        (
            mutex.guard(inner.unwrap_or_else(PoisonError::into_inner)),
            timed_out,
        )
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}
