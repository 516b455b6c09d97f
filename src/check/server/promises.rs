//! Whether a request is answered, whether two run at once, and whether a slow one holds up fast ones.

use std::thread;
use std::time::{Duration, Instant};

use super::Verdict;
use super::hold_up::{Round, Shown, judge};
use super::measure::{ATTEMPTS, FIRST, ServerUnderTest};
use super::requests::{AskedPage, ask, send, send_all, wait_for_all};

/// How many fast requests are sent beside a slow one. Servers that deal connections out in turn hold up
/// every second, or every eighth.
const FAST: usize = 32;

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
    /// round. That some waited has to be seen in several, and nothing else.
    pub fn slow_and_fast(&mut self) -> Verdict {
        let (unit, slow) = match self.slow_page() {
            Ok(known) => known,
            Err(why) => return Verdict::cannot_tell(why),
        };
        let Some((fast, status)) = self.fast.clone() else {
            return Verdict::cannot_tell("the path / is not answered at once, or not at all");
        };
        let (mut rounds, mut unclear) = (Vec::new(), String::new());
        for _ in 0..=ATTEMPTS {
            match self.fast_beside(&slow, unit, &fast, status) {
                Err(why) => unclear = why,
                Ok(round) => {
                    rounds.push(round);
                    match judge(&rounds, unit) {
                        Shown::Nothing(why) => unclear = why,
                        Shown::Overtaken(overtook) => {
                            return self
                                .kept(format!("{overtook} fast ones came, and none waited"));
                        }
                        Shown::HeldUp(waited) => return held_up(waited),
                    }
                }
            }
        }
        Verdict::cannot_tell(unclear)
    }

    /// Sends a slow request, and fast ones before it is answered. If some of them are late, sends as many without
    /// a slow one.
    fn fast_beside(
        &mut self,
        slow: &AskedPage,
        unit: Duration,
        fast: &AskedPage,
        status: u16,
    ) -> Result<Round, String> {
        let timeout = 3 * unit + self.patience;
        let begin = Instant::now();
        let slow = send(slow, timeout);
        thread::sleep(unit / 10);
        // Not all at once, so that they do not wait for each other.
        let answers = wait_for_all(send_all(fast, FAST, unit / 100 * FAST as u32, timeout));
        let slow = slow.wait();
        if let Some(why) = self.stood_still(begin, unit) {
            return Err(why);
        }
        if !slow.is(200) {
            return Err(format!("the slow request got {}", slow.describe()));
        }
        let mut round = Round::of(&slow, &answers, status, unit)?;
        if !matches!(round.shows(unit), Shown::Overtaken(_)) {
            round.alone = self.fast_alone(FAST)?;
        }
        Ok(round)
    }
}

fn held_up(waited: usize) -> Verdict {
    Verdict::broken(
        format!(
            "{FAST} fast requests came while a slow one was handled, \
             and {waited} of them were answered only after it."
        ),
        "Which thread, or which process, could handle the fast ones meanwhile?",
        "stage 2's page",
    )
}
