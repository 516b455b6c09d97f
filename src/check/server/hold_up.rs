//! Whether a slow request holds up fast ones, judged from the times at which they were answered.
//!
//! A fast request that has to wait is answered just after the slow one, whenever it was sent. On a busy machine, an
//! answer is late by chance: at any moment, and also where no slow request is. So fast requests are sent again
//! without a slow one, and only a pattern that has no exception in some rounds proves anything.

use std::time::Duration;

use super::requests::TimedAnswer;

/// In how many rounds fast requests have to wait, at the least.
const ROUNDS: usize = 3;

/// How many have to wait in all of them together. If chance made answers late, each would be as likely to be so
/// without a slow request: that so many are late beside it, and none without, comes once in a thousand times.
const WAITED: usize = 10;

/// How many fast ones have to overtake the slow one.
const OVERTOOK: usize = 16;

/// Fast requests beside a slow one, and as many without one.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// When the slow one was answered, since it was sent, as all that follow beside it.
    pub slow: Duration,
    /// When each fast one was sent and answered that was sent after the slow one, and half a unit before its answer.
    pub beside: Vec<(Duration, Duration)>,
    /// How long each took without a slow one.
    pub alone: Vec<Duration>,
}

/// What one round shows, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// So many fast ones came, and all of them overtook the slow one.
    Overtaken(usize),
    /// So many fast ones waited for the slow one.
    HeldUp(usize),
    /// Neither, and why.
    Nothing(String),
}

impl Round {
    /// A slow request and fast ones, which should get this status. Fails if another one came, and says so.
    pub fn of(
        slow: &TimedAnswer,
        fast: &[TimedAnswer],
        status: u16,
        unit: Duration,
    ) -> Result<Round, String> {
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
        let times = |it: &&TimedAnswer| (it.sent - slow.sent, it.ended - slow.sent);
        Ok(Round {
            slow: slow.took(),
            beside: fast.iter().map(times).collect(),
            alone: Vec::new(),
        })
    }

    pub fn shows(&self, unit: Duration) -> Shown {
        // Their order alone is not enough: on a busy machine, it may be seen wrongly. An answer that came before
        // the slow request can have been handled did not wait for it.
        let overtook = |(_, ended): &(Duration, Duration)| {
            *ended + unit / 4 < self.slow && *ended < unit * 3 / 4
        };
        let (before, mut after): (Vec<_>, Vec<_>) = self.beside.iter().partition(|it| overtook(it));
        let nothing = |why: &str| Shown::Nothing(why.to_owned());
        if after.is_empty() {
            return match before.len() {
                overtook @ OVERTOOK.. => Shown::Overtaken(overtook),
                _ => nothing("most fast requests were rejected, early or late"),
            };
        }
        if self.alone.len() < OVERTOOK {
            return nothing("most fast requests took long to connect");
        }
        let late = |took: &Duration| *took > unit / 4;
        let alone = self.alone.iter().filter(|it| late(it)).count();
        if alone > 0 {
            return Shown::Nothing(format!(
                "of {} fast requests, {alone} waited too, with nothing to wait for: does it limit requests, or \
                 is a machine too busy?",
                self.alone.len()
            ));
        }
        // Those that waited are answered one shortly after the other, from the end of the slow one on.
        after.sort_by_key(|(_, ended)| *ended);
        let ends = after.iter().map(|(_, ended)| *ended);
        let before_them = [self.slow].into_iter().chain(ends.clone());
        let waited = ends.clone().all(|ended| ended + unit / 20 >= self.slow)
            && ends
                .zip(before_them)
                .all(|(it, last)| it <= last + unit / 10);
        if !waited || before.iter().any(|(sent, ended)| late(&(*ended - *sent))) {
            return nothing("a fast request was neither first nor last");
        }
        match self.slow < unit * 5 / 4 {
            true => Shown::HeldUp(after.len()),
            false => nothing("the slow request took longer than alone"),
        }
    }
}

