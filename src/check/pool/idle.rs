//! How much processor time threads use. Linux says so in files, see proc(5); other systems do not.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::check::procfs::{self, ThreadNumber, numbers};

/// Where the threads of this process are.
const THREADS: &str = "/proc/self/task";

/// Threads that use more are not idle, and the rest of the second tells no more.
const MUCH: Duration = Duration::from_millis(100);

/// What threads used of the processor.
#[derive(Clone, Copy, Default)]
pub(super) struct ProcessorUse {
    pub time: Duration,
    /// How often one of them stopped, to wait or to let others run.
    pub switches: u64,
    /// In how long a time: a second, or less.
    pub within: Duration,
}

impl ProcessorUse {
    /// Whether threads that used so much in a second do nothing but wait. Time is counted in ticks of ten
    /// milliseconds, and one worker may just be on its way to block.
    pub fn is_idle(self) -> bool {
        self.time <= Duration::from_millis(20) && self.switches <= 1
    }
}

/// The threads of this process, or `None` on a system that does not tell.
pub(super) fn threads() -> Option<Vec<ThreadNumber>> {
    let threads: Vec<ThreadNumber> = numbers(THREADS)?.collect();
    let is_told = threads.iter().any(|thread| used(*thread).is_some());
    is_told.then_some(threads)
}

/// What all threads but these use in a second: in the first of three in which they are idle, since the very
/// first may still see them on their way to sleep. Otherwise, in the very first.
pub(super) fn use_in_a_second(others: &[ThreadNumber]) -> ProcessorUse {
    let first = use_of_a_second(others);
    let two_more = (0..2).map(|_| use_of_a_second(others));
    let mut seconds = [first].into_iter().chain(two_more);
    seconds.find(|used| used.is_idle()).unwrap_or(first)
}

/// What all threads but these use in a second, or until they have used [`MUCH`].
fn use_of_a_second(others: &[ThreadNumber]) -> ProcessorUse {
    let before = use_of_all_but(others);
    let begin = Instant::now();
    let mut used = ProcessorUse::default();
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(100));
        let after = use_of_all_but(others);
        used = ProcessorUse {
            // A thread that has ended takes its numbers along.
            time: after.time.saturating_sub(before.time),
            switches: after.switches.saturating_sub(before.switches),
            within: begin.elapsed(),
        };
        if used.time > MUCH {
            break;
        }
    }
    used
}

fn use_of_all_but(others: &[ThreadNumber]) -> ProcessorUse {
    let mut sum = ProcessorUse::default();
    let threads = threads().unwrap_or_default();
    let threads = threads.into_iter().filter(|id| !others.contains(id));
    for used in threads.filter_map(used) {
        sum.time += used.time;
        sum.switches += used.switches;
    }
    sum
}

/// What one thread has used since it began.
fn used(thread: ThreadNumber) -> Option<ProcessorUse> {
    let time = procfs::used(THREADS, thread)?.time;
    let status = fs::read_to_string(format!("{THREADS}/{thread}/status")).ok()?;
    // The names of both kinds, "voluntary_..." and "nonvoluntary_...", end like this.
    let switches = status.lines().filter_map(|line| {
        let (_, count) = line.split_once("voluntary_ctxt_switches:")?;
        count.trim().parse::<u64>().ok()
    });
    Some(ProcessorUse {
        time,
        switches: switches.sum(),
        ..ProcessorUse::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_computes_or_wakes_up_again_and_again_is_not_idle() {
        for (milliseconds, switches, idle) in [
            (0, 0, true),
            (20, 1, true),
            // Where a processor is free, a loop is never interrupted.
            (30, 0, false),
            (1000, 0, false),
            (0, 2, false),
        ] {
            let time = Duration::from_millis(milliseconds);
            let within = Duration::from_secs(1);
            let used = ProcessorUse {
                time,
                switches,
                within,
            };
            assert_eq!(used.is_idle(), idle, "{milliseconds} ms, {switches}");
        }
    }
}
