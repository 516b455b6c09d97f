//! How much processor time a server uses that runs on this machine. Linux says so in files, see proc(5);
//! other systems do not.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::time::Duration;

use crate::check::procfs::{self, ThreadNumber, ThreadUse, numbers};
use crate::client::target::Target;

/// What each thread of the processes that listen at this address uses. None if it is
/// not known: on another system or machine, or of another user.
pub(super) fn used(target: &Target) -> Option<HashMap<ThreadNumber, ThreadUse>> {
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
        // connections, which may be thousands.
        let lines = BufReader::new(table).lines().skip(1).map_while(Result::ok);
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
    links.any(|link| {
        sockets
            .iter()
            .any(|socket| link.as_os_str() == socket.as_str())
    })
}
