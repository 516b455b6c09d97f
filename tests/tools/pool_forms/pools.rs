//! Pools as they come: each has another interface, and all of them are right.

#[cfg(test)]
use ten_versus_five::traced as std;

use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send + 'static>;

/// What is behind all of them.
struct Workers<J: Send + 'static> {
    sender: Option<Sender<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Workers<J> {
    fn new(size: usize, run: fn(J)) -> Workers<J> {
        assert!(size > 0);
        let (sender, receiver) = mpsc::channel::<J>();
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |_| {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || {
                loop {
                    let message = receiver.lock().unwrap().recv();
                    let Ok(job) = message else { break };
                    let _ = catch_unwind(AssertUnwindSafe(|| run(job)));
                }
            })
        };
        Workers {
            threads: (0..size).map(start).collect(),
            sender: Some(sender),
        }
    }

    fn give(&self, job: J) {
        self.sender.as_ref().unwrap().send(job).unwrap();
    }
}

impl<J: Send + 'static> Drop for Workers<J> {
    fn drop(&mut self) {
        self.sender = None;
        self.threads.drain(..).for_each(|it| it.join().unwrap());
    }
}

fn workers(size: usize) -> Workers<Job> {
    Workers::new(size, |job| job())
}

/// Nothing in here is `Debug`.
pub struct Error;

pub struct TakesItselfMutably(Workers<Job>);

impl TakesItselfMutably {
    pub fn new(size: usize) -> Self {
        TakesItselfMutably(workers(size))
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&mut self, job: F) {
        self.0.give(Box::new(job));
    }
}

pub struct ReturnsSomething(Workers<Job>);

impl ReturnsSomething {
    pub fn new(size: usize) -> Self {
        ReturnsSomething(workers(size))
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) -> Result<&Self, Error> {
        self.0.give(Box::new(job));
        Ok(self)
    }
}

pub struct NewReturnsAResult(Workers<Job>);

impl NewReturnsAResult {
    pub fn new(size: usize) -> Result<Self, Error> {
        match size {
            0 => Err(Error),
            size => Ok(NewReturnsAResult(workers(size))),
        }
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.give(Box::new(job));
    }
}

pub struct HasBuildOnly(Workers<Job>);

impl HasBuildOnly {
    pub fn build(size: usize) -> Result<Self, Error> {
        match size {
            0 => Err(Error),
            size => Ok(HasBuildOnly(workers(size))),
        }
    }

    pub fn execute<F: FnOnce() + Send + 'static>(&self, job: F) {
        self.0.give(Box::new(job));
    }
}

pub struct AsksForManyBounds(Workers<Box<dyn FnMut() + Send + Sync + UnwindSafe>>);

impl AsksForManyBounds {
    pub fn new(size: usize) -> Self {
        AsksForManyBounds(Workers::new(size, |mut job| job()))
    }

    pub fn execute<F: FnMut() + Send + Sync + UnwindSafe + 'static>(&self, job: F) {
        self.0.give(Box::new(job));
    }
}

pub struct TakesABox(Workers<Job>);

impl TakesABox {
    pub fn new(size: usize) -> Option<Self> {
        (size > 0).then(|| TakesABox(workers(size)))
    }

    pub fn execute(&self, job: Box<dyn FnOnce() + Send + 'static>) {
        self.0.give(job);
    }
}

pub struct InAnArc(Workers<Job>);

impl InAnArc {
    pub fn new(size: u32) -> Arc<Self> {
        Arc::new(InAnArc(workers(size as usize)))
    }

    pub fn execute<F: FnOnce() + Send + 'static>(self: &Arc<Self>, job: F) {
        self.0.give(Box::new(job));
    }
}

pub struct HasOtherNames(Workers<Job>);

impl HasOtherNames {
    pub fn with_name(name: &str, size: usize) -> Result<Self, Error> {
        assert_eq!(name, "web");
        Ok(HasOtherNames(workers(size)))
    }

    pub fn run<F: FnOnce() + Send + 'static>(&mut self, job: F) -> bool {
        self.0.give(Box::new(job));
        true
    }
}

/// Both macros take each of them.
#[cfg(test)]
mod tests {
    macro_rules! forms {
        ($($module:ident: ($($form:tt)*);)*) => {
            $(
                mod $module {
                    #[allow(unused_imports)]
                    use crate::HasOtherNames;

                    mod check {
                        #[allow(unused_imports)]
                        use super::*;

                        ten_versus_five::check_pool!($($form)* two_jobs_run_at_once, a_pool_of_no_workers_is_refused);
                    }

                    mod explore {
                        #[allow(unused_imports)]
                        use super::*;

                        ten_versus_five::explore_pool!($($form)* no_schedule_is_stuck, no_schedule_loses_a_job,);
                    }
                }
            )*
        };
    }

    forms! {
        takes_itself_mutably: (crate::TakesItselfMutably:);
        returns_something: (crate::ReturnsSomething:);
        new_returns_a_result: (crate::NewReturnsAResult:);
        has_build_only: (crate::HasBuildOnly:);
        asks_for_many_bounds: (crate::AsksForManyBounds:);
        takes_a_box: (crate::TakesABox:);
        in_an_arc: (crate::InAnArc:);
        has_other_names: (
            |workers| HasOtherNames::with_name("web", workers).ok().unwrap(), |pool, job| pool.run(job);
        );
    }

    /// The names of all promises, in both forms.
    mod all {
        mod check {
            ten_versus_five::check_pool!(crate::TakesItselfMutably);
        }

        mod explore {
            use crate::HasOtherNames;

            ten_versus_five::explore_pool!(
                |workers| HasOtherNames::with_name("web", workers).ok().unwrap(),
                |pool, job| pool.run(job),
            );
        }
    }
}