/// What all rounds so far show together. More of them may show more.
pub(super) fn judge(rounds: &[Round], unit: Duration) -> Shown {
    let (mut rounds_that_wait, mut sum, mut last, mut overtaken, mut unclear) =
        (0, 0, 0, None, None);
    for round in rounds {
        match round.shows(unit) {
            Shown::Overtaken(overtook) => overtaken = Some(overtook),
            Shown::HeldUp(waited) => {
                (rounds_that_wait, sum, last) = (rounds_that_wait + 1, sum + waited, waited);
            }
            Shown::Nothing(why) => unclear = Some(why),
        }
    }
    match (rounds_that_wait, overtaken, unclear) {
        (0, Some(overtook), _) => Shown::Overtaken(overtook),
        (ROUNDS.., None, None) if sum >= WAITED => Shown::HeldUp(last),
        (1.., Some(_), _) => {
            Shown::Nothing(String::from("fast requests waited, but not in every round"))
        }
        (_, _, Some(why)) => Shown::Nothing(why),
        _ => Shown::Nothing(format!("only {sum} fast requests waited")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const UNIT: Duration = Duration::from_millis(600);

    fn milliseconds(of: u64) -> Duration {
        Duration::from_millis(of)
    }

    /// A round of 32 fast requests, which take five milliseconds, but for those that were answered at other times.
    fn round(slow: u64, beside: &[(usize, u64)], alone: &[u64]) -> Round {
        let mut round = Round {
            slow: milliseconds(slow),
            beside: (0..32)
                .map(|it| (65 + 6 * it, 70 + 6 * it))
                .map(|(sent, ended)| (milliseconds(sent), milliseconds(ended)))
                .collect(),
            alone: vec![milliseconds(5); 32 - alone.len()],
        };
        for (number, ended) in beside {
            round.beside[*number].1 = milliseconds(*ended);
        }
        round.alone.extend(alone.iter().map(|it| milliseconds(*it)));
        round
    }

    /// An answer to a request that was sent, had left and was answered at these milliseconds.
    fn answer(start: Instant, [sent, left, ended]: [u64; 3], status: u16) -> TimedAnswer {
        let [sent, left, ended] = [sent, left, ended].map(|at| start + milliseconds(at));
        TimedAnswer {
            sent,
            ended,
            connecting: Duration::ZERO,
            has_left: Some(left),
            status: Ok(status),
            meaning: None,
        }
    }

    #[test]
    fn a_fast_request_counts_that_was_sent_when_the_slow_one_had_left_and_long_before_its_answer() {
        let start = Instant::now();
        for (slow, fast, counts) in [
            ([0, 10, 610], [60, 61, 65], true),
            // On a busy machine, the thread of the slow one may be the last to run.
            ([0, 61, 661], [60, 61, 65], false),
            ([0, 10, 610], [311, 312, 615], false),
        ] {
            let (slow, fast) = (answer(start, slow, 200), answer(start, fast, 200));
            let round = Round::of(&slow, &[fast], 200, UNIT).unwrap();
            assert_eq!(round.beside.len(), usize::from(counts), "{round:?}");
        }
        let (slow, mut slow_to_connect) = (
            answer(start, [0, 10, 610], 200),
            answer(start, [60, 280, 612], 200),
        );
        slow_to_connect.connecting = milliseconds(200);
        let rejected = answer(start, [60, 61, 62], 503);
        let round = Round::of(&slow, &[slow_to_connect, rejected], 200, UNIT);
        assert_eq!(round.unwrap().beside.len(), 0);
        let other = answer(start, [60, 61, 62], 404);
        assert!(Round::of(&slow, &[other], 200, UNIT).is_err());
    }

    /// What is shown by the first round that lets the check stop, or by all of them; in place of a reason, nothing.
    fn shown(rounds: &[Round]) -> (&'static str, usize) {
        let mut sizes = 1..=rounds.len();
        let told = sizes.find_map(|size| match judge(&rounds[..size], UNIT) {
            Shown::Overtaken(_) => Some(("overtaken", size)),
            Shown::HeldUp(_) => Some(("held up", size)),
            Shown::Nothing(_) => None,
        });
        told.unwrap_or(("nothing", rounds.len()))
    }

    #[test]
    fn only_what_waits_in_every_round_and_never_alone_is_held_up() {
        let quiet = round(601, &[], &[]);
        let every_eighth = || round(602, &[(7, 603), (15, 603), (23, 605), (31, 606)], &[]);
        let mut none_alone = every_eighth();
        none_alone.alone.truncate(1);
        let one_thread = {
            let late: Vec<(usize, u64)> = (0..32).map(|it| (it, 602 + 10 * it as u64)).collect();
            round(601, &late, &[])
        };
        // A right server under load, whose first two rounds were taken for proof once.
        let two_late = || round(640, &[(11, 633), (29, 811)], &[]);
        let two_together = || round(640, &[(11, 645), (29, 650)], &[]);
        for (rounds, expected) in [
            (vec![quiet.clone()], ("overtaken", 1)),
            (vec![every_eighth(); 5], ("held up", 3)),
            (vec![one_thread; 5], ("held up", 3)),
            (vec![two_late(); 5], ("nothing", 5)),
            (
                vec![
                    every_eighth(),
                    every_eighth(),
                    quiet.clone(),
                    every_eighth(),
                    every_eighth(),
                ],
                ("nothing", 5),
            ),
            (vec![two_together(); 4], ("nothing", 4)),
            (vec![two_together(); 5], ("held up", 5)),
            // One is late without a slow request.
            (
                vec![
                    every_eighth(),
                    every_eighth(),
                    round(602, &[(7, 603), (15, 603)], &[200]),
                    every_eighth(),
                    every_eighth(),
                ],
                ("nothing", 5),
            ),
            // Hardly one counts without it.
            (vec![none_alone; 5], ("nothing", 5)),
            // One is late beside it, before its end or after it.
            (
                vec![round(602, &[(7, 603), (15, 603), (23, 605), (24, 520)], &[]); 5],
                ("nothing", 5),
            ),
            (
                vec![round(602, &[(7, 603), (15, 603), (23, 605), (24, 700)], &[]); 5],
                ("nothing", 5),
            ),
            (
                vec![round(602, &[(7, 603), (15, 603), (23, 605), (2, 300)], &[]); 5],
                ("nothing", 5),
            ),
            // The slow one is late too, so all of them may have waited for something else.
            (
                vec![round(800, &[(7, 801), (15, 801), (23, 801), (31, 802)], &[]); 5],
                ("nothing", 5),
            ),
        ] {
            assert_eq!(shown(&rounds), expected, "{rounds:?}");
        }
    }

    /// Numbers that look like chance, the same in each run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % limit
        }
    }

    /// A right server that answers late by chance, whether a slow request is there or not: one of so many answers
    /// by any time, or always by the same, or all of them while it stands still for a time.
    enum Weather {
        Late(u64),
        LateBy(u64, u64),
        StandsStill(u64),
    }

    impl Weather {
        /// When requests are answered that would be so at these times.
        fn delay(&self, times: &mut [Duration], random: &mut Random) {
            let (from, length) = (random.below(1000), random.below(1500));
            let (stops, goes_on) = (milliseconds(from), milliseconds(from + length));
            let stands_still = matches!(self, Weather::StandsStill(of) if random.below(*of) == 0);
            for time in times {
                match *self {
                    Weather::Late(of) if random.below(of) == 0 => {
                        *time += milliseconds(random.below(1200))
                    }
                    Weather::LateBy(of, by) if random.below(of) == 0 => *time += milliseconds(by),
                    Weather::StandsStill(_) if stands_still && (stops..goes_on).contains(time) => {
                        *time = goes_on
                    }
                    _ => {}
                }
            }
        }

        fn round(&self, random: &mut Random) -> Round {
            let mut round = round(600, &[], &[]);
            let mut times: Vec<Duration> = round.beside.iter().map(|it| it.1).collect();
            times.push(round.slow);
            self.delay(&mut times, random);
            round.slow = times.pop().unwrap();
            round
                .beside
                .iter_mut()
                .zip(&times)
                .for_each(|(it, time)| it.1 = *time);
            round
                .beside
                .retain(|(sent, _)| *sent + UNIT / 2 <= round.slow);
            let mut times: Vec<Duration> = round.beside.iter().map(|it| it.1).collect();
            self.delay(&mut times, random);
            let alone = times
                .iter()
                .zip(&round.beside)
                .map(|(time, (sent, _))| *time - *sent);
            round.alone = alone.collect();
            round
        }
    }

    #[test]
    fn a_right_server_that_is_late_by_chance_is_never_accused() {
        let mut random = Random(1);
        let often = [1, 2, 4, 8, 16, 32, 64, 128];
        let weathers = often.into_iter().flat_map(|of| {
            let by = [100, 200, 300, 400, 500].map(|by| Weather::LateBy(of, by));
            by.into_iter()
                .chain([Weather::Late(of), Weather::StandsStill(of)])
        });
        let (mut overtaken, mut nothing) = (0, 0);
        for weather in weathers {
            for _ in 0..200 {
                let rounds: Vec<Round> = (0..5).map(|_| weather.round(&mut random)).collect();
                match shown(&rounds).0 {
                    "overtaken" => overtaken += 1,
                    "nothing" => nothing += 1,
                    accused => panic!("{accused}: {rounds:?}"),
                }
            }
        }
        assert!(overtaken > 1000 && nothing > 1000, "{overtaken} {nothing}");
    }
}
