//! Does `explore --step` tell who is the scheduler the truth?

use std::process::Stdio;

use crate::common::program;
use crate::explore::broken;
use ten_versus_five::explore::stepping::play;
use ten_versus_five::explore::{Explorer, Program, Report, Run};
use ten_versus_five::terminal::Style;

/// What is printed for this input.
fn conversation(program: Program, typed: &str) -> String {
    let style = Style {
        width: 80,
        unicode: true,
        color: false,
    };
    let mut out = Vec::new();
    play("a pool", program, style, &mut typed.as_bytes(), &mut out).unwrap();
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
    assert!(last.contains("   -  main waits: join thread-1, but it has not ended\n"));
    assert!(last.contains("   -  thread-1 waits: recv, but the channel is empty\n"));
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
    assert_eq!(here("1 1 1 b\n"), here("1 1\n"));
    assert_eq!(here("b b b\n"), here(""));
    assert!(here("").contains("   1  main: start\n"));
}

#[test]
fn what_is_no_step_is_answered_with_what_would_be() {
    for typed in ["9", "0", "-1", "two", "\u{1b}[A", "18446744073709551616"] {
        let shown = conversation(stuck_at_drop(), &format!("1 {typed} 1 1 1\n"));
        assert!(
            shown.contains("is no thread that can go on.\nA number, "),
            "{shown}"
        );
        // The first step was taken, and none behind the mistake.
        assert_eq!(
            last_words(&shown),
            last_words(&conversation(stuck_at_drop(), "1\n"))
        );
    }
}

#[test]
fn it_ends_with_its_input_or_when_it_is_told_to() {
    for typed in ["", "q", "q\n1 1 1\n", "\n\n", "1 q 1"] {
        let shown = conversation(stuck_at_drop(), typed);
        assert!(!shown.contains("spawn"), "{shown}");
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
    let all = run(Explorer::new(), &[]);
    let mut most = std::collections::BTreeSet::new();
    for schedule in [all.first_schedule.unwrap(), all.most_schedule.unwrap()] {
        let choices = schedule.choices();
        for steps in choices.len() / 2..=choices.len() {
            let plain = run(Explorer::new().without_reduction(), &choices[..steps]);
            let reduced = run(Explorer::new(), &choices[..steps]);
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

    /// `main` gives both jobs to the pool, and worker 0 begins the first one.
    const JOB_0_RUNS: &str = "1 1 1 1 1 1 2 2 2 2 ";

    #[test]
    fn under_stage_4_there_is_no_way_to_two_jobs_at_once() {
        let shown = conversation(stage(4), &format!("t {JOB_0_RUNS} t\n3 3\n"));
        let none = "There is no way to two jobs at once from here";
        assert_eq!(shown.matches(none).count(), 2, "{shown}");
        assert!(
            shown.contains("worker-1 cannot: lock, but worker-0 has the lock.\n"),
            "{shown}"
        );
        let last = last_words(&shown);
        let waits = "\n   -  worker-1 waits: lock, but worker-0 has the lock\n";
        assert!(
            last.starts_with("job 0 runs.\n") && last.contains(waits),
            "{last}"
        );
    }

    #[test]
    fn under_stage_3_the_way_to_two_jobs_at_once_leads_there() {
        let shown = conversation(stage(3), &format!("{JOB_0_RUNS} 2\nt\n"));
        let (_, way) = shown
            .split_once("There is a way to two jobs at once:\n")
            .unwrap();
        let way = way.lines().next().unwrap();
        let shown = conversation(stage(3), &format!("{JOB_0_RUNS} 2 {way}\nt\n"));
        assert!(
            last_words(&shown).starts_with("job 0 and job 1 run at once.\n"),
            "{shown}"
        );
        assert!(shown.contains("Here it is: two jobs at once.\n"), "{shown}");
    }

    /// Worker 0 has released it, and worker 1 has it now.
    #[test]
    fn under_stage_3_the_lock_changes_hands() {
        let shown = conversation(stage(3), &format!("{JOB_0_RUNS} 2 3 3 2\n"));
        let waits = "   -  worker-0 waits: lock, but worker-1 has the lock\n";
        assert!(last_words(&shown).contains(waits), "{shown}");
    }

    #[test]
    fn the_page_shows_what_a_class_sees() {
        let shown = conversation(stage(4), &format!("{JOB_0_RUNS} 3\n3\nt\n"));
        let questions: Vec<&str> = shown.split("> ").collect();
        let [_, _, third, fourth, _] = questions.as_slice() else {
            panic!("{shown}")
        };
        let (answer, _) = fourth.split_once("\n").unwrap();
        let seen = format!("> 3\n{third}> t\n{answer}");
        let found = blocks(&read("docs/explore.md"), "```text");
        assert!(found.iter().any(|found| drawn(found) == seen), "{seen}");
    }

    /// Two jobs could have overlapped, had they not been let to end one after the other.
    #[test]
    fn under_stage_3_what_is_over_is_over() {
        let one_after_another = format!("{JOB_0_RUNS} 2 2 t");
        let shown = conversation(stage(3), &one_after_another);
        assert!(
            shown.contains("There is no way to two jobs at once"),
            "{shown}"
        );
    }

    #[test]
    fn the_end_is_told() {
        let shown = conversation(
            stage(3),
            &format!("{JOB_0_RUNS} 2 2 2 2 2 2 2 2 2 2 2 3 3 3 3 3 3 1\n"),
        );
        assert!(shown.contains("\nAll threads have ended.\n"), "{shown}");
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
