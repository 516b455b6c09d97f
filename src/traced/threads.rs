//! Threads that tell when they start, wait and end.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;
use std::{fmt, io};

use super::context::{self, Watcher, act, note, noted, step};
use super::location::seen_if_not_optimized;
use super::step::{Action, Dismissed, Member, Object, ObjectKind, Outcome, Task, is_dismissal};

/// Stands in for [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread {
    object: Arc<Object>,
    inner: thread::Thread,
    explored: Option<Explored>,
}

/// A thread in a schedule of the explorer's. The real one has no name.
#[derive(Clone)]
struct Explored {
    index: usize,
    name: Option<Arc<str>>,
}

impl Thread {
    fn real(object: &Arc<Object>, inner: &thread::Thread) -> Thread {
        Thread {
            object: Arc::clone(object),
            inner: inner.clone(),
            explored: None,
        }
    }

    /// As [`std::thread::Thread::id`].
    pub fn id(&self) -> ThreadId {
        self.inner.id()
    }

    /// As [`std::thread::Thread::name`].
    pub fn name(&self) -> Option<&str> {
        match &self.explored {
            Some(explored) => explored.name.as_deref(),
            None => self.inner.name(),
        }
    }

    /// As [`std::thread::Thread::unpark`].
    #[track_caller]
    pub fn unpark(&self) {
        if let (Some(explored), Some(member)) = (&self.explored, context::explored()) {
            member.step_of(Action::Unpark, explored.index);
            return;
        }
        note(Action::Unpark, Outcome::Done, &*self.object);
        self.inner.unpark();
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Thread>> = const { RefCell::new(None) };
}

fn object_of_a_thread() -> Arc<Object> {
    Arc::new(Object::new(ObjectKind::Thread))
}

/// Stands in for [`std::thread::current`].
pub fn current() -> Thread {
    let new = || Thread::real(&object_of_a_thread(), &thread::current());
    let current = CURRENT.try_with(|current| current.borrow_mut().get_or_insert_with(new).clone());
    // At the very end of a thread, it is forgotten already which one it is.
    current.unwrap_or_else(|_| new())
}

/// Starts the first thread of a schedule of the explorer's.
pub(crate) fn start_main(member: &Member, work: Task) {
    let explored = Explored {
        index: member.thread(),
        name: Some(Arc::from("main")),
    };
    let object = object_of_a_thread();
    let main = member.clone();
    member.start(Box::new(move || live(main, explored, object, work, drop)));
}

/// What a thread does in a schedule of the explorer's.
fn live<R>(
    member: Member,
    explored: Explored,
    object: Arc<Object>,
    work: impl FnOnce() -> R,
    keep: impl FnOnce(thread::Result<R>),
) {
    CURRENT.set(Some(Thread {
        object,
        inner: thread::current(),
        explored: Some(explored),
    }));
    let (mut work, mut keep) = (Some(work), Some(keep));
    let value = Cell::new(None);
    member.live(
        &mut || value.set(work.take().map(|work| work())),
        &mut |end| {
            // If it has come to its end, there is a value.
            let result = end.and_then(|()| value.take().ok_or_else(|| Box::new(Dismissed) as _));
            if let Some(keep) = keep.take() {
                keep(result);
            }
        },
    );
}

/// Stands in for [`std::thread::park`].
#[track_caller]
pub fn park() {
    park_this(Action::Park { timed: false }, thread::park);
}

/// Stands in for [`std::thread::park_timeout`].
#[track_caller]
pub fn park_timeout(time: Duration) {
    park_this(Action::Park { timed: true }, || thread::park_timeout(time));
}

#[track_caller]
fn park_this(action: Action, park: impl FnOnce()) {
    if let Some(member) = context::explored() {
        member.step_of(action, member.thread());
        return;
    }
    noted(action, &*current().object, |()| Outcome::Done, park);
}

/// Stands in for [`std::thread::sleep`].
#[track_caller]
pub fn sleep(time: Duration) {
    // However long it takes is not for the schedule to say.
    if step(Action::Sleep, None).is_none() {
        noted(
            Action::Sleep,
            None,
            |()| Outcome::Done,
            || thread::sleep(time),
        );
    }
}

/// Stands in for [`std::thread::yield_now`].
#[track_caller]
pub fn yield_now() {
    if act(Action::Yield, None).is_none() {
        thread::yield_now();
    }
}

/// Stands in for [`std::hint::spin_loop`].
#[track_caller]
pub fn spin_loop() {
    if act(Action::Yield, None).is_none() {
        std::hint::spin_loop();
    }
}

/// Stands in for [`std::thread::spawn`].
///
/// # Panics
///
/// If the system has no thread to give.
#[track_caller]
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
    name: Option<String>,
    inner: thread::Builder,
}

impl Builder {
    /// As [`std::thread::Builder::new`].
    #[allow(clippy::new_without_default)] // `std`'s has none either.
    pub fn new() -> Builder {
        Builder {
            name: None,
            inner: thread::Builder::new(),
        }
    }

