//! Does the check of pools tell right from wrong?
//!
//! Each test is a pool, and what is true of it, a sign for each promise in the order of
//! [`PROMISES`]: `+` it is kept, `-` it is broken, `?` the check cannot tell, `*` kept or cannot tell, as chance
//! has it, `.` not asked, because pools that spin are no good neighbours. Of what a wrong pool keeps, only the first is
//! asked, but in a thorough run. The pools are in `check_pool/pools.rs`.

#[path = "check_pool/pools.rs"]
pub mod pools;

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::thorough;
#[cfg(any(feature = "stage6", feature = "stage7"))]
use pools::Job;
use pools::{Flaw, Pool, Replaced, end, worker};
use ten_versus_five::check::Verdict;
use ten_versus_five::check::pool::{Check, PATIENCE, PROMISES, explored};

/// A wrong pool makes no progress for this long. Ten seconds are for pools that may be right.
const LESS_PATIENCE: Duration = Duration::from_secs(3);

/// A check of the pools that `new` makes, in this test.
fn check(test: &str, new: impl Fn(usize) -> Pool + Send + Sync + 'static) -> Check {
    named_check(test, test, new)
}

/// The same with a name of its own, where one test checks several pools.
fn named_check(
    name: &str,
    test: &str,
    new: impl Fn(usize) -> Pool + Send + Sync + 'static,
) -> Check {
    let new = move |size| -> ten_versus_five::check::pool::Pool {
        let pool = new(size);
        Box::new(move |job| pool(Box::new(job)))
    };
    Check::new(name, new).in_test(test)
}

fn assert_verdicts(test: &str, new: fn(usize) -> Pool, expected: &str) {
    let patience = match expected.contains('-') {
        true => LESS_PATIENCE,
        false => PATIENCE,
    };
    let check = check(test, new).give_up_after(patience);
    let verdicts = PROMISES.iter().zip(expected.chars());
    // Of few jobs, none may be lost.
    let loses_jobs = verdicts
        .clone()
        .any(|(promise, sign)| sign == '-' && promise.name == "every_job_runs_once");
    let many = if thorough() || loses_jobs {
        10_000
    } else {
        1_000
    };
    let check = check.many_jobs(many);
    thread::scope(|scope| {
        let first_kept = expected.find('+');
        let asked = verdicts.enumerate().filter(|(index, (promise, sign))| {
            // Only Linux tells how idle a pool is.
            let can_be_told = cfg!(target_os = "linux") || !promise.name.contains("idle");
            // What a wrong pool keeps is asked of the right ones too.
            let tells_more = *sign != '+' || !expected.contains('-') || first_kept == Some(*index);
            *sign != '.' && can_be_told && (tells_more || thorough())
        });
        let asked = asked.map(|(_, asked)| asked);
        for (promise, expected) in asked {
            let check = &check;
            scope.spawn(move || {
                let mut verdict = check.verdict(promise);
                // A busy machine may have kept the pool from its work for so long.
                if patience < PATIENCE && verdict != Verdict::Kept && sign(&verdict) != expected {
                    let name = format!("{test} again");
                    let again = named_check(&name, test, new).many_jobs(many);
                    verdict = again.verdict(promise);
                }
                let sign = sign(&verdict);
                let agrees = sign == expected || expected == '*' && sign != '-';
                assert!(
                    agrees,
                    "{}: {sign}, not {expected}: {verdict}",
                    promise.name
                );
            });
        }
    });
}

/// The sign of a verdict.
fn sign(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Kept => '+',
        Verdict::Broken { .. } => '-',
        Verdict::CannotTell(_) => '?',
    }
}

