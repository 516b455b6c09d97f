//! Whole requests, alone and together, with the time each took by this program's clock.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::target::Target;
use crate::client::{self, Outcome};

/// What came of a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// When it was sent, and when the last of its answer had come, or it was given up.
    pub sent: Instant,
    pub ended: Instant,
    /// The status of a whole answer, or why there is none.
    pub status: Result<u16, String>,
}

impl Answer {
    pub fn is(&self, status: u16) -> bool {
        self.status == Ok(status)
    }

    pub fn took(&self) -> Duration {
        self.ended - self.sent
    }

    /// `status 404`, or why there is none, to stand in a sentence.
    pub fn describe(&self) -> String {
        match &self.status {
            Ok(status) => format!("status {status}"),
            Err(why) => why.clone(),
        }
    }
}

/// Sends one request and waits for the whole answer.
pub(super) fn ask(target: &Target, timeout: Duration) -> Answer {
    let sent = Instant::now();
    let outcome = client::request(target, timeout, |_port| {}).outcome;
    Answer {
        sent,
        ended: Instant::now(),
        status: match outcome {
            Outcome::Answered(status) => Ok(status),
            Outcome::Rejected => Ok(503),
            Outcome::Failed(why) => Err(why),
        },
    }
}

/// A request that is under way on a thread of its own.
pub(super) struct UnderWay {
    sent: Instant,
    thread: Result<thread::JoinHandle<Answer>, String>,
}

/// Sends one request, and does not wait for the answer.
pub(super) fn send(target: &Target, timeout: Duration) -> UnderWay {
    let target = target.clone();
    UnderWay {
        sent: Instant::now(),
        thread: thread::Builder::new()
            .spawn(move || ask(&target, timeout))
            .map_err(|error| format!("this program gets no thread for it: {error}")),
    }
}

impl UnderWay {
    pub fn wait(self) -> Answer {
        let sent = self.sent;
        let failed = |why| Answer {
            sent,
            ended: Instant::now(),
            status: Err(why),
        };
        match self.thread {
            // What sends a request does not panic.
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| failed(String::from("its thread panicked"))),
            Err(why) => failed(why),
        }
    }
}

/// Sends so many requests, one shortly after the other, all in this time.
pub(super) fn send_all(
    target: &Target,
    count: usize,
    within: Duration,
    timeout: Duration,
) -> Vec<UnderWay> {
    let pause = within / count.max(1) as u32;
    let sent = (0..count).map(|_| {
        let request = send(target, timeout);
        thread::sleep(pause);
        request
    });
    sent.collect()
}

/// Waits for all of them, and returns them in the order in which they ended.
pub(super) fn wait_for_all(requests: Vec<UnderWay>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = requests.into_iter().map(UnderWay::wait).collect();
    answers.sort_by_key(|answer| answer.ended);
    answers
}
