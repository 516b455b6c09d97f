//! Does the stand-in for `std` behave like `std`, and is what it notes true?

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use crate::common::compiler::is_declared_known;
use crate::common::repository::read;
use crate::common::{PATIENCE, new_crate, thorough, wait_for};
use ten_versus_five::notes::{Action, Note, ObjectKind, Outcome, Recording};
use ten_versus_five::traced::job;

/// A pool of a file in tests/tools/traced/, with the stand-in.
pub mod book {
    use ten_versus_five::traced as std;
    include!("traced/book.rs");
}

mod condvar {
    use ten_versus_five::traced as std;
    include!("traced/condvar.rs");
}

/// The same expectations of `std` and of its stand-in: what one of them does, the other has to do.
macro_rules! both {
    ($($test:ident)*) => {
        mod of_std {
            $( #[test] fn $test() { super::on_std::$test(); } )*
        }
        mod of_the_stand_in {
            $( #[test] fn $test() { super::on_the_stand_in::$test(); } )*
        }
    };
}

mod on_std {
    include!("traced/behaviour.rs");
}

mod on_the_stand_in {
    use ten_versus_five::traced as std;
    include!("traced/behaviour.rs");
}

both! {
    a_panic_poisons_the_mutex_it_happens_under
    a_panic_poisons_the_lock_it_is_written_under_and_not_the_one_it_is_read_under
    a_guard_dropped_during_a_panic_that_came_before_it_poisons_nothing
    a_locked_mutex_is_not_locked_again
    readers_share_and_writers_do_not
    a_lock_can_be_a_static
    a_lock_gives_its_value_back
    what_is_printed_of_a_lock_says_whether_it_is_locked
    a_lock_can_hold_a_value_of_unknown_size
    the_types_can_be_sent_and_shared_as_ever
    a_channel_keeps_the_order_and_ends_with_its_last_sender
    a_message_comes_back_when_the_receiver_is_gone
    a_bounded_channel_is_full_some_day
    a_channel_without_capacity_hands_over
    a_receiver_gives_up_in_time
    messages_are_dropped_with_the_receiver
    a_thread_has_a_name_an_id_and_a_result
    a_parked_thread_is_unparked
    a_scope_waits_for_its_threads_and_lends_them_variables
    a_waiting_thread_is_notified
    a_barrier_has_one_leader
    a_value_is_set_once
    an_atomic_counts
}

/// What the notes of a run with a pool have to tell, if it was the truth.
#[derive(Default)]
struct Replay {
    /// Whose each lock is.
    holders: BTreeMap<(ObjectKind, usize), usize>,
    /// What each thread waits for.
    waits: BTreeMap<usize, (Action, (ObjectKind, usize))>,
    /// How often each job began and ended, and how many were at work at once.
    jobs: BTreeMap<usize, (usize, usize)>,
    working: usize,
    most_at_once: usize,
    /// The locks that were held when a job ran, by its own thread.
    held_during: usize,
}

fn replay(notes: &[Note]) -> Replay {
    use Action::*;
    let mut replay = Replay::default();
    let mut last = Duration::ZERO;
    for (index, note) in notes.iter().enumerate() {
        let thread = note.thread;
        let object = note.object.unwrap_or((ObjectKind::Thread, 0));
        match (note.action, note.outcome) {
            (Lock | Receive { .. } | Join { .. } | Park { .. }, None) => {
                let before = replay.waits.insert(thread, (note.action, object));
                assert_eq!(before, None, "note {index}: thread {thread} waits twice");
            }
            (Lock, Some(Outcome::Done)) => {
                // A lock that is tried, or taken again after a wait at a condition variable, is
                // had without being wanted.
                if let Some(wait) = replay.waits.remove(&thread) {
                    assert_eq!(wait, (Lock, object), "note {index}");
                }
                let other = replay.holders.insert(object, thread);
                assert_eq!(other, None, "note {index}: thread {thread} has it too");
            }
            (Unlock, _) => {
                let holder = replay.holders.remove(&object);
                assert_eq!(holder, Some(thread), "note {index}: released by another");
            }
            (Receive { .. } | Join { .. }, Some(Outcome::Done | Outcome::Closed)) => {
                let wait = replay.waits.remove(&thread);
                assert_eq!(wait, Some((note.action, object)), "note {index}");
            }
            (BeginJob(job), _) => {
                replay.jobs.entry(job).or_default().0 += 1;
                replay.working += 1;
                replay.most_at_once = replay.most_at_once.max(replay.working);
                let held = replay.holders.values().any(|holder| *holder == thread);
                replay.held_during += usize::from(held);
            }
            (EndJob(job), _) => {
                replay.jobs.entry(job).or_default().1 += 1;
                replay.working -= 1;
            }
            _ => {}
        }
        last = last.max(note.time);
    }
    assert!(last < PATIENCE, "the times are those since the start");
    replay
}

/// The promise of the notes, over many jobs on four workers.
macro_rules! many_jobs {
    ($pool:ty, $held:expr) => {{
        let jobs = if thorough() { 10_000 } else { 300 };
        let recording = Recording::with_capacity(1 << 20);
        recording.watch(|| {
            let pool = <$pool>::new(4);
            for number in 0..jobs {
                pool.execute(move || job(number, || ()));
            }
            drop(pool);
        });
        let notes = wait_for("the last worker to end", || {
            let notes = recording.notes();
            let ended = notes.notes.iter().filter(|note| note.action == Action::End);
            (ended.count() == 4).then_some(notes)
        });
        assert_eq!((notes.threads.len(), notes.missed), (5, 0));
        let replay = replay(&notes.notes);
        assert_eq!(replay.jobs.len(), jobs);
        let once = replay.jobs.values().all(|job| *job == (1, 1));
        assert!(once, "every job once");
        assert!(replay.holders.is_empty(), "every lock is released");
        assert!(replay.waits.is_empty(), "every wait is over");
        assert!((1..=4).contains(&replay.most_at_once));
        assert_eq!(replay.held_during, $held * jobs);
        notes
    }};
}

#[cfg(feature = "stage3")]
#[test]
fn the_notes_of_many_jobs_of_stage_3_are_true() {
    if crate::common::ran_quietly() {
        return;
    }
    use ten_versus_five::traced::stages::stage3::ThreadPool;
    let notes = many_jobs!(ThreadPool, 0);
    let names: BTreeSet<&str> = notes.threads[1..].iter().map(String::as_str).collect();
    let workers = ["worker-0", "worker-1", "worker-2", "worker-3"];
    assert_eq!(names, BTreeSet::from(workers));
}

#[cfg(feature = "stage4")]
#[test]
fn the_notes_of_stage_4_show_the_lock_held_during_every_job() {
    if crate::common::ran_quietly() {
        return;
    }
    use ten_versus_five::traced::stages::stage4::ThreadPool;
    many_jobs!(ThreadPool, 1);
}

#[test]
fn the_notes_of_many_jobs_of_the_book_s_pool_are_true() {
    let notes = many_jobs!(book::ThreadPool, 0);
    assert!(notes.threads[1].starts_with("thread-"), "it has no name");
}

#[test]
fn the_notes_of_many_jobs_of_a_pool_with_a_condvar_are_true() {
    many_jobs!(condvar::ThreadPool, 0);
}

fn words(recording: &Recording) -> Vec<String> {
    let notes = recording.notes();
    let word = |line: String| line.split("  ").nth(2).map(String::from);
    notes.lines(Duration::ZERO).filter_map(word).collect()
}

#[test]
fn nothing_is_noted_without_a_recording_or_after_it() {
    let mutex = ten_versus_five::traced::sync::Mutex::new(());
    let recording = Recording::new();
    drop(mutex.lock());
    recording.watch(|| ());
    drop(mutex.lock());
    assert_eq!(words(&recording), [""; 0]);
}

#[test]
fn two_recordings_see_their_own_threads_and_no_others() {
    let (one, other) = (Recording::new(), Recording::new());
    let sleep = || ten_versus_five::traced::thread::sleep(Duration::ZERO);
    let sleeper = move || ten_versus_five::traced::thread::spawn(sleep).join();
    one.watch(|| {
        other.watch(sleeper).unwrap();
    });
    assert_eq!(words(&one), [""; 0]);
    let mut noted = words(&other);
    noted.sort();
    assert_eq!(
        noted.join(", "),
        "ends, joined, sleeps, slept, starts, wants to join"
    );
}

#[test]
fn a_full_recording_counts_what_it_misses() {
    let mutex = ten_versus_five::traced::sync::Mutex::new(());
    let recording = Recording::with_capacity(4);
    recording.watch(|| {
        for _ in 0..2 {
            drop(mutex.lock());
        }
    });
    let notes = recording.notes();
    assert_eq!((notes.notes.len(), notes.missed), (4, 2));
    assert_eq!(words(&recording), ["wants", "has", "releases", "wants"]);
}

#[test]
fn a_job_that_panics_is_noted_to_its_end() {
    let recording = Recording::new();
    let job = || job(7, || panic!("a job of this test"));
    let result = panic::catch_unwind(AssertUnwindSafe(|| recording.watch(job)));
    assert!(result.is_err());
    let notes = recording.notes().notes.into_iter();
    let actions: Vec<Action> = notes.map(|note| note.action).collect();
    assert_eq!(actions, [Action::BeginJob(7), Action::EndJob(7)]);
}

#[test]
fn a_thread_that_waits_for_a_notification_has_released_the_mutex() {
    use ten_versus_five::traced::sync::{Condvar, Mutex};
    let recording = Recording::new();
    recording.watch(|| {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let guard = mutex.lock().unwrap();
        let _ = condvar.wait_timeout(guard, Duration::ZERO).unwrap();
    });
    let noted = words(&recording).join(", ");
    assert_eq!(noted, "wants, has, waits, releases, woke, has, releases");
    replay(&recording.notes().notes);
}

/// Programs read the words of the notes, so they stay as they are.
mod words_of_what_a_thread_does {
    use ten_versus_five::traced as std;

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex, OnceLock, RwLock, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::{PATIENCE, Recording, job, words};

    fn of(work: impl FnOnce()) -> String {
        let recording = Recording::new();
        recording.watch(work);
        assert!(recording.wait_for_threads(PATIENCE));
        words(&recording).join(", ")
    }

    #[test]
    fn with_locks() {
        let (mutex, lock) = (Mutex::new(0), RwLock::new(0));
        let found = of(|| {
            let held = mutex.lock();
            assert!(mutex.try_lock().is_err());
            drop(held);
            drop(mutex.try_lock());
            let (read, also) = (lock.read(), lock.try_read());
            assert!(lock.try_write().is_err());
            drop((read, also));
            let held = lock.write();
            assert!(lock.try_read().is_err());
            drop(held);
        });
        assert_eq!(
            found,
            "wants, has, found locked, releases, has, releases, \
             wants to read, reads, reads, found locked, stops reading, stops reading, \
             wants, has, found locked, releases"
        );
    }

    #[test]
    fn with_what_it_waits_for_and_with_atomics() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let found = of(|| {
            drop(condvar.wait_timeout(mutex.lock().unwrap(), Duration::ZERO));
            condvar.notify_one();
            condvar.notify_all();
            thread::park_timeout(Duration::ZERO);
            thread::current().unpark();
            thread::sleep(Duration::ZERO);
            thread::yield_now();
            let number = AtomicUsize::new(1);
            number.fetch_add(number.load(Ordering::SeqCst), Ordering::SeqCst);
            let _ = number.compare_exchange_weak(0, 1, Ordering::SeqCst, Ordering::SeqCst);
            let _ = OnceLock::new().set(1);
        });
        assert_eq!(
            found,
            "wants, has, waits, releases, woke, has, releases, notifies one, notifies all, \
             parks, unparked, unparks, sleeps, slept, yields, loads, changes, changes, \
             loads, wants, has, changes, releases"
        );
    }

    #[test]
    fn with_channels() {
        let found = of(|| {
            let (sender, receiver) = mpsc::sync_channel(1);
            sender.send(1).unwrap();
            assert!(sender.try_send(2).is_err());
            receiver.recv().unwrap();
            assert!(receiver.try_recv().is_err());
            assert!(receiver.recv_timeout(Duration::ZERO).is_err());
            sender.try_send(3).unwrap();
            receiver.try_recv().unwrap();
            let another = sender.clone();
            drop((sender, another));
            assert!(receiver.recv().is_err());
            assert!(receiver.try_recv().is_err());
            drop(receiver);
            let (sender, receiver) = mpsc::channel();
            drop(receiver);
            assert!(sender.send(1).is_err());
        });
        assert_eq!(
            found,
            "wants to send, sent, could not send, wants to receive, received, found empty, \
             wants to receive, found empty, sent, received, drops sender, drops sender, \
             wants to receive, found closed, found closed, drops receiver, \
             drops receiver, wants to send, could not send, drops sender"
        );
    }

    #[test]
    fn with_threads() {
        let mut found = of(|| {
            let (sender, receiver) = mpsc::sync_channel::<()>(1);
            let handle = thread::spawn(move || job(7, || receiver.recv()));
            sender.send(()).unwrap();
            handle.join().unwrap().unwrap();
        });
        for words in ["starts", "begins", "ends", "wants to join", "joined"] {
            assert!(found.contains(words), "{words}: {found}");
            found = found.replacen(words, "", 1);
        }
        assert!(
            found.contains("ends"),
            "of the job, and of the thread: {found}"
        );
    }
}

#[test]
fn the_notes_of_a_parked_thread_and_of_its_waker_are_about_the_same_thread() {
    use ten_versus_five::traced::thread;
    let recording = Recording::new();
    recording.watch(|| {
        let parked = thread::spawn(thread::park);
        parked.thread().unpark();
        parked.join().unwrap();
    });
    let notes = recording.notes().notes;
    let objects: BTreeSet<_> = notes.iter().filter_map(|note| note.object).collect();
    assert_eq!(objects.len(), 1, "{notes:?}");
}

/// What a learner does: a project of their own, and one line at the top of the file.
///
/// Two files, in three editions, or one each in the oldest and the newest. Cargo compiles the library once for all of
/// them.
#[test]
fn a_file_of_another_crate_needs_one_line_at_its_top_in_every_edition() {
    let editions = ["2018", "2021", "2024"];
    let all = ["book", "condvar"]
        .into_iter()
        .flat_map(|pool| editions.map(|edition| (pool, edition)));
    let some =
        |it: &(&str, &str)| thorough() || [("book", "2024"), ("condvar", "2018")].contains(it);
    for (pool, edition) in all.filter(some) {
        let name = format!("{pool}-{edition}");
        let program = format!(
            "use ten_versus_five::traced as std;\n{}\n{}",
            read(format!("tests/tools/traced/{pool}.rs")),
            read("tests/tools/traced/show.rs"),
        );
        let mut cargo = new_crate(&name, edition, [("src/main.rs", program.as_str())]);
        cargo.args(["run", "--offline"]).env("LC_ALL", "C");
        let output = cargo.env_remove("RUSTFLAGS").output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        let warned = is_declared_known() && messages.contains("warning");
        assert!(output.status.success() && !warned, "{name}: {messages}");

        let output = String::from_utf8(output.stdout).unwrap();
        let last = output.lines().last().unwrap_or_default();
        assert_eq!(last, "lock held during 0 of 2 jobs", "{name}: {output}");
        // Four rows, of which two show a job, and none a job with the lock.
        let rows = output.lines().filter(|line| line.contains("  thread-"));
        let rows: Vec<&str> = rows.collect();
        let working = rows.iter().filter(|row| row.contains("###")).count();
        assert_eq!((rows.len(), working), (4, 2), "{name}: {output}");
        assert!(!output.contains('@'), "{name}: {output}");
        if pool == "book" {
            // The page has the table, and says where the lock is released too.
            let row = output.lines().find(|line| line.contains("not known"));
            let (row, _) = row.unwrap().split_once("not known").unwrap();
            let page = read("docs/lock_trace.md");
            assert!(page.contains(&format!("\n{row}")), "{name}: {output}");
        }
    }
}
