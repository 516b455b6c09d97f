//! Does every step name the very character in the learner's file at which it stands?

use std::collections::BTreeSet;

use crate::common::has_line_tables;
use crate::common::repository::read;
use ten_versus_five::explore::loops::SPELLINGS;
use ten_versus_five::explore::{Action, Explorer, Report, Schedule};

/// The line and the column at which a text begins, the first one behind another text.
pub fn position(source: &str, from: &str, text: &str) -> (usize, usize) {
    let start = source.find(from).expect(from);
    let found = source[start..].find(text);
    let before = &source[..start + found.unwrap_or_else(|| panic!("{from}: {text}"))];
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

fn find(file: &str, from: &str, text: &str) -> (usize, usize) {
    position(&read(file), from, text)
}

/// The same of a file, and so many characters further, as a location is printed.
fn place(file: &str, from: &str, text: &str, index: usize) -> String {
    let (line, column) = find(file, from, text);
    format!("{file}:{line}:{}", column + index)
}

/// The locations of all steps of this kind.
fn locations(schedule: &Schedule, action: Action) -> BTreeSet<Option<String>> {
    let steps = schedule.steps.iter();
    let steps = steps.filter(|step| step.action == action);
    let location = |location: &ten_versus_five::notes::Location| location.to_string();
    steps
        .map(|step| step.location.as_ref().map(location))
        .collect()
}

/// A drop is known only with debug information, a call always.
fn assert_locations(report: &Report, file: &str, action: Action, places: &[(usize, usize)]) {
    let schedule = report.first_schedule.as_ref().unwrap();
    let text = |(line, column)| Some(format!("{file}:{line}:{column}"));
    let mut expected: BTreeSet<Option<String>> = places.iter().copied().map(text).collect();
    let is_drop = matches!(action, Action::Unlock | Action::DropReceiver);
    if is_drop && !has_line_tables() {
        expected = BTreeSet::from([None]);
    }
    assert_eq!(
        locations(schedule, action),
        expected,
        "{action}\n{schedule}"
    );
}

#[cfg(all(feature = "stage3", feature = "stage4"))]
#[test]
fn stage_3_unlocks_at_a_semicolon_and_stage_4_at_a_brace() {
    use ten_versus_five::explore::stages::explore;
    let explored = |stage| explore(&Explorer::new(), stage, 2, 2, 2).unwrap();

    let (report, file) = (explored(3), "stages/stage3_channel_pool.rs");
    let lock = find(file, "receiver.lock()", "lock()");
    assert_locations(&report, file, Action::Lock, &[lock]);
    let recv = find(file, "receiver.lock()", "recv()");
    assert_locations(&report, file, Action::Receive { timed: false }, &[recv]);
    let (line, column) = find(file, "receiver.lock()", "};");
    assert_locations(&report, file, Action::Unlock, &[(line, column + 1)]);
    let send = find(file, ".send(", "send(");
    assert_locations(&report, file, Action::Send, &[send]);

    let (report, file) = (explored(4), "stages/stage4_for_loop.rs");
    let lock = find(file, "for job in receiver", "lock()");
    assert_locations(&report, file, Action::Lock, &[lock]);
    // It is the `for` that receives, from what it iterates over.
    let line = find(file, "for job in receiver", "}\n");
    assert_locations(&report, file, Action::Unlock, &[line]);
    let next = match crate::common::next_is_at_the_iterator() {
        true => "receiver",
        false => "for",
    };
    let next = find(file, "for job in receiver", next);
    assert_locations(&report, file, Action::Receive { timed: false }, &[next]);
}

/// On the page, the file has the line more that a learner puts at its top.
#[test]
fn the_pool_of_the_book_unlocks_at_the_semicolon_that_the_page_names() {
    let report = Explorer::new().pool(
        2,
        2,
        crate::tools::traced::book::ThreadPool::new,
        |pool, job| {
            pool.execute(move || job.run());
        },
    );
    let (file, let_message) = ("tests/tools/traced/book.rs", "let message =");
    let lock = find(file, let_message, "lock()");
    let (line, column) = find(file, let_message, "recv();");
    let unlock = (line, column + "recv()".len());
    assert_locations(&report, file, Action::Lock, &[lock]);
    assert_locations(&report, file, Action::Unlock, &[unlock]);
    let row = format!("\n{0}:{1}  6      {0}:{2} ", line + 1, lock.1, unlock.1);
    assert!(read("docs/lock_trace.md").contains(&row), "{row}");
}

/// What stands where the guard is dropped in each of the loops: a text, and which character of it.
const RELEASES: [(&str, &[(&str, usize)]); 13] = [
    ("let_then_call", &[("recv()?;", 7)]),
    ("let_else", &[("};", 1)]),
    ("match_after_let", &[("recv();", 6)]),
    ("helper_function", &[(".ok()", 4)]),
    // The last guard is not given to `drop`: the channel is closed, and the loop ends.
    ("guard_dropped", &[("drop(guard)", 0), ("}\n}", 0)]),
    ("guard_in_a_block", &[("} {", 0)]),
    ("for_loop", &[("}\n}", 0)]),
    ("while_let", &[("}\n}", 0)]),
    ("match_on_recv", &[("}\n    }\n}", 0)]),
    ("if_let", &[("} else", 0)]),
    ("guard_not_dropped", &[("}\n}", 0)]),
    ("borrow_in_a_let", &[("}\n}", 0)]),
    ("while_let_block", &[("recv() }", 5)]),
];

#[test]
fn the_thirteen_loops_release_the_lock_where_their_table_says() {
    let file = "src/explore/spellings.rs";
    let page = read("docs/lock_scope.md");
    let (_, table) = page.split_once("\n| the loop |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    // Between the columns, and not in a loop, a bar stands alone.
    let mut cells = rows.map(|row| row.split(" | ").nth(2).unwrap());
    for (spelling, (name, releases)) in SPELLINGS.iter().zip(RELEASES) {
        assert_eq!(spelling.name, name);
        let report = Explorer::new().run(spelling.program(2, 2));
        let function = format!("pub fn {name}(");
        let lock = find(file, &function, "lock()");
        assert_locations(&report, file, Action::Lock, &[lock]);
        let release = |(text, index): &(&str, usize)| {
            let (line, column) = find(file, &function, text);
            (line, column + index)
        };
        let releases: Vec<_> = releases.iter().map(release).collect();
        assert_locations(&report, file, Action::Unlock, &releases);
        let (line, column) = releases[0];
        let cell = cells.next().unwrap();
        let character = read(file).lines().nth(line - 1).unwrap()[column - 1..].to_owned();
        let quoted = cell.split('`').nth(1).unwrap();
        assert!(character.starts_with(quoted), "{name}: {cell}");
        assert!(
            cell.contains(&format!(", {line}:{column}")),
            "{name}: {line}:{column}, not {cell}"
        );
    }
    assert_eq!(cells.next(), None);
}

#[test]
fn a_thread_that_locks_what_it_has_is_told_so() {
    use ten_versus_five::traced::sync::Mutex;
    let report = Explorer::new().run(|_| {
        let numbers = Mutex::new(vec![1]);
        let first = numbers.lock().unwrap();
        numbers.lock().unwrap().push(first[0]);
    });
    let file = "tests/tools/locations.rs";
    let here = "fn a_thread_that_locks_what_it_has";
    let told = format!(
        "`main` waits for the lock at `{}`. `main` has it itself: taken at `{}`.",
        place(file, here, "lock().unwrap().push", 0),
        place(file, here, "lock().unwrap();", 0),
    );
    let shown = report.stuck_schedule.unwrap().to_string();
    assert!(shown.contains(&told), "{told}\n{shown}");
}

/// It locks the mutex again when it wakes up, whatever woke it.
#[test]
fn a_thread_that_has_woken_up_for_no_reason_has_the_lock() {
    use ten_versus_five::traced::sync::{Arc, Condvar, Mutex};
    use ten_versus_five::traced::thread;
    // `main` and `thread-1` come to the wait, which ends for no reason.
    let choices = [0, 0, 1, 1, 1, 64 + 1];
    let report = Explorer::new().max_spurious(1).replay(&choices, |_| {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let other = Arc::clone(&pair);
        thread::spawn(move || {
            let _guard = other.1.wait(other.0.lock().unwrap());
            thread::park();
        });
        let _guard = pair.0.lock();
    });
    let shown = report.stuck_schedule.unwrap().to_string();
    assert!(shown.contains("`main` waits for the lock"), "{shown}");
    assert!(shown.contains("`thread-1` has it: taken at"), "{shown}");
}

#[test]
fn a_stuck_schedule_says_which_thread_waits_for_which() {
    use ten_versus_five::traced::sync::{Arc, Condvar, Mutex, mpsc};
    use ten_versus_five::traced::thread;
    let stuck = |work: fn()| {
        let report = Explorer::new().run(move |_| work());
        report.stuck_schedule.unwrap().to_string()
    };
    let file = "tests/tools/locations.rs";
    let here = "fn a_stuck_schedule_says";
    let at = |text: &str| format!("`{}`", place(file, here, text, 0));

    let shown = stuck(|| {
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let other = Arc::clone(&locks);
        let thread = thread::spawn(move || {
            let _second = other.1.lock().unwrap();
            let _first = other.0.lock().unwrap();
        });
        let _first = locks.0.lock().unwrap();
        let _second = locks.1.lock().unwrap();
        thread.join().unwrap();
    });
    let told = format!(
        "`thread-1` waits for the lock at {}. `main` has it: taken at {}.",
        at("lock().unwrap();\n            let _first = other"),
        at("lock().unwrap();\n        thread.join"),
    );
    assert!(shown.contains(&told), "{told}\n{shown}");

    let shown = stuck(|| {
        let (sender, receiver) = mpsc::channel::<u8>();
        let _ = receiver.recv();
        drop(sender);
    });
    let told = format!("`main` waits for a message at {}.", at("recv();"));
    assert!(shown.contains(&told), "{told}\n{shown}");

    let shown = stuck(|| {
        let pair = (Mutex::new(()), Condvar::new());
        drop(pair.1.wait(pair.0.lock().unwrap()));
    });
    let told = format!("`main` waits at {} to be notified", at("wait(pair"));
    assert!(shown.contains(&told), "{told}\n{shown}");

    let shown = stuck(|| {
        let parked = thread::spawn(thread::park);
        parked.join().unwrap();
    });
    let join = place(file, here, "parked.join", "parked.".len());
    let told = format!("`main` waits for the end of `thread-1` at `{join}`.");
    assert!(shown.contains(&told), "{told}\n{shown}");
    assert!(shown.contains("`thread-1` is parked"), "{shown}");
}

#[cfg(feature = "stage4")]
#[test]
fn every_state_has_the_locations_that_the_schedules_have() {
    use ten_versus_five::explore::stages::program;
    let program = program(4, 2, 2, 2).unwrap();
    let states = Explorer::new().states(1_000_000, program);
    let file = "stages/stage4_for_loop.rs";
    let at = |text: &str| Some(place(file, "for job in receiver", text, 0));
    for state in &states.states {
        let steps = state.steps.iter().map(|step| (step.action, &step.at));
        let waits = state.waits.iter().map(|wait| (wait.action, &wait.at));
        for (action, found) in steps.chain(waits) {
            match action {
                Action::Lock => assert_eq!(*found, at("lock()")),
                Action::Unlock => assert_eq!(*found, at("}\n").filter(|_| has_line_tables())),
                Action::Start | Action::End => assert_eq!(*found, None),
                _ => {}
            }
        }
    }
}

/// What the jobs of a check do with their own locks and numbers is not the learner's.
#[test]
fn steps_of_a_check_are_not_drawn() {
    let report = Explorer::new().pool(1, 1, |_| (), |(), job| job.run());
    let drawn = report.first_schedule.unwrap();
    assert!(drawn.steps.iter().all(|step| step.location.is_none()));
    assert!(!drawn.to_string().contains("not known"), "{drawn}");
}

/// An iterator of `std` takes the step, and the learner's code has called that one.
#[test]
fn a_step_of_an_iterator_stands_where_the_iterator_is_used() {
    use ten_versus_five::traced::sync::mpsc;
    let report = Explorer::new().run(|_| {
        let (sender, receiver) = mpsc::channel();
        sender.send(1).unwrap();
        receiver.iter().take(1).for_each(drop);
    });
    let file = "tests/tools/locations.rs";
    // Where that is differs between compilers: some say the method, and some where the expression begins.
    let places = ["for_each(drop)", "receiver.iter()"]
        .map(|code| Some(place(file, "fn a_step_of_an_iterator", code, 0)));
    let schedule = report.first_schedule.unwrap();
    let found = locations(&schedule, Action::Receive { timed: false });
    let expected = if has_line_tables() {
        &places[..]
    } else {
        &[None]
    };
    assert!(
        expected.iter().any(|place| found == [place.clone()].into()),
        "{found:?}"
    );
}

/// The lines of a race that say where the lock is taken and released.
#[cfg(all(feature = "stage3", feature = "stage4"))]
#[test]
fn a_race_says_where_the_lock_is_taken_and_released() {
    let mut race = crate::common::program();
    let arguments = "race --lock --sleep 0.3 --workers 2 --notes -";
    race.args(arguments.split(' '));
    let output = race.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let file = "stages/stage3_channel_pool.rs";
    let taken = place(file, "receiver.lock()", "lock()", 0);
    let released = match has_line_tables() {
        true => place(file, "receiver.lock()", "};", 1),
        false => String::from("a place that is not known"),
    };
    let line = format!("lock: taken at {taken}, released at {released}\n");
    assert!(printed.contains(&line), "{line}{printed}");
    let page = read("docs/lock_trace.md");
    assert!(
        page.contains(line.trim_end()) || !has_line_tables(),
        "{line}"
    );
    let note = "  has  mutex ";
    let noted = printed.lines().filter(|line| line.contains(note));
    let noted: Vec<&str> = noted.collect();
    assert!(
        noted
            .iter()
            .any(|line| line.ends_with(&format!("  at {taken}"))),
        "{noted:?}"
    );

    let file = "stages/stage4_for_loop.rs";
    let taken = place(file, "for job in receiver", "lock()", 0);
    let line = format!("lock: taken at {taken}, not released while the race ran\n");
    assert!(printed.contains(&line), "{line}{printed}");
    assert!(page.contains(line.trim_end()), "{line}");
}

#[test]
fn notes_say_what_happens_while_a_lock_is_held() {
    use std::time::Duration;
    use ten_versus_five::notes::Recording;
    use ten_versus_five::notes::lock::Lock;
    use ten_versus_five::traced::sync::Mutex;
    use ten_versus_five::traced::{job, thread};
    let recording = Recording::new();
    recording.watch(|| {
        let mutex = Mutex::new(1);
        for number in 0..2 {
            let guard = mutex.lock().unwrap();
            if number == 1 {
                drop(guard);
                break;
            }
            job(number, || thread::sleep(Duration::from_millis(1)));
        }
    });
    let lock = Lock {
        notes: recording.notes(),
        start: Duration::ZERO,
    };
    let [hold] = lock.holds(Duration::MAX).try_into().unwrap();
    let (file, here) = ("tests/tools/locations.rs", "fn notes_say_what_happens");
    let at = |text| place(file, here, text, 0);
    assert_eq!(hold.taken.to_string(), at("lock().unwrap"));
    assert_eq!(
        (hold.times, &*hold.meanwhile),
        (2, &["ran a job", "slept"][..])
    );
    assert!(hold.longest >= Duration::from_millis(1));
    let released = hold.released.iter().flatten();
    let released: Vec<String> = released.map(ToString::to_string).collect();
    let expected = [at("}\n    });"), at("drop(guard)")];
    let known = if has_line_tables() { 2 } else { 0 };
    assert_eq!(released, expected[..known]);
}
