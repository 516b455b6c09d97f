//! The promises about requests that come together, and how each is decided.

use std::thread;
use std::time::Duration;

use super::Verdict;
use super::measure::{ATTEMPTS, Attempt, FIRST, MOST, PATIENCE, Server};
use super::requests::{ask, send, send_all, wait_for_all};
use crate::client::target::Target;

impl Server {
    /// Alone, a request gets a whole answer, with status 200. This measures the unit.
    pub fn answers(&mut self) -> Verdict {
        let target = &self.options.target;
        let first = ask(target, FIRST);
        match &first.status {
            Ok(200) => {}
            Ok(status) => {
                return Verdict::broken(
                    format!("The answer to {target} has status {status}."),
                    "Which path of the server takes about a second? It goes behind the address.",
                    "stage 1's page",
                );
            }
            Err(why) => {
                return Verdict::broken(
                    format!("No answer from {target}: {why}."),
                    "Does the server listen there, and does it write a whole response?",
                    "stage 1's page",
                );
            }
        }
        self.answered = true;
        self.unit = self.measure(first.took());
        let root = Target::new(target.addr(), "/");
        let at_root = ask(&root, FIRST);
        if let (Ok(unit), Ok(status)) = (&self.unit, at_root.status.clone()) {
            if 4 * at_root.took() < *unit && status != 503 {
                self.fast = Some((root, status));
            }
        }
        Verdict::Kept
    }

    /// Two requests together take less than one and a half units.
    pub fn two_at_once(&mut self) -> Verdict {
        let verdict = self.at_once(2);
        self.two_at_once = Some(verdict.clone());
        verdict
    }

    /// So many requests together take less than one and a half units, in one of a few attempts.
    pub fn at_once(&mut self, count: usize) -> Verdict {
        let (mut failures, mut unclear) = (0, String::new());
        for _ in 0..=ATTEMPTS {
            let happened = match self.attempt(count) {
                Err(why) => return Verdict::cannot_tell(why),
                Ok(Attempt::Clear { at_once, .. }) if at_once == count => return Verdict::Kept,
                Ok(Attempt::Clear {
                    rejected: 0,
                    at_once,
                    last,
                }) => {
                    let how = match at_once {
                        1 => String::from("ran one after the other"),
                        _ => format!("ran {at_once} at once"),
                    };
                    let (last, unit) = (
                        last.as_secs_f64(),
                        self.unit.clone().unwrap_or_default().as_secs_f64(),
                    );
                    format!(
                        "{count} requests that were sent together {how}: \
                         the last answer came after {last:.1} s, and one alone takes {unit:.1} s."
                    )
                }
                Ok(Attempt::Failed(what)) => {
                    format!("Of {count} requests that were sent together, one got {what}.")
                }
                Ok(Attempt::Clear { rejected, .. }) => {
                    unclear =
                        format!("{rejected} of {count} requests together were rejected with 503");
                    continue;
                }
                Ok(Attempt::Unclear(why)) => {
                    unclear = why.to_owned();
                    continue;
                }
            };
            failures += 1;
            if failures == 2 {
                let (question, page) = match count {
                    2 => (
                        "While a request is handled, what does the thread that accepts connections do, \
                         and which lock is held?",
                        "the pages of stages 1 and 4",
                    ),
                    _ => (
                        "How many threads handle requests, and does each of them get one?",
                        "stage 3's page",
                    ),
                };
                return Verdict::broken(happened, question, page);
            }
        }
        Verdict::cannot_tell(unclear)
    }

    /// A fast request that is sent while a slow one is handled is answered well before it, twice.
    pub fn slow_and_fast(&mut self) -> Verdict {
        let unit = match &self.unit {
            Ok(unit) => *unit,
            Err(why) => return Verdict::cannot_tell(why),
        };
        let Some((fast, status)) = &self.fast else {
            return Verdict::cannot_tell("the path / is not answered at once, or not at all");
        };
        let (mut overtook, mut waited) = (0, 0);
        for _ in 0..ATTEMPTS {
            let slow = send(&self.options.target, 3 * unit + PATIENCE);
            thread::sleep(unit / 4);
            let fast = ask(fast, 3 * unit + PATIENCE);
            let slow = slow.wait();
            if !slow.is(200) || !fast.is(*status) {
                let (slow, fast) = (slow.describe(), fast.describe());
                return Verdict::cannot_tell(format!(
                    "the slow one got {slow}, and the fast one {fast}"
                ));
            }
            // Their order alone is not enough: two answers that come together may be seen in either.
            if fast.ended + unit / 4 < slow.ended {
                overtook += 1;
            } else if fast.took() > unit / 2 {
                waited += 1;
            }
            if overtook == 2 {
                return Verdict::Kept;
            }
            if waited == 2 {
                return Verdict::broken(
                    "A fast request that came while a slow one was handled was answered after it.",
                    "Which thread could handle the fast one meanwhile?",
                    "stage 2's page",
                );
            }
        }
        Verdict::cannot_tell("the fast request was not always first, nor always last")
    }

