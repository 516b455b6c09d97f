//! Does `explore --step` tell who is the scheduler the truth?

use std::process::Stdio;

use crate::common::{program, thorough};
use crate::tools::explore::broken;
use ten_versus_five::explore::stepping::{Table, play};
use ten_versus_five::explore::{Explorer, Program, Report, Run};
use ten_versus_five::terminal::Style;

/// What is printed for this input.
fn conversation(program: Program, typed: &str) -> String {
    conversation_at(program, &[], (24, 80), typed)
}

/// The same in a window of so many rows and columns, with these files and their texts.
fn conversation_at(
    program: Program,
    files: &[(&str, &str)],
    (rows, width): (usize, usize),
    typed: &str,
) -> String {
    let style = Style {
        width,
        unicode: true,
        color: false,
    };
    let table = Table {
        title: "a pool",
        files,
        style,
        rows,
    };
    let mut out = Vec::new();
    play(program, &table, &mut typed.as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What is said last, up to the question.
fn last_words(conversation: &str) -> &str {
    conversation.rsplit("\n\n").next().unwrap()
}

fn stuck_at_drop() -> Program {
    Box::new(|run: &Run| {
        let pool = broken::StuckAtDrop::new(1);
        let job = run.job();
        pool.execute(move || job.run());
    })
}

#[test]
fn a_way_to_where_a_thread_waits_for_ever_leads_there() {
    let shown = conversation(stuck_at_drop(), "s\nq\n");
    let (_, way) = shown
        .split_once("There is a way to a thread that waits for ever:\n")
        .unwrap();
    let way = way.lines().next().unwrap();
    let shown = conversation(stuck_at_drop(), &format!("{way}\n"));
    let last = last_words(&shown);
    assert!(last.contains("\nStuck: no thread can go on.\n"), "{shown}");
    let why = "   -  main cannot join thread-1: that thread has not ended.\n";
    assert!(last.contains(why), "{last}");
    let why = "   -  thread-1 cannot recv: the channel is empty.\n";
    assert!(last.contains(why), "{last}");
    let shown = conversation(stuck_at_drop(), &format!("{way}\ns\nt\n"));
    assert!(
        shown.contains("Here it is: a thread that waits for ever.\n"),
        "{shown}"
    );
    let none = "There is no way to two jobs at once from here (schedules: 1).\n";
    assert!(shown.contains(none), "{shown}");
}

#[test]
fn a_step_that_was_taken_back_was_not_taken() {
    let here = |typed| last_words(&conversation(stuck_at_drop(), typed)).to_owned();
    assert_eq!(here("m m m b\n"), here("m m\n"));
    assert_eq!(here("b b b\n"), here(""));
    assert!(here("").contains("   m  main: start\n"));
}

#[test]
fn what_is_no_step_is_answered_with_what_would_be() {
    for typed in [
        "9",
        "0",
        "-1",
        "two",
        "M",
        "\u{1b}[A",
        "18446744073709551616",
    ] {
        let shown = conversation(stuck_at_drop(), &format!("m {typed} m m m\n"));
        let answer = format!("There is no thread {typed:?}.\nThe letter or the number of a thread");
        assert!(shown.contains(&answer), "{shown}");
        // The first step was taken, and none behind the mistake.
        let before = conversation(stuck_at_drop(), "m\n");
        let (shown, _) = shown.rsplit_once("\nThere is no thread").unwrap();
        assert_eq!(
            last_words(shown),
            last_words(before.trim_end_matches("\n> \n"))
        );
    }
    let shown = conversation(stuck_at_drop(), "1\n");
    assert!(
        shown.ends_with("\n> thread-1 is not there yet.\n> \n"),
        "{shown}"
    );
}

#[test]
fn it_ends_with_its_input_or_when_it_is_told_to() {
    for typed in ["", "q", "q\nm m m\n", "\n\n", "m q m"] {
        let shown = conversation(stuck_at_drop(), typed);
        assert!(!shown.contains("spawn"), "{shown}");
    }
}

/// Each reason that a thread can have to wait, but for those of a pool.
#[test]
fn a_thread_that_cannot_go_on_says_why() {
    use ten_versus_five::traced::sync::{Arc, Condvar, Mutex, RwLock, mpsc};
    use ten_versus_five::traced::thread;
    let answer = |work: fn(), typed: &str| {
        let shown = conversation(Box::new(move |_: &Run| work()), typed);
        let (shown, _) = shown.rsplit_once("\n> ").unwrap();
        let last = shown.lines().last().unwrap();
        last.trim_start_matches("> ").to_owned()
    };

    let itself = || {
        let mutex = Mutex::new(());
        let _first = mutex.lock().unwrap();
        drop(mutex.lock());
    };
    let why = "main cannot lock: it has the lock itself.";
    assert_eq!(answer(itself, "m m\nm\n"), why);

    let full = || {
        let (sender, _receiver) = mpsc::sync_channel(1);
        sender.send(1).unwrap();
        sender.send(2).unwrap();
    };
    let why = "main cannot send: the channel is full.";
    assert_eq!(answer(full, "m m\nm\n"), why);

    let why = "main cannot go on: it is not unparked.";
    assert_eq!(answer(thread::park, "m\nm\n"), why);

    let readers = || {
        let lock = Arc::new(RwLock::new(()));
        let reader = Arc::clone(&lock);
        let _mine = lock.read().unwrap();
        let other = thread::spawn(move || drop((reader.read(), reader.write())));
        other.join().unwrap();
    };
    let why = "thread-1 cannot lock rwlock: main and it have the lock.";
    assert_eq!(answer(readers, "m m m 1 1\n1\n"), why);

    let none = "thread-1 cannot wake up: it is not notified.";
    let one = "thread-1 cannot wake up: it is not notified, or main has the lock.";
    let all = "thread-1 cannot wake up: main has the lock.";
    for (work, typed, why) in [
        (notify::<true> as fn(), "m m 1 1 1\n1\n", none),
        (notify::<true>, "m m 1 1 1 m\n1\n", none),
        (notify::<true>, "m m 1 1 1 m m\n1\n", all),
        // Another thread could have been notified.
        (notify::<false>, "m m 1 1 1 m m\n1\n", one),
    ] {
        assert_eq!(answer(work, typed), why);
    }

    // Another thread was notified, and has released the lock.
    let two_wait = || {
        let shared = (Mutex::new(()), Condvar::new());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| drop(shared.1.wait(shared.0.lock().unwrap())));
            }
            shared.1.notify_one();
        });
    };
    let why = "thread-2 cannot wake up: it is not notified.";
    assert_eq!(answer(two_wait, "m m m 1 1 1 2 2 2 m 1 1\n2\n"), why);
}

