//! The server under test: how long requests take, alone and together, and when that shows nothing.

use std::fmt::{self, Display};
use std::mem;
use std::time::{Duration, Instant};

use super::requests::{AskedPage, TimedAnswer, ask, send_all, wait_for_all};
use super::{CheckOptions, ServerCheck, Verdict};
use crate::client::metronome::Metronome;
use crate::client::{rule, seconds};

/// How long the very first answer may take.
pub(super) const FIRST: Duration = Duration::from_secs(60);

/// How many requests are sent at a time, at most: each needs a thread and an open file here.
pub(super) const MOST_REQUESTS: usize = 200;

/// How often to try again when the times are not clear.
pub(super) const ATTEMPTS: usize = 4;

/// A shorter unit would say more of the machine than of the server.
const SHORTEST_UNIT: Duration = Duration::from_millis(200);

/// Why nothing can be told if a request alone takes longer than before.
pub(super) const TOO_BUSY: &str = "this machine, or the server's, is too busy";

/// How many requests run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MeasuredConcurrency {
    /// So many were seen to run at once.
    pub seen: Sample,
    pub limit: Limit,
}

/// Whether more could run at once than were seen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// No: others had to wait or were rejected, twice.
    Reached,
    /// As many as the check sends ran at once.
    NotReached,
    /// It is not known, and why.
    Unknown(String),
}

impl MeasuredConcurrency {
    /// For a message. It ends without a full stop.
    pub fn describe(&self) -> String {
        match &self.limit {
            Limit::Unknown(why) => format!("{}; with more, {why}", self.seen),
            Limit::Reached | Limit::NotReached => self.seen.to_string(),
        }
    }
}

/// Why something cannot be decided without another promise.
pub(super) fn depends_on(promise: &str) -> String {
    format!("for that, \"{promise}\" has to be kept")
}

/// What requests that were sent together have shown: some ran at once, some clearly later, and some were
/// rejected with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub sent: usize,
    pub at_once: usize,
    pub waited: usize,
    pub rejected: usize,
    /// When the last answer came.
    pub last: Duration,
}

impl Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "of {} sent together ", self.sent)?;
        self.fate(f)
    }
}

impl Sample {
    fn fate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ran at once, ", self.at_once)?;
        match self.waited {
            0 => f.write_str("none waited, ")?,
            waited => write!(f, "{waited} waited, ")?,
        }
        match self.rejected {
            0 => f.write_str("none was rejected"),
            1 => f.write_str("1 was rejected"),
            rejected => write!(f, "{rejected} were rejected"),
        }
    }
}

/// What one attempt to see several requests at once has shown.
pub(super) enum Attempt {
    /// The times are clear.
    Clear(Sample),
    /// One was not answered, or neither with 200 nor with 503.
    Failed(String),
    /// The times say nothing, and why.
    Unclear(String),
    /// The same, because a connection took long, as the next time it will too.
    SlowConnection(String),
}

/// A server, and what has been found out about it so far.
pub(super) struct ServerUnderTest {
    pub(super) options: CheckOptions,
    /// For how long others may be held up.
    pub(super) hold_up: Duration,
    /// How much later than expected an answer may come before it counts as missing.
    pub(super) patience: Duration,
    /// Knows when this machine stood still. None if the system had no thread for it.
    metronome: Option<Metronome>,
    /// The page that takes a second, if one request for it was answered.
    pub(super) slow: Option<AskedPage>,
    /// How long one request takes alone, at the least; or why that is not known.
    pub(super) unit: Result<Duration, String>,
    /// A page that is answered at once, if there is one, with its status.
    pub(super) fast: Option<(AskedPage, u16)>,
    /// What was seen whenever requests were sent together and the times were clear.
    pub(super) samples: Vec<Sample>,
    /// What was seen of the promise that was kept last: in lower case, without a full stop. It may be empty.
    seen: String,
    pub(super) answers: Option<Verdict>,
    pub(super) two_at_once: Option<Verdict>,
    pub(super) every_worker_works: Option<Verdict>,
    pub(super) concurrency: Option<Result<MeasuredConcurrency, String>>,
    /// What bad clients did that came since as many requests as before were last seen to run at once.
    pub(super) unverified: Vec<&'static str>,
    /// Whether it uses the processor when it has nothing to do, before bad clients come.
    pub(super) computes_when_idle: Option<bool>,
    /// Whether it used it while requests waited that were sent last to see that none is missing.
    pub(super) computed_last: Option<bool>,
}

