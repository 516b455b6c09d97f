//! The server under test: how long requests take, alone and together, and when that shows nothing.

use std::time::Duration;

use super::requests::{Answer, ask, send_all, wait_for_all};
use super::{Options, Verdict};
use crate::client::target::Target;

/// How long the very first answer may take.
pub(super) const FIRST: Duration = Duration::from_secs(60);

/// How much later than expected an answer may come before it counts as missing.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests are sent at a time, at most: each needs a thread and an open file here.
pub(super) const MOST: usize = 200;

/// How often to try again when the times are not clear.
pub(super) const ATTEMPTS: usize = 3;

/// A shorter unit would say more of the machine than of the server.
const SHORTEST_UNIT: Duration = Duration::from_millis(200);

/// What one attempt to see several requests at once has shown.
pub(super) enum Attempt {
    /// So many ended so early that they must have run at once, so many were rejected with 503, and
    /// the others ended clearly later, the last after this time.
    Clear {
        at_once: usize,
        rejected: usize,
        last: Duration,
    },
    /// One was not answered, or neither with 200 nor with 503.
    Failed(String),
    /// The times say nothing, and why.
    Unclear(&'static str),
}

/// A server, and what has been found out about it so far.
pub(super) struct Server {
    pub(super) options: Options,
    /// Whether a request alone is answered.
    pub(super) answered: bool,
    /// How long one request takes alone, at the least; or why that is not known.
    pub(super) unit: Result<Duration, String>,
    /// A path that is answered at once, if there is one, with its status.
    pub(super) fast: Option<(Target, u16)>,
    pub(super) two_at_once: Option<Verdict>,
    pub(super) every_worker_works: Option<Verdict>,
}

impl Server {
    pub fn new(options: &Options) -> Server {
        Server {
            options: options.clone(),
            answered: false,
            unit: Err(String::from("there was no answer to measure")),
            fast: None,
            two_at_once: None,
            every_worker_works: None,
        }
    }

    /// Asks until two times agree: the first may have been longer, while the server warmed up.
    pub fn measure(&self, first: Duration) -> Result<Duration, String> {
        let mut last = first;
        for _ in 0..ATTEMPTS {
            if last.min(first) < SHORTEST_UNIT {
                return Err(format!(
                    "{} is answered after {} ms; give a path that waits for about a second",
                    self.options.target,
                    last.as_millis()
                ));
            }
            let answer = ask(&self.options.target, FIRST);
            if !answer.is(200) {
                return Err(format!("a second request got {}", answer.describe()));
            }
            let next = answer.took();
            let (shorter, longer) = (last.min(next), last.max(next));
            if longer < shorter + shorter / 5 {
                return Ok(shorter);
            }
            last = next;
        }
        Err(String::from(
            "one request alone takes another time each time",
        ))
    }

    /// Sends so many requests together. Fails if the unit is not known.
    pub fn attempt(&mut self, count: usize) -> Result<Attempt, String> {
        let unit = self.unit.clone()?;
        let timeout = unit * count as u32 + PATIENCE;
        let spread = (unit / 10).min(Duration::from_millis(5) * count as u32);
        let answers = wait_for_all(send_all(&self.options.target, count, spread, timeout));
        if let Some(bad) = answers.iter().find(|it| !it.is(200) && !it.is(503)) {
            return Ok(Attempt::Failed(bad.describe()));
        }
        let answered: Vec<&Answer> = answers.iter().filter(|answer| answer.is(200)).collect();
        let (Some(begin), Some(shortest)) = (
            answers.iter().map(|it| it.sent).min(),
            answered.iter().map(|it| it.took()).min(),
        ) else {
            return Ok(Attempt::Unclear(
                "all requests together were rejected with 503",
            ));
        };
        // No request takes less than the unit, so if one did, the unit was measured wrongly.
        if shortest < unit * 4 / 5 {
            self.unit = if shortest < SHORTEST_UNIT {
                Err(String::from(
                    "some requests are answered much sooner than others",
                ))
            } else {
                Ok(shortest)
            };
            return Ok(Attempt::Unclear("requests take another time each time"));
        }
        let unit = unit.min(shortest);
        self.unit = Ok(unit);

        let rejected = count - answered.len();
        let times: Vec<Duration> = answered.iter().map(|it| it.ended - begin).collect();
        let at_once = times.iter().filter(|time| **time < unit * 3 / 2).count();
        let clear = Ok(Attempt::Clear {
            at_once,
            rejected,
            last: times.last().copied().unwrap_or_default(),
        });
        let Some(next) = times.get(at_once) else {
            return clear;
        };
        // Others were slower. That may be due to the machine.
        if ask(&self.options.target, timeout).took() >= unit * 3 / 2 {
            return Ok(Attempt::Unclear(
                "this machine, or the server's, is too busy",
            ));
        }
        if at_once == 0 {
            return Ok(Attempt::Unclear(
                "together, all requests take longer than one alone: does the path compute, not wait?",
            ));
        }
        if *next < unit * 7 / 4 {
            return Ok(Attempt::Unclear(
                "the times are neither those of at once nor of one by one",
            ));
        }
        clear
    }
}
