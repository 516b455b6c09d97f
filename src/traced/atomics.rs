//! Atomics that tell when they are read and changed.

use std::fmt;
use std::sync::atomic::{self, Ordering};

use super::context::{act, explored};
use super::step::{Action, Object, ObjectKind, Outcome};

/// The stand-in for one atomic type, with what all of them can do.
macro_rules! atomic {
    ($name:ident $(<$t:ident>)?, $value:ty, $std:expr, $seen:expr) => {
        #[doc = concat!("Stands in for [`std::sync::atomic::", stringify!($name), "`].")]
        ///
        /// # Panics
        ///
        /// A method does for an order that makes no sense, as `std`'s.
        pub struct $name $(<$t>)? {
            object: Object,
            inner: atomic::$name $(<$t>)?,
        }

        impl $(<$t>)? $name $(<$t>)? {
            /// A new atomic.
            pub const fn new(value: $value) -> Self {
                Self {
                    object: Object::new(ObjectKind::Atomic),
                    inner: atomic::$name::new(value),
                }
            }

            /// Takes a step, and lets the explorer see the value that it meets.
            #[track_caller]
            fn act(&self, action: Action) -> Option<Outcome> {
                let outcome = act(action, &self.object)?;
                let seen: fn($value) -> u64 = $seen;
                explored()?.saw(seen(self.inner.load(Ordering::SeqCst)));
                Some(outcome)
            }

            /// Its value, for the only owner.
            pub fn get_mut(&mut self) -> &mut $value {
                self.inner.get_mut()
            }

            /// Its value, for the last owner.
            pub fn into_inner(self) -> $value {
                self.inner.into_inner()
            }

            /// Reads.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                self.act(Action::Load);
                self.inner.load(order)
            }

            /// Writes.
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                self.act(Action::Change { weak: false });
                self.inner.store(value, order);
            }

            /// Writes, and returns the value before.
            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.act(Action::Change { weak: false });
                self.inner.swap(value, order)
            }

            /// Writes `new` if the value is `current`.
            ///
            /// # Errors
            ///
            /// If the value is another one; it is in the error.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.act(Action::Change { weak: false });
                self.inner.compare_exchange(current, new, success, failure)
            }

            /// The same, but it may fail without a reason.
            ///
            /// # Errors
            ///
            /// If the value is another one, or without a reason; the value is in the error.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                match self.act(Action::Change { weak: true }) {
                    Some(Outcome::Refused) => Err(self.inner.load(Ordering::SeqCst)),
                    Some(_) => self.inner.compare_exchange(current, new, success, failure),
                    None => self
                        .inner
                        .compare_exchange_weak(current, new, success, failure),
                }
            }

            /// Changes the value by a function, which is called again if another thread was
            /// quicker.
            ///
            /// # Errors
            ///
            /// If the function returns `None`; the value is in the error.
            #[track_caller]
            pub fn fetch_update<F>(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: F,
            ) -> Result<$value, $value>
            where
                F: FnMut($value) -> Option<$value>,
            {
                let mut before = self.load(fetch);
                while let Some(after) = change(before) {
                    // Not the weak one: it would be called again for no reason, and see the same.
                    match self.compare_exchange(before, after, set, fetch) {
                        Ok(before) => return Ok(before),
                        Err(quicker) => before = quicker,
                    }
                }
                Err(before)
            }

            /// As `fetch_update`, by its newer name.
            ///
            /// # Errors
            ///
            /// If the function returns `None`; the value is in the error.
            #[track_caller]
            pub fn try_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                self.fetch_update(set, fetch, change)
            }

            /// Changes the value by a function, which is called again if another thread was
            /// quicker. Returns the value before.
            #[track_caller]
            pub fn update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($value) -> $value,
            ) -> $value {
                self.fetch_update(set, fetch, |value| Some(change(value)))
                    .unwrap_or_else(|value| value)
            }
        }

        impl $(<$t>)? fmt::Debug for $name $(<$t>)? {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                self.load(Ordering::Relaxed).fmt(f)
            }
        }

        impl $(<$t>)? From<$value> for $name $(<$t>)? {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }

        impl $(<$t>)? Default for $name $(<$t>)? {
            fn default() -> Self {
                Self::new($std)
            }
        }
    };
}

/// What an atomic can do besides, which returns the value before.
macro_rules! fetch {
    ($name:ident, $value:ty: $($method:ident)*) => {
        impl $name {
            $(
                #[doc = concat!("As `", stringify!($method), "` of `std`'s: returns the value before.")]
                #[track_caller]
                pub fn $method(&self, value: $value, order: Ordering) -> $value {
                    self.act(Action::Change { weak: false });
                    self.inner.$method(value, order)
                }
            )*
        }
    };
}

macro_rules! integers {
    ($($name:ident $value:ty,)*) => { $(
        atomic!($name, $value, 0, |value| value as u64);
        fetch!($name, $value:
            fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
    )* };
}

integers! {
    AtomicI8 i8, AtomicI16 i16, AtomicI32 i32, AtomicI64 i64, AtomicIsize isize,
    AtomicU8 u8, AtomicU16 u16, AtomicU32 u32, AtomicU64 u64, AtomicUsize usize,
}
atomic!(AtomicBool, bool, false, u64::from);
fetch!(AtomicBool, bool: fetch_and fetch_nand fetch_or fetch_xor);
// An address may be another one each time, and mean the same.
atomic!(AtomicPtr<T>, *mut T, std::ptr::null_mut(), |value| {
    u64::from(value.is_null())
});

impl AtomicBool {
    /// Turns it into its opposite, and returns the value before.
    #[track_caller]
    pub fn fetch_not(&self, order: Ordering) -> bool {
        self.fetch_xor(true, order)
    }
}
