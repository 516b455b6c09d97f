// A dozen small programs, each of which says what came of it. Whether the reduction keeps every
// outcome is decided by running them with and without it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

const ORDER: Ordering = Ordering::SeqCst;

/// Reads, and then writes what it has read and one more, so that an addition can get lost.
pub fn a_lost_addition() -> String {
    let count = Arc::new(AtomicUsize::new(0));
    let add = |count: &AtomicUsize| count.store(count.load(ORDER) + 1, ORDER);
    let theirs = Arc::clone(&count);
    let thread = thread::spawn(move || add(&theirs));
    add(&count);
    thread.join().unwrap();
    count.load(ORDER).to_string()
}

pub fn two_flags() -> String {
    let flags = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let theirs = Arc::clone(&flags);
    let thread = thread::spawn(move || {
        theirs[0].store(1, ORDER);
        theirs[1].load(ORDER)
    });
    flags[1].store(1, ORDER);
    let mine = flags[0].load(ORDER);
    format!("{mine} {}", thread.join().unwrap())
}

pub fn two_locks_in_two_orders() -> String {
    let locks = Arc::new((Mutex::new(0), Mutex::new(0)));
    let theirs = Arc::clone(&locks);
    let thread = thread::spawn(move || {
        let mut second = theirs.1.lock().unwrap();
        *second += 1;
        *theirs.0.lock().unwrap() += *second;
    });
    let sum = {
        let mut first = locks.0.lock().unwrap();
        *first += 1;
        *first + *locks.1.lock().unwrap()
    };
    thread.join().unwrap();
    format!("{sum} {}", *locks.0.lock().unwrap())
}

pub fn tries_to_lock() -> String {
    let lock = Arc::new(Mutex::new(0));
    let theirs = Arc::clone(&lock);
    let thread = thread::spawn(move || {
        *theirs.lock().unwrap() += 1;
    });
    let mut seen = String::new();
    for _ in 0..2 {
        seen += &match lock.try_lock() {
            Ok(value) => value.to_string(),
            Err(_) => String::from("-"),
        };
    }
    thread.join().unwrap();
    seen
}

pub fn a_notification_that_comes_too_early() -> String {
    let shared = Arc::new((Mutex::new(()), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let thread = thread::spawn(move || theirs.1.notify_one());
    let guard = shared.0.lock().unwrap();
    drop(shared.1.wait(guard).unwrap());
    thread.join().unwrap();
    String::from("notified")
}

pub fn one_of_two_is_notified() -> String {
    let shared = Arc::new((Mutex::new((0, 0)), Condvar::new()));
    let threads: Vec<_> = (1..=2)
        .map(|number| {
            let (lock, changed) = (Arc::clone(&shared), number);
            thread::spawn(move || {
                let mut state = lock.0.lock().unwrap();
                state.0 += 1;
                let mut state = lock.1.wait(state).unwrap();
                if state.1 == 0 {
                    state.1 = changed;
                }
            })
        })
        .collect();
    // Only when both wait.
    while shared.0.lock().unwrap().0 < 2 {
        thread::yield_now();
    }
    shared.1.notify_one();
    shared.1.notify_one();
    for thread in threads {
        thread.join().unwrap();
    }
    let first = shared.0.lock().unwrap().1;
    first.to_string()
}

pub fn readers_and_a_writer() -> String {
    let lock = Arc::new(RwLock::new(0));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || *lock.read().unwrap())
        })
        .collect();
    *lock.write().unwrap() += 1;
    let tried = lock.try_write().is_ok();
    let seen: Vec<String> = readers
        .into_iter()
        .map(|reader| reader.join().unwrap().to_string())
        .collect();
    format!("{} {tried}", seen.join(" "))
}

pub fn a_channel_with_room_for_one() -> String {
    let (sender, receiver) = mpsc::sync_channel(1);
    let other = sender.clone();
    let thread = thread::spawn(move || other.try_send(1).is_ok());
    let mine = sender.try_send(2).is_ok();
    let first = receiver.recv().unwrap();
    drop(sender);
    let theirs = thread.join().unwrap();
    let rest: Vec<u8> = receiver.iter().collect();
    format!("{mine} {theirs} {first} {rest:?}")
}

