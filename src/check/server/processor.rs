//! How much processor time a server uses that runs on this machine. Linux says so in files, see proc(5);
//! other systems do not.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::time::Duration;

use crate::check::procfs::{self, ThreadNumber, ThreadUse, numbers};
use crate::client::target::Target;

/// How many bytes a line of `/proc/net/tcp` has.
const LINE: usize = 150;

/// What each thread of a server uses, or None if that is not known.
pub(super) type Look = Option<HashMap<ThreadNumber, ThreadUse>>;

/// Whether a server uses much of a processor, and with how many threads, as looks at it show: the first from the begin
/// of this time, and the last from its end.
pub(super) fn computes(looks: &[Look], time: Duration) -> (bool, usize) {
    let [Some(before), later @ ..] = looks else {
        return (false, 0);
    };
    let Some(Some(after)) = later.last() else {
        return (false, 0);
    };
    let used = after.iter().map(|(thread, after)| {
        let before = before.get(thread).map_or(Duration::ZERO, |it| it.time);
        after.time.saturating_sub(before)
    });
    let used: Vec<Duration> = used.collect();
    let threads = used.iter().filter(|used| **used > time / 100).count();
    // On a busy machine, a loop that spins gets little of a processor, but it never stops to want one.
    let runs = |thread: &&ThreadNumber| {
        let mut looks = later.iter().flatten();
        looks.all(|look| look.get(thread).is_some_and(|it| it.runs))
    };
    let spin = after.keys().filter(runs).count();
    let much = used.iter().sum::<Duration>() > time / 7;
    (much || spin > 0, threads.max(spin))
}

/// What each thread of the processes that listen at this address uses. None if it is
/// not known: on another system or machine, or of another user.
pub(super) fn used(target: &Target) -> Look {
    let addrs = target.addresses(Duration::from_secs(1)).ok()?;
    if !addrs.iter().all(|addr| addr.ip().is_loopback()) {
        return None;
    }
    let port = addrs.first()?.port();
    let sockets = listening(port);
    // A server may be several processes that share a socket. This program is none of them.
    let processes = numbers("/proc")?;
    let processes = processes.filter(|id| *id != std::process::id() && has_one_of(*id, &sockets));
    let threads = processes.flat_map(|id| {
        let folder = format!("/proc/{id}/task");
        let threads = numbers(&folder).into_iter().flatten();
        threads.filter_map(move |thread| Some((thread, procfs::used(&folder, thread)?)))
    });
    let threads: HashMap<ThreadNumber, ThreadUse> = threads.collect();
    (!threads.is_empty()).then_some(threads)
}

/// The sockets that listen at this port, as the links in `/proc/.../fd` name them.
fn listening(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(File::open);
    let sockets = tables.into_iter().flatten().flat_map(|table| {
        // The first line has the names of the fields. The sockets that listen come first, and after them all
        // connections, which may be thousands: so this asks for a line at a time.
        let lines = BufReader::with_capacity(LINE, table).lines();
        let lines = lines.skip(1).map_while(Result::ok);
        lines.map_while(move |line| listens(&line, port)).flatten()
    });
    sockets.collect()
}

/// None if the socket of this line does not listen, and nothing in it if that is at another port.
fn listens(line: &str, port: u16) -> Option<Option<String>> {
    // "0: 0100007F:1F90 00000000:0000 0A ...", where 0A is listening, and as the tenth the socket's number.
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, hexadecimal) = fields.get(1)?.split_once(':')?;
    let number = (fields.get(3) == Some(&"0A")).then(|| fields.get(9))??;
    let here = u16::from_str_radix(hexadecimal, 16) == Ok(port);
    Some(here.then(|| format!("socket:[{number}]")))
}

fn has_one_of(process: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    let mut links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.any(|link| sockets.iter().any(|it| link.as_os_str() == it.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads with these numbers, how many milliseconds each has used, and whether it runs.
    fn look(threads: &[(ThreadNumber, u64, bool)]) -> Look {
        let threads = threads.iter().map(|(thread, used, runs)| {
            let (time, runs) = (Duration::from_millis(*used), *runs);
            (*thread, ThreadUse { time, runs })
        });
        Some(threads.collect())
    }

    #[test]
    fn a_thread_that_spins_is_seen_also_where_it_gets_little_of_a_processor() {
        let rests = (2, 500, false);
        let begin = look(&[(1, 1000, true), rests]);
        for (looks, expected) in [
            // Alone, beside much else, and with a second one.
            (vec![look(&[(1, 1250, true), rests])], (true, 1)),
            (
                vec![
                    look(&[(1, 1000, true), rests]),
                    look(&[(1, 1010, true), rests]),
                ],
                (true, 1),
            ),
            (vec![look(&[(1, 1000, true), (2, 520, true)])], (true, 2)),
            // It stops, or came when all was over, or nothing is known.
            (
                vec![
                    look(&[(1, 1000, false), rests]),
                    look(&[(1, 1010, true), rests]),
                ],
                (false, 1),
            ),
            (
                vec![look(&[rests]), look(&[(1, 1000, true), rests])],
                (false, 0),
            ),
            (vec![look(&[(1, 1000, false), rests])], (false, 0)),
            (vec![None], (false, 0)),
        ] {
            let looks: Vec<Look> = [begin.clone()].into_iter().chain(looks).collect();
            assert_eq!(
                computes(&looks, Duration::from_millis(250)),
                expected,
                "{looks:?}"
            );
        }
    }
}
