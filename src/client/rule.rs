//! One rule for how many requests ran at once, as the times of their answers show it.
//!
//! Equal requests that are sent together to an idle server come back in waves: so many after one unit of
//! time, which is what a request takes alone, so many more after two, and so on. Machines are busy and
//! clocks are read late, so the rule leaves a gap between what it takes for together and for apart. What
//! falls into the gap shows nothing.

use std::time::Duration;

/// Whether an answer after this time belongs to the first wave.
pub fn is_together(time: Duration, unit: Duration) -> bool {
    time < unit * 3 / 2
}

/// How many requests ran at once, if they were answered after these times since they were sent
/// together, and one alone takes this unit; none if the times do not fit any number.
///
/// The first wave is as large as the number. All other answers have to fit too, up to the last: the
/// ninth of four at once comes in the third wave. An answer fits its wave if it is at most a quarter
/// of a unit early. Each wave may be late by a quarter, so with the waves before it it may be late by
/// more. So the second wave begins after one and three quarters of a unit.
pub fn at_once(times: &[Duration], unit: Duration) -> Option<usize> {
    let mut times = times.to_vec();
    times.sort();
    let first = |time: &&Duration| is_together(**time, unit);
    let number = times.iter().filter(first).count();
    let fits = |(index, time): (usize, &Duration)| {
        let wave = (index / number) as u32 + 1;
        let earliest = unit * wave - unit / 4;
        let latest = unit * wave * 5 / 4 + unit / 4;
        (earliest..latest).contains(time)
    };
    (number > 0 && times.iter().enumerate().all(fits)).then_some(number)
}