fn notify<const ALL: bool>() {
    use ten_versus_five::traced::sync::{Arc, Condvar, Mutex};
    use ten_versus_five::traced::thread;
    let shared = Arc::new((Mutex::new(()), Condvar::new()));
    let other = Arc::clone(&shared);
    let other = thread::spawn(move || drop(other.1.wait(other.0.lock().unwrap())));
    let guard = shared.0.lock().unwrap();
    match ALL {
        true => shared.1.notify_all(),
        false => shared.1.notify_one(),
    }
    drop(guard);
    other.join().unwrap();
}

#[test]
fn threads_of_one_number_are_told_apart() {
    use ten_versus_five::traced::thread::{Builder, scope};
    let work = |_: &Run| {
        scope(|scope| {
            for name in ["left-7", "right-7", "named"] {
                let thread = Builder::new().name(String::from(name));
                thread.spawn_scoped(scope, || ()).unwrap();
            }
        });
    };
    let shown = conversation(Box::new(work), "m m m m #2\n");
    let last = last_words(&shown);
    for line in [
        "  #1  left-7: start",
        "  #2  right-7: end",
        "  #3  named: start",
    ] {
        assert!(last.lines().any(|found| found == line), "{line}\n{last}");
    }
}

/// What can come after each place in a schedule, with the reduction and without.
#[test]
fn from_each_place_the_reduction_finds_what_the_plain_search_finds() {
    let run = |explorer: Explorer, choices: &[usize]| {
        explorer.run_from(choices, |run: &Run| {
            let pool = broken::CountsInTheWorker::new(2);
            for _ in 0..2 {
                let job = run.job();
                pool.try_execute(move || job.run());
            }
        })
    };
    let found = |report: &Report| (report.most_at_once, report.stuck, report.complete);
    let all = run(crate::tools::explore::explorer(), &[]);
    let mut most = std::collections::BTreeSet::new();
    for schedule in [all.first_schedule.unwrap(), all.most_schedule.unwrap()] {
        let choices = schedule.choices();
        let places = choices.len() / 2..=choices.len();
        for steps in places.step_by(if thorough() { 1 } else { 3 }) {
            let plain = run(
                crate::tools::explore::explorer().without_reduction(),
                &choices[..steps],
            );
            let reduced = run(crate::tools::explore::explorer(), &choices[..steps]);
            assert_eq!(found(&reduced), found(&plain), "{:?}", &choices[..steps]);
            assert!(reduced.complete && reduced.schedules <= plain.schedules);
            most.insert(reduced.most_at_once);
        }
    }
    assert_eq!(Vec::from_iter(most), [0, 1, 2], "it depends on the place");
}

