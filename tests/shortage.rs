//! What happens when the system runs out of file descriptors, or of threads?
//!
//! The shell's `ulimit` makes it run out early, for the one program, whoever the user is.

#![cfg(unix)]
#![cfg(any(
    feature = "stage1",
    feature = "stage2",
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]

#[macro_use]
mod common;

use std::process::Command;
use std::time::Instant;

use common::{Server, connect, get_when_free, program};

to_every_stage! {
    out_of_file_descriptors_it_waits_and_recovers
}

/// The program, run by a shell that sets a limit first.
fn limited(limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("ulimit {limit} && exec \"$0\" \"$@\""));
    shell.arg(program().get_program());
    shell
}

/// Forty silent clients want more descriptors than there are. A stage with threads accepts as many
/// as it can, and then it cannot go on until their time is up; stage 1, which holds one connection
/// at a time, does not even notice.
fn out_of_file_descriptors_it_waits_and_recovers(stage: usize) {
    let server = Server::launch(limited("-n 16"), stage, &["--read-timeout", "0.1"]);
    let started = Instant::now();
    let silent: Vec<_> = (0..40).map(|_| connect(server.addr)).collect();
    assert_eq!(get_when_free(server.addr, "/").status, 200);
    let elapsed = started.elapsed();
    drop(silent);
    for _ in 0..100 {
        assert_eq!(get_when_free(server.addr, "/").status, 200);
    }

    let errors = server.errors();
    let complaints = if stage == 1 { 0 } else { 1 };
    assert_eq!(
        errors.len(),
        complaints,
        "one line, however long it lasts: {errors:?}"
    );
    assert!(
        errors
            .iter()
            .all(|line| line.starts_with("Cannot accept connections")),
        "{errors:?}"
    );
    if cfg!(target_os = "linux") {
        let worked = processor_seconds(server.id());
        assert!(
            worked < elapsed.as_secs_f64() / 4.0,
            "{worked} s of work in {elapsed:?}"
        );
    }
}

/// What Linux says a process has used so far, in its kernel and user time, to a hundredth.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
}

/// Every thread wants 2 MiB of address space for its stack, so there is none for most of these
/// threads. Some systems, macOS for one, have no such limit.
#[cfg(all(feature = "stage2", target_os = "linux"))]
#[test]
fn stage2_loses_connections_but_lives_when_there_are_no_threads() {
    use std::io::Write;

    use common::{Reply, wait_for};

    let server = Server::launch(limited("-v 60000"), 2, &["--sleep", "1"]);
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let mut client = connect(server.addr);
            // One that is lost already may be closed already too.
            let _ = client.write_all(b"GET /sleep HTTP/1.1\r\n\r\n");
            client
        })
        .collect();
    let answered = clients
        .into_iter()
        .filter(|mut client| Reply::read(&mut client).is_ok_and(|reply| reply.status == 200))
        .count();
    assert!((1..100).contains(&answered), "{answered} of 100 answered");

    let errors = wait_for("a line for every lost connection", || {
        let errors = server.errors();
        (answered + errors.len() == 100).then_some(errors)
    });
    assert!(
        errors
            .iter()
            .all(|line| line.contains("is lost, no thread")),
        "{errors:?}"
    );
    assert_eq!(get_when_free(server.addr, "/").status, 200);
}
