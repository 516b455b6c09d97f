//! The promises about clients that behave badly, and how each is decided.
//!
//! While such clients are connected, a request has to be answered; and when they have left, the server has
//! to do as much as before. A worker that is lost stays lost, so that is asked after each kind of them.

use std::mem;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use super::clients::{self, BadClient, Clients};
use super::measure::{ATTEMPTS, Limit, MeasuredConcurrency, ServerUnderTest, TOO_BUSY, depends_on};
use super::processor;
use super::requests::{AskedPage, ask};
use crate::client::seconds;

/// How long a server may take for a hundred bad requests.
const LONGEST: Duration = Duration::from_secs(60);

/// How many bad clients are enough where all requests run at once.
const MANY: usize = 20;

/// How many are enough where it is not known how many requests run at once: as many as for one.
const FEW: usize = 2;

/// How many of a hundred bad requests are of one kind.
const ALIKE: usize = 12;

/// How long a server is watched that has nothing to do.
const IDLE: Duration = Duration::from_millis(250);

/// How often, in such a time, it is looked which threads run or would run.
const LOOKS: u32 = 10;

impl ServerUnderTest {
    /// How many bad clients are enough: one more than run at once. Each may hold up others for as long
    /// as the server waits for one, so that far more would say something else.
    fn enough(&mut self) -> usize {
        match self.concurrency() {
            Ok(MeasuredConcurrency {
                limit: Limit::Reached,
                seen,
            }) => seen.at_once + 1,
            Ok(MeasuredConcurrency { seen, .. }) => (seen.at_once + 1).min(MANY),
            Err(_) => FEW,
        }
    }

    /// How long a worker may take to pick up a client. One that comes before may find the queue full, and is
    /// perhaps rejected without a word: then it would hold up nothing.
    fn until_picked_up(&self) -> Duration {
        let rejects = self.samples.iter().any(|seen| seen.rejected > 0);
        Duration::from_millis(if rejects { 100 } else { 20 })
    }

    /// While such clients are connected, a request is answered, and afterwards as many run at once as before.
    pub fn not_held_up(&mut self, kind: BadClient) -> Verdict {
        let mut unclear = String::from(TOO_BUSY);
        for _ in 0..ATTEMPTS {
            if let Some(verdict) = self.gives_no_answer() {
                return verdict;
            }
            let (count, page) = (self.enough(), self.good_time());
            let pause = self.until_picked_up();
            self.unverified.push(kind.what());
            let clients = match Clients::connect(&self.options.target, kind, count, pause, page) {
                Ok(clients) if clients.connected == 0 => {
                    return Verdict::cannot_tell("no such client can connect");
                }
                Ok(clients) => clients,
                Err(error) => return Verdict::cannot_tell(format!("no thread for them: {error}")),
            };
            let connected = clients.connected;
            let asked = Instant::now();
            let answered = self.good_answer(self.hold_up * 6 / 5);
            let took = asked.elapsed();
            let as_they_should = clients.leave() && connected == count;
            let they = format!("{connected} clients that {}", kind.what());
            if answered.is_ok() && took < self.good_time() + self.hold_up * 4 / 5 {
                if as_they_should {
                    let question =
                        "What becomes of a worker whose client closes the connection early?";
                    return self.as_before(&they, connected, question);
                }
            } else if let Some(why) = self.stood_still(asked, self.hold_up) {
                unclear = why;
            } else if answered.is_ok() {
                return Verdict::cannot_tell(format!(
                    "beside {they}, a request was answered after {:.1} s, and {} is the limit here",
                    took.as_secs_f64(),
                    seconds(self.hold_up)
                ));
            } else if let Some(verdict) = self.held_up(&they) {
                return verdict;
            }
        }
        Verdict::cannot_tell(unclear)
    }

    /// A request was not answered while such clients were connected. None if it was the machine that held
    /// it up, or may have been.
    fn held_up(&mut self, they: &str) -> Option<Verdict> {
        let left = Instant::now();
        let recovered = match self.good_answer(self.hold_up) {
            Ok(()) if left.elapsed() > self.good_time() + self.hold_up / 2 => return None,
            Ok(()) => String::from("when they had left, it did"),
            Err(why) => format!("when they had left, it got {why}"),
        };
        let waited = seconds(self.hold_up * 6 / 5);
        let mut happened =
            format!("Beside {they}, a request got no answer for {waited}; {recovered}.");
        // That workers are lost too must not be blamed on those that come next.
        if let Ok(Some(fewer)) = self.fewer_at_once(they) {
            happened = format!("{happened} {fewer}");
        }
        Some(Verdict::broken(
            happened,
            "How long may one client keep a worker, in all: is there a deadline, or only a limit for each read?",
            "stage 1's page",
        ))
    }

