//! Does the effect of each method of the stand-in lie in its step, and no other effect beside it?
//!
//! A schedule decides which thread takes the next step. What a method does one step too early or too
//! late, another thread can never see at the right moment, and an outcome is missing that a program
//! with the real `std` has.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use ten_versus_five::explore::{Explorer, Report, Run};

/// What came of all schedules.
fn report(program: impl Fn(&Run) + Clone + Send + Sync + 'static) -> Report {
    let explorer = crate::tools::explore::explorer();
    let report = explorer.run(program.clone());
    assert_eq!(report.cannot_tell, None);
    let plain = explorer.without_reduction().run(program);
    let of = |report: &Report| report.outcomes.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(of(&report), of(&plain), "as without the reduction");
    report
}

fn outcomes(program: impl Fn(&Run) + Clone + Send + Sync + 'static) -> Vec<String> {
    let report = report(program);
    assert!(report.complete, "only {} schedules", report.schedules);
    assert_eq!((report.stuck, &report.panicked_schedule), (0, &None));
    report.outcomes.into_keys().collect()
}

/// All that a thread can see that reads a mark, looks for an effect, and reads the mark again, while
/// another thread sets the mark to 1, has the effect, and sets it to 2.
const ALL: [&str; 10] = [
    "0 no 0", "0 no 1", "0 no 2", "0 yes 1", "0 yes 2", "1 no 1", "1 no 2", "1 yes 1", "1 yes 2",
    "2 yes 2",
];

/// A test for each effect: what the threads share, what is done before, the effect, and whether one
/// sees that it has happened.
macro_rules! effects {
    ($($name:ident: $new:expr, |$it:ident| [$($before:tt)*] $effect:expr => $see:expr;)*) => { $(
        #[test]
        fn $name() {
            let seen = outcomes(|run| {
                let shared = Arc::new(($new, AtomicUsize::new(0)));
                let ($it, mark) = &*shared;
                $($before)*
                let other = Arc::clone(&shared);
                let observer = thread::spawn(move || {
                    let ($it, mark) = &*other;
                    let before = mark.load(SeqCst);
                    let seen = if $see { "yes" } else { "no" };
                    format!("{before} {seen} {}", mark.load(SeqCst))
                });
                mark.store(1, SeqCst);
                let _ = $effect;
                mark.store(2, SeqCst);
                run.outcome(observer.join().unwrap());
            });
            assert_eq!(seen, ALL);
        }
    )* };
}

mod locks {
    use super::{ALL, outcomes};
    use std::mem::forget;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::Ordering::SeqCst;
    use ten_versus_five::traced::sync::atomic::AtomicUsize;
    use ten_versus_five::traced::sync::{Arc, Mutex, OnceLock, RwLock};
    use ten_versus_five::traced::thread;

    fn panic_with<G>(guard: G) {
        let panics = || {
            let _guard = guard;
            panic!("with the guard");
        };
        let _ = catch_unwind(AssertUnwindSafe(panics));
    }

