// What a program may expect of `std`. Included twice: with `std`, and with the stand-in for it.

use std::panic::{self, AssertUnwindSafe, RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::mpsc::{
    self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError,
};
use std::sync::{
    Arc, Barrier, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError,
};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

fn panics(work: impl FnOnce()) {
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    assert!(result.is_err());
}

pub fn a_panic_poisons_the_mutex_it_happens_under() {
    let mutex = Mutex::new(1);
    panics(|| {
        let mut value = mutex.lock().unwrap();
        *value = 2;
        panic!("in this test");
    });
    assert!(mutex.is_poisoned());
    assert_eq!(*mutex.lock().unwrap_err().into_inner(), 2);
    assert!(matches!(mutex.try_lock(), Err(TryLockError::Poisoned(_))));
    mutex.clear_poison();
    assert_eq!(*mutex.lock().unwrap(), 2);
    panics(|| {
        let _guard = mutex.lock().unwrap();
        panic!("in this test");
    });
    let mut mutex = mutex;
    assert_eq!(**mutex.get_mut().unwrap_err().get_ref(), 2);
    assert_eq!(mutex.into_inner().unwrap_err().into_inner(), 2);
}

pub fn a_panic_poisons_the_lock_it_is_written_under_and_not_the_one_it_is_read_under() {
    let lock = RwLock::new(1);
    panics(|| {
        let _reader = lock.read().unwrap();
        panic!("in this test");
    });
    assert!(!lock.is_poisoned());
    panics(|| {
        let _writer = lock.write().unwrap();
        panic!("in this test");
    });
    assert!(lock.is_poisoned());
    assert_eq!(*lock.read().unwrap_err().into_inner(), 1);
    lock.clear_poison();
    assert_eq!(lock.into_inner().unwrap(), 1);
}

pub fn a_guard_dropped_during_a_panic_that_came_before_it_poisons_nothing() {
    struct LocksWhenDropped(Arc<Mutex<u8>>);
    impl Drop for LocksWhenDropped {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let mutex = Arc::new(Mutex::new(0));
    panics(|| {
        let _locks = LocksWhenDropped(Arc::clone(&mutex));
        panic!("in this test");
    });
    assert_eq!(*mutex.lock().unwrap(), 1);
}

pub fn a_locked_mutex_is_not_locked_again() {
    let mutex = Mutex::new(0);
    let guard = mutex.lock().unwrap();
    assert!(matches!(mutex.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    *mutex.try_lock().unwrap() += 1;
    assert_eq!(*mutex.lock().unwrap(), 1);
    // A temporary in a scrutinee lives as long here as it does there.
    match *mutex.lock().unwrap() {
        1 => assert!(mutex.try_lock().is_err()),
        _ => panic!(),
    }
    let value = *mutex.lock().unwrap();
    assert!(mutex.try_lock().is_ok() && value == 1);
}

pub fn readers_share_and_writers_do_not() {
    let lock = RwLock::new(1);
    let (one, other) = (lock.read().unwrap(), lock.try_read().unwrap());
    assert!(lock.try_write().is_err());
    assert_eq!(*one + *other, 2);
    drop((one, other));
    let mut writer = lock.write().unwrap();
    *writer = 5;
    assert!(lock.try_read().is_err() && lock.try_write().is_err());
    drop(writer);
    assert_eq!(*lock.try_read().unwrap(), 5);
}

pub fn a_lock_can_be_a_static() {
    static MUTEX: Mutex<u8> = Mutex::new(1);
    static LOCK: RwLock<u8> = RwLock::new(2);
    static ONCE: OnceLock<u8> = OnceLock::new();
    static COUNT: AtomicUsize = AtomicUsize::new(3);
    static SAID: AtomicBool = AtomicBool::new(false);
    static CHANGED: Condvar = Condvar::new();
    static MET: Barrier = Barrier::new(1);
    CHANGED.notify_one();
    assert!(MET.wait().is_leader() && !SAID.load(Ordering::SeqCst));
    let sum = *MUTEX.lock().unwrap() + *LOCK.read().unwrap() + *ONCE.get_or_init(|| 4);
    assert_eq!((sum, COUNT.load(Ordering::Relaxed)), (7, 3));
}

pub fn a_lock_gives_its_value_back() {
    let mut mutex = Mutex::from(String::from("a"));
    mutex.get_mut().unwrap().push('b');
    assert_eq!(mutex.into_inner().unwrap(), "ab");
    assert_eq!(Mutex::<u8>::default().into_inner().unwrap(), 0);
    let mut lock = RwLock::from(1);
    *lock.get_mut().unwrap() += 1;
    assert_eq!(lock.into_inner().unwrap(), 2);
    assert_eq!(RwLock::<u8>::default().into_inner().unwrap(), 0);
}

pub fn what_is_printed_of_a_lock_says_whether_it_is_locked() {
    let mutex = Mutex::new(1);
    assert_eq!(
        format!("{mutex:?}"),
        "Mutex { data: 1, poisoned: false, .. }"
    );
    let guard = mutex.lock().unwrap();
    assert_eq!(format!("{guard} {guard:?}"), "1 1");
    assert!(format!("{mutex:?}").contains("<locked>"));
    let lock = RwLock::new(1);
    assert_eq!(
        format!("{lock:?}"),
        "RwLock { data: 1, poisoned: false, .. }"
    );
    let (sender, receiver) = mpsc::channel::<u8>();
    assert_eq!(
        format!("{sender:?} {receiver:?}"),
        "Sender { .. } Receiver { .. }"
    );
    assert_eq!(format!("{:?}", AtomicUsize::new(1)), "1");
    assert_eq!(format!("{:?}", OnceLock::from(1)), "OnceLock(1)");
}

pub fn a_lock_can_hold_a_value_of_unknown_size() {
    let of_a_trait: Arc<Mutex<dyn FnMut() -> u8 + Send>> = Arc::new(Mutex::new(|| 1));
    assert_eq!((*of_a_trait.lock().unwrap())(), 1);
    let slice: &RwLock<[u8]> = &RwLock::new([1, 2]);
    assert_eq!(slice.read().unwrap().len(), 2);
}

pub fn the_types_can_be_sent_and_shared_as_ever() {
    fn all<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    fn sync<T: Sync>() {}
    fn send<T: Send>() {}
    all::<Mutex<u8>>();
    all::<Mutex<std::cell::Cell<u8>>>();
    all::<RwLock<u8>>();
    all::<Condvar>();
    all::<Barrier>();
    all::<OnceLock<u8>>();
    all::<AtomicUsize>();
    all::<AtomicPtr<u8>>();
    send::<Receiver<u8>>();
    send::<Sender<u8>>();
    sync::<Sender<u8>>();
    sync::<SyncSender<u8>>();
    send::<JoinHandle<u8>>();
    sync::<JoinHandle<u8>>();
    sync::<MutexGuard<'static, u8>>();
    all::<thread::Thread>();
}

pub fn a_channel_keeps_the_order_and_ends_with_its_last_sender() {
    let (sender, receiver) = mpsc::channel();
    let other = sender.clone();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    other.send(2).unwrap();
    drop(sender);
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.try_iter().collect::<Vec<u8>>(), [2]);
    other.send(3).unwrap();
    drop(other);
    for message in &receiver {
        assert_eq!(message, 3);
    }
    assert!(receiver.recv().is_err());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.into_iter().next(), None);
}

pub fn a_message_comes_back_when_the_receiver_is_gone() {
    let (sender, receiver) = mpsc::channel();
    drop(receiver);
    assert_eq!(sender.send(1).unwrap_err().0, 1);
    let (sender, receiver) = mpsc::sync_channel(1);
    drop(receiver);
    assert_eq!(sender.send(1).unwrap_err().0, 1);
    assert_eq!(sender.try_send(1), Err(TrySendError::Disconnected(1)));
}

pub fn a_bounded_channel_is_full_some_day() {
    let (sender, receiver) = mpsc::sync_channel(1);
    sender.send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    let waiting = thread::spawn(move || sender.send(3));
    assert_eq!(receiver.iter().collect::<Vec<u8>>(), [1, 3]);
    assert!(waiting.join().unwrap().is_ok());
}

pub fn a_channel_without_capacity_hands_over() {
    let (sender, receiver) = mpsc::sync_channel(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    let waiting = thread::spawn(move || sender.send(2));
    assert_eq!(receiver.recv(), Ok(2));
    assert!(waiting.join().unwrap().is_ok());
}

pub fn a_receiver_gives_up_in_time() {
    let (sender, receiver) = mpsc::channel();
    let short = Duration::from_millis(1);
    assert_eq!(receiver.recv_timeout(short), Err(RecvTimeoutError::Timeout));
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(LONG), Ok(1));
    drop(sender);
    assert_eq!(
        receiver.recv_timeout(LONG),
        Err(RecvTimeoutError::Disconnected)
    );
}

pub fn messages_are_dropped_with_the_receiver() {
    let message = Arc::new(());
    let (sender, receiver) = mpsc::channel();
    sender.send(Arc::clone(&message)).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&message), 1);
    assert!(sender.send(message).is_err());
}

