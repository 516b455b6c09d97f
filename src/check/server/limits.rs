//! How many requests run at once, how many wait and how many are rejected: measured first, then compared
//! with what is demanded.

use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use super::measure::{
    ATTEMPTS, Attempt, Limit, MOST_REQUESTS, MeasuredConcurrency, Sample, ServerUnderTest,
    TOO_BUSY, depends_on,
};
use super::requests::{TimedAnswer, ask, send_all, wait_for_all};
use crate::client::rule;

/// How many requests are sent together, after two, until some of them have to wait.
const SIZES: [usize; 4] = [8, 32, 128, MOST_REQUESTS];

/// How many times as many as run at once are sent, at most: each wave of them takes a unit.
const MOST_WAVES: usize = 16;

/// How often requests together have to wait, and none of fast ones after each time, before that proves anything.
const FAILURES: usize = 3;

/// How many requests, each alone, have to take as long as before, before it is said that two together do not. If chance
/// made a part of all requests longer, this would find it 99 times of a hundred, whatever that part is.
const ALONE: usize = 8;

impl ServerUnderTest {
    /// Sends 2, 8, 32, ... requests together, until some of them wait or are rejected.
    ///
    /// Fails with the reason if not even two can be judged.
    pub fn concurrency(&mut self) -> Result<MeasuredConcurrency, String> {
        if self.concurrency.is_none() {
            self.concurrency = Some(self.measure_concurrency());
        }
        self.concurrency.clone().unwrap_or(Err(String::new()))
    }

    fn measure_concurrency(&mut self) -> Result<MeasuredConcurrency, String> {
        let of_two = self.two_at_once();
        let mut seen = match (of_two, self.samples.last()) {
            (Verdict::CannotTell(why), _) => return Err(why),
            (_, None) => return Err(String::from("two requests together are not both answered")),
            (Verdict::Broken { .. }, Some(seen)) => {
                return Ok(MeasuredConcurrency {
                    seen: *seen,
                    limit: Limit::Reached,
                });
            }
            (Verdict::Kept, Some(seen)) => *seen,
        };
        for count in SIZES {
            let limit = match self.clear(count) {
                Err(why) => Limit::Unknown(why),
                Ok(sample) if sample.at_once == count => {
                    seen = sample;
                    continue;
                }
                Ok(sample) => {
                    seen = more(seen, sample);
                    let again = self.enough_to_wait(sample.at_once);
                    match self.clear(again) {
                        Err(why) => Limit::Unknown(why),
                        // As many as were sent: the server has more workers than a moment before.
                        Ok(sample) if sample.at_once == again => {
                            seen = more(seen, sample);
                            continue;
                        }
                        Ok(sample) => {
                            seen = more(seen, sample);
                            Limit::Reached
                        }
                    }
                }
            };
            return Ok(MeasuredConcurrency { seen, limit });
        }
        let limit = Limit::NotReached;
        Ok(MeasuredConcurrency { seen, limit })
    }

    /// How many requests to send together so that some have to wait, where so many run at once. If that
    /// is what is demanded, some should even be rejected.
    fn enough_to_wait(&self, at_once: usize) -> usize {
        let demanded = self.options.workers.zip(self.options.queue);
        let demanded = demanded.map_or(0, |(workers, queue)| workers + queue + 2);
        let few = demanded <= (4 * at_once).min(MOST_REQUESTS);
        (at_once + 2).max(if few { demanded } else { 0 })
    }

    /// What so many requests together show, in one of a few attempts, or why they show nothing.
    fn clear(&mut self, count: usize) -> Result<Sample, String> {
        let mut unclear = String::new();
        for _ in 0..ATTEMPTS {
            match self.attempt(count)? {
                Attempt::Clear(sample) => return Ok(sample),
                Attempt::Failed(what) => unclear = format!("one of {count} got {what}"),
                Attempt::Unclear(why) => unclear = why,
                Attempt::SlowConnection(why) => return Err(why),
            }
        }
        Err(unclear)
    }

    /// So many requests together run at once, in one of a few attempts.
    pub fn at_once(&mut self, count: usize) -> Verdict {
        let (mut failures, mut unclear) = (0, String::new());
        for _ in 0..=ATTEMPTS {
            let happened = match self.attempt(count) {
                Err(why) => return Verdict::cannot_tell(why),
                Ok(Attempt::Clear(seen)) if seen.at_once == count => {
                    return self.kept(seen.to_string());
                }
                Ok(Attempt::Clear(seen)) if seen.rejected > 0 => {
                    unclear = seen.to_string();
                    continue;
                }
                Ok(Attempt::Clear(seen)) => self.waited(seen),
                Ok(Attempt::Failed(what)) => {
                    format!("Of {count} requests that were sent together, one got {what}.")
                }
                Ok(Attempt::Unclear(why) | Attempt::SlowConnection(why)) => {
                    unclear = why;
                    continue;
                }
            };
            failures += 1;
            if let Some(why) = self.delays_fast_ones(count) {
                return Verdict::cannot_tell(why);
            }
            if failures == FAILURES {
                if count == 2 && self.varies_alone() {
                    return Verdict::cannot_tell("one request alone takes another time each time");
                }
                return not_at_once(count, happened);
            }
        }
        Verdict::cannot_tell(unclear)
    }