    effects! {
        lock: Mutex::new(()), |it| [] forget(it.lock()) => it.try_lock().is_err();
        try_lock: Mutex::new(()), |it| [] forget(it.try_lock()) => it.try_lock().is_err();
        unlock: Mutex::new(()), |it| [let guard = it.lock();] drop(guard) => it.try_lock().is_ok();
        poison: Mutex::new(()), |it| [let guard = it.lock();] panic_with(guard) => it.is_poisoned();
        poisoned_and_unlocked: Mutex::new(()), |it| [let guard = it.lock();] panic_with(guard)
            => format!("{it:?}").contains("poisoned: true");
        clear_poison: Mutex::new(()), |it| [panic_with(it.lock());] it.clear_poison()
            => !it.is_poisoned();
        printed: Mutex::new(7), |it| [] forget(it.lock()) => format!("{it:?}").contains("<locked>");

        read: RwLock::new(()), |it| [] forget(it.read()) => it.try_write().is_err();
        try_read: RwLock::new(()), |it| [] forget(it.try_read()) => it.try_write().is_err();
        write: RwLock::new(()), |it| [] forget(it.write()) => it.try_read().is_err();
        try_write: RwLock::new(()), |it| [] forget(it.try_write()) => it.try_read().is_err();
        stop_reading: RwLock::new(()), |it| [let guard = it.read();] drop(guard)
            => it.try_write().is_ok();
        stop_writing: RwLock::new(()), |it| [let guard = it.write();] drop(guard)
            => it.try_read().is_ok();
        write_poison: RwLock::new(()), |it| [let guard = it.write();] panic_with(guard)
            => it.is_poisoned();
        clear_write_poison: RwLock::new(()), |it| [panic_with(it.write());] it.clear_poison()
            => !it.is_poisoned();
        printed_while_written: RwLock::new(7), |it| [] forget(it.write())
            => format!("{it:?}").contains("<locked>");

        set: OnceLock::new(), |it| [] it.set(7).unwrap() => it.get().is_some();
        get_or_init: OnceLock::new(), |it| [] it.get_or_init(|| 7) => it.clone().into_inner().is_some();
        equal_values: OnceLock::new(), |it| [] it.set(7).unwrap() => *it == OnceLock::from(7);
        printed_value: OnceLock::new(), |it| [] it.set(7).unwrap() => format!("{it:?}").contains('7');
    }

    /// A lock that is poisoned may still be locked, for a moment.
    #[test]
    fn a_guard_poisons_before_it_unlocks() {
        let seen = outcomes(|run| {
            let mutex = Arc::new(Mutex::new(()));
            let other = Arc::clone(&mutex);
            let guard = mutex.lock();
            let observer = thread::spawn(move || {
                let (poisoned, locked) = (other.is_poisoned(), other.try_lock());
                let would_block = matches!(locked, Err(std::sync::TryLockError::WouldBlock));
                format!("poisoned {poisoned}, locked {would_block}")
            });
            panic_with(guard);
            run.outcome(observer.join().unwrap());
        });
        let expected = [
            "poisoned false, locked false",
            "poisoned false, locked true",
            "poisoned true, locked false",
            "poisoned true, locked true",
        ];
        assert_eq!(seen, expected);
    }