pub fn a_channel_without_room() -> String {
    let (sender, receiver) = mpsc::sync_channel(0);
    let thread = thread::spawn(move || (receiver.recv(), receiver.try_recv()));
    let tried = sender.try_send(1).is_ok();
    let sent = sender.send(2).is_ok();
    drop(sender);
    format!("{tried} {sent} {:?}", thread.join().unwrap())
}

pub fn two_senders() {
    let (sender, receiver) = mpsc::channel();
    let other = sender.clone();
    thread::spawn(move || other.send(1).unwrap());
    sender.send(2).unwrap();
    drop(sender);
    assert_eq!(receiver.iter().count(), 2);
}

pub fn messages_with_room_for_two() {
    let (sender, receiver) = mpsc::sync_channel(2);
    thread::spawn(move || (0..4).for_each(|number| sender.send(number).unwrap()));
    assert!(receiver.iter().eq(0..4));
}

pub fn messages_without_room() {
    let (sender, receiver) = mpsc::sync_channel(0);
    thread::spawn(move || (0..2).for_each(|number| sender.send(number).unwrap()));
    assert!(receiver.iter().eq(0..2));
}

pub fn two_receivers() {
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let other = Arc::clone(&receiver);
    let thread = thread::spawn(move || other.lock().unwrap().recv().unwrap());
    (1..=2).for_each(|number| sender.send(number).unwrap());
    let mine = receiver.lock().unwrap().recv().unwrap();
    assert_eq!(mine + thread.join().unwrap(), 3);
}

pub fn a_receiver_that_gives_up() -> String {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(1).is_ok());
    let received = match receiver.recv_timeout(Duration::from_secs(1)) {
        Ok(number) => number.to_string(),
        Err(RecvTimeoutError::Timeout) => String::from("late"),
        Err(RecvTimeoutError::Disconnected) => String::from("closed"),
    };
    drop(receiver);
    format!("{received} {}", thread.join().unwrap())
}

/// Says how many of its waits ended in vain.
pub fn a_receiver_that_asks_again(waits: usize) -> String {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(1).is_ok());
    let in_vain = |_: &usize| receiver.recv_timeout(Duration::from_secs(1)).is_err();
    (0..waits).take_while(in_vain).count().to_string()
}

pub fn parked_and_unparked() -> String {
    let parked = thread::spawn(thread::park);
    let other = parked.thread().clone();
    let thread = thread::spawn(move || other.unpark());
    let early = parked.is_finished();
    thread.join().unwrap();
    let late = parked.is_finished();
    parked.join().unwrap();
    format!("{early} {late}")
}

pub fn a_scope_and_a_barrier() -> String {
    let barrier = Barrier::new(2);
    let order = Mutex::new(String::new());
    thread::scope(|scope| {
        for name in ["a", "b"] {
            let (barrier, order) = (&barrier, &order);
            scope.spawn(move || {
                let leads = barrier.wait().is_leader();
                let name = if leads {
                    name.to_uppercase()
                } else {
                    name.into()
                };
                order.lock().unwrap().push_str(&name);
            });
        }
    });
    order.into_inner().unwrap()
}

/// The second thread waits for the lock while `main`, which has it, joins the first. Tells in which
/// order they add to each of two numbers and lock.
pub fn joins_a_thread_with_the_lock_held() -> String {
    let shared = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(0)));
    let (one, other) = (Arc::clone(&shared), Arc::clone(&shared));
    let add = |number: &AtomicUsize| number.fetch_add(1, ORDER);
    let first = thread::spawn(move || (add(&one.0), add(&one.1)));
    let second = thread::spawn(move || {
        *other.2.lock().unwrap() += 1;
        add(&other.1)
    });
    let added = add(&shared.0);
    let early = *shared.2.lock().unwrap();
    let locked = shared.2.lock().unwrap();
    let (one, other) = first.join().unwrap();
    let late = *locked;
    drop(locked);
    let second = second.join().unwrap();
    format!("{added}{one} {other}{second} {early}{late}")
}

