//! What can happen, in some schedule, and what never can, in any?
//!
//! `overlap.rs` shows of real threads that two requests *can* be at work at once. That they *never*
//! are, that no order of steps loses a job or leaves a thread waiting for ever, can only be shown by
//! running every order, and that is done here.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::repository::read;
use ten_versus_five::explore::{Action, Explorer, Report, Run, Schedule};
use ten_versus_five::traced;

pub mod book {
    use ten_versus_five::traced as std;
    include!("traced/book.rs");
}

pub mod condvar {
    use ten_versus_five::traced as std;
    include!("traced/condvar.rs");
}

pub mod counts {
    use ten_versus_five::traced as std;
    include!("explore/counts.rs");
}

pub mod random;

pub mod broken {
    use ten_versus_five::traced as std;
    include!("explore/broken.rs");
}

pub mod programs {
    use ten_versus_five::traced as std;
    include!("explore/programs.rs");
}

/// Long enough for every exploration here, however busy the machine is.
pub fn explorer() -> Explorer {
    Explorer::new().time_limit(Duration::from_secs(3600))
}

/// All schedules were run, none is stuck, none loses a job, and no thread panics.
fn assert_all_is_well(report: &Report) {
    assert_eq!(report.cannot_tell, None);
    assert!(report.complete, "not all were run: {}", report.schedules);
    let found = (report.stuck, report.lost, report.panicked);
    assert_eq!(found, (0, 0, 0));
}

/// What the lesson says of the pools of its stages.
#[cfg(all(
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]
mod stages {
    use super::*;
    use crate::tools::explore_page::table_has;
    use ten_versus_five::explore::stages::explore;

    fn every_schedule(stage: usize, workers: usize, jobs: usize) -> Report {
        let report = explore(&explorer(), stage, workers, jobs, workers).unwrap();
        assert_all_is_well(&report);
        report
    }

    /// A stage with so many workers and jobs, how many of these run at once at most, and how many schedules there
    /// are. Half a second is the aim for one on a quiet machine.
    #[test]
    fn stage_4_never_runs_two_jobs_at_once_and_the_others_as_many_as_they_have_workers() {
        let mut in_the_table = 0;
        for (stage, workers, jobs, most, schedules) in [
            (3, 2, 2, 2, Some(8)),
            (4, 2, 2, 1, Some(2)),
            (5, 2, 2, 2, Some(20)),
            (6, 2, 2, 2, Some(16)),
            (7, 2, 2, 2, Some(16)),
            (3, 3, 3, 3, None),
            (4, 3, 3, 1, None),
            (3, 1, 2, 1, None),
            (5, 1, 2, 1, None),
            (6, 1, 2, 1, None),
            (7, 1, 2, 1, None),
            (3, 2, 3, 2, None),
            (6, 2, 3, 2, None),
            (7, 2, 3, 2, None),
        ] {
            let report = every_schedule(stage, workers, jobs);
            let pool = format!("stage {stage}, {workers} workers, {jobs} jobs");
            assert_eq!(report.most_at_once, most, "{pool}");
            if let Some(schedules) = schedules {
                assert_eq!(report.schedules, schedules, "{pool}");
                assert!(report.time < crate::common::PATIENCE, "{pool}");
            }
            in_the_table += usize::from(table_has(stage, workers, jobs, None, &report));
        }
        assert_eq!(in_the_table, 5, "all rows of the page");
    }

    #[test]
    fn a_channel_without_capacity_loses_nothing_and_rejects_at_times() {
        for stage in [6, 7] {
            let report = explore(&explorer(), stage, 2, 2, 0).unwrap();
            assert_all_is_well(&report);
            assert_eq!(report.most_at_once, 2);
            assert!(
                report.at_once.contains_key(&0),
                "stage {stage} rejects both"
            );
        }
    }