/// Makes a module of tests, each of a pool and its verdicts.
macro_rules! verdicts {
    ($module:ident: $($(#[$attribute:meta])* $pool:ident $expected:literal $new:expr;)*) => {
        #[allow(unused_imports)] // Without any stage, there is nothing in the module of the stages.
        mod $module {
            use super::*;
            $(
                $(#[$attribute])*
                #[test]
                fn $pool() {
                    let test = concat!("tools::check_pool::", stringify!($module), "::", stringify!($pool));
                    assert_verdicts(test, $new, $expected);
                }
            )*
        }
    };
}

verdicts! {
    every_promise_is_kept_by:
    a_channel_and_a_catch "+++++++++" |size| pools::channel(size, worker::catches, end::joins);
    while_let_saved_by_a_function "+++++++++"
        |size| pools::channel(size, worker::asks_a_function, end::joins);
    a_receiver_with_a_timeout "+++++++++"
        |size| pools::channel(size, worker::wakes_up_once_in_a_while, end::joins);
    a_drop_that_takes_its_time "+++++++++"
        |size| pools::channel(size, worker::catches, end::sleeps_and_joins);
    a_condition_variable "+++++++++" |size| pools::condvar(size, Flaw::None);
    last_in_first_out "+++++++++" |size| pools::condvar(size, Flaw::Stack);
    a_queue_for_each_worker_and_stealing "+++++++++"
        |size| pools::a_queue_for_each_worker(size, true);
    an_execute_that_waits_for_a_worker "+++++++++" |size| pools::bounded(size, 0, false);
    a_bounded_queue_that_blocks "+++++++++" |size| pools::bounded(size, 2, false);
    a_thread_a_job_with_permits "+++++++++" |size| pools::permits(size, true);
    dead_workers_replaced "+++++++++"
        |size| pools::replaces_its_dead(size, Replaced::WhenDropped);
    dead_workers_replaced_by_a_panic_hook "+++++++++"
        |size| pools::replaces_its_dead(size, Replaced::InAHook);
    workers_started_late "+++++++++" pools::starts_late;
    workers_that_park "+++++++++" pools::parks;
    a_pool_that_talks "+++++++++" pools::chatters;
}

verdicts! {
    one_promise_is_broken_by:
    the_book_s "++++-++++" |size| pools::channel(size, worker::dies_of_a_panic, end::joins);
    parks_after_a_panic "++++-++++"
        |size| pools::channel(size, worker::parks_after_a_panic, end::joins);
    permits_lost_to_panics "++++-++++" |size| pools::permits(size, false);
    a_queue_for_each_worker "+++-+++++" |size| pools::a_queue_for_each_worker(size, false);
    a_drop_that_does_nothing "+++++-+++"
        |size| pools::channel(size, worker::catches, end::does_nothing);
    a_drop_that_only_sleeps "+++++-+++"
        |size| pools::channel(size, worker::catches, end::sleeps);
    a_drop_that_joins_the_first "+++++-+++"
        |size| pools::channel(size, worker::catches, end::joins_the_first);
    a_drop_that_joins_all_but_the_first "+++++-+++"
        |size| pools::channel(size, worker::catches, end::joins_all_but_the_first);
    a_drop_that_joins_all_but_the_last "+++++-+++"
        |size| pools::channel(size, worker::catches, end::joins_all_but_the_last);
    a_drop_that_joins_before_it_closes "+++++-+++"
        |size| pools::channel(size, worker::catches, end::joins_before_it_closes);
    a_drop_that_panics "+++++-+++" |size| pools::channel(size, worker::catches, end::panics);
    a_drop_that_forgets_the_queue "+++++-+++" |size| pools::condvar(size, Flaw::Forgets);
    a_drop_that_gives_each_job_a_thread "++-++++++"
        |size| pools::condvar(size, Flaw::StartsThreads);
    workers_replaced_that_go_on "++-++++++"
        |size| pools::replaces_its_dead(size, Replaced::Needlessly);
    workers_that_leave_when_they_find_no_job ".......-." |size| pools::condvar(size, Flaw::Leaves);
    workers_that_leave_when_idle "........-"
        |size| pools::channel(size, worker::leaves_when_idle, end::joins);
    a_panic_that_ends_the_program "++++-++++"
        |size| pools::channel(size, worker::exits_on_a_panic, end::joins);
    a_watcher_that_never_sleeps_for_long "++++++++-" pools::with_a_watcher;
    four_workers_instead_of_none "++++++-++" pools::four_instead_of_none;
    zero_accepted "++++++-++" pools::accepts_zero;
    a_worker_more_when_many_jobs_have_come "++-++++++" pools::grows;
    one_thread_too_many "++-++++++" |size| pools::another_size(size, |size| size + 1);
    workers_that_spin "......++-" |size| pools::channel(size, worker::spins, end::joins);
    workers_that_yield "......++-" |size| pools::channel(size, worker::yields, end::joins);
    workers_that_poll "++++++++-" |size| pools::channel(size, worker::polls, end::joins);
}

verdicts! {
    more_than_one_promise_is_not_kept_by:
    stage_4_with_a_catch "-?+-??+++"
        |size| pools::channel(size, worker::for_with_the_lock, end::joins);
    while_let_with_the_lock "-?+-??+++"
        |size| pools::channel(size, worker::while_let_with_the_lock, end::joins);
    match_with_the_lock "-?+-??+++"
        |size| pools::channel(size, worker::match_with_the_lock, end::joins);
    guard_with_the_lock "-?+-??+++"
        |size| pools::channel(size, worker::guard_with_the_lock, end::joins);
    a_condition_variable_with_the_lock "-?+-??+++" |size| pools::condvar(size, Flaw::Lock);
    a_thread_a_job "++-++-+++" pools::a_thread_for_each_job;
    a_thread_a_job_started_by_a_worker "++-++-+++"
        |size| pools::channel(size, worker::starts_a_thread_for_its_job, end::joins);
    one_job_and_gone "??????+-?"
        |size| pools::channel(size, worker::does_one_job_and_leaves, end::joins);
    spins_after_drop "++.++-++-"
        |size| pools::channel(size, worker::spins_when_the_channel_has_closed, end::does_nothing);
    four_workers_whatever_the_size "+--++++++" |size| pools::another_size(size, |_| 4);
    one_worker_whatever_the_size "-?+-??+++" |size| pools::another_size(size, |_| 1);
    one_worker_too_few "--+???+++" |size| pools::another_size(size, |size| size.max(2) - 1);
    jobs_thrown_away_when_busy "+?????+-*" |size| pools::bounded(size, 2, true);
    runs_the_job_in_execute "-?+--?+++" pools::runs_the_job_in_execute;
    waits_in_execute "-?+-??+++" pools::waits_in_execute;
    not_written_yet "???????-?" pools::is_not_written_yet;
    a_drop_that_aborts "++?++-++-" |size| pools::channel(size, worker::catches, end::aborts);
}

// Stages 1 and 2 have no pool: what stands for it is their `serve`.
verdicts! {
    each_stage_is_judged_rightly:
    #[cfg(feature = "stage1")]
    stage_1 "-?+--?-++" |size| stages::served(1, size);
    #[cfg(feature = "stage2")]
    stage_2 "++-++--++" |size| stages::served(2, size);
    #[cfg(feature = "stage3")]
    stage_3 "++++--+++" |size| {
        let pool = ten_versus_five::stage3_channel_pool::ThreadPool::new(size);
        Box::new(move |job| pool.execute(job))
    };
    #[cfg(feature = "stage4")]
    stage_4 "-?+---+++" |size| {
        let pool = ten_versus_five::stage4_for_loop::ThreadPool::new(size);
        Box::new(move |job| pool.execute(job))
    };
    #[cfg(feature = "stage5")]
    stage_5 "++++--+++" |size| {
        let pool = ten_versus_five::stage5_busy_counter::ThreadPool::new(size);
        Box::new(move |job| pool.execute(job))
    };
    #[cfg(feature = "stage6")]
    stage_6 "++++--+++" |size| {
        let run = |job: Job| job();
        let pool = ten_versus_five::stage6_bounded_queue::ThreadPool::new(size, stages::QUEUE, run);
        Box::new(move |job| assert!(pool.try_execute(job).is_ok(), "no worker is left"))
    };
    #[cfg(feature = "stage7")]
    stage_7 "+++++++++" |size| {
        let run = |job: Job| job();
        let pool = ten_versus_five::stage7_graceful_shutdown::ThreadPool::new(size, stages::QUEUE, run);
        Box::new(move |job| assert!(pool.try_execute(job).is_ok(), "no worker is left"))
    };
}

/// What it takes to give a stage the interface of the Book's pool.
#[cfg(any(
    feature = "stage1",
    feature = "stage2",
    feature = "stage6",
    feature = "stage7"
))]
#[allow(dead_code)] // Each stage uses a part of it.
mod stages {
    use std::collections::VecDeque;
    use std::mem;
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{self, SyncSender};
    use std::sync::{Arc, Mutex};
    use std::thread::{self, JoinHandle};

