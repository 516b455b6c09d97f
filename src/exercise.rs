//! Exercises: a thread pool with one thing missing, and what says which.
//!
//! Each is an example of Cargo, in `examples/`, and a file to change. [Exercises](crate::book::ch13_exercises) is the
//! chapter with the list, and says how to run one.
//!
//! Some pools are run on real threads: their promises are those of
//! [`check::pool`](crate::check::pool::promises). Others are run in [every schedule](crate::explore), like those of
//! [`explore_pool!`](crate::explore_pool). The verdict is about what a pool does, and never about how it is written.
#![doc = not_in_the_contract!()]

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::check::pool::explored::{self, Exploration};
use crate::check::pool::{Check, PATIENCE, apart, promises, rejecting, served};
use crate::check::{Promise, Verdict, promises};

pub mod watch;

pub use crate::check::pool::served::{Connection, ExerciseConnections, ServeFunction};

/// An exercise about a pool on real threads (`S` is a [`Check`]), about one in every schedule (an [`Exploration`]), or
/// about a [`ServeFunction`].
pub struct Exercise<S: 'static> {
    name: &'static str,
    text: &'static str,
    promises: &'static [Promise<S>],
    patience: Duration,
}

debug_by_name!([S] Exercise<S>, name);

/// Makes the exercises from their table: a constant, its name, and the promises, in the order in which they are
/// asked for. All else has that name: the example, the text with the hints, the row in `docs/exercises.md` and the
/// variants in `tests/tools/exercises/`. The compiler and `tests/tools/exercises.rs` say what is missing.
macro_rules! exercises {
    ($($(#[$attribute:meta])* $constant:ident $name:literal $subject:ty, $promises:expr;)*) => {
        $(
            $(#[$attribute])*
            pub const $constant: Exercise<$subject> = Exercise {
                name: $name,
                text: include_str!(concat!("exercise/", $name, ".txt")),
                promises: $promises,
                patience: PATIENCE,
            };
        )*

        /// The names of all exercises, in the order in which to do them. That of the example is the same.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

/// The promises of a pool on real threads, and more. One that is broken in many ways comes first: others could only be
/// told with patience.
macro_rules! on_real_threads {
    ($($more:ident)?) => {
        &promises![
            promises::every_job_runs_once,
            promises::two_jobs_run_at_once,
            promises::every_worker_works,
            promises::never_more_jobs_at_once_than_workers,
            promises::a_slow_job_does_not_hold_up_others,
            $( promises::$more, )?
            promises::an_idle_pool_uses_no_processor,
        ]
    };
}

exercises! {
    /// The lock that is held while a job runs.
    GUARD "guard" Check, on_real_threads![];

    /// The same, in a `while let`.
    WHILE_LET "while_let" Check, on_real_threads![];

    /// The same, with a guard that has a name.
    NAMED_GUARD "named_guard" Check, on_real_threads![];

    /// A pool from an empty file: stage 3.
    FROM_SCRATCH "from_scratch" Check, on_real_threads![a_pool_of_no_workers_is_refused];

    /// Counting jobs in the wrong place.
    COUNTER "counter" Exploration, &promises![
        rejecting::as_many_jobs_are_accepted_as_there_are_workers,
        rejecting::a_job_that_has_ended_makes_room,
    ];

    /// `_` in the place of a name.
    PERMIT "permit" Exploration, &promises![
        rejecting::as_many_jobs_are_accepted_as_there_are_workers,
        rejecting::a_job_that_has_ended_makes_room,
        rejecting::a_job_that_has_panicked_makes_room,
    ];

    /// A queue that swallows what it has no room for.
    BOUNDED_QUEUE "bounded_queue" ServeFunction, &promises![
        served::every_connection_is_answered,
        served::a_full_queue_rejects,
        served::a_free_worker_gets_a_connection,
    ];

    /// A job that panics.
    PANIC "panic" Check, on_real_threads![a_panic_costs_no_worker];

    /// The end of a pool.
    SHUTDOWN "shutdown" Exploration, &promises![
        explored::no_schedule_is_stuck,
        explored::no_thread_panics,
        explored::no_schedule_loses_a_job,
        explored::drop_waits_for_every_job_in_every_schedule,
        explored::every_worker_works_in_every_schedule,
    ];

    /// A queue behind a mutex, and a condition variable.
    CONDVAR "condvar" Exploration, SHUTDOWN.promises;
}

impl<S: From<Check>> Exercise<S> {
    /// What the `main` of the example does: says what is missing in the pools that `new` makes when it is given a
    /// number of workers, or gives the hint that the command line asks for. A pool that rejects a job, drops it, or
    /// gives it back, before `execute` returns.
    ///
    /// Exit code 0 says that nothing is missing, 2 that the command line is wrong. Like [`Check::verdict`], it starts
    /// this program again.
    pub fn run<P, R>(
        self,
        new: impl Fn(usize) -> P + Send + Sync + 'static,
        execute: impl Fn(&P, crate::check::pool::Job) -> R + Send + Sync + 'static,
    ) -> ExitCode
    where
        P: 'static,
    {
        let execute = Arc::new(execute);
        let check = Check::new(self.name, move |size| {
            let (pool, execute) = (new(size), Arc::clone(&execute));
            Box::new(move |job| drop(execute(&pool, job)))
        });
        let check = check.give_up_after(self.patience);
        self.answer(&S::from(check))
    }
}

impl Exercise<ServeFunction> {
    /// The same of a server. `serve` gets connections, a number of workers, and how many connections may wait.
    pub fn run(
        self,
        serve: impl Fn(ExerciseConnections, usize, usize) + Send + Sync + 'static,
    ) -> ExitCode {
        self.answer(&ServeFunction::new(serve))
    }
}

impl<S> Exercise<S> {
    /// The same with another patience than [`PATIENCE`], where patience is what it takes.
    pub fn give_up_after(self, patience: Duration) -> Exercise<S> {
        Exercise { patience, ..self }
    }

    /// Does what the command line asks for.
    fn answer(&self, subject: &S) -> ExitCode {
        let arguments: Vec<OsString> = env::args_os().skip(1).collect();
        let words: Vec<&str> = arguments.iter().filter_map(|it| it.to_str()).collect();
        let mut out = io::stdout();
        let well = match words[..] {
            [] if arguments.is_empty() => self.judge(subject, &mut out),
            ["--hint"] => self.hint(1, &mut out),
            ["--hint", number] if number.parse::<usize>().is_ok_and(|number| number > 0) => {
                self.hint(number.parse().unwrap_or(1), &mut out)
            }
            _ => {
                let _ = writeln!(
                    io::stderr(),
                    "An exercise takes no arguments, or --hint, or --hint 2 and so on."
                );
                return ExitCode::from(2);
            }
        };
        match well {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) | Err(_) => ExitCode::FAILURE, // What could not be printed has not arrived.
        }
    }

    /// Asks for one promise after the other, until one is broken. Returns whether all are kept.
    fn judge(&self, subject: &S, out: &mut impl Write) -> io::Result<bool> {
        writeln!(out, "Exercise {}, in examples/{0}.rs\n", self.name)?;
        let mut untold = None;
        // The line with the verdict is as long, and replaces it.
        let shown_meanwhile = io::stdout().is_terminal();
        for Promise {
            name: promise,
            decide,
        } in self.promises
        {
            if *promise == "an_idle_pool_uses_no_processor" && !cfg!(target_os = "linux") {
                writeln!(out, "not asked    {promise} (only Linux tells)")?;
                continue;
            }
            if shown_meanwhile {
                write!(out, "...          {promise}\r")?;
                out.flush()?;
            }
            let this = format!("{}: {promise}", self.name);
            let verdict = apart::verdict(&this, &[], || decide(subject));
            match &verdict {
                Verdict::Kept => writeln!(out, "kept         {promise}")?,
                Verdict::CannotTell(_) => {
                    writeln!(out, "cannot tell  {promise}")?;
                    untold.get_or_insert(verdict);
                }
                Verdict::Broken { .. } => {
                    writeln!(out, "broken       {promise}\n\n{verdict}")?;
                    self.offer_a_hint(1, out)?;
                    return Ok(false);
                }
            }
            out.flush()?;
        }
        if let Some(verdict) = untold {
            writeln!(out, "\n{verdict}")?;
            self.offer_a_hint(1, out)?;
            return Ok(false);
        }
        writeln!(out, "\nThat is right.\n\n{}", self.part("# Afterwards"))?;
        let next = NAMES.iter().skip_while(|name| **name != self.name).nth(1);
        match next {
            Some(next) => writeln!(out, "\nThe next one:\n    cargo run --example {next}")?,
            None => writeln!(out, "\nThat was the last one.")?,
        }
        Ok(true)
    }

    /// Prints the first hints.
    fn hint(&self, number: usize, out: &mut impl Write) -> io::Result<bool> {
        let hints: Vec<&str> = self.text.split("# Hint\n").skip(1).collect();
        for hint in hints.iter().take(number) {
            let (hint, _) = hint.split_once("\n# ").unwrap_or((hint, ""));
            writeln!(out, "- {}\n", hint.trim().replace('\n', "\n  "))?;
        }
        if number < hints.len() {
            self.offer_a_hint(number + 1, out)?;
        } else {
            writeln!(out, "There are no more hints.")?;
        }
        Ok(true)
    }

    fn offer_a_hint(&self, number: usize, out: &mut impl Write) -> io::Result<()> {
        let number = match number {
            1 => String::new(),
            number => format!(" {number}"),
        };
        let hint = format!("cargo run --example {} -- --hint{number}", self.name);
        writeln!(out, "\nFor a hint:\n    {hint}")
    }

    /// A part of the text, which has a heading, like "# Afterwards".
    fn part(&self, heading: &str) -> &'static str {
        let (_, part) = self.text.split_once(heading).unwrap_or_default();
        part.trim()
    }
}