    #[test]
    fn the_reduction_loses_nothing_that_the_plain_search_finds() {
        let sizes = [
            (3, 2, 2),
            (3, 2, 1),
            (3, 1, 2),
            (4, 2, 2),
            (5, 1, 2),
            (5, 2, 1),
            (6, 2, 2),
            (6, 1, 2),
            (7, 2, 1),
            (7, 1, 2),
        ];
        // Some have thousands of schedules.
        let few = |(stage, workers, jobs): &(usize, usize, usize)| {
            crate::common::thorough() || *stage == 4 || workers * jobs < 4
        };
        for (stage, workers, jobs) in sizes.into_iter().filter(few) {
            let plain = explore(
                &explorer().without_reduction(),
                stage,
                workers,
                jobs,
                workers,
            )
            .unwrap();
            assert_all_is_well(&plain);
            let reduced = every_schedule(stage, workers, jobs);
            if stage < 5 && workers * jobs == 4 {
                assert!(table_has(stage, workers, jobs, Some(&plain), &reduced));
            }
            assert_eq!(plain.most_at_once, reduced.most_at_once, "stage {stage}");
            assert!(reduced.schedules < plain.schedules, "stage {stage}");
        }
    }

    /// Of two workers with a job each, some schedule runs both at once. If the one it shows did not,
    /// it would be of no use.
    #[test]
    fn the_schedule_that_is_shown_is_one_in_which_most_jobs_run_at_once() {
        let schedule = every_schedule(3, 2, 2).most_schedule.unwrap();
        let jobs = schedule.steps.iter().filter_map(|step| match step.action {
            Action::BeginJob(_) => Some("begins"),
            Action::EndJob(_) => Some("ends"),
            _ => None,
        });
        let jobs: Vec<&str> = jobs.collect();
        assert_eq!(jobs, ["begins", "begins", "ends", "ends"]);
        assert_eq!(schedule.threads, ["main", "worker-0", "worker-1"]);
        let columns = schedule.to_string();
        assert!(
            columns.contains("  job 0 begins\n") && columns.contains("  waits: lock"),
            "{columns}"
        );
    }

    #[test]
    fn a_job_that_panics_costs_stage_3_a_worker_and_stage_7_none() {
        let three = {
            use ten_versus_five::traced::stages::stage3::ThreadPool;
            explorer().pool(2, 2, ThreadPool::new, |pool: &ThreadPool, job| {
                pool.execute(move || job.run_with(|| panic!("a job of this test")));
            })
        };
        assert!(three.complete);
        assert_eq!((three.stuck, three.lost), (0, 0));
        assert_eq!(three.panicked, three.schedules);
        let panics = three.panicked_schedule.unwrap().panics;
        assert!(panics[0].contains("a job of this test"), "{panics:?}");

        use ten_versus_five::traced::stages::stage7::ThreadPool;
        let new = |workers| {
            ThreadPool::new(workers, 2, |job: ten_versus_five::explore::ExploredJob| {
                job.run_with(|| panic!("a job of this test"));
            })
        };
        let seven = explorer().pool(2, 2, new, |pool, job| {
            let _ = pool.try_execute(job);
        });
        assert_all_is_well(&seven);
    }

    #[test]
    fn stage_5_never_lets_in_more_than_it_has_workers() {
        use ten_versus_five::traced::stages::stage5::ThreadPool;
        let report = let_in_two(ThreadPool::new, |pool, job| {
            let Some(permit) = pool.try_acquire() else {
                return false;
            };
            pool.execute(move || {
                let _permit = permit;
                job();
            });
            true
        });
        assert_all_is_well(&report);
    }

    /// The first job poisons the lock that its worker holds, and the other worker dies of that. The
    /// second job stays where it is.
    #[test]
    fn a_job_that_panics_costs_stage_4_every_worker_and_the_other_job() {
        use ten_versus_five::traced::stages::stage4::ThreadPool;
        let report = explorer().pool(2, 2, ThreadPool::new, |pool: &ThreadPool, job| {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                pool.execute(move || job.run_with(|| panic!("a job of this test")));
            }));
        });
        assert!(report.complete && report.stuck == 0);
        assert_eq!(
            (report.panicked, report.lost),
            (report.schedules, report.schedules)
        );
        let panics = report.panicked_schedule.unwrap().panics;
        assert!(
            panics.iter().any(|panic| panic.contains("PoisonError")),
            "{panics:?}"
        );
    }
}

/// The loops of docs/lock_scope.md, in every schedule.
mod loops {
    use super::*;
    use ten_versus_five::explore::loops::{SPELLINGS, Spelling};