#[test]
fn without_a_terminal_it_says_so_and_ends() {
    let Some(stage) = ten_versus_five::compiled_in().find(|stage| stage.has_pool) else {
        return;
    };
    let mut step = program();
    step.args(["explore", "--step", "--stage", &stage.number.to_string()]);
    let output = step.stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("needs a terminal") && error.lines().count() == 1,
        "{error}"
    );
}

#[cfg(all(feature = "stage3", feature = "stage4"))]
mod stages_3_and_4 {
    use super::*;
    use crate::common::drawn;
    use crate::common::repository::{blocks, read};
    use ten_versus_five::explore::stages;

    fn stage(number: usize) -> Program {
        stages::program(number, 2, 2, 2).unwrap()
    }

    /// What is printed for this input, with the lines of source.
    fn conversation(stage: usize, (rows, width): (usize, usize), typed: &str) -> String {
        let files = [stages::source(stage).unwrap()];
        conversation_at(self::stage(stage), &files, (rows, width), typed)
    }

    const TERMINAL: (usize, usize) = (24, 80);

    /// `main` gives both jobs to the pool, and worker 0 begins the first one.
    const JOB_0_RUNS: &str = "m m m m m m 0 0 0 0 ";

    #[test]
    fn under_stage_4_there_is_no_way_to_two_jobs_at_once() {
        let shown = conversation(4, TERMINAL, &format!("t {JOB_0_RUNS} t\n1 1\n"));
        let none = "There is no way to two jobs at once from here";
        assert_eq!(shown.matches(none).count(), 2, "{shown}");
        let last = last_words(&shown);
        let waits = "\n   -  worker-1 cannot lock: worker-0 has the lock.\n";
        let answer = "\nworker-1 cannot lock: worker-0 has the lock.\n> \n";
        assert!(
            last.starts_with("job 0 runs.\n") && last.contains(waits) && last.ends_with(answer),
            "{last}"
        );
    }

    #[test]
    fn under_stage_3_the_way_to_two_jobs_at_once_leads_there() {
        let shown = conversation(3, TERMINAL, &format!("{JOB_0_RUNS} 0\nt\n"));
        let (_, way) = shown
            .split_once("There is a way to two jobs at once:\n")
            .unwrap();
        let way = way.lines().next().unwrap();
        let shown = conversation(3, TERMINAL, &format!("{JOB_0_RUNS} 0 {way}\nt\n"));
        assert!(
            last_words(&shown).starts_with("job 0 and job 1 run at once.\n"),
            "{shown}"
        );
        assert!(
            shown.ends_with("> Here it is: two jobs at once.\n> \n"),
            "{shown}"
        );
    }

    #[test]
    fn under_stage_3_each_place_in_a_schedule_is_told() {
        for (steps, told) in [
            // Worker 0 has released it, and worker 1 has it now.
            (
                "0 1 1 0",
                "   -  worker-0 cannot lock: worker-1 has the lock.\n",
            ),
            // Two jobs could have overlapped, had they not been let to end one after the other.
            ("0 0 t", "There is no way to two jobs at once"),
            (
                "0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 m\n0",
                "\nAll threads have ended.\n> worker-0 has ended.\n",
            ),
        ] {
            let shown = conversation(3, TERMINAL, &format!("{JOB_0_RUNS} {steps}\n"));
            assert!(shown.contains(told), "{steps}: {shown}");
        }
    }