    use super::pools::{Job, Pool};
    use ten_versus_five::{STAGES, Setup};

    /// Room for all jobs of a check: rejecting some is not what it is about.
    pub const QUEUE: usize = 20_000;

    struct Served {
        connections: Option<SyncSender<TcpStream>>,
        server: Option<JoinHandle<()>>,
    }

    impl Drop for Served {
        fn drop(&mut self) {
            self.connections = None;
            mem::take(&mut self.server).unwrap().join().unwrap();
        }
    }

    /// A job is a connection, whose handler runs it; the pool is dropped when `serve` has returned.
    pub fn served(stage: usize, workers: usize) -> Pool {
        let jobs: Arc<Mutex<VecDeque<Job>>> = Arc::default();
        let for_handler = Arc::clone(&jobs);
        let handler = move |_connection| {
            let job = for_handler.lock().unwrap().pop_front().unwrap();
            job();
        };
        // Every connection is an open file, of which there may not be ten thousand.
        let (sender, connections) = mpsc::sync_channel(100);
        let setup = Setup {
            connections: Box::new(connections.into_iter()),
            handler: Arc::new(handler),
            reject: Arc::new(drop),
            workers,
            queue: QUEUE,
        };
        let serve = STAGES[stage - 1].serve.unwrap();
        let pool = Served {
            connections: Some(sender),
            server: Some(thread::spawn(move || serve(setup))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Box::new(move |job| {
            jobs.lock().unwrap().push_back(job);
            let connections = pool.connections.as_ref().unwrap();
            connections.send(connection.try_clone().unwrap()).unwrap();
        })
    }
}

/// The tests that the macro makes, of a right pool.
mod the_macro_makes_a_test_of_each_promise {
    use super::pools::{self, end, worker};

    struct ThreadPool(pools::Pool);

    impl ThreadPool {
        fn new(size: usize) -> ThreadPool {
            ThreadPool(pools::channel(size, worker::catches, end::joins))
        }

        fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
            (self.0)(Box::new(job));
        }
    }

    ten_versus_five::check_pool!(ThreadPool);

    mod or_of_some {
        ten_versus_five::check_pool!(super::ThreadPool: two_jobs_run_at_once, every_job_runs_once);
    }
}

/// Each macro and its table have to name the same functions.
#[test]
fn the_macros_know_every_promise_by_its_name() {
    let source = crate::common::repository::read("src/check/pool/macros.rs");
    let named = |kind: &str| -> Vec<String> {
        let (_, names) = source
            .split_once(&format!("            {kind} [\n"))
            .unwrap();
        let (names, _) = names.split_once("            ]").unwrap();
        names
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect()
    };
    assert_eq!(named("check"), PROMISES.map(|promise| promise.name));
    assert_eq!(
        named("explore"),
        explored::PROMISES.map(|promise| promise.name)
    );
}

/// The promises in a table of the page, each with what is told of the seven stages.
pub(crate) fn matrix<'a>(names: &[&'a str], stages: &[&str]) -> String {
    let row = |(index, name): (usize, &&'a str)| {
        let verdicts = stages.iter().map(|stage| match &stage[index..=index] {
            "+" => "yes",
            "-" => "no",
            _ => "?",
        });
        let verdicts: Vec<&str> = verdicts.collect();
        let first = verdicts.iter().position(|verdict| *verdict == "yes");
        let first = first.unwrap() + 1;
        format!("| {name} | {} | stage {first} |\n", verdicts.join(" | "))
    };
    let head = "| promise | 1 | 2 | 3 | 4 | 5 | 6 | 7 | first kept by |\n";
    let rows: String = names.iter().enumerate().map(row).collect();
    format!("{head}{}\n{rows}", "| --- ".repeat(9) + "|")
}