impl ServerUnderTest {
    pub fn new(check: &ServerCheck) -> ServerUnderTest {
        ServerUnderTest {
            options: check.options.clone(),
            hold_up: check.hold_up,
            patience: 2 * check.hold_up,
            metronome: Metronome::start().ok(),
            slow: None,
            unit: Err(String::from("there was no answer to measure")),
            fast: None,
            samples: Vec::new(),
            seen: String::new(),
            answers: None,
            two_at_once: None,
            every_worker_works: None,
            concurrency: None,
            unverified: Vec::new(),
            computes_when_idle: None,
            computed_last: None,
        }
    }

    /// Decides about a promise that others depend on, unless it is `known` already.
    pub fn once(
        &mut self,
        known: fn(&mut Self) -> &mut Option<Verdict>,
        decide: fn(&mut Self) -> Verdict,
    ) -> Verdict {
        if let Some(verdict) = known(self) {
            return verdict.clone();
        }
        let verdict = decide(self);
        known(self).insert(verdict).clone()
    }

    /// A promise is kept, as this shows.
    pub fn kept(&mut self, seen: impl Into<String>) -> Verdict {
        self.seen = seen.into();
        Verdict::Kept
    }

    /// What there is to say of a promise on which this is the verdict, if that is the last one.
    pub fn take_seen(&mut self, verdict: &Verdict) -> String {
        let seen = mem::take(&mut self.seen);
        match verdict {
            Verdict::Kept => seen,
            _ => String::new(),
        }
    }

    /// Whether this machine stood still between then and now, for so long that times of this length
    /// say nothing; and the sentence that says so.
    pub fn stood_still(&self, since: Instant, unit: Duration) -> Option<String> {
        let Some(metronome) = &self.metronome else {
            return Some(String::from("this program gets no thread"));
        };
        let pause = metronome.stood_still(since, Instant::now());
        let tenths = Duration::from_millis(pause.as_millis() as u64 / 100 * 100);
        (pause > unit / 5).then(|| match tenths {
            Duration::ZERO => String::from("this machine is too busy"),
            _ => format!("this machine stood still for {}", seconds(tenths)),
        })
    }

    /// Asks the slow page until two times agree: the first may have been longer, while the server warmed
    /// up. From then on, each request has a query of its own, if the page is the same with it.
    pub fn measure(&mut self, first: Duration) -> Result<Duration, String> {
        let plain = AskedPage::plain(&self.options.target);
        let queries = AskedPage::with_queries(&self.options.target);
        let second = ask(&queries, FIRST);
        let same = is_the_same(&plain, first, &second);
        let page = if same { queries } else { plain };
        self.slow = Some(page.clone());
        let (mut last, mut given) = (first, same.then_some(second));
        for _ in 0..ATTEMPTS {
            if last.min(first) < SHORTEST_UNIT {
                return Err(format!(
                    "{} is answered after {} ms; give a path that waits for about a second",
                    self.options.target,
                    last.as_millis()
                ));
            }
            let began = Instant::now();
            let answer = given.take().unwrap_or_else(|| ask(&page, FIRST));
            if !answer.is(200) {
                return Err(format!("a second request got {}", answer.describe()));
            }
            let next = answer.took();
            let (shorter, longer) = (last.min(next), last.max(next));
            if longer < shorter + shorter / 5 && self.stood_still(began, 2 * shorter).is_none() {
                return Ok(shorter);
            }
            last = next;
        }
        Err(String::from(
            "one request alone takes another time each time, here or on the server's machine",
        ))
    }

    /// Sends so many requests together. Fails if the unit is not known.
    pub fn attempt(&mut self, count: usize) -> Result<Attempt, String> {
        let (unit, page) = self.slow_page()?;
        let timeout = unit * count as u32 + self.patience;
        let spread = (unit / 5).min(Duration::from_millis(5) * count as u32);
        let begin = Instant::now();
        let answers = wait_for_all(send_all(&page, count, spread, timeout));
        let limited = answers.iter().filter(|it| it.is(429)).count();
        if limited > 0 {
            let why = format!("it limits requests: {limited} of {count} got status 429");
            return Ok(Attempt::Unclear(why));
        }
        if let Some(bad) = answers.iter().find(|it| !it.is(200) && !it.is(503)) {
            return Ok(Attempt::Failed(bad.describe()));
        }
        let attempt = self.judge(begin, &answers);
        if let Attempt::Clear(sample) = &attempt {
            self.samples.push(*sample);
        }
        Ok(attempt)
    }