    /// As [`std::thread::Builder::name`].
    pub fn name(self, name: String) -> Builder {
        Builder {
            name: Some(name.clone()),
            inner: self.inner.name(name),
        }
    }

    /// As [`std::thread::Builder::stack_size`].
    pub fn stack_size(self, bytes: usize) -> Builder {
        Builder {
            inner: self.inner.stack_size(bytes),
            ..self
        }
    }

    /// As [`std::thread::Builder::spawn`].
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    #[track_caller]
    pub fn spawn<F, T>(self, work: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let object = object_of_a_thread();
        if let Some(member) = context::explored() {
            let (child, explored, share) = new_child(&member, self.name);
            let keep = share.keep();
            let keep = |result| keep(unless_dismissed(result));
            let own = (child.clone(), explored.clone(), Arc::clone(&object));
            let work = move || live(own.0, own.1, own.2, work, keep);
            return Ok(JoinHandle {
                thread: Thread {
                    object,
                    inner: child.start(Box::new(work)),
                    explored: Some(explored),
                },
                inner: Handle::Explored(share),
            });
        }
        let inner = self.inner.spawn(watched_like_this_one(&object, work))?;
        Ok(JoinHandle {
            thread: Thread::real(&object, inner.thread()),
            inner: Handle::Real(inner),
        })
    }

    /// As [`std::thread::Builder::spawn_scoped`].
    ///
    /// # Errors
    ///
    /// If the system has no thread to give.
    #[track_caller]
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
        if let Some(member) = context::explored() {
            // It may borrow, and the explorer's own threads may not hold what is borrowed. So it gets a real
            // thread of its own in every schedule.
            let (child, explored, share) = new_child(&member, self.name);
            let thread = (child.thread(), Arc::clone(&share.panicked));
            scope.threads().push(thread);
            let keep = share.keep();
            let own = (explored.clone(), Arc::clone(&object));
            let work = move || live(child, own.0, own.1, work, keep);
            let inner = self.inner.spawn_scoped(scope.inner, work)?;
            return Ok(ScopedJoinHandle {
                thread: Thread {
                    object,
                    inner: inner.thread().clone(),
                    explored: Some(explored),
                },
                inner: Handle::Explored(share),
            });
        }
        let work = watched_like_this_one(&object, work);
        let inner = self.inner.spawn_scoped(scope.inner, work)?;
        Ok(ScopedJoinHandle {
            thread: Thread::real(&object, inner.thread()),
            inner: Handle::Real(inner),
        })
    }
}

/// The place of a new thread in a schedule, who it is there, and what it shares with its handle.
#[track_caller]
fn new_child<T>(member: &Member, name: Option<String>) -> (Member, Explored, Share<T>) {
    let child = member.spawn(name.clone());
    let index = child.thread();
    let name = name.map(Arc::from);
    (child, Explored { index, name }, Share::new(index))
}

/// What a thread shares with its handle in a schedule of the explorer's: what came of it.
struct Share<T> {
    thread: usize,
    result: Arc<Mutex<Option<thread::Result<T>>>>,
    /// It has panicked, and no other thread has joined it.
    panicked: Arc<AtomicBool>,
    joined: bool,
}

impl<T> Share<T> {
    fn new(thread: usize) -> Share<T> {
        Share {
            thread,
            result: Arc::default(),
            panicked: Arc::default(),
            joined: false,
        }
    }

    /// For the thread itself, at its end. If its handle is gone, the result is dropped at once.
    fn keep(&self) -> impl FnOnce(thread::Result<T>) + use<T> {
        let (result, panicked) = (Arc::clone(&self.result), Arc::clone(&self.panicked));
        let thread = self.thread;
        move |end| {
            detach::<T>(thread);
            panicked.store(end.is_err(), Ordering::Relaxed);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        }
    }

    /// Takes a step that is about the thread, if the schedule is not over.
    #[track_caller]
    fn step(&self, action: Action) -> Option<Outcome> {
        Some(context::explored()?.step_of(action, self.thread))
    }

    #[track_caller]
    fn join(mut self) -> thread::Result<T> {
        self.step(Action::Join { scope: false });
        self.joined = true;
        self.panicked.store(false, Ordering::Relaxed);
        let result = self.result.lock();
        let result = result.unwrap_or_else(PoisonError::into_inner).take();
        result.unwrap_or_else(|| Err(Box::new("its schedule is over")))
    }
}

impl<T> Drop for Share<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.joined {
            seen_if_not_optimized(|| detach::<T>(self.thread));
        }
    }
}

/// A thread's result is about to lose one of the two that share it. Which of them comes second, and
/// drops it, makes a difference only where dropping it does something.
#[track_caller]
fn detach<T>(thread: usize) {
    if let (true, Some(member)) = (mem::needs_drop::<T>(), context::explored()) {
        member.step_of(Action::Detach, thread);
    }
}