    const THAT_HOLD_IT: [&str; 6] = [
        "for_loop",
        "while_let",
        "match_on_recv",
        "if_let",
        "guard_not_dropped",
        "borrow_in_a_let",
    ];

    /// How many of two jobs run at once on two workers that do this.
    fn most_at_once(spelling: &Spelling) -> usize {
        let report = explorer().run(spelling.program(2, 2));
        assert_all_is_well(&report);
        report.most_at_once
    }

    /// In edition 2024, of which this crate is.
    #[test]
    fn those_that_release_the_lock_run_two_jobs_at_once_in_some_schedule() {
        let release = |it: &&Spelling| !THAT_HOLD_IT.contains(&it.name);
        let all: Vec<&Spelling> = SPELLINGS.iter().filter(release).collect();
        assert_eq!(all.len(), 7);
        for spelling in all {
            assert_eq!(most_at_once(spelling), 2, "{}", spelling.name);
        }
    }

    #[test]
    fn those_that_hold_it_never_do() {
        for name in THAT_HOLD_IT {
            let spelling = SPELLINGS.iter().find(|spelling| spelling.name == name);
            assert_eq!(most_at_once(spelling.unwrap()), 1, "{name}");
        }
    }

    #[test]
    fn they_are_those_of_the_file_in_its_order() {
        let code = read("src/explore/spellings.rs");
        let functions = code.split("\npub fn ").skip(1);
        let names = functions.map(|function| function.split('(').next().unwrap());
        assert!(names.eq(SPELLINGS.iter().map(|spelling| spelling.name)));
    }
}

#[test]
fn a_thread_without_a_name_has_its_number() {
    let report = explorer().pool(2, 2, book::ThreadPool::new, |pool, job| {
        pool.execute(move || job.run());
    });
    let threads = report.most_schedule.unwrap().threads;
    assert_eq!(threads, ["main", "thread-1", "thread-2"]);
}

#[test]
fn a_pool_with_a_condvar_runs_two_jobs_at_once_in_as_many_schedules_as_the_page_says() {
    let explore = |workers, spurious| {
        let explorer = explorer().max_spurious(spurious);
        let report = explorer.pool(workers, 2, condvar::ThreadPool::new, |pool, job| {
            pool.execute(move || job.run());
        });
        assert_all_is_well(&report);
        assert_eq!(report.most_at_once, workers);
        report.schedules
    };
    assert_eq!((explore(1, 0), explore(1, 1)), (36, 158));
    if crate::common::thorough() {
        assert_eq!(explore(2, 0), 2_936);
    }
    let page = crate::common::repository::read("docs/explore.md");
    for said in ["36 of them without, and 158 with", "2,936 without"] {
        assert!(page.contains(said), "{said}");
    }
}

/// A job that runs before one of these two things is done, and one that runs behind the other, never run at once: the
/// second thing waits for the first.
fn assert_is_waited_for(
    name: &str,
    does: fn(&traced::sync::mpsc::SyncSender<u8>, &traced::sync::Condvar),
    waits: fn(&traced::sync::mpsc::Receiver<u8>, &(traced::sync::Mutex<()>, traced::sync::Condvar)),
) {
    assert_never_at_once(name, move |run: &Run| {
        let (sender, receiver) = traced::sync::mpsc::sync_channel(1);
        let shared = traced::sync::Arc::new(<(traced::sync::Mutex<()>, _)>::default());
        let (first, second) = (run.job(), run.job());
        let theirs = traced::sync::Arc::clone(&shared);
        traced::thread::spawn(move || {
            first.run();
            does(&sender, &theirs.1);
        });
        waits(&receiver, &shared);
        second.run();
    });
}

fn assert_never_at_once(name: &str, work: impl Fn(&Run) + Send + Sync + 'static) {
    let report = explorer().run(work);
    let seen = (report.cannot_tell, report.most_at_once);
    assert_eq!(seen, (None, 1), "{name}");
}

