//! Whether a request is answered, whether two run at once, and whether a slow one holds up fast ones.

use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use super::measure::{ATTEMPTS, FIRST, ServerUnderTest};
use super::requests::{AskedPage, TimedAnswer, ask, send, wait_for_all};

/// How many fast requests are sent beside a slow one. Servers that deal connections out in turn hold up
/// every second, or every eighth.
const FAST: usize = 32;

/// What became of the fast requests beside a slow one.
struct Beside {
    overtook: usize,
    waited: usize,
}

impl ServerUnderTest {
    /// Alone, a request gets a whole answer, with status 200. This measures the unit.
    pub fn answers(&mut self) -> Verdict {
        self.once(|it| &mut it.answers, Self::decide_answers)
    }

    fn decide_answers(&mut self) -> Verdict {
        let target = self.options.target.clone();
        let first = ask(&AskedPage::plain(&target), FIRST);
        match &first.status {
            Ok(200) => {}
            Ok(429) => return Verdict::cannot_tell(format!("it got {}", first.describe())),
            Ok(_) => {
                return Verdict::broken(
                    format!("{target} got {}.", first.describe()),
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
        self.unit = self.measure(first.took());
        let Ok(unit) = self.unit.clone() else {
            return self.kept("");
        };
        let root = target.with_path("/");
        let at_root = ask(&AskedPage::plain(&root), FIRST);
        if let Ok(status) = at_root.status {
            if 4 * at_root.took() < unit && !matches!(status, 429 | 503) {
                let queries = AskedPage::with_queries(&root);
                let same = ask(&queries, FIRST).is(status);
                let page = if same {
                    queries
                } else {
                    AskedPage::plain(&root)
                };
                self.fast = Some((page, status));
            }
        }
        self.kept(format!("one alone takes {:.1} s", unit.as_secs_f64()))
    }

    /// Two requests together take less than one and a half units.
    pub fn two_at_once(&mut self) -> Verdict {
        self.once(|it| &mut it.two_at_once, |it| it.at_once(2))
    }

    /// All fast requests that are sent while a slow one is handled are answered well before it, in a
    /// round. That some waited has to be seen twice.
    pub fn slow_and_fast(&mut self) -> Verdict {
        let (unit, slow) = match self.slow_page() {
            Ok(known) => known,
            Err(why) => return Verdict::cannot_tell(why),
        };
        let Some((fast, status)) = self.fast.clone() else {
            return Verdict::cannot_tell("the path / is not answered at once, or not at all");
        };
        let (mut waited, mut unclear) = (Vec::new(), String::new());
        for _ in 0..=ATTEMPTS {
            match self.fast_beside(&slow, unit, &fast, status) {
                Err(why) => unclear = why,
                Ok(Beside {
                    waited: 0,
                    overtook,
                }) if waited.is_empty() => {
                    return self.kept(format!("{overtook} fast ones came, and none waited"));
                }
                // Once may be due to the machine.
                Ok(Beside { waited: 0, .. }) => {}
                Ok(beside) => waited.push(beside.waited),
            }
            if let [_, waited] = waited[..] {
                if let Some(why) = self.delays_fast_ones(FAST) {
                    return Verdict::cannot_tell(why);
                }
                return Verdict::broken(
                    format!(
                        "{FAST} fast requests came while a slow one was handled, \
                         and {waited} of them were answered only after it."
                    ),
                    "Which thread, or which process, could handle the fast ones meanwhile?",
                    "stage 2's page",
                );
            }
        }
        match waited[..] {
            [] => Verdict::cannot_tell(unclear),
            _ => Verdict::cannot_tell("a fast request waited, but only once"),
        }
    }

    /// Sends a slow request, and fast ones before it is answered.
    fn fast_beside(
        &mut self,
        slow: &AskedPage,
        unit: Duration,
        fast: &AskedPage,
        status: u16,
    ) -> Result<Beside, String> {
        let timeout = 3 * unit + self.patience;
        let begin = Instant::now();
        let slow = send(slow, timeout);
        thread::sleep(unit / 10);
        // Not all at once, so that they do not wait for each other.
        let fast = (0..FAST).map(|_| {
            thread::sleep(unit / 100);
            send(fast, timeout)
        });
        let fast = wait_for_all(fast.collect());
        let slow = slow.wait();
        if let Some(why) = self.stood_still(begin, unit) {
            return Err(why);
        }
        if !slow.is(200) {
            return Err(format!("the slow request got {}", slow.describe()));
        }
        // One that is rejected does not wait, one that came early or late has not much to wait for, and one
        // that was long in connecting waited for something else.
        let counts = |it: &&TimedAnswer| {
            !it.is(503)
                && it.slow_connection(unit).is_none()
                && slow.left_before(it)
                && it.sent + unit / 2 <= slow.ended
        };
        let fast: Vec<&TimedAnswer> = fast.iter().filter(counts).collect();
        if let Some(other) = fast.iter().find(|it| !it.is(status)) {
            return Err(format!("a fast request got {}", other.describe()));
        }
        // Their order alone is not enough: on a busy machine, it may be seen wrongly. An answer that came
        // before the slow request can have been handled did not wait for it.
        let overtook = |it: &&&TimedAnswer| {
            it.ended + unit / 4 < slow.ended && it.ended < slow.sent + unit * 3 / 4
        };
        let waited = |it: &&&TimedAnswer| it.ended + unit / 20 >= slow.ended;
        let overtook = fast.iter().filter(overtook).count();
        let waited = fast.iter().filter(waited).count();
        if waited == 0 && overtook < fast.len() {
            return Err(String::from("a fast request was neither first nor last"));
        }
        if waited == 0 && overtook < FAST / 2 {
            return Err(String::from(
                "most fast requests were rejected, early or late",
            ));
        }
        Ok(Beside { overtook, waited })
    }
}
