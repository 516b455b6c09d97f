//! Whole requests, alone and together, with the time each took by this program's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{self, Progress, RequestOutcome, target::Target};

/// A connection that took longer was not accepted at once.
const SLOW_CONNECTION: Duration = Duration::from_millis(500);

/// A page of the server. Each request for it may have a query of its own, so that no cache answers
/// several of them with one answer.
#[derive(Clone, Debug)]
pub(super) struct AskedPage {
    target: Target,
    /// How many queries there were, if the server gives the same page for each.
    queries: Option<Arc<AtomicUsize>>,
}

impl AskedPage {
    /// The page as it was typed.
    pub fn plain(target: &Target) -> AskedPage {
        AskedPage {
            target: target.clone(),
            queries: None,
        }
    }

    /// The page, with another query for each request.
    pub fn with_queries(target: &Target) -> AskedPage {
        AskedPage {
            target: target.clone(),
            queries: Some(Arc::default()),
        }
    }

    fn next(&self) -> Target {
        let Some(queries) = &self.queries else {
            return self.target.clone();
        };
        let number = queries.fetch_add(1, Ordering::Relaxed) + 1;
        let path = self.target.path();
        let separator = if path.contains('?') { '&' } else { '?' };
        self.target
            .with_path(format!("{path}{separator}check={number}"))
    }
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(super) struct TimedAnswer {
    /// When it began to be sent, and when the last of its answer had come, or it was given up.
    pub sent: Instant,
    pub ended: Instant,
    /// How long it took to connect.
    pub connecting: Duration,
    /// From when on the system had all of it, if it could be sent.
    pub has_left: Option<Instant>,
    /// The status of a whole answer, or why there is none.
    pub status: Result<u16, String>,
    /// What its status means here, if that is to be said.
    pub meaning: Option<String>,
}

impl TimedAnswer {
    pub fn is(&self, status: u16) -> bool {
        self.status == Ok(status)
    }

    pub fn took(&self) -> Duration {
        self.ended - self.sent
    }

    /// Whether it had left before the other one began to be sent. On a busy machine, that is not a matter of
    /// which thread was started first.
    pub fn left_before(&self, other: &TimedAnswer) -> bool {
        self.has_left.is_some_and(|moment| moment <= other.sent)
    }

    /// How long it took to connect, if that was too long for a connection that is accepted at once: where
    /// a queue of connections is full, the system knocks again after a second.
    pub fn slow_connection(&self, unit: Duration) -> Option<Duration> {
        let longest = SLOW_CONNECTION.min(unit / 4);
        (self.connecting > longest).then_some(self.connecting)
    }

    /// `status 404`, or why there is none, to stand behind "got". The server has answered before.
    pub fn describe(&self) -> String {
        match (&self.status, &self.meaning) {
            (Ok(status), Some(meaning)) => format!("status {status} ({meaning})"),
            (Ok(status), None) => format!("status {status}"),
            (Err(why), _) if why == "nothing listens there" => {
                String::from("no connection: the server has ended")
            }
            (Err(why), _) if why.starts_with("no answer") => why.clone(),
            (Err(why), _) => format!("no answer: {why}"),
        }
    }
}

/// Sends one request and waits for the whole answer.
pub(super) fn ask(page: &AskedPage, timeout: Duration) -> TimedAnswer {
    let target = page.next();
    let sent = Instant::now();
    let (mut connecting, mut has_left) = (Duration::ZERO, None);
    let reply = client::request(&target, timeout, |progress| match progress {
        Progress::Connected(_) => connecting = sent.elapsed(),
        Progress::Sent => has_left = Some(Instant::now()),
    });
    let ended = Instant::now();
    let status = match reply.outcome {
        RequestOutcome::Answered(status) => Ok(status),
        RequestOutcome::Rejected => Ok(503),
        RequestOutcome::Failed(why) => Err(why),
    };
    let said = status.as_ref().ok().copied();
    TimedAnswer {
        sent,
        ended,
        connecting,
        has_left,
        meaning: said.and_then(|status| client::meaning(status, reply.location.as_deref())),
        status,
    }
}

/// A request that is under way on a thread of its own.
pub(super) struct UnderWay {
    sent: Instant,
    thread: Result<thread::JoinHandle<TimedAnswer>, String>,
}

/// Sends one request, and does not wait for the answer.
pub(super) fn send(page: &AskedPage, timeout: Duration) -> UnderWay {
    let page = page.clone();
    UnderWay {
        sent: Instant::now(),
        thread: thread::Builder::new()
            .spawn(move || ask(&page, timeout))
            .map_err(|error| format!("this program gets no thread for it: {error}")),
    }
}

impl UnderWay {
    pub fn wait(self) -> TimedAnswer {
        let sent = self.sent;
        let failed = |why| TimedAnswer {
            sent,
            ended: Instant::now(),
            connecting: Duration::ZERO,
            has_left: None,
            status: Err(why),
            meaning: None,
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
    page: &AskedPage,
    count: usize,
    within: Duration,
    timeout: Duration,
) -> Vec<UnderWay> {
    let pause = within / count.max(1) as u32;
    let sent = (0..count).map(|_| {
        let request = send(page, timeout);
        thread::sleep(pause);
        request
    });
    sent.collect()
}

/// Waits for all of them, and returns them in the order in which they ended.
pub(super) fn wait_for_all(requests: Vec<UnderWay>) -> Vec<TimedAnswer> {
    let mut answers: Vec<TimedAnswer> = requests.into_iter().map(UnderWay::wait).collect();
    answers.sort_by_key(|answer| answer.ended);
    answers
}