pub fn a_thread_has_a_name_an_id_and_a_result() {
    let unnamed = thread::spawn(|| thread::current().name().is_none());
    assert!(unnamed.join().unwrap());
    let named = thread::Builder::new().name(String::from("a-name"));
    let named = named.stack_size(1 << 20);
    let named = named.spawn(|| {
        (
            thread::current().id(),
            thread::current().name().map(String::from),
        )
    });
    let named = named.unwrap();
    let id = named.thread().id();
    assert_eq!(named.thread().name(), Some("a-name"));
    assert_eq!(named.join().unwrap(), (id, Some(String::from("a-name"))));
    assert_ne!(id, thread::current().id());
    let panicked = thread::spawn(|| panic!("in this test")).join().unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"in this test"));
    let finished = thread::spawn(|| ());
    while !finished.is_finished() {
        thread::yield_now();
    }
}

pub fn a_parked_thread_is_unparked() {
    let go_on = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&go_on);
    let parked = thread::spawn(move || {
        while !seen.load(Ordering::SeqCst) {
            thread::park();
        }
    });
    go_on.store(true, Ordering::SeqCst);
    parked.thread().unpark();
    parked.join().unwrap();
    thread::park_timeout(Duration::from_millis(1));
    thread::sleep(Duration::from_millis(1));
    thread::current().unpark();
    thread::park();
}