#[test]
fn what_a_step_waits_for_happens_before_it() {
    let send = |sender: &traced::sync::mpsc::SyncSender<u8>, _: &_| sender.send(1).unwrap();
    let receive = |receiver: &traced::sync::mpsc::Receiver<u8>, _: &_| {
        let _ = receiver.recv();
    };
    assert_is_waited_for("a message", send, receive);
    assert_is_waited_for("a sender that is dropped", |_, _| (), receive);
    assert_is_waited_for(
        "a notification",
        |_, condvar| condvar.notify_one(),
        |_, (mutex, condvar)| drop(condvar.wait(mutex.lock().unwrap())),
    );
    for (name, room) in [("room", 1), ("a message that is taken", 0)] {
        assert_never_at_once(name, move |run: &Run| {
            let (sender, receiver) = traced::sync::mpsc::sync_channel(room);
            let (first, second) = (run.job(), run.job());
            traced::thread::spawn(move || {
                first.run();
                receiver.recv()
            });
            (0..=room).for_each(|_| sender.send(1).unwrap_or_default());
            second.run();
        });
    }
}

#[test]
fn a_pool_that_wakes_the_wrong_worker_is_found_stuck_in_some_schedules() {
    let report = explorer().pool(2, 1, broken::WakesTheWrongOne::new, |pool, job| {
        pool.execute(move || job.run());
    });
    assert!(report.complete && report.cannot_tell.is_none());
    assert!(report.stuck > 0 && report.stuck < report.schedules);
    let stuck = report.stuck_schedule.unwrap();
    assert!(
        stuck
            .stuck
            .iter()
            .all(|wanted| matches!(wanted.action, Action::Wake { .. })),
        "{stuck}"
    );
}

/// Gives two jobs to a pool of one worker, and panics when it has let in both before the first is
/// done.
fn let_in_two<P>(
    new: fn(usize) -> P,
    try_execute: fn(&P, Box<dyn FnOnce() + Send>) -> bool,
) -> Report
where
    P: 'static,
{
    explorer().run(move |run| {
        let pool = new(1);
        let done = Arc::new(traced::sync::atomic::AtomicUsize::new(0));
        let mut let_in = 0;
        for _ in 0..2 {
            let (job, theirs) = (run.job(), Arc::clone(&done));
            let copy = job.clone();
            let work = move || {
                job.run();
                theirs.fetch_add(1, Ordering::SeqCst);
            };
            if try_execute(&pool, Box::new(work)) {
                let_in += 1;
            } else {
                copy.reject();
            }
            let inside = let_in - done.load(Ordering::SeqCst);
            assert!(inside <= 1, "one worker, and {inside} jobs let in");
        }
    })
}

#[test]
fn a_stage_5_that_counts_in_the_worker_lets_too_many_in_and_it_is_shown_how() {
    let report = let_in_two(broken::CountsInTheWorker::new, |pool, job| {
        pool.try_execute(job)
    });
    assert!(report.complete && report.cannot_tell.is_none());
    assert_eq!((report.stuck, report.lost), (0, 0));
    assert!(report.panicked > 0 && report.panicked < report.schedules);
    let schedule = report.panicked_schedule.unwrap();
    let panic = "one worker, and 2 jobs let in";
    assert!(schedule.panics[0].contains(panic), "{schedule}");
    // Both are sent, and the first has not even begun, or has not come to its end.
    let place = |action| schedule.steps.iter().position(|step| step.action == action);
    let sends = |until: usize| {
        let before = &schedule.steps[..until];
        let sends = before.iter().filter(|step| step.action == Action::Send);
        sends.count()
    };
    let end = place(Action::EndJob(0)).expect("it is not lost");
    assert_eq!(sends(end), 2, "{schedule}");
}

#[test]
fn a_job_that_is_run_twice_is_lost_too() {
    let report = explorer().run(|run| {
        let job = run.job();
        job.run();
        job.run();
    });
    assert_eq!((report.schedules, report.lost), (1, 1));
}

/// Runs a small program in every schedule, reduced and plain, and compares what came of it.
fn compare(program: impl Fn() -> String + Clone + Send + Sync + 'static) -> BTreeSet<String> {
    let run = |explorer: Explorer| {
        let program = program.clone();
        let report = explorer.run(move |run| {
            let outcome = program();
            run.outcome(outcome);
        });
        assert_eq!(report.cannot_tell, None);
        assert!(report.complete, "{report:?}");
        report
    };
    let (plain, reduced) = (run(explorer().without_reduction()), run(explorer()));
    let outcomes = |report: &Report| -> BTreeSet<String> {
        let mut outcomes: BTreeSet<String> = report.outcomes.keys().cloned().collect();
        if report.stuck > 0 {
            outcomes.insert(String::from("stuck"));
        }
        outcomes
    };
    assert_eq!(outcomes(&reduced), outcomes(&plain));
    assert_eq!(reduced.panicked > 0, plain.panicked > 0);
    assert!(reduced.schedules <= plain.schedules);
    outcomes(&plain)
}