    fn waited(&self, seen: Sample) -> String {
        let unit = self.unit.clone().unwrap_or_default().as_secs_f64();
        let (count, last) = (seen.sent, seen.last.as_secs_f64());
        let how = match seen.at_once {
            1 => String::from("ran one after the other"),
            at_once => format!("ran {at_once} at once"),
        };
        format!(
            "{count} requests that were sent together {how}: \
             the last answer came after {last:.1} s, and one alone takes {unit:.1} s."
        )
    }

    /// Requests, each of them alone, do not all take what one took before: then two that are sent together may differ
    /// for that reason.
    fn varies_alone(&mut self) -> bool {
        let Ok((unit, page)) = self.slow_page() else {
            return true;
        };
        (0..ALONE).any(|_| {
            let took = ask(&page, unit + self.patience).took();
            took < unit * 4 / 5 || took > unit * 6 / 5
        })
    }

    /// A server that limits how often requests may come delays the fast ones too.
    fn delays_fast_ones(&mut self, count: usize) -> Option<String> {
        let (unit, _) = self.slow_page().ok()?;
        self.fast.as_ref()?;
        let times = match self.fast_alone(count) {
            Ok(times) => times,
            Err(why) => return Some(why),
        };
        let slow = times.iter().filter(|took| **took > unit / 2).count();
        (slow > 0).then(|| {
            format!("of {count} fast requests, {slow} waited too, with nothing to wait for: does it limit requests?")
        })
    }

    /// How long so many fast requests take, one shortly after the other, without a slow one.
    pub fn fast_alone(&mut self, count: usize) -> Result<Vec<Duration>, String> {
        let (unit, _) = self.slow_page()?;
        let (page, _) = self.fast.clone().ok_or("no page is answered at once")?;
        let began = Instant::now();
        let within = unit / 100 * count as u32;
        let answers = wait_for_all(send_all(&page, count, within, unit + self.patience));
        let counts = |it: &&TimedAnswer| it.slow_connection(unit).is_none();
        let times: Vec<Duration> = answers
            .iter()
            .filter(counts)
            .map(TimedAnswer::took)
            .collect();
        // What nothing has delayed was not delayed by this machine either.
        let late = times.iter().any(|took| *took > unit / 4);
        match self.stood_still(began, unit).filter(|_| late) {
            Some(why) => Err(why),
            None => Ok(times),
        }
    }

    /// The number of workers that is demanded, if it can be tried.
    fn workers(&mut self) -> Result<usize, Verdict> {
        if let Verdict::CannotTell(_) | Verdict::Broken { .. } = self.answers() {
            return Err(Verdict::cannot_tell(depends_on("a request is answered")));
        }
        let Some(workers) = self.options.workers else {
            return Err(Verdict::cannot_tell(match self.concurrency() {
                Ok(known) => format!(
                    "{}; say with --workers how many are demanded",
                    known.describe()
                ),
                Err(why) => why,
            }));
        };
        if workers + self.options.queue.unwrap_or(0) > MOST_REQUESTS {
            return Err(Verdict::cannot_tell(format!(
                "this sends at most {MOST_REQUESTS} requests at a time"
            )));
        }
        Ok(workers)
    }

    /// As many requests as are demanded run at once.
    pub fn every_worker_works(&mut self) -> Verdict {
        self.once(
            |it| &mut it.every_worker_works,
            Self::decide_every_worker_works,
        )
    }

    fn decide_every_worker_works(&mut self) -> Verdict {
        let workers = match self.workers() {
            Ok(workers) => workers,
            Err(verdict) => return verdict,
        };
        match self.two_at_once() {
            Verdict::Broken { .. } if workers > 1 => {
                return Verdict::cannot_tell(depends_on("two requests run at once"));
            }
            Verdict::CannotTell(why) => return Verdict::cannot_tell(why),
            _ => {}
        }
        // If it is not known, sending as many as are demanded may still show it.
        let _ = self.concurrency();
        let most = self.samples.iter().copied().reduce(more);
        if let Some(seen) = most.filter(|it| it.at_once >= workers) {
            return self.kept(seen.to_string());
        }
        self.at_once(workers)
    }