    /// If a request is not answered even now, bad clients can do no harm.
    fn gives_no_answer(&mut self) -> Option<Verdict> {
        if self.answers() != Verdict::Kept {
            let why = depends_on("a request is answered");
            return Some(Verdict::cannot_tell(why));
        }
        if let Err(why) = self.good_answer(self.hold_up) {
            return Some(Verdict::cannot_tell(format!("now a request gets {why}")));
        }
        if self.computes_when_idle.is_none() {
            // The thread that has just answered may wait for a processor to come to its end.
            self.computes_when_idle = Some((0..3).all(|_| self.watch(IDLE).0));
        }
        None
    }

    /// A page that is as fast as can be, and what it is answered with.
    fn good(&self) -> (AskedPage, u16) {
        let slow = || AskedPage::plain(&self.options.target);
        let fast = self.fast.clone();
        fast.unwrap_or_else(|| (self.slow.clone().unwrap_or_else(slow), 200))
    }

    /// How long the answer takes.
    fn good_time(&self) -> Duration {
        match (&self.fast, &self.unit) {
            (None, Ok(unit)) => *unit,
            _ => Duration::ZERO,
        }
    }

    /// Asks for a good answer until one comes; 503 is none, but may be followed by one. Fails with what came
    /// instead in so much time, beside that of an answer.
    fn good_answer(&self, patience: Duration) -> Result<(), String> {
        let (page, status) = self.good();
        let deadline = Instant::now() + self.good_time() + patience;
        loop {
            // In whole tenths of a second, for the message.
            let remaining = deadline.saturating_duration_since(Instant::now());
            let tenths = remaining.as_millis() as u64 / 100 + 1;
            let answer = ask(&page, Duration::from_millis(100 * tenths));
            if answer.is(status) {
                return Ok(());
            }
            if Instant::now() + Duration::from_millis(100) >= deadline {
                return Err(answer.describe());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// After clients that vanish at every moment of their visit, a request is answered.
    pub fn vanishing_clients(&mut self) -> Verdict {
        if let Some(verdict) = self.gives_no_answer() {
            return verdict;
        }
        let target = self.options.target.clone();
        let slow = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
            target.path(),
            target.addr()
        );
        let moments: [&[u8]; 4] = [
            b"",
            b"GET",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            slow.as_bytes(),
        ];
        // Enough to cost each worker something.
        let count = (self.enough() - 1).max(2);
        self.unverified.push("vanish");
        for words in moments {
            (0..count).for_each(|_| clients::vanish(&target, words));
        }
        let they = format!("{} clients that vanish", count * moments.len());
        // What they asked for is done all the same: the server cannot know.
        let asked = self.unit.clone().unwrap_or(self.patience) * count as u32;
        self.still(
            asked,
            &they,
            count,
            "What becomes of an error when a response is written?",
        )
    }

    /// After a hundred bad requests, a request is answered, and as many run at once as before.
    pub fn bad_requests(&mut self) -> Verdict {
        if let Some(verdict) = self.gives_no_answer() {
            return verdict;
        }
        let target = self.options.target.clone();
        // How many run at once before they come: if it is not known, what depends on it says so.
        let _ = self.concurrency();
        let bad = |number| clients::send_bad_request(&target, number);
        self.unverified.push("bad requests");
        let mut waiting: Vec<TcpStream> = (0..100).filter_map(bad).collect();
        waiting.retain(clients::is_waiting);
        let start = Instant::now();
        loop {
            let waited = waiting.len();
            let still = self.still(
                self.patience,
                "a hundred bad requests",
                ALIKE,
                "Which unwrap does a bad request reach, and on which thread?",
            );
            // As long as it deals with them, however slowly, it may get to other requests.
            waiting.retain(clients::is_waiting);
            if still == Verdict::Kept || waiting.len() == waited {
                return still;
            }
            if start.elapsed() > LONGEST {
                return Verdict::cannot_tell(
                    "the server is still busy with a hundred bad requests",
                );
            }
        }
    }

    /// The server still answers, and does as much as before.
    fn still(&mut self, patience: Duration, they: &str, count: usize, question: &str) -> Verdict {
        if let Err(why) = self.good_answer(self.hold_up + patience) {
            let happened = format!("After {they}, a request got {why}.");
            return Verdict::broken(happened, question, "stage 7's page");
        }
        self.as_before(they, count, question)
    }

    /// The server does as much as before such clients came, and no more.
    fn as_before(&mut self, they: &str, count: usize, question: &str) -> Verdict {
        match self.fewer_at_once(they) {
            Ok(None) => self.as_idle_as_before(they, count),
            Ok(Some(fewer)) => Verdict::broken(fewer, question, "stage 7's page"),
            Err(why) => Verdict::cannot_tell(format!(
                "it answers, but whether as many run at once as before: {why}"
            )),
        }
    }

    /// What is to be said if fewer requests run at once, on the slow page, than before such clients came.
    /// From then on it is these that have to run at once. Fails if it cannot be told, and why.
    fn fewer_at_once(&mut self, they: &str) -> Result<Option<String>, String> {
        let before = match self.concurrency() {
            Ok(MeasuredConcurrency {
                limit: Limit::Unknown(_),
                seen,
            }) => seen.at_once.min(MANY),
            // It answers, so there is one.
            Ok(MeasuredConcurrency { seen, limit })
                if seen.at_once > 1 && limit == Limit::Reached =>
            {
                seen.at_once
            }
            _ => return Ok(None),
        };
        // The last of the bad requests may still be at work, or in the queue. A worker that is lost stays lost.
        let (deadline, known) = (Instant::now() + self.patience, self.samples.len());
        loop {
            let (target, began) = (self.options.target.clone(), Instant::now());
            let look = processor::used(&target);
            let happened = match self.at_once(before) {
                Verdict::Kept => {
                    // Those requests wait, so the server had nothing to do meanwhile.
                    let looks = [look, processor::used(&target)];
                    self.computed_last = Some(processor::computes(&looks, began.elapsed()).0);
                    self.unverified.clear();
                    return Ok(None);
                }
                Verdict::CannotTell(why) => return Err(why),
                Verdict::Broken { happened, .. } => happened,
            };
            if Instant::now() < deadline {
                continue;
            }
            // Only that others had to wait shows that a worker is missing: some servers reject without a 503.
            let fewer = self.samples[known..].last().copied();
            let Some(seen) = fewer.filter(|seen| seen.at_once < before) else {
                return Err(happened);
            };
            let limit = Limit::Reached;
            self.concurrency = Some(Ok(MeasuredConcurrency { seen, limit }));
            let mut since = mem::take(&mut self.unverified).into_iter();
            if let Some(earlier) = since.find(|earlier| !they.ends_with(earlier)) {
                return Err(format!(
                    "of {before} only {} do, but clients that {earlier} may have cost that",
                    seen.at_once
                ));
            }
            return Ok(Some(format!(
                "Before {they}, {before} ran at once. {happened}"
            )));
        }
    }

    /// The server computes no more than before such clients came, so many of a kind, when it has nothing to
    /// do.
    fn as_idle_as_before(&mut self, they: &str, count: usize) -> Verdict {
        let unknown = match self.concurrency() {
            Ok(MeasuredConcurrency {
                limit: Limit::Unknown(why),
                ..
            }) => Some(why),
            Ok(_) => None,
            Err(why) => Some(why),
        };
        if let Some(why) = unknown {
            return Verdict::cannot_tell(format!(
                "after {they} it answers, but how many can run at once, before and after, is not known: {why}"
            ));
        }
        let quiet =
            self.computes_when_idle != Some(false) || self.computed_last.take() == Some(false);
        if quiet || !self.watch(IDLE).0 {
            return self.kept(they);
        }
        // In all, three fifths of what may hold up a request.
        let times = [(); 3].map(|()| self.watch(self.hold_up / 5));
        if !times.iter().all(|(computes, _)| *computes) {
            return self.kept(they);
        }
        // It may also do something of its own. But as many threads as clients came?
        if times.iter().any(|(_, threads)| *threads < count / 2) {
            return Verdict::cannot_tell(format!(
                "after {they} it uses the processor with nothing to do; or is it busy with something else?"
            ));
        }
        Verdict::broken(
            format!(
                "After {they}, the server has nothing to do, but {} of its threads use the processor all the time.",
                times[2].1
            ),
            "What does a loop that reads do at the end of input, where `read` returns 0?",
            "stage 1's page",
        )
    }

    /// Whether the server uses much of a processor for this time, as far as the system tells, and with how
    /// many threads.
    fn watch(&self, time: Duration) -> (bool, usize) {
        let (target, began) = (&self.options.target, Instant::now());
        let mut looks = vec![processor::used(target)];
        for _ in 0..LOOKS {
            thread::sleep(time / LOOKS);
            looks.push(processor::used(target));
        }
        processor::computes(&looks, began.elapsed())
    }
}