pub fn a_scope_waits_for_its_threads_and_lends_them_variables() {
    let mut numbers = vec![1, 2];
    let sum = AtomicUsize::new(0);
    let (one, name) = thread::scope(|scope| {
        let one = scope.spawn(|| {
            numbers.push(3);
            sum.fetch_add(numbers.len(), Ordering::SeqCst);
            1
        });
        scope.spawn(|| scope.spawn(|| sum.fetch_add(10, Ordering::SeqCst)));
        let named = thread::Builder::new().name(String::from("scoped"));
        let named = named.spawn_scoped(scope, || thread::current().name().map(String::from));
        (one.join().unwrap(), named.unwrap().join().unwrap())
    });
    assert_eq!(
        (one, name.as_deref(), numbers.len()),
        (1, Some("scoped"), 3)
    );
    assert_eq!(sum.into_inner(), 13);
    panics(|| {
        thread::scope(|scope| {
            scope.spawn(|| panic!("in this test"));
        });
    });
}

pub fn a_waiting_thread_is_notified() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let other = Arc::clone(&shared);
    let waiting = thread::spawn(move || {
        let (number, changed) = &*other;
        let number = number.lock().unwrap();
        let number = changed.wait_while(number, |number| *number == 0).unwrap();
        let (number, result) = changed
            .wait_timeout_while(number, LONG, |number| *number == 0)
            .unwrap();
        assert!(!result.timed_out());
        *number
    });
    let (number, changed) = &*shared;
    *number.lock().unwrap() = 5;
    changed.notify_all();
    assert_eq!(waiting.join().unwrap(), 5);
    let guard = number.lock().unwrap();
    let (guard, result) = changed
        .wait_timeout_while(guard, Duration::from_millis(1), |_| true)
        .unwrap();
    assert!(result.timed_out() && *guard == 5);
}

pub fn a_barrier_has_one_leader() {
    let barrier = Arc::new(Barrier::new(3));
    let threads: Vec<JoinHandle<bool>> = (0..3)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                let first = barrier.wait().is_leader();
                barrier.wait();
                first
            })
        })
        .collect();
    let leaders = threads.into_iter().filter_map(|thread| thread.join().ok());
    assert_eq!(leaders.filter(|leader| *leader).count(), 1);
}

pub fn a_value_is_set_once() {
    let mut once = OnceLock::new();
    assert_eq!(once.get(), None);
    assert_eq!(once.set(1), Ok(()));
    assert_eq!(once.set(2), Err(2));
    assert_eq!(*once.get_or_init(|| 3), 1);
    assert_eq!(once.clone(), once);
    *once.get_mut().unwrap() = 4;
    assert_eq!((once.take(), once.into_inner()), (Some(4), None));
    let failing = OnceLock::new();
    panics(|| {
        failing.get_or_init(|| -> u8 { panic!("in this test") });
    });
    assert_eq!(*failing.get_or_init(|| 5), 5);
}

// `fetch_update` is deprecated from Rust 1.99 on. Its new name is not in the oldest Rust that will do.
#[allow(deprecated, deprecated_in_future)]
pub fn an_atomic_counts() {
    let mut count = AtomicUsize::new(1);
    let order = Ordering::SeqCst;
    assert_eq!(count.fetch_add(2, order), 1);
    assert_eq!(count.fetch_max(2, order), 3);
    assert_eq!(count.compare_exchange(1, 5, order, order), Err(3));
    assert_eq!(count.compare_exchange(3, 5, order, order), Ok(3));
    assert_eq!(count.swap(6, order), 5);
    assert_eq!(
        count.fetch_update(order, order, |n| (n < 6).then_some(n + 1)),
        Err(6)
    );
    assert_eq!(count.fetch_update(order, order, |n| Some(n + 1)), Ok(6));
    *count.get_mut() += 1;
    count.store(count.load(order) + 1, order);
    while count.compare_exchange_weak(9, 10, order, order).is_err() {}
    assert_eq!(count.into_inner(), 10);
    let flag = AtomicBool::new(true);
    assert!(flag.fetch_not(order) && !flag.fetch_or(true, order) && flag.fetch_and(false, order));
    let pointer = AtomicPtr::<u8>::default();
    assert!(pointer.load(order).is_null());
    let poisoned: PoisonError<u8> = PoisonError::new(1);
    assert_eq!(poisoned.into_inner(), 1);
}