    /// Of two requests more than are demanded, two wait or are rejected, in two attempts.
    pub fn never_more(&mut self) -> Verdict {
        let workers = match self.workers() {
            Ok(workers) => workers,
            Err(verdict) => return verdict,
        };
        if let Err(why) = self.concurrency() {
            return Verdict::cannot_tell(why);
        }
        let mut unclear = String::new();
        for _ in 0..=ATTEMPTS {
            let most = self.samples.iter().copied().reduce(more);
            if let Some(seen) = most.filter(|it| it.at_once > workers) {
                return Verdict::broken(
                    format!("More ran at once than the {workers} that are demanded: {seen}."),
                    "Which line starts a thread, and how often does it run?",
                    "stage 3's page",
                );
            }
            let mut beyond = self.samples.iter().filter(|it| it.sent >= workers + 2);
            if let Some(seen) = beyond.next_back().filter(|_| self.samples.len() > 2) {
                return self.kept(seen.to_string());
            }
            if workers + 2 > MOST_WAVES * most.map_or(1, |it| it.at_once) {
                let count = workers + 2;
                return Verdict::cannot_tell(format!(
                    "to send {count} requests together takes too long here"
                ));
            }
            match self.attempt(workers + 2) {
                Err(why) => return Verdict::cannot_tell(why),
                Ok(Attempt::Clear(_)) => {}
                Ok(Attempt::Failed(what)) => unclear = format!("one got {what}"),
                Ok(Attempt::Unclear(why) | Attempt::SlowConnection(why)) => unclear = why,
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
                return Verdict::cannot_tell(match self.concurrency() {
                    Ok(known) => {
                        format!("{}; say with --queue how many may wait", known.describe())
                    }
                    Err(why) => why,
                });
            }
            (Ok(workers), Some(queue)) => (workers, queue),
        };
        if self.every_worker_works() != Verdict::Kept {
            return Verdict::cannot_tell(depends_on(
                "as many requests run at once as there are workers",
            ));
        }
        // Has one more been answered than may run and wait?
        let too_many = |it: &&Sample| it.at_once + it.waited > workers + queue;
        let mut failures = usize::from(self.samples.iter().any(|it| too_many(&it)));
        let mut unclear = String::from(TOO_BUSY);
        for _ in 0..=ATTEMPTS {
            match self.reject_two(workers, queue) {
                Err(why) => unclear = why,
                Ok(None) => {
                    return self.kept(format!(
                        "beyond {workers} that ran at once and {queue} that waited, 2 were rejected"
                    ));
                }
                Ok(Some(happened)) => {
                    failures += 1;
                    if failures >= 2 {
                        return Verdict::broken(
                            happened,
                            "Where do requests wait, how many may, and what happens to the next one?",
                            "stage 6's page",
                        );
                    }
                }
            }
        }
        Verdict::cannot_tell(unclear)
    }

    /// Fills the workers, then the queue, and sends two more. Returns what is wrong with what came of
    /// it, if something is.
    fn reject_two(&mut self, workers: usize, queue: usize) -> Result<Option<String>, String> {
        let (unit, page) = self.slow_page()?;
        let timeout = unit * (queue / workers + 3) as u32 + self.patience;
        let begin = Instant::now();
        // First the workers get theirs, then the queue is filled, then come those beyond.
        let mut within = send_all(&page, workers, unit / 10, timeout);
        thread::sleep(unit / 5);
        within.extend(send_all(&page, queue, unit / 10, timeout));
        thread::sleep(unit / 5);
        let beyond = wait_for_all(send_all(&page, 2, Duration::ZERO, timeout));
        let within = wait_for_all(within);
        if let Some(why) = self.stood_still(begin, unit) {
            return Err(why);
        }
        let first = within.first().map(|it| it.ended);
        let answered = within.iter().filter(|it| it.is(200)).count();
        let limited = within.iter().chain(&beyond).any(|it| it.is(429));
        let happened = if limited {
            return Err(String::from("it limits requests: one got status 429"));
        } else if answered < within.len() {
            // A worker that was not quick enough to take one leaves no room in the queue.
            format!(
                "Only {answered} of {} requests, for {workers} workers and a queue of {queue}, \
                 were answered with 200.",
                within.len()
            )
        } else if !beyond.iter().all(|it| Some(it.sent + unit / 4) < first) {
            return Err(String::from(TOO_BUSY)); // Too late to find all workers busy.
        } else if !beyond
            .iter()
            .all(|it| within.iter().all(|other| other.left_before(it)))
        {
            return Err(String::from(TOO_BUSY)); // Too early.
        } else if let Some(other) = beyond.iter().find(|it| !it.is(503)) {
            let got = other.describe();
            format!("With all workers busy and the queue full, a request more got {got}.")
        } else if beyond.last().map(|it| it.ended) > first {
            String::from(
                "With all workers busy and the queue full, a request more was rejected, \
                 but only after another had been answered.",
            )
        } else {
            return Ok(None);
        };
        // Those that found a worker free take no longer than one alone, if no machine is too busy.
        let busy = within
            .iter()
            .filter(|it| it.is(200))
            .take(workers)
            .any(|it| !rule::is_together(it.took(), unit));
        match busy {
            true => Err(String::from(TOO_BUSY)),
            false => Ok(Some(happened)),
        }
    }
}

/// The sample in which more ran at once, or of which more were sent.
fn more(one: Sample, other: Sample) -> Sample {
    if (other.at_once, other.sent) > (one.at_once, one.sent) {
        other
    } else {
        one
    }
}

fn not_at_once(count: usize, happened: String) -> Verdict {
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
    Verdict::broken(happened, question, page)
}