    /// The line at which a thread is stands below its name, as it is in the file.
    #[test]
    fn each_thread_has_its_line_of_source() {
        let (_, source) = stages::source(4).unwrap();
        let one_by_one = JOB_0_RUNS.replace(' ', "\n");
        let shown = conversation(4, TERMINAL, &format!("{one_by_one}1\n"));
        let at = "      stage4_for_loop.rs:";
        let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with(at)).collect();
        let texts = [".spawn(move", ".send(Box", "for job in receiver.lock()"];
        for text in texts {
            assert!(
                lines.iter().any(|line| line.contains(text)),
                "{text}\n{shown}"
            );
        }
        for line in lines {
            let (number, text) = line[at.len()..].split_once("  ").unwrap();
            let number: usize = number.parse().unwrap();
            assert_eq!(source.lines().nth(number - 1).unwrap().trim(), text);
        }
        let narrow = conversation(4, (24, 40), &format!("{JOB_0_RUNS} 1\n"));
        let cut = "\n      stage4_for_loop.rs:99  for job in\n";
        assert!(narrow.contains(cut), "{narrow}");
    }

    /// What is typed, the drawing and what is said are on the screen together, whatever comes before.
    #[test]
    fn the_drawing_leaves_the_answer_on_the_screen() {
        let typed =
            format!("{JOB_0_RUNS}\n1 1\nt\nhelp\n1 1 t s b t\nm 0 0 0 0 0\n\nhelp\nb help\n");
        for (workers, rows) in [(1, 24), (2, 24), (6, 24), (2, 60)] {
            let program = stages::program(4, workers, 2, 2).unwrap();
            let files = [stages::source(4).unwrap()];
            let shown = conversation_at(program, &files, (rows, 100), &typed);
            let mut screens: Vec<&str> = shown.split("> ").collect();
            screens.pop(); // The end of the input.
            for screen in screens {
                assert!(
                    screen.lines().count() < rows,
                    "{workers} workers, {rows} rows:\n{screen}"
                );
            }
        }
    }

    #[test]
    fn the_page_shows_what_a_class_sees() {
        let shown = conversation(4, TERMINAL, &format!("{JOB_0_RUNS} 1\n1\nt\n"));
        let questions: Vec<&str> = shown.split("> ").collect();
        let [_, second, third, fourth, _] = questions.as_slice() else {
            panic!("{shown}")
        };
        let seen = format!(
            "> {JOB_0_RUNS}1\n{second}> 1\n{third}> t\n{}",
            fourth.trim_end()
        );
        let found = blocks(&read("docs/explore.md"), "```text");
        let found: Vec<String> = found.iter().map(|found| drawn(found)).collect();
        assert!(found.iter().any(|found| found.trim_end() == seen), "{seen}");
    }

    /// A window of 24 rows and 80 columns, in which the test types.
    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "needs the script program"]
    fn on_a_terminal_the_answer_is_on_the_screen() {
        use std::io::{Read, Write};
        let program = program().get_program().to_str().unwrap().to_owned();
        let command = format!("stty rows 24 cols 80; '{program}' explore --step --stage 4");
        let mut script = crate::common::on_a_terminal(&command).spawn().unwrap();
        let mut keyboard = script.stdin.take().unwrap();
        let mut screen = script.stdout.take().unwrap();
        let mut shown = Vec::new();
        let mut until_asked = |typed: &str| {
            let from = shown.len();
            keyboard.write_all(typed.as_bytes()).unwrap();
            while !shown[from..].ends_with(b"\r\n> ") {
                let mut byte = [0];
                screen.read_exact(&mut byte).unwrap();
                shown.push(byte[0]);
            }
            String::from_utf8(shown[from..].to_vec())
                .unwrap()
                .replace('\r', "")
        };
        until_asked("");
        let seen = until_asked(&format!("{JOB_0_RUNS} 1 1\r"));
        assert!(seen.lines().count() <= 24, "{seen}");
        assert!(
            seen.lines().all(|line| line.chars().count() <= 80),
            "{seen}"
        );
        let answer = "\nworker-1 cannot lock: worker-0 has the lock.\n> ";
        assert!(seen.ends_with(answer), "{seen}");
        keyboard.write_all(b"q\r").unwrap();
        assert!(script.wait().unwrap().success());
    }

    #[test]
    fn step_is_for_one_pool() {
        use std::ffi::OsString;
        let arguments = ["explore", "--step"].map(OsString::from);
        let Err(mistake) = ten_versus_five::command::parse(arguments) else {
            panic!("which one?")
        };
        assert!(
            mistake.to_string().contains(" -- explore --step --stage 3"),
            "{mistake}"
        );
    }
}