    /// The slow page, and how long it takes; or why that is not known.
    pub fn slow_page(&mut self) -> Result<(Duration, AskedPage), String> {
        if self.answers() != Verdict::Kept {
            return Err(depends_on("a request is answered"));
        }
        let page = self.slow.clone();
        let unit = self.unit.clone()?;
        Ok((unit, page.ok_or("there was no answer to measure")?))
    }

    /// What these answers show, each of them with 200 or 503, in the order in which they ended.
    fn judge(&mut self, begin: Instant, answers: &[TimedAnswer]) -> Attempt {
        let unclear = |why: &str| Attempt::Unclear(why.to_owned());
        let answered: Vec<&TimedAnswer> = answers.iter().filter(|answer| answer.is(200)).collect();
        let unit = match answered.iter().map(|it| it.took()).min() {
            None => return unclear("all requests together were rejected with 503"),
            Some(shortest) => match self.shorten_unit(shortest) {
                Ok(unit) => unit,
                Err(why) => return unclear(why),
            },
        };
        let times: Vec<Duration> = answered.iter().map(|it| it.ended - begin).collect();
        let together = times.iter().filter(|it| rule::is_together(**it, unit));
        let at_once = together.count();
        let clear = Attempt::Clear(Sample {
            sent: answers.len(),
            at_once,
            waited: times.len() - at_once,
            rejected: answers.len() - times.len(),
            last: times.last().copied().unwrap_or_default(),
        });
        if at_once == times.len() {
            return clear;
        }
        // Others were slower. Before the server is suspected: was it this machine, or the way there?
        if let Some(why) = self.stood_still(begin, unit) {
            return Attempt::Unclear(why);
        }
        let slowest = answers.iter().filter_map(|it| it.slow_connection(unit));
        if let Some(slowest) = slowest.max() {
            return Attempt::SlowConnection(format!(
                "one of {} connections took {:.1} s to be made, as if the system's queue for them were full",
                answers.len(),
                slowest.as_secs_f64()
            ));
        }
        if times[0] >= unit * 5 / 4 && self.takes_longer_alone(unit) {
            return unclear(TOO_BUSY);
        }
        match rule::at_once(&times, unit) {
            Some(fits) if fits == at_once => clear,
            _ if at_once == 0 => unclear(
                "together, all requests take longer than one alone: does the path compute, not wait?",
            ),
            _ => unclear("the times are neither those of at once nor of one by one"),
        }
    }

    /// No request takes less than the unit, so if one did, the unit was measured wrongly.
    fn shorten_unit(&mut self, shortest: Duration) -> Result<Duration, &'static str> {
        let unit = self.unit.clone().unwrap_or(shortest);
        if shortest < SHORTEST_UNIT {
            let why = "some requests are answered much sooner than others";
            self.unit = Err(String::from(why));
            return Err(why);
        }
        self.unit = Ok(unit.min(shortest));
        if shortest < unit * 4 / 5 {
            return Err("requests take another time each time");
        }
        Ok(unit.min(shortest))
    }

    /// Whether a request alone takes longer than it did, as on a busy machine.
    fn takes_longer_alone(&mut self, unit: Duration) -> bool {
        let page = self.slow.clone();
        page.is_none_or(|page| {
            let answer = ask(&page, unit + self.patience);
            !rule::is_together(answer.took(), unit)
        })
    }
}

/// Whether the answer to a request with a query is that of the page as it was typed, whose first answer took so long.
/// The Book's server, for one, compares the whole target, and has no such page. That the first answer took longer shows
/// nothing before another one does too: the server may have warmed up, and the machine may have been busy.
fn is_the_same(plain: &AskedPage, first: Duration, with_query: &TimedAnswer) -> bool {
    let took = with_query.took();
    with_query.is(200)
        && (took > first / 2
            || (took >= SHORTEST_UNIT
                && (0..ATTEMPTS).any(|_| took > ask(plain, FIRST).took() / 2)))
}