/// A thread whose schedule is over has no result. But what joins it is perhaps about to `unwrap`
/// that, in a `drop`, while it unwinds itself, and that would end the process. Most threads return
/// nothing, and that can be had.
fn unless_dismissed<T: 'static>(result: thread::Result<T>) -> thread::Result<T> {
    match result {
        Err(panic) if is_dismissal(&*panic) => {
            let nothing: Box<dyn Any> = Box::new(());
            nothing
                .downcast::<T>()
                .map_or(Err(panic), |value| Ok(*value))
        }
        result => result,
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
            note(Action::End, Outcome::Done, None);
        }
    }
    let watcher = context::ask(Watcher::clone);
    let object = Arc::clone(object);
    move || {
        CURRENT.set(Some(Thread::real(&object, &thread::current())));
        let watcher = match watcher {
            Watcher::None | Watcher::Explorer(_) => return work(),
            Watcher::Recorder(recorder) => Watcher::Recorder(recorder.of_this_thread()),
        };
        context::watched_by(watcher, || {
            note(Action::Start, Outcome::Done, None);
            let _end = End;
            work()
        })
    }
}

enum Handle<R, T> {
    Real(R),
    Explored(Share<T>),
}

/// What the handles of both kinds of threads can do.
macro_rules! join_handle {
    ($name:ident $($scope:lifetime)?) => {
        #[doc = concat!("Stands in for [`std::thread::", stringify!($name), "`].")]
        pub struct $name<$($scope,)? T> {
            thread: Thread,
            inner: Handle<thread::$name<$($scope,)? T>, T>,
        }

        impl<$($scope,)? T> $name<$($scope,)? T> {
            #[doc = concat!("As [`std::thread::", stringify!($name), "::thread`].")]
            pub fn thread(&self) -> &Thread {
                &self.thread
            }

            #[doc = concat!("As [`std::thread::", stringify!($name), "::join`].")]
            ///
            /// # Errors
            ///
            /// If the thread panicked; the error is what it panicked with.
            #[track_caller]
            pub fn join(self) -> thread::Result<T> {
                let (join, object) = (Action::Join { scope: false }, &*self.thread.object);
                match self.inner {
                    Handle::Real(handle) => noted(join, object, |_| Outcome::Done, || handle.join()),
                    Handle::Explored(share) => share.join(),
                }
            }

            #[doc = concat!("As [`std::thread::", stringify!($name), "::is_finished`].")]
            #[track_caller]
            pub fn is_finished(&self) -> bool {
                match &self.inner {
                    Handle::Real(handle) => handle.is_finished(),
                    Handle::Explored(share) => {
                        share.step(Action::IsFinished) != Some(Outcome::Refused)
                    }
                }
            }
        }

        impl<$($scope,)? T> fmt::Debug for $name<$($scope,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

join_handle!(JoinHandle);
join_handle!(ScopedJoinHandle 'scope);

/// Stands in for [`std::thread::Scope`].
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope> {
    inner: &'scope thread::Scope<'scope, 'env>,
    /// Those that the explorer watches, and whether they have panicked without being joined.
    threads: Mutex<Vec<(usize, Arc<AtomicBool>)>>,
}

/// Stands in for [`std::thread::scope`].
///
/// Each call keeps a few bytes for ever: without `unsafe`, nothing but a value that is never freed
/// lives as long as `'scope`.
///
/// # Panics
///
/// If a thread of the scope panicked, and was not joined.
#[track_caller]
pub fn scope<'env, F, T>(work: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    thread::scope(|inner| {
        let scope = Box::leak(Box::new(Scope {
            inner,
            threads: Mutex::default(),
        }));
        let Some(member) = context::explored() else {
            return work(scope);
        };
        // `std` waits for the threads now, which is no step of the schedule. So here they end first.
        let result = panic::catch_unwind(AssertUnwindSafe(|| work(scope)));
        let (mut index, mut panicked) = (0, false);
        loop {
            // A thread of the scope may start another one. So the list is not locked while this one is waited for.
            let next = scope.threads().get(index).cloned();
            let Some((thread, unjoined_panic)) = next else {
                break;
            };
            member.step_of(Action::Join { scope: true }, thread);
            panicked |= unjoined_panic.load(Ordering::Relaxed);
            index += 1;
        }
        // A scope is never freed, but what it need not keep is.
        *scope.threads() = Vec::new();
        match result {
            Err(panic) => panic::resume_unwind(panic),
            Ok(_) if panicked => panic!("a scoped thread panicked"),
            Ok(result) => result,
        }
    })
}

impl<'scope, 'env> Scope<'scope, 'env> {
    fn threads(&self) -> MutexGuard<'_, Vec<(usize, Arc<AtomicBool>)>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`std::thread::Scope::spawn`].
    ///
    /// # Panics
    ///
    /// If the system has no thread to give.
    #[track_caller]
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
