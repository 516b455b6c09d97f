//! A value that is set once, made of this stand-in's own mutex.

use std::fmt;
use std::sync::{self, PoisonError};

use super::mutex::Mutex;

/// Stands in for [`std::sync::OnceLock`].
pub struct OnceLock<T> {
    /// Locked by the thread that sets the value, and by threads that find it not set yet and wait.
    setting: Mutex<()>,
    value: sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    /// As [`std::sync::OnceLock::new`].
    pub const fn new() -> OnceLock<T> {
        OnceLock {
            setting: Mutex::new(()),
            value: sync::OnceLock::new(),
        }
    }

    /// As [`std::sync::OnceLock::get`].
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        self.setting.look();
        self.value.get()
    }

    /// As [`std::sync::OnceLock::get_mut`].
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// As [`std::sync::OnceLock::set`].
    ///
    /// # Errors
    ///
    /// If there is a value already; the new one is in the error.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("it is called once"));
        value.map_or(Ok(()), Err)
    }

    /// As [`std::sync::OnceLock::get_or_init`].
    ///
    /// # Panics
    ///
    /// If `make` does; there is no value then.
    #[track_caller]
    pub fn get_or_init<F>(&self, make: F) -> &T
    where
        F: FnOnce() -> T,
    {
        if let Some(value) = self.get() {
            return value;
        }
        let setting = self.setting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.value.get().is_none() {
            let value = make();
            // What `make` did last is one step, and that the value is there is another one.
            self.setting.set();
            let _ = self.value.set(value); // There is none: this thread has the lock.
        }
        drop(setting);
        self.value.get().expect("it has been set")
    }

    /// As [`std::sync::OnceLock::into_inner`].
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// As [`std::sync::OnceLock::take`].
    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get()
            .cloned()
            .map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        OnceLock {
            setting: Mutex::new(()),
            value: sync::OnceLock::from(value),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.setting.look();
        self.value.fmt(f)
    }
}