/// Each program, with all that can come of it.
macro_rules! programs {
    ($($name:ident: $($outcome:literal)*;)*) => {
        $(
            #[test]
            fn $name() {
                let outcomes = compare(programs::$name);
                assert_eq!(outcomes, BTreeSet::from([$($outcome.to_owned()),*]));
                has_as_many_ends(stringify!($name), programs::$name);
            }
        )*
    };
}

mod small_programs {
    use super::*;
    use crate::tools::states::has_as_many_ends;

    programs! {
        a_lost_addition: "1" "2";
        // That both read 0 is what weak memory could do, and this does not.
        two_flags: "0 1" "1 0" "1 1";
        two_locks_in_two_orders: "1 2" "3 2" "stuck";
        tries_to_lock: "00" "0-" "01" "--" "-1" "11";
        a_notification_that_comes_too_early: "notified" "stuck";
        readers_and_a_writer: "0 0 true" "0 1 true" "0 1 false" "1 0 true"
            "1 0 false" "1 1 true" "1 1 false";
        a_channel_with_room_for_one: "true true 2 [1]" "true false 2 []" "false true 1 []";
        a_channel_without_room: "true true (Ok(1), Ok(2))"
            "false true (Ok(2), Err(Empty))" "false true (Ok(2), Err(Disconnected))"
            "true false (Ok(1), Err(Empty))";
        a_receiver_that_gives_up: "1 true" "late true" "late false";
        parked_and_unparked: "false false" "false true" "true true";
        a_scope_and_a_barrier: "Ab" "Ba" "aB" "bA";
        joins_a_thread_with_the_lock_held: "01 01 00" "01 01 01" "01 01 11" "01 10 01" "01 10 11"
            "10 01 00" "10 01 01" "10 01 11" "10 10 01" "10 10 11";
        a_third_thread_notifies: "0" "1" "stuck";
        an_idle_worker_that_leaves: "leaves, 0 there" "leaves, 1 there" "works at once"
            "works, 1 there";
        two_readers_at_once: "0 0" "0 1" "1 0" "1 1";
        set_once: "false 1 1" "false 2 2" "true 1 1";
        a_thread_that_waits_for_itself_in_vain: "stuck";
        a_poisoned_lock: "false true true" "true true true";
    }

    /// Each is right but for what happens for no reason, and that is found where it is looked for.
    #[test]
    fn what_happens_for_no_reason_is_tried_at_most_as_often_as_is_said() {
        type Small = fn() -> String;
        let exchanged = ["false false", "false true", "true false"];
        let expected: [(Small, &[&str], &[&str]); 3] = [
            (programs::a_wait_without_a_loop, &["1"], &["0", "1"]),
            (programs::a_park_without_a_loop, &["1"], &["0", "1"]),
            (
                programs::a_weak_exchange_without_a_loop,
                &exchanged[1..],
                &exchanged,
            ),
        ];
        for (program, without, with) in expected {
            has_as_many_ends("for no reason", program);
            for (explorer, outcomes) in [
                (explorer().max_spurious(0), without),
                (explorer().max_spurious(1), with),
                (explorer().max_spurious(1).without_reduction(), with),
            ] {
                let report = explorer.run(move |run| run.outcome(program()));
                let found: Vec<&str> = report.outcomes.keys().map(String::as_str).collect();
                assert!(report.complete && report.stuck == 0);
                assert_eq!(found, outcomes);
            }
        }
    }