/// The verdicts on the stages are those of the tests above.
#[test]
fn the_page_says_which_stage_first_keeps_which_promise() {
    let source = crate::common::repository::read("tests/tools/check_pool.rs");
    let stages = [1, 2, 3, 4, 5, 6, 7].map(|number| {
        let (_, after) = source
            .split_once(&format!("    stage_{number} \""))
            .unwrap();
        after.split_once('"').unwrap().0
    });
    let names = PROMISES.map(|promise| format!("`{}`", promise.name));
    let matrix = matrix(&names.each_ref().map(String::as_str), &stages);
    let page = crate::common::repository::read("docs/check.md");
    assert!(page.contains(&format!("\n\n{matrix}\n")), "{matrix}");
}

/// The page of a stage names the promises that it is the first to keep, and none that it breaks.
#[test]
fn each_stage_points_to_the_promises_that_it_adds() {
    let page = crate::common::repository::read("docs/check.md");
    let rows = page.lines().filter(|line| line.contains("| stage "));
    let rows: Vec<Vec<&str>> = rows
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), PROMISES.len() + 14);
    for (index, page) in crate::common::repository::files("docs", "md")
        .iter()
        .filter(|page| {
            page.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("stage")
        })
        .enumerate()
    {
        let number = index + 1;
        let text = crate::common::repository::read(page);
        let (_, section) = text.split_once("\n## What it promises\n").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        assert!(section.contains("[check]"), "{}", page.display());
        // The lines may be broken in the middle of a name.
        let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
        for row in &rows {
            let name = row[0];
            let of_a_pool = name.starts_with('`');
            let named = section.contains(name);
            let first = row[8] == format!("stage {number}");
            // Without a queue, stage 5 keeps what it breaks with the queue of the table.
            let kept = row[number] == "yes" || !of_a_pool && number == 5;
            assert!(named || !of_a_pool || !first, "stage {number} adds {name}");
            assert!(kept || !named, "stage {number} breaks {name}");
        }
        if number == 6 {
            assert!(section.contains("rejected with 503"), "{section}");
        }
    }
}

