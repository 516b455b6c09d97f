//! Threads that tell when they start, wait and end.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::context::{self, Watcher, note, note_of_thread};
use super::notes::{Object, ObjectKind, What};

/// Stands in for [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread {
    object: Arc<Object>,
    inner: thread::Thread,
}

impl Thread {
    fn new(object: &Arc<Object>, inner: &thread::Thread) -> Thread {
        Thread {
            object: Arc::clone(object),
            inner: inner.clone(),
        }
    }

    /// As [`std::thread::Thread::id`].
    pub fn id(&self) -> ThreadId {
        self.inner.id()
    }

    /// As [`std::thread::Thread::name`].
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// As [`std::thread::Thread::unpark`].
    pub fn unpark(&self) {
        note(What::Unparks, &self.object);
        self.inner.unpark();
    }
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Object>>> = const { RefCell::new(None) };
}

fn object_of_a_thread() -> Arc<Object> {
    Arc::new(Object::new(ObjectKind::Thread))
}

/// Stands in for [`std::thread::current`].
pub fn current() -> Thread {
    let object = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        Arc::clone(current.get_or_insert_with(object_of_a_thread))
    });
    // At the very end of a thread, it is forgotten already which one it is.
    let object = object.unwrap_or_else(|_| object_of_a_thread());
    Thread::new(&object, &thread::current())
}

/// Stands in for [`std::thread::park`].
pub fn park() {
    let current = current();
    note(What::Parks, &current.object);
    thread::park();
    note(What::Unparked, &current.object);
}

/// Stands in for [`std::thread::park_timeout`].
pub fn park_timeout(time: Duration) {
    let current = current();
    note(What::Parks, &current.object);
    thread::park_timeout(time);
    note(What::Unparked, &current.object);
}

/// Stands in for [`std::thread::sleep`].
pub fn sleep(time: Duration) {
    note_of_thread(What::Sleeps);
    thread::sleep(time);
    note_of_thread(What::Slept);
}

/// Stands in for [`std::thread::yield_now`].
pub fn yield_now() {
    note_of_thread(What::Yields);
    thread::yield_now();
}

/// Stands in for [`std::hint::spin_loop`].
pub fn spin_loop() {
    note_of_thread(What::Yields);
    std::hint::spin_loop();
}

/// Stands in for [`std::thread::spawn`].
///
/// # Panics
///
/// If the system has no thread to give.
pub fn spawn<F, T>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(work).expect("failed to spawn thread")
}

/// Stands in for [`std::thread::Builder`].
#[derive(Debug)]
#[must_use = "must eventually spawn the thread"]
pub struct Builder {
    inner: thread::Builder,
}

impl Builder {
    /// As [`std::thread::Builder::new`].
    #[allow(clippy::new_without_default)] // `std`'s has none either.
    pub fn new() -> Builder {
        Builder {
            inner: thread::Builder::new(),
        }
    }

    /// As [`std::thread::Builder::name`].
    pub fn name(self, name: String) -> Builder {
        Builder {
            inner: self.inner.name(name),
        }
    }

    /// As [`std::thread::Builder::stack_size`].
    pub fn stack_size(self, bytes: usize) -> Builder {
        Builder {
            inner: self.inner.stack_size(bytes),
        }
    }

    /// As [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    pub fn spawn<F, T>(self, work: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let object = object_of_a_thread();
        let inner = self.inner.spawn(watched_like_this_one(&object, work))?;
        Ok(JoinHandle {
            thread: Thread::new(&object, inner.thread()),
            inner,
        })
    }

    /// As [`std::thread::Builder::spawn_scoped`].
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        work: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let object = object_of_a_thread();
        let work = watched_like_this_one(&object, work);
        let inner = self.inner.spawn_scoped(scope.inner, work)?;
        Ok(ScopedJoinHandle {
            thread: Thread::new(&object, inner.thread()),
            inner,
        })
    }
}

/// What a new thread does, whose watcher is the one of the thread that calls this.
fn watched_like_this_one<F, T>(object: &Arc<Object>, work: F) -> impl FnOnce() -> T + use<F, T>
where
    F: FnOnce() -> T,
{
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            note_of_thread(What::Ends);
        }
    }
    let watcher = context::ask(Watcher::clone);
    let object = Arc::clone(object);
    move || {
        CURRENT.set(Some(object));
        let watcher = match watcher {
            Watcher::Nobody => return work(),
            Watcher::Recorder(recorder) => Watcher::Recorder(recorder.of_this_thread()),
        };
        context::watched_by(watcher, || {
            note_of_thread(What::Starts);
            let _end = End;
            work()
        })
    }
}

/// Stands in for [`std::thread::JoinHandle`].
pub struct JoinHandle<T> {
    thread: Thread,
    inner: thread::JoinHandle<T>,
}

impl<T> JoinHandle<T> {
    /// As [`std::thread::JoinHandle::thread`].
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As [`std::thread::JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// If the thread panicked; the error is what it panicked with.
    pub fn join(self) -> thread::Result<T> {
        note(What::WantsToJoin, &self.thread.object);
        let result = self.inner.join();
        note(What::Joined, &self.thread.object);
        result
    }

    /// As [`std::thread::JoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

impl<T> std::fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}

/// Stands in for [`std::thread::ScopedJoinHandle`].
pub struct ScopedJoinHandle<'scope, T> {
    thread: Thread,
    inner: thread::ScopedJoinHandle<'scope, T>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// As [`std::thread::ScopedJoinHandle::thread`].
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// As [`std::thread::ScopedJoinHandle::join`].
    ///
    /// # Errors
    ///
    /// If the thread panicked; the error is what it panicked with.
    pub fn join(self) -> thread::Result<T> {
        note(What::WantsToJoin, &self.thread.object);
        let result = self.inner.join();
        note(What::Joined, &self.thread.object);
        result
    }

    /// As [`std::thread::ScopedJoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

impl<T> std::fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}

/// Stands in for [`std::thread::Scope`].
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope> {
    inner: &'scope thread::Scope<'scope, 'env>,
}

/// Stands in for [`std::thread::scope`].
///
/// Each call keeps a few bytes for ever: without `unsafe`, nothing but a value that is never freed
/// lives as long as `'scope`.
///
/// # Panics
///
/// If a thread of the scope panicked, and was not joined.
pub fn scope<'env, F, T>(work: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    thread::scope(|inner| work(Box::leak(Box::new(Scope { inner }))))
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// As [`std::thread::Scope::spawn`].
    ///
    /// # Panics
    ///
    /// If the system has no thread to give.
    pub fn spawn<F, T>(&'scope self, work: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new()
            .spawn_scoped(self, work)
            .expect("failed to spawn thread")
    }
}