    /// A thread that is not notified is stuck, although it may also go on for no reason.
    #[test]
    fn what_can_only_go_on_for_no_reason_is_stuck_too() {
        let program = |run: &Run| {
            let (mutex, condvar) = (traced::sync::Mutex::new(()), traced::sync::Condvar::new());
            drop(condvar.wait(mutex.lock().unwrap()));
            run.outcome("goes on");
        };
        let report = explorer().max_spurious(1).run(program);
        assert_eq!((report.schedules, report.stuck), (2, 1));
        let on = &report.outcome_schedules["goes on"];
        assert!(on.to_string().contains("\nspurious wake-up"), "{on}");
        for schedule in [on, report.stuck_schedule.as_ref().unwrap()] {
            let again = explorer()
                .max_spurious(1)
                .replay(&schedule.choices(), program);
            let again = again.first_schedule.unwrap();
            assert_eq!(again.choices(), schedule.choices());
            assert_eq!(again.stuck.len(), schedule.stuck.len());
        }
    }

    /// Five waits can end in vain, one after another, before the message comes. The explorer lets no
    /// more than two do so in a row, and says that this is not all.
    #[test]
    fn waits_that_can_end_in_vain_more_often_than_is_tried_are_told() {
        for (waits, complete) in [(1, true), (2, true), (3, false), (5, false)] {
            let report = explorer().run(move |run| {
                run.outcome(programs::a_receiver_that_asks_again(waits));
            });
            assert_eq!(report.complete, complete, "{waits} waits: {report:?}");
            assert_eq!(report.cannot_tell, None);
        }
        let report = explorer().run(|_| {
            let sleeper = traced::thread::spawn(|| {
                for _ in 0..3 {
                    traced::thread::sleep(Duration::from_secs(1));
                }
            });
            drop(traced::sync::Mutex::new(()).lock());
            sleeper.join().unwrap();
        });
        assert!(!report.complete, "three sleeps in a row: {report:?}");
    }

    /// A spin loop can go on for as long as one likes, so this one is never complete.
    #[test]
    fn either_of_two_threads_can_be_the_one_that_is_notified() {
        let report = explorer().max_schedules(20_000).run(|run| {
            let outcome = programs::one_of_two_is_notified();
            run.outcome(outcome);
        });
        let first: Vec<&str> = report.outcomes.keys().map(String::as_str).collect();
        assert_eq!((first, report.stuck), (vec!["1", "2"], 0));
        assert!(!report.complete);
    }
}

#[test]
fn a_stuck_schedule_is_replayed_from_its_choices() {
    let program = |run: &Run| run.outcome(programs::two_locks_in_two_orders());
    let stuck = explorer().run(program).stuck_schedule.unwrap();
    assert_eq!(stuck.stuck.len(), 2);
    let again = explorer().replay(&stuck.choices(), program);
    assert_eq!(
        (again.schedules, again.stuck, again.complete),
        (1, 1, false)
    );
    assert_eq!(again.stuck_schedule, Some(stuck));
}

#[test]
fn the_same_program_gives_the_same_report_again() {
    let run = || {
        let mut report = explorer().run(|run| run.outcome(programs::tries_to_lock()));
        report.time = Duration::ZERO;
        format!("{report:?}")
    };
    assert_eq!(run(), run());
}

/// The fields of a schedule are public, and so are the choices with which one can be run again.
#[test]
fn fields_that_contradict_each_other_make_nothing_panic() {
    let program = |run: &Run| run.outcome(programs::two_locks_in_two_orders());
    let stuck = explorer().run(program).stuck_schedule.unwrap();
    let changes: [fn(&mut Schedule); 6] = [
        |it| it.threads.clear(),
        |it| it.threads.truncate(1),
        |it| it.steps[2].thread = usize::MAX,
        |it| it.steps[2].ready[0].thread = 900,
        |it| it.stuck[0].thread = 900,
        |it| it.steps.clear(),
    ];
    for change in changes {
        let mut schedule = stuck.clone();
        change(&mut schedule);
        assert!(!schedule.to_string().is_empty());
        assert!(explorer().replay(&schedule.choices(), program).schedules <= 1);
    }
    let no_choice = explorer().replay(&[usize::MAX, 900], program);
    assert!(no_choice.cannot_tell.is_some());
}