#[test]
fn a_failure_says_what_happened_and_asks_what_leads_on() {
    let test = "tools::check_pool::a_failure_says_what_happened_and_asks_what_leads_on";
    let new = |size| pools::channel(size, worker::for_with_the_lock, end::joins);
    let check = check(test, new).give_up_after(LESS_PATIENCE);
    let [first, second] = [0, 1].map(|promise| check.verdict(&PROMISES[promise]).to_string());
    assert_eq!(
        first,
        "The second job never began while the first one ran.\n\
         Until when does your guard live: is the lock released before the job runs?\n\
         See stage 4's page."
    );
    let why = "cannot tell: for that, `two_jobs_run_at_once` has to be kept";
    assert!(second.starts_with(why), "{second}");
}

/// Where several mistakes could be the root, the question is about the one that was made.
#[test]
fn the_question_leads_to_what_this_pool_does() {
    let test = "tools::check_pool::the_question_leads_to_what_this_pool_does";
    type Asked = (usize, fn(usize) -> Pool, &'static str);
    let asked: [Asked; 5] = [
        (
            6,
            pools::four_instead_of_none,
            "How many threads does it start",
        ),
        (
            6,
            pools::accepts_zero,
            "Which thread would ever run its jobs?",
        ),
        (
            4,
            |size| pools::channel(size, worker::exits_on_a_panic, end::joins),
            "Which line ends the whole program",
        ),
        (
            5,
            |size| pools::channel(size, worker::catches, end::aborts),
            "Which panic comes while another one is still unwinding?",
        ),
        (
            7,
            |size| pools::channel(size, worker::does_one_job_and_leaves, end::joins),
            "What ends a worker's loop",
        ),
    ];
    let verdicts = thread::scope(|scope| {
        let ask = |(promise, new, question): Asked| {
            let check = named_check(question, test, new).give_up_after(LESS_PATIENCE);
            scope.spawn(move || check.verdict(&PROMISES[promise]))
        };
        asked.map(ask).map(|asked| asked.join().unwrap())
    });
    for ((_, _, question), verdict) in asked.iter().zip(verdicts) {
        assert!(
            verdict.to_string().contains(question),
            "{question}: {verdict}"
        );
    }
}

/// What the pool's threads say on standard error is part of the message.
#[test]
fn a_panic_of_the_pool_is_quoted() {
    let test = "tools::check_pool::a_panic_of_the_pool_is_quoted";
    let new = |size| pools::channel(size, worker::catches, end::panics);
    let check = check(test, new).give_up_after(LESS_PATIENCE);
    let verdict = check.verdict(&PROMISES[5]).to_string();
    let quoted = "    there is something wrong with `drop`\n";
    assert!(verdict.contains(quoted), "{verdict}");
}

/// A test that does not come to its check must not pass.
#[test]
fn a_process_that_does_not_come_to_the_check_decides_nothing() {
    let new = |size| pools::channel(size, worker::catches, end::joins);
    let check = check("there_is_no_such_test", new);
    let verdict = check.verdict(&PROMISES[0]);
    let Verdict::CannotTell(why) = verdict else {
        panic!("{verdict}");
    };
    assert!(why.contains("did not come to its check"), "{why}");
}

/// The C library may end a process that does nothing wrong.
#[test]
#[cfg(unix)]
fn a_process_that_something_else_ends_is_started_again_some_times() {
    use std::{fs, process};

    let test = "tools::check_pool::a_process_that_something_else_ends_is_started_again_some_times";
    // The processes that decide run this too.
    let told = [2, 9].map(|ended| {
        let starts = crate::common::repository::temporary().join(format!("ended_{ended}_times"));
        let check = named_check(&format!("{ended}"), test, {
            let starts = starts.clone();
            move |size| {
                let before = fs::read(&starts).unwrap_or_default();
                fs::write(&starts, [&before, b".".as_slice()].concat()).unwrap();
                if before.len() < ended {
                    let id = process::id().to_string();
                    Command::new("kill").args(["-KILL", &id]).status().unwrap();
                }
                pools::channel(size, worker::catches, end::joins)
            }
        });
        let verdict = check.verdict(&PROMISES[1]).to_string();
        let _ = fs::remove_file(&starts);
        verdict
    });
    let why = "cannot tell: no process for it came to its end: something else ended each of them";
    assert_eq!(told, ["kept", why]);
}

/// A program that was stopped for longer than its patience lasts has not seen its pool do nothing.
#[test]
#[cfg(target_os = "linux")]
fn time_in_which_the_whole_program_stands_still_does_not_count() {
    let test = "tools::check_pool::time_in_which_the_whole_program_stands_still_does_not_count";
    let new = |size| pools::channel(size, worker::catches, end::joins);
    // The first thing that the new process does is to stop itself, for longer than its patience.
    let stops = move |size| {
        let process = std::process::id();
        let stop_and_go = format!("kill -STOP {process}; sleep 6; kill -CONT {process}");
        let stopped = Command::new("sh").args(["-c", &stop_and_go]).status();
        assert!(stopped.unwrap().success());
        new(size)
    };
    let patience = Duration::from_secs(5);
    let check = check(test, stops).give_up_after(patience);
    assert_eq!(check.verdict(&PROMISES[0]), Verdict::Kept);
}

/// A crate that is new, with a pool in it and nothing else that is not said here. It is as a learner has
/// it: another edition, none of the features, and no Cargo.lock.
fn new_crate(name: &str, pool: &str, files: &[(&str, &str)]) -> Command {
    let library = [("src/lib.rs", pool)];
    crate::common::new_crate(name, "2018", library.iter().chain(files).copied())
}

/// What a command prints on both streams.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

/// One line in a test file. The pool is that of stage 4, so this shows how patient the check is, too.
#[test]
fn one_line_makes_tests_in_a_crate_that_is_new() {
    let pool = crate::common::repository::read("stages/stage4_for_loop.rs");
    let line = "ten_versus_five::check_pool!(one_line::ThreadPool: \
                two_jobs_run_at_once, every_job_runs_once);";
    let mut cargo = new_crate("one_line", &pool, &[("tests/pool.rs", line)]);
    let started = Instant::now();
    // One thread: then the test runs on the main thread of its process.
    let arguments = ["test", "--offline", "--", "--test-threads", "1"];
    let printed = printed(cargo.args(arguments));
    for line in [
        "test every_job_runs_once ... ok",
        "test two_jobs_run_at_once ... FAILED",
        "The second job never began while the first one ran.",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    assert!(started.elapsed() > PATIENCE);
}

/// No test, but a program that says what its pool promises: it starts itself again, for each promise.
#[test]
fn a_program_can_ask_as_well() {
    let pool = crate::common::repository::read("stages/stage3_channel_pool.rs");
    let program = r#"
        use a_program::ThreadPool;
        use ten_versus_five::check::pool::{Check, PROMISES};

        fn main() {
            let check = Check::new("mine", |size| {
                let pool = ThreadPool::new(size);
                Box::new(move |job| pool.execute(job))
            });
            for promise in &PROMISES[..6] {
                println!("{}: {}", promise.name, check.verdict(promise));
            }
        }
    "#;
    let mut cargo = new_crate("a_program", &pool, &[("examples/mine.rs", program)]);
    let printed = printed(cargo.args(["run", "--offline", "--example", "mine"]));
    for line in [
        "two_jobs_run_at_once: kept\n",
        "a_panic_costs_no_worker: After 3 jobs that panicked, no job began any more.",
        "drop_waits_for_every_job: `drop` returned when ",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}