    /// The value is there some time after the last thing that was done to make it.
    #[test]
    fn what_makes_a_value_comes_before_the_value() {
        let seen = outcomes(|run| {
            let shared = Arc::new((OnceLock::new(), AtomicUsize::new(0)));
            let other = Arc::clone(&shared);
            let observer = thread::spawn(move || {
                let made = other.1.load(SeqCst);
                format!("made {made}, there {}", other.0.get().is_some())
            });
            shared.0.get_or_init(|| shared.1.store(1, SeqCst));
            run.outcome(observer.join().unwrap());
        });
        let expected = [
            "made 0, there false",
            "made 0, there true",
            "made 1, there false",
            "made 1, there true",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn of_two_threads_that_set_a_value_one_does() {
        let seen = outcomes(|run| {
            let value = Arc::new(OnceLock::new());
            let other = Arc::clone(&value);
            let thread = thread::spawn(move || other.set(1));
            let mine = value.set(2);
            let theirs = thread.join().unwrap();
            run.outcome(format!("{mine:?} {theirs:?}"));
        });
        assert_eq!(seen, ["Err(2) Ok(())", "Ok(()) Err(1)"]);
    }
}

mod atomics {
    use super::{ALL, outcomes};
    use std::sync::atomic::Ordering::SeqCst;
    use ten_versus_five::traced::sync::Arc;
    use ten_versus_five::traced::sync::atomic::{AtomicBool, AtomicUsize};
    use ten_versus_five::traced::thread;

    effects! {
        store: AtomicUsize::new(0), |it| [] it.store(7, SeqCst) => it.load(SeqCst) == 7;
        swap: AtomicUsize::new(0), |it| [] it.swap(7, SeqCst) => it.fetch_add(0, SeqCst) == 7;
        fetch_add: AtomicUsize::new(0), |it| [] it.fetch_add(7, SeqCst) => it.swap(7, SeqCst) == 7
            || { it.store(0, SeqCst); false };
        compare_exchange: AtomicUsize::new(0), |it| []
            it.compare_exchange(0, 7, SeqCst, SeqCst).unwrap()
            => it.compare_exchange(7, 7, SeqCst, SeqCst).is_ok();
        compare_exchange_weak: AtomicUsize::new(0), |it| []
            while it.compare_exchange_weak(0, 7, SeqCst, SeqCst).is_err() {}
            => it.load(SeqCst) == 7;
        fetch_not: AtomicBool::new(false), |it| [] it.fetch_not(SeqCst) => it.load(SeqCst);
        printed: AtomicUsize::new(0), |it| [] it.store(7, SeqCst) => format!("{it:?}") == "7";
    }
}

mod channels {
    use super::{ALL, outcomes};
    use std::sync::Mutex as Unwatched;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::mpsc::TryRecvError::{Disconnected, Empty};
    use ten_versus_five::traced::sync::Arc;
    use ten_versus_five::traced::sync::atomic::AtomicUsize;
    use ten_versus_five::traced::sync::mpsc::{
        Receiver, Sender, SyncSender, channel, sync_channel,
    };
    use ten_versus_five::traced::thread;

    /// Each end is used by one thread, so no step has to guard it.
    fn ends<S, R>((sender, receiver): (S, R)) -> (Unwatched<Option<S>>, Unwatched<Option<R>>) {
        (Unwatched::new(Some(sender)), Unwatched::new(Some(receiver)))
    }

    fn take<T>(end: &Unwatched<Option<T>>) -> T {
        end.lock().unwrap().take().unwrap()
    }

    fn sender_of((sender, _): (Sender<u8>, Receiver<u8>)) -> Sender<u8> {
        sender
    }

    effects! {
        send: ends(channel()), |it| [let sender = take(&it.0);] sender.send(7)
            => take(&it.1).try_recv().is_ok();
        try_send: ends(sync_channel(1)), |it| [let sender = take(&it.0);]
            sender.try_send(7) => take(&it.1).try_iter().count() == 1;
        bounded_send: ends(sync_channel(1)), |it| [let sender = take(&it.0);]
            sender.send(7) => take(&it.1).try_recv().is_ok();
        receive: ends(full()), |it| [let receiver = take(&it.1);] receiver.recv().unwrap()
            => take(&it.0).try_send(8).is_ok();
        try_receive: ends(full()), |it| [let receiver = take(&it.1);] receiver.try_recv().unwrap()
            => take(&it.0).try_send(8).is_ok();
        drop_sender: ends(channel::<u8>()), |it| [let sender = take(&it.0);] drop(sender)
            => match take(&it.1).try_recv() {
                Err(Disconnected) => true,
                Err(Empty) => false,
                Ok(_) => unreachable!(),
            };
        drop_the_last_of_two_senders: ends(channel::<u8>()), |it| [
            let sender = take(&it.0);
            drop(sender.clone());
        ] drop(sender) => take(&it.1).try_recv() == Err(Disconnected);
        drop_a_sender_by_its_thread: ends(channel::<u8>()), |it| [let sender = take(&it.0);]
            drop(sender_of((sender, channel().1))) => take(&it.1).try_recv() == Err(Disconnected);
        drop_receiver: ends(channel()), |it| [let receiver = take(&it.1);] drop(receiver)
            => take(&it.0).send(7).is_err();
        drop_what_is_iterated: ends(channel()), |it| [let receiver = take(&it.1).into_iter();]
            drop(receiver) => take(&it.0).send(7).is_err();
    }

    fn full() -> (SyncSender<u8>, Receiver<u8>) {
        let ends = sync_channel(1);
        ends.0.send(7).unwrap();
        ends
    }

    /// A message that is dropped with its channel has an effect of its own.
    #[test]
    fn a_sender_in_a_dropped_channel_is_dropped_too() {
        let seen = outcomes(|run| {
            let (sender, receiver) = channel::<u8>();
            let (outer, messages) = channel();
            outer.send(sender).unwrap();
            let thread = thread::spawn(move || drop(messages));
            run.outcome(format!("{:?}", receiver.recv()));
            thread.join().unwrap();
        });
        assert_eq!(seen, ["Err(RecvError)"]);
    }
}

mod threads {
    use super::{ALL, outcomes, report};
    use std::cell::RefCell;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;
    use ten_versus_five::traced::sync::Arc;
    use ten_versus_five::traced::sync::atomic::{AtomicBool, AtomicUsize};
    use ten_versus_five::traced::sync::mpsc::{self, Sender};
    use ten_versus_five::traced::thread;

    effects! {
        spawn: Arc::new(AtomicBool::new(false)), |it| [let spawned = Arc::clone(it);] {
            thread::spawn(move || spawned.store(true, SeqCst)).join().unwrap()
        } => it.load(SeqCst);
        scope: AtomicBool::new(false), |it| [] {
            thread::scope(|scope| drop(scope.spawn(|| it.store(true, SeqCst))))
        } => it.load(SeqCst);
    }

    /// The example of `std`'s documentation, with the roles exchanged.
    #[test]
    fn the_main_thread_can_be_unparked() {
        let seen = outcomes(|run| {
            let flag = Arc::new(AtomicBool::new(false));
            let (other, main) = (Arc::clone(&flag), thread::current());
            assert_eq!(main.name(), Some("main"));
            let thread = thread::spawn(move || {
                other.store(true, SeqCst);
                main.unpark();
            });
            while !flag.load(SeqCst) {
                thread::park();
            }
            thread.join().unwrap();
            run.outcome("unparked");
        });
        assert_eq!(seen, ["unparked"]);
    }

    #[test]
    fn a_thread_that_is_not_unparked_stays_parked() {
        let report = report(|_| thread::park());
        assert_eq!((report.schedules, report.stuck), (1, 1));
    }

    /// It is unparked at the step, and neither before nor after it.
    #[test]
    fn unpark() {
        let seen = outcomes(|run| {
            let mark = Arc::new(AtomicUsize::new(0));
            let (other, main) = (Arc::clone(&mark), thread::current());
            let thread = thread::spawn(move || {
                other.store(1, SeqCst);
                main.unpark();
                other.store(2, SeqCst);
            });
            thread::park();
            run.outcome(mark.load(SeqCst));
            thread.join().unwrap();
        });
        assert_eq!(seen, ["1", "2"]);
    }

    #[test]
    fn is_finished() {
        let seen = outcomes(|run| {
            let thread = thread::spawn(|| ());
            let finished = thread.is_finished();
            thread.join().unwrap();
            run.outcome(finished);
        });
        assert_eq!(seen, ["false", "true"]);
    }

    thread_local! {
        static KEPT: RefCell<Vec<Sender<u8>>> = const { RefCell::new(Vec::new()) };
    }

    /// What a `thread_local!` holds is made anew in every schedule, and dropped before its thread can
    /// be joined.
    #[test]
    #[cfg(not(windows))]
    fn a_thread_drops_what_it_keeps_before_it_has_ended() {
        let seen = outcomes(|run| {
            let (sender, receiver) = mpsc::channel();
            let thread = thread::spawn(move || {
                KEPT.with_borrow_mut(|kept| kept.push(sender));
                KEPT.with_borrow(Vec::len)
            });
            let before = receiver.try_recv();
            let kept = thread.join().unwrap();
            run.outcome(format!("{kept} {before:?} {:?}", receiver.try_recv()));
        });
        let expected = [
            "1 Err(Disconnected) Err(Disconnected)",
            "1 Err(Empty) Err(Disconnected)",
        ];
        assert_eq!(seen, expected);
    }

    /// Windows starts and ends no thread as long as one of them drops what its `thread_local!`s hold. So a thread
    /// must not wait there for its turn to end.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_real_thread_leaves_before_the_schedule_comes_to_its_end() {
        let seen = outcomes(|run| {
            let did = Arc::new(AtomicBool::new(false));
            let real = Arc::new(::std::sync::OnceLock::new());
            let (does, itself) = (Arc::clone(&did), Arc::clone(&real));
            let thread = thread::spawn(move || {
                let task = ::std::fs::read_link("/proc/thread-self").unwrap();
                itself
                    .set(::std::path::Path::new("/proc").join(task))
                    .unwrap();
                does.store(true, SeqCst);
            });
            let ends_next = did.load(SeqCst) && !thread.is_finished();
            if ends_next {
                let task = real.get().unwrap();
                let deadline = ::std::time::Instant::now() + crate::common::PATIENCE;
                while task.exists() && ::std::time::Instant::now() < deadline {
                    ::std::thread::sleep(Duration::from_millis(1));
                }
                assert!(!task.exists());
            }
            thread.join().unwrap();
            run.outcome(ends_next);
        });
        assert_eq!(seen, ["false", "true"]);
    }

    #[test]
    #[cfg(not(windows))]
    fn a_thread_that_cannot_drop_what_it_keeps_is_stuck() {
        use ten_versus_five::traced::sync::Mutex;

        thread_local! {
            static LOCKS: RefCell<Option<Locks>> = const { RefCell::new(None) };
        }
        struct Locks(Arc<Mutex<()>>);
        impl Drop for Locks {
            fn drop(&mut self) {
                drop(self.0.lock());
            }
        }
        let report = report(|_| {
            let mutex = Arc::new(Mutex::new(()));
            let locks = Locks(Arc::clone(&mutex));
            let guard = mutex.lock().unwrap();
            let thread = thread::spawn(move || LOCKS.set(Some(locks)));
            thread.join().unwrap();
            drop(guard);
        });
        assert_eq!((report.schedules, report.stuck), (1, 1));
    }

    #[test]
    #[cfg(windows)]
    fn what_a_thread_keeps_is_not_seen_on_windows() {
        let report = super::Explorer::new().run(|_| {
            let (sender, receiver) = mpsc::channel::<u8>();
            let thread = thread::spawn(|| KEPT.with_borrow_mut(|kept| kept.push(sender)));
            let _ = receiver.try_recv();
            thread.join().unwrap();
        });
        let why = report.cannot_tell.unwrap();
        assert!(why.contains("when a `thread_local!` is dropped"), "{why}");
    }

    /// Nothing can receive the result, so the thread drops it, and with it the last sender.
    #[test]
    fn a_result_that_no_thread_can_join_is_dropped_by_its_thread() {
        let seen = outcomes(|run| {
            let (sender, receiver) = mpsc::channel::<u8>();
            drop(thread::spawn(|| sender));
            let before = receiver.try_recv();
            run.outcome(format!("{before:?} {:?}", receiver.recv()));
        });
        let expected = [
            "Err(Disconnected) Err(RecvError)",
            "Err(Empty) Err(RecvError)",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_result_of_a_scope_that_no_thread_joins_is_dropped_before_the_scope_ends() {
        let seen = outcomes(|run| {
            let (sender, receiver) = mpsc::channel::<u8>();
            thread::scope(|scope| drop(scope.spawn(|| sender)));
            run.outcome(format!("{:?}", receiver.recv()));
        });
        assert_eq!(seen, ["Err(RecvError)"]);
    }

    #[test]
    fn a_scope_panics_for_a_thread_that_did_and_was_not_joined() {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        for (joined, expected) in [(false, "true"), (true, "false")] {
            let report = report(move |run| {
                let scope = || {
                    thread::scope(|scope| {
                        let thread = scope.spawn(|| panic!("in the scope"));
                        if joined {
                            assert!(thread.join().is_err());
                        }
                    });
                };
                let panicked = catch_unwind(AssertUnwindSafe(scope)).is_err();
                run.outcome(panicked);
            });
            assert_eq!(Vec::from_iter(report.outcomes.keys()), [expected]);
        }
    }

    #[test]
    fn waits_that_end_with_time_end_before_and_after_what_others_do() {
        let mark = |work: fn()| {
            let report = report(move |run| {
                let mark = Arc::new(AtomicUsize::new(0));
                let other = Arc::clone(&mark);
                let thread = thread::spawn(move || other.store(1, SeqCst));
                work();
                run.outcome(mark.load(SeqCst));
                thread.join().unwrap();
            });
            Vec::from_iter(report.outcomes.into_keys())
        };
        assert_eq!(mark(thread::yield_now), ["0", "1"]);
        assert_eq!(mark(|| thread::sleep(Duration::MAX)), ["0", "1"]);
        assert_eq!(mark(|| thread::park_timeout(Duration::MAX)), ["0", "1"]);
    }
}

#[test]
fn a_barrier_lets_nobody_through_alone() {
    use std::sync::atomic::Ordering::SeqCst;
    use ten_versus_five::traced::sync::atomic::AtomicUsize;
    use ten_versus_five::traced::sync::{Arc, Barrier};
    use ten_versus_five::traced::thread;
    let seen = outcomes(|run| {
        let shared = Arc::new((Barrier::new(2), AtomicUsize::new(0)));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            other.1.fetch_add(1, SeqCst);
            let leads = other.0.wait().is_leader();
            (leads, other.1.load(SeqCst))
        });
        shared.1.fetch_add(1, SeqCst);
        let leads = shared.0.wait().is_leader();
        let (other_leads, count) = thread.join().unwrap();
        assert!(leads != other_leads);
        run.outcome(count);
    });
    assert_eq!(seen, ["2"]);
}

#[test]
fn what_comes_of_the_first_schedule_is_compared_too() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let report = Explorer::new().run(|run| run.outcome(RUNS.fetch_add(1, Ordering::SeqCst)));
    let why = report.cannot_tell.unwrap_or_default();
    assert!(why.contains("did not come to the same end"), "{why}");
}