    /// The number of workers, if it is known and can be tried.
    fn workers(&self) -> Result<usize, Verdict> {
        let Some(workers) = self.options.workers else {
            return Err(Verdict::cannot_tell(
                "say with --workers how many workers the server has",
            ));
        };
        if workers + self.options.queue.unwrap_or(0) > MOST {
            return Err(Verdict::cannot_tell(format!(
                "this sends at most {MOST} requests at a time"
            )));
        }
        Ok(workers)
    }

    /// As many requests as there are workers take less than one and a half units together.
    pub fn every_worker_works(&mut self) -> Verdict {
        let verdict = match (self.workers(), &self.two_at_once) {
            (Err(verdict), _) => verdict,
            (Ok(2..), Some(Verdict::Broken { .. })) => depends_on("two requests run at once"),
            (Ok(workers), _) => self.at_once(workers),
        };
        self.every_worker_works = Some(verdict.clone());
        verdict
    }

    /// Of two requests more than workers, two are rejected or end clearly later than the others, twice.
    pub fn never_more(&mut self) -> Verdict {
        let workers = match self.workers() {
            Ok(workers) => workers,
            Err(verdict) => return verdict,
        };
        if let Some(Verdict::Broken { .. }) = self.two_at_once {
            return Verdict::Kept; // Not even two.
        }
        let (mut clear, mut unclear) = (0, String::new());
        for _ in 0..=ATTEMPTS {
            match self.attempt(workers + 2) {
                Err(why) => return Verdict::cannot_tell(why),
                Ok(Attempt::Clear { at_once, .. }) if at_once > workers => {
                    return Verdict::broken(
                        format!("{at_once} requests ran at once, with {workers} workers."),
                        "Which line starts a thread, and how often does it run?",
                        "stage 3's page",
                    );
                }
                Ok(Attempt::Clear { .. }) => clear += 1,
                Ok(Attempt::Failed(what)) => unclear = format!("one got {what}"),
                Ok(Attempt::Unclear(why)) => unclear = why.to_owned(),
            }
            if clear == 2 {
                return Verdict::Kept;
            }
        }
        Verdict::cannot_tell(unclear)
    }

    /// With all workers busy and the queue full, two more requests get a whole 503 before any of the others is
    /// answered, and those others are answered with 200, in one of a few attempts.
    pub fn rejects(&mut self) -> Verdict {
        let (workers, queue) = match (self.workers(), self.options.queue) {
            (Err(verdict), _) => return verdict,
            (_, None) => {
                return Verdict::cannot_tell(
                    "say with --queue how many requests may wait for a worker",
                );
            }
            (Ok(workers), Some(queue)) => (workers, queue),
        };
        if self.every_worker_works != Some(Verdict::Kept) {
            return depends_on("as many requests run at once as there are workers");
        }
        let unit = match &self.unit {
            Ok(unit) => *unit,
            Err(why) => return Verdict::cannot_tell(why),
        };
        let target = &self.options.target;
        let timeout = unit * (queue / workers + 3) as u32 + PATIENCE;
        let question = "Where do requests wait, how many may, and what happens to the next one?";
        let mut failures = 0;
        for _ in 0..=ATTEMPTS {
            // First the workers get theirs, then the queue is filled, then come those beyond.
            let mut within = send_all(target, workers, unit / 10, timeout);
            thread::sleep(unit / 5);
            within.extend(send_all(target, queue, unit / 10, timeout));
            thread::sleep(unit / 5);
            let beyond = wait_for_all(send_all(target, 2, Duration::ZERO, timeout));
            let within = wait_for_all(within);

            let first = within.first().map(|it| it.ended);
            let answered = within.iter().filter(|it| it.is(200)).count();
            let happened = if answered < within.len() {
                // A worker that was not quick enough to take one leaves no room in the queue.
                format!(
                    "Only {answered} of {} requests, for {workers} workers and a queue of {queue}, \
                     were answered with 200.",
                    within.len()
                )
            } else if !beyond.iter().all(|it| Some(it.sent + unit / 4) < first) {
                continue; // Too late to find all workers busy.
            } else if let Some(other) = beyond.iter().find(|it| !it.is(503)) {
                let got = other.describe();
                format!("With all workers busy and the queue full, a request more got {got}.")
            } else if beyond.last().map(|it| it.ended) > first {
                String::from(
                    "With all workers busy and the queue full, a request more was rejected, \
                     but only after another had been answered.",
                )
            } else {
                return Verdict::Kept;
            };
            // That may be due to the machine, if it is slower than the pauses above are long.
            if ask(target, timeout).took() < unit * 6 / 5 {
                failures += 1;
            }
            if failures == 2 {
                return Verdict::broken(happened, question, "stage 6's page");
            }
        }
        Verdict::cannot_tell("this machine, or the server's, is too busy")
    }
}

fn depends_on(promise: &str) -> Verdict {
    Verdict::cannot_tell(format!("for that, \"{promise}\" has to be kept"))
}
