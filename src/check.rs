//! Is mine right? What a thread pool and a web server should promise, and whether yours does.
//!
//! [`pool`] checks a thread pool that you wrote: one line, [`check_pool!`](crate::check_pool), makes a test
//! of each promise. [`server`] checks a server that runs, in whatever language it is written: it is
//! the command `check`. Both know three answers, and the third is "cannot tell": a check that guesses
//! is worse than none.
#![warn(missing_debug_implementations)]

use std::fmt::{self, Display};

mod plain;
pub mod pool;
mod procfs;
pub mod server;
mod tap;

/// Something that every good `S` keeps, like a pool, a server, or what came of a pool in every schedule.
pub struct Promise<S> {
    /// What it is called.
    pub name: &'static str,
    /// Decides whether this one keeps it.
    pub decide: fn(&S) -> Verdict,
}

debug_by_name!([S] Promise<S>, name);

/// Promises that have the names of the functions which decide them.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        [$( $crate::check::Promise { name: stringify!($name), decide: $name } ),*]
    };
    ($($module:ident::$name:ident),* $(,)?) => {
        [$( $crate::check::Promise { name: stringify!($name), decide: $module::$name } ),*]
    };
}
pub(crate) use promises;

/// What a check found out about one promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The promise was kept, and what shows it did happen.
    Kept,
    /// The promise was broken.
    Broken {
        /// What happened, in one sentence.
        happened: String,
        /// The question whose answer leads to the cause.
        question: String,
        /// Where to read on.
        page: String,
    },
    /// The check cannot decide. The sentence says why, and begins in lower case.
    CannotTell(String),
}

impl Verdict {
    /// The promise was broken.
    pub(crate) fn broken(happened: impl Into<String>, question: &str, page: &str) -> Verdict {
        Verdict::Broken {
            happened: happened.into(),
            question: question.to_owned(),
            page: page.to_owned(),
        }
    }

    /// The check cannot decide, for this reason.
    pub(crate) fn cannot_tell(why: impl Into<String>) -> Verdict {
        Verdict::CannotTell(why.into())
    }
}

/// What happened, the question and the page, a line each; or why the check cannot tell.
impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Kept => f.write_str("kept"),
            Verdict::Broken {
                happened,
                question,
                page,
            } => write!(f, "{happened}\n{question}\nSee {page}."),
            Verdict::CannotTell(why) => write!(f, "cannot tell: {why}"),
        }
    }
}