/// Also where threads are stuck: what they hold is dropped, so none of them is left.
#[test]
fn no_thread_is_left_behind_by_a_stuck_schedule() {
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let report = explorer().run(move |run| {
        let held = Arc::clone(&theirs);
        let (sender, receiver) = traced::sync::mpsc::channel::<()>();
        let thread = traced::thread::spawn(move || {
            let _held = held;
            receiver.recv()
        });
        let (mutex, condvar) = (traced::sync::Mutex::new(()), traced::sync::Condvar::new());
        let _guard = condvar.wait(mutex.lock().unwrap());
        drop((thread, sender));
        run.outcome("never");
    });
    assert_eq!((report.stuck, report.outcomes.len()), (report.schedules, 0));
    assert_eq!(Arc::strong_count(&held), 1);
}

/// A `drop` that locks, notifies and joins, while its thread unwinds because it is stuck.
#[test]
fn a_pool_that_is_dropped_by_a_stuck_thread_ends_too() {
    let report = explorer().run(|run| {
        let pool = condvar::ThreadPool::new(2);
        let job = run.job();
        pool.execute(move || job.run());
        let (_sender, receiver) = traced::sync::mpsc::channel::<()>();
        let _ = receiver.recv();
    });
    assert!(report.complete);
    assert_eq!((report.stuck, report.panicked), (report.schedules, 0));
}

/// A scope waits for its threads again, in `std`, while `main` unwinds because they are stuck.
#[test]
fn a_scope_of_stuck_threads_ends_too() {
    let report = explorer().run(|run| {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..2).map(|_| traced::sync::mpsc::channel::<()>()).unzip();
        traced::thread::scope(|scope| {
            for receiver in receivers {
                scope.spawn(move || receiver.recv());
            }
        });
        drop(senders);
        run.outcome("never");
    });
    assert!(report.complete);
    assert_eq!((report.stuck, report.panicked), (report.schedules, 0));
    assert_eq!(report.outcomes.len(), 0);
}

#[test]
fn a_panic_of_the_closure_is_told_and_its_pool_still_ends() {
    let report = explorer().run(|run| {
        let pool = book::ThreadPool::new(2);
        let job = run.job();
        pool.execute(move || job.run());
        panic!("the closure of this test");
    });
    assert!(report.complete && report.stuck == 0);
    assert_eq!(report.panicked, report.schedules);
    let panics = report.panicked_schedule.unwrap().panics;
    assert!(panics[0].contains("the closure of this test"), "{panics:?}");
}

#[test]
fn a_static_that_survives_a_schedule_is_noticed() {
    static COUNT: traced::sync::atomic::AtomicUsize = traced::sync::atomic::AtomicUsize::new(0);
    let report = explorer().run(|_| {
        COUNT.fetch_add(1, Ordering::SeqCst);
    });
    let why = report.cannot_tell.expect("it cannot tell");
    assert!(!report.complete && why.contains("static"), "{why}");
}

/// Here is no object that is older than its schedule. What is different is what it does.
#[test]
fn what_is_different_each_time_is_noticed() {
    let runs = Arc::new(AtomicUsize::new(0));
    let report = explorer().run(move |_| {
        let mutex = traced::sync::Mutex::new(());
        for _ in 0..runs.fetch_add(1, Ordering::SeqCst) {
            drop(mutex.lock());
        }
    });
    let why = report.cannot_tell.expect("it cannot tell");
    assert!(!report.complete && why.contains("same choices"), "{why}");
}

#[test]
fn what_an_atomic_holds_is_compared_too() {
    let start = Instant::now();
    let report = explorer().run(move |_| {
        let nanoseconds = start.elapsed().as_nanos() as u64;
        traced::sync::atomic::AtomicU64::new(nanoseconds).load(Ordering::SeqCst);
    });
    assert!(report.cannot_tell.is_some());
}

#[test]
fn a_bound_on_schedules_or_on_time_or_on_steps_is_told() {
    let run = |explorer: Explorer| {
        explorer.pool(2, 2, book::ThreadPool::new, |pool, job| {
            pool.execute(move || job.run());
        })
    };
    let few = run(explorer().max_schedules(3));
    assert_eq!((few.schedules, few.complete), (3, false));
    let quick = run(explorer().time_limit(Duration::ZERO));
    assert_eq!((quick.schedules, quick.complete), (1, false));
    let short = run(explorer().max_schedules(10).max_steps(5));
    assert!(!short.complete);
    assert_eq!(short.lost, 0, "what has not begun yet is not lost");
    // A loop without end, and without a yield.
    let endless = explorer().max_schedules(10).max_steps(100).run(|_| {
        let atomic = traced::sync::atomic::AtomicBool::new(false);
        while !atomic.load(Ordering::SeqCst) {}
    });
    assert!(!endless.complete);
}