/// Run by the test below, in a process of its own, which it ends.
#[test]
#[ignore = "it ends the process"]
fn a_pool_that_panics_while_it_panics() {
    use ten_versus_five::traced::sync::{Arc, Mutex};
    use ten_versus_five::traced::thread;
    struct Pool(Arc<Mutex<()>>);
    impl Drop for Pool {
        fn drop(&mut self) {
            drop(self.0.lock().expect("the lock of the pool"));
        }
    }
    Explorer::new().run(|_| {
        let pool = Pool(Arc::default());
        let mutex = Arc::clone(&pool.0);
        let worker = thread::Builder::new().name(String::from("worker-0"));
        let work = move || {
            let _guard = mutex.lock().unwrap();
            panic!("the job of worker-0");
        };
        let worker = worker.spawn(work).unwrap();
        worker.join().expect("the worker ends");
    });
}

#[test]
fn what_ends_the_process_says_what_was_known() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([
        "--exact",
        "tools::traced_steps::a_pool_that_panics_while_it_panics",
    ]);
    command.args(["--ignored", "--nocapture"]);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    for said in [
        "main panics in a `drop`",
        "the worker ends",
        "the lock of the pool",
        "  worker-0: poison\n",
    ] {
        assert!(errors.contains(said), "{said}: {errors}");
    }
}