/// Whether the one that waits has the lock again before `main`, although nothing else brings the
/// one that notifies to its step before that.
pub fn a_third_thread_notifies() -> String {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let (waits, notifies) = (Arc::clone(&shared), Arc::clone(&shared));
    thread::spawn(move || {
        let guard = waits.0.lock().unwrap();
        *waits.1.wait(guard).unwrap() += 1;
    });
    thread::spawn(move || notifies.1.notify_one());
    let woken = *shared.0.lock().unwrap();
    woken.to_string()
}

/// The idle worker gives up waiting and leaves, and the job is lost: it was notified with the lock held.
pub fn an_idle_worker_that_leaves() -> String {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let worker = thread::spawn(move || {
        let jobs = theirs.0.lock().unwrap();
        if *jobs > 0 {
            return String::from("works at once");
        }
        let (jobs, result) = theirs.1.wait_timeout(jobs, Duration::from_secs(1)).unwrap();
        let does = if result.timed_out() { "leaves" } else { "works" };
        format!("{does}, {jobs} there")
    });
    let mut jobs = shared.0.lock().unwrap();
    *jobs += 1;
    shared.1.notify_one();
    drop(jobs);
    worker.join().unwrap()
}

/// The one that waits looks once, and is sure that what it waits for has come.
pub fn a_wait_without_a_loop() -> String {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        let mut number = theirs.0.lock().unwrap();
        if *number == 0 {
            number = theirs.1.wait(number).unwrap();
        }
        *number
    });
    *shared.0.lock().unwrap() = 1;
    shared.1.notify_one();
    thread.join().unwrap().to_string()
}

pub fn a_park_without_a_loop() -> String {
    let flag = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&flag);
    let thread = thread::spawn(move || {
        thread::park();
        theirs.load(ORDER)
    });
    flag.store(1, ORDER);
    thread.thread().unpark();
    thread.join().unwrap().to_string()
}

pub fn a_weak_exchange_without_a_loop() -> String {
    let number = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&number);
    let exchange = |it: &AtomicUsize, new| it.compare_exchange_weak(0, new, ORDER, ORDER).is_ok();
    let thread = thread::spawn(move || exchange(&theirs, 1));
    let mine = exchange(&number, 2);
    format!("{} {mine}", thread.join().unwrap())
}

/// The one that reads `true` and then `false` reads the second value while the other one, which
/// has the lock for reading too, has only written the first.
pub fn two_readers_at_once() -> String {
    let shared = Arc::new((RwLock::new(()), AtomicUsize::new(0), AtomicUsize::new(0)));
    let theirs = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        let first = theirs.1.load(ORDER);
        let _reading = theirs.0.read().unwrap();
        format!("{first} {}", theirs.2.load(ORDER))
    });
    let reading = shared.0.read().unwrap();
    shared.1.store(1, ORDER);
    shared.2.store(1, ORDER);
    drop(reading);
    thread.join().unwrap()
}

pub fn set_once() -> String {
    let once = Arc::new(OnceLock::new());
    let theirs = Arc::clone(&once);
    let thread = thread::spawn(move || *theirs.get_or_init(|| 1));
    let early = once.get().is_some();
    let mine = *once.get_or_init(|| 2);
    format!("{early} {mine} {}", thread.join().unwrap())
}

pub fn a_thread_that_waits_for_itself_in_vain() -> String {
    let (sender, receiver) = mpsc::channel::<()>();
    let other = sender.clone();
    let thread = thread::spawn(move || {
        let _other = other;
        receiver.recv().is_ok()
    });
    if thread.is_finished() {
        return String::from("finished");
    }
    drop(sender);
    thread.join().unwrap().to_string()
}

pub fn a_poisoned_lock() -> String {
    let lock = Arc::new(Mutex::new(()));
    let theirs = Arc::clone(&lock);
    let thread = thread::spawn(move || {
        let _guard = theirs.lock().unwrap();
        panic!("in this test");
    });
    let early = lock.lock().is_err();
    let panicked = thread.join().is_err();
    format!("{early} {panicked} {}", lock.is_poisoned())
}
