//! The promises about clients that behave badly, and how each is decided.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use super::clients::{self, Clients, Kind};
use super::measure::{ATTEMPTS, MOST, PATIENCE, Server};
use super::requests::ask;
use crate::client::target::Target;

/// For how long bad clients may hold up a request.
const HOLD_UP: Duration = Duration::from_secs(5);

/// How long a server may take for a hundred bad requests.
const LONGEST: Duration = Duration::from_secs(60);

impl Server {
    pub fn silent_clients(&mut self) -> Verdict {
        self.not_held_up(Kind::Silent, "clients that said nothing were connected")
    }

    pub fn half_a_request(&mut self) -> Verdict {
        self.not_held_up(
            Kind::Half,
            "clients were connected that had sent half a request",
        )
    }

    pub fn dripping_clients(&mut self) -> Verdict {
        self.not_held_up(
            Kind::Dripping,
            "clients were sending their requests a byte at a time",
        )
    }

    /// How many bad clients are enough: more than there are workers, if that is known. Each may hold up
    /// others for as long as the server waits for one, so that far more would say something else.
    fn enough(&self) -> usize {
        match (&self.two_at_once, self.options.workers) {
            (Some(Verdict::Broken { .. }), _) => 2,
            (_, Some(workers)) => workers.min(MOST) + 1,
            (Some(Verdict::Kept), None) => 6,
            (_, None) => 4,
        }
    }

    /// While such clients are connected, a request is answered.
    fn not_held_up(&self, kind: Kind, what: &str) -> Verdict {
        for _ in 0..ATTEMPTS {
            if let Some(verdict) = self.gives_no_answer() {
                return verdict;
            }
            let clients = match Clients::connect(self.options.target.addr(), kind, self.enough()) {
                Ok(clients) => clients,
                Err(error) => return Verdict::cannot_tell(format!("no thread for them: {error}")),
            };
            let count = clients.connected;
            if count == 0 {
                return Verdict::cannot_tell("no such client can connect");
            }
            let answered = self.good_answer(HOLD_UP).is_ok();
            let all_the_time = clients.leave();
            let left = Instant::now();
            let afterwards = self.good_answer(HOLD_UP);
            let recovered = match &afterwards {
                _ if answered && all_the_time => return Verdict::Kept,
                _ if answered => continue,
                // Then it was the machine that held it up, or may have been.
                Ok(()) if left.elapsed() > self.good_time() + HOLD_UP / 2 => continue,
                Ok(()) => String::from("when they had left, it did"),
                Err(why) => format!("nor did it when they had left: {why}"),
            };
            let seconds = HOLD_UP.as_secs();
            return Verdict::broken(
                format!(
                    "While {count} {what}, a request got no answer for {seconds} s; {recovered}."
                ),
                "How long may one client keep a worker, in all: is there a deadline, or only a limit for each read?",
                "stage 1's page",
            );
        }
        Verdict::cannot_tell("this machine, or the server's, is too busy")
    }

    /// If a request is not answered even now, bad clients can do no harm.
    fn gives_no_answer(&self) -> Option<Verdict> {
        let why = match self.answered {
            false => "for that, \"a request is answered\" has to be kept",
            true if self.good_answer(HOLD_UP).is_err() => "the server does not answer any more",
            true => return None,
        };
        Some(Verdict::cannot_tell(why))
    }

    /// A path that is as fast as can be, and what it is answered with.
    fn good(&self) -> (&Target, u16) {
        match &self.fast {
            Some((target, status)) => (target, *status),
            None => (&self.options.target, 200),
        }
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
        let (target, status) = self.good();
        let deadline = Instant::now() + self.good_time() + patience;
        loop {
            // In whole tenths of a second, for the message.
            let remaining = deadline.saturating_duration_since(Instant::now());
            let tenths = remaining.as_millis() as u64 / 100 + 1;
            let answer = ask(target, Duration::from_millis(100 * tenths));
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
        let target = &self.options.target;
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
        for words in moments {
            clients::vanish(target.addr(), words);
            clients::vanish(target.addr(), words);
        }
        // What they asked for is done all the same: the server cannot know.
        let asked = self.unit.as_ref().map_or(PATIENCE, |unit| 4 * *unit);
        self.still(
            asked,
            "eight clients had vanished",
            "What becomes of an error when a response is written?",
        )
    }

    /// After a hundred bad requests, a request is answered, and as many run at once as before.
    pub fn bad_requests(&mut self) -> Verdict {
        if let Some(verdict) = self.gives_no_answer() {
            return verdict;
        }
        let question = "Which unwrap does a bad request reach, and on which thread?";
        let still = self.deals_with_bad_requests(question);
        if still != Verdict::Kept {
            return still;
        }
        let before = match (
            &self.every_worker_works,
            self.options.workers,
            &self.two_at_once,
        ) {
            (Some(Verdict::Kept), Some(workers), _) => workers,
            (_, _, Some(Verdict::Kept)) => 2,
            _ => return Verdict::Kept,
        };
        // The last of the bad requests may still be at work, or in the queue. A worker that is lost stays lost.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.at_once(before) {
                Verdict::Broken { .. } if Instant::now() < deadline => {}
                Verdict::Broken { happened, .. } => {
                    let happened =
                        format!("Before a hundred bad requests, {before} ran at once. {happened}");
                    return Verdict::broken(happened, question, "stage 7's page");
                }
                other => return other,
            }
        }
    }

    /// A request is answered after a hundred bad ones, at the latest when the server has dealt with those.
    fn deals_with_bad_requests(&self, question: &str) -> Verdict {
        let addr = self.options.target.addr();
        let bad = |number| clients::send_bad_request(addr, number);
        let mut waiting: Vec<TcpStream> = (0..100).filter_map(bad).collect();
        waiting.retain(clients::is_waiting);
        let start = Instant::now();
        loop {
            let waited = waiting.len();
            let still = self.still(PATIENCE, "a hundred bad requests had come", question);
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

    /// The server still answers.
    fn still(&self, patience: Duration, what: &str, question: &str) -> Verdict {
        match self.good_answer(HOLD_UP + patience) {
            Ok(()) => Verdict::Kept,
            Err(why) => Verdict::broken(
                format!("After {what}, a request got no answer: {why}."),
                question,
                "stage 7's page",
            ),
        }
    }
}
