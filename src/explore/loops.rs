//! The thirteen loops of [the page about lock scope](crate::book::ch08_lock_scope), in every
//! schedule.
#![doc = not_in_the_contract!()]

use super::Program;
use crate::traced::sync::mpsc::{self, Receiver, Sender};
use crate::traced::sync::{Arc, Mutex};
use crate::traced::thread;
use spellings::Job;

/// They need nothing but `std`, and here they have the stand-in.
mod spellings {
    use crate::traced as std;
    include!("spellings.rs");
}

/// Their file, and its text.
pub(super) const SOURCE: (&str, &str) = ("src/explore/spellings.rs", include_str!("spellings.rs"));

/// One way to write the worker's loop.
#[derive(Debug)]
pub struct Spelling {
    /// The name of its function in `src/explore/spellings.rs`.
    pub name: &'static str,
    work: fn(&Mutex<Receiver<Job>>),
}

macro_rules! spellings {
    ($($name:ident)*) => {
        /// All of them, in the order of the page's table.
        pub static SPELLINGS: &[Spelling] = &[
            $(Spelling { name: stringify!($name), work: spellings::$name }),*
        ];
    };
}

spellings! {
    let_then_call let_else match_after_let helper_function guard_dropped guard_in_a_block
    for_loop while_let match_on_recv if_let guard_not_dropped borrow_in_a_let
    while_let_block
}

impl Spelling {
    /// What is run in every schedule: workers with this loop, which are sent so many jobs, and then
    /// the channel is closed.
    pub fn program(&self, workers: usize, jobs: usize) -> Program {
        let work = self.work;
        super::program(
            workers,
            jobs,
            move |workers| start(workers, work),
            |sender, job| {
                let sent = sender.send(Box::new(move || job.run()));
                // They leave when the channel is closed, and no job panics.
                assert!(sent.is_ok(), "the workers are there");
            },
        )
    }
}

fn start(workers: usize, work: fn(&Mutex<Receiver<Job>>)) -> Sender<Job> {
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for id in 0..workers {
        let receiver = Arc::clone(&receiver);
        let worker = thread::Builder::new().name(format!("worker-{id}"));
        let started = worker.spawn(move || work(&receiver));
        assert!(
            started.is_ok(),
            "the explorer has a thread for every worker"
        );
    }
    sender
}