/// The lock is `std`'s own, and the explorer does not see who waits for it.
#[test]
fn a_thread_that_is_blocked_by_something_else_is_told() {
    let explorer = explorer().step_time_limit(Duration::from_secs(1));
    let report = explorer.run(|_| {
        let real = Arc::new(Mutex::new(()));
        let theirs = Arc::clone(&real);
        let _guard = real.lock().unwrap();
        let thread = traced::thread::spawn(move || drop(theirs.lock()));
        thread.join().unwrap();
    });
    let why = report.cannot_tell.expect("it cannot tell");
    assert!(why.contains("does not see"), "{why}");
}

#[test]
fn more_threads_than_there_is_room_for_are_told() {
    let report = explorer().max_schedules(10).run(|_| {
        let threads = (0..80).map(|_| traced::thread::spawn(|| ()));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().for_each(|it| it.join().unwrap());
    });
    let why = report.cannot_tell.expect("it cannot tell");
    assert!(why.contains("more than 64 threads"), "{why}");
    assert!(!report.complete && report.panicked == 0);
}

#[test]
fn explorations_side_by_side_do_not_disturb_each_other() {
    let run = || {
        explorer()
            .run(|run| run.outcome(programs::two_flags()))
            .schedules
    };
    let alone = run();
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for other in others {
            assert_eq!(other.join().unwrap(), alone);
        }
    });
}

#[test]
fn threads_that_sleep_one_time_after_another_have_an_end() {
    let report = explorer().run(|run| {
        let sleep = |milliseconds| traced::thread::sleep(Duration::from_millis(milliseconds));
        let order = traced::sync::Arc::new(traced::sync::Mutex::new(String::new()));
        let threads = ["a", "b"].map(|name| {
            let order = traced::sync::Arc::clone(&order);
            traced::thread::spawn(move || {
                traced::thread::sleep(Duration::from_millis(1));
                traced::thread::sleep(Duration::from_millis(2));
                sleep(3);
                order.lock().unwrap().push_str(name);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        run.outcome(order.lock().unwrap());
    });
    let outcomes: Vec<&str> = report.outcomes.keys().map(String::as_str).collect();
    assert!(report.complete, "{report:?}");
    assert_eq!(outcomes, ["ab", "ba"]);
}

/// It was cut off before it came to its job, so it is not known whether it ever would have.
#[test]
fn a_schedule_that_is_cut_off_has_not_lost_its_job() {
    let report = explorer().max_steps(50).run(|run| {
        let job = run.job();
        let ready = traced::sync::Arc::new(traced::sync::atomic::AtomicBool::new(false));
        let other = traced::sync::Arc::clone(&ready);
        let thread = traced::thread::spawn(move || other.store(true, Ordering::SeqCst));
        while !ready.load(Ordering::SeqCst) {
            traced::thread::yield_now();
        }
        job.run();
        thread.join().unwrap();
        run.outcome("done");
    });
    assert!(!report.complete, "some schedule goes in circles");
    assert_eq!((report.stuck, report.lost), (0, 0));
    assert!(report.outcomes["done"] > 0);
}

#[test]
fn each_outcome_comes_with_a_schedule_that_leads_to_it() {
    let report = explorer().run(|run| {
        let first = traced::sync::Arc::new(traced::sync::atomic::AtomicUsize::new(0));
        let other = traced::sync::Arc::clone(&first);
        let thread = traced::thread::spawn(move || other.store(1, Ordering::SeqCst));
        run.outcome(first.load(Ordering::SeqCst));
        thread.join().unwrap();
    });
    for outcome in ["0", "1"] {
        let steps = &report.outcome_schedules[outcome].steps;
        let position = |action| steps.iter().position(|step| step.action == action).unwrap();
        let loaded_late = position(Action::Change { weak: false }) < position(Action::Load);
        assert_eq!(loaded_late, outcome == "1", "{outcome}");
    }
}
