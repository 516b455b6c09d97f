//! What happens when the system runs out of file descriptors, of threads, or of room for the log?
//!
//! The shell's `ulimit` sets a low limit for one program. It needs no special rights.
//!
//! On Linux only: another system may drop a connection that it cannot accept, as macOS does, instead of
//! keeping it waiting.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use crate::common::{
    Reply, Server, assert_all_is_well, at_rest, connect, get_when_free, program, send, wait_for,
    wait_until,
};

to_every_stage! {
    out_of_file_descriptors_it_waits_and_recovers
    out_of_file_descriptors_it_serves_those_it_has_accepted
}

/// The program, run by a shell that sets a limit first.
fn limited(limit: &str) -> Command {
    limited_and_redirected(limit, "")
}

/// The same, with its output redirected.
fn limited_and_redirected(limit: &str, redirection: &str) -> Command {
    let mut shell = Command::new("sh");
    let run = "exec \"$0\" \"$@\"";
    shell
        .arg("-c")
        .arg(format!("ulimit {limit} && {run} {redirection}"));
    shell.arg(program().get_program());
    shell
}

/// Forty silent clients need more descriptors than the limit allows. A stage with threads accepts as many
/// of them as it can, and then has to wait until their time is up. Stage 1 holds one connection at a time
/// and never reaches the limit.
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

    let reports = if stage == 1 { 0 } else { 1 };
    wait_until("the report", || server.errors().len() >= reports);
    let errors = server.errors();
    // A shortage that comes again after five seconds is a new one.
    let most = reports * (1 + elapsed.as_secs() as usize / 5);
    assert!(
        (reports..=most).contains(&errors.len()),
        "one line, however long it lasts: {errors:?}"
    );
    assert!(
        errors
            .iter()
            .all(|line| line.starts_with("Cannot accept connections")),
        "{errors:?}"
    );
    let worked = processor_seconds(server.id());
    assert!(
        worked < elapsed.as_secs_f64() / 4.0,
        "{worked} s of work in {elapsed:?}"
    );
}

/// The processor time that a process has used so far, in the kernel and outside it, according to Linux.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap() / 100.0)
        .sum()
}

/// A client that has sent the first half of its request.
fn half_a_request(addr: SocketAddr) -> TcpStream {
    send(addr, b"GET / HTTP/1.1\r\n")
}

/// Sends the second half. Returns the answer, if there is one.
fn the_other_half(mut client: TcpStream) -> Option<Reply> {
    client.write_all(b"\r\n").ok()?;
    Reply::read(&mut client).ok()
}

/// Here the shortage lasts until the test ends it. Meanwhile the server answers one client that connected
/// before the silent ones. A client that connects after them has to wait, but is not lost.
fn out_of_file_descriptors_it_serves_those_it_has_accepted(stage: usize) {
    let options = ["--sleep", "0.1"];
    let server = Server::launch(limited("-n 16"), stage, &options);
    let at_rest = at_rest(&server, stage);
    let early = half_a_request(server.addr);
    let silent: Vec<_> = (0..40).map(|_| connect(server.addr)).collect();
    let mut late = send(server.addr, b"GET / HTTP/1.1\r\n\r\n");
    if stage != 1 {
        wait_for("a report of the shortage", || {
            server.errors().into_iter().next()
        });
    }

    let reply = the_other_half(early).expect("an answer in the middle of the shortage");
    assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");

    drop(silent);
    let reply = Reply::read(&mut late).expect("an answer after the shortage");
    drop(late);
    // A pool may still be busy with the silent clients that have just closed.
    let rejected = stage >= 5 && reply.status == 503;
    assert!(
        (reply.status == 200 || rejected) && reply.is_whole(),
        "{reply:?}"
    );
    assert_all_is_well(&server, stage, at_rest);
    for line in server.errors() {
        assert!(line.starts_with("Cannot accept connections"), "{line}");
    }
}

/// A limit of the address space is also a limit of the threads, if each of them gets a large stack. The
/// rest is too small for one more thread, and more than enough for everything else. (A program that is
/// out of memory is aborted. That is not tested here.)
mod threads {
    use super::*;
    use crate::common::sleep_together;
    use ten_versus_five::STAGES;

    to_every_stage! {
        with_just_the_threads_it_needs_it_serves
        with_one_thread_less_it_reports_that
    }

    /// The program, which can start no more than this many threads besides its first one.
    fn with_threads(count: usize) -> Command {
        with_threads_and_redirected(count, "")
    }

    fn with_threads_and_redirected(count: usize, redirection: &str) -> Command {
        let stack = 256 * 1024; // KiB.
        let limit = format!("-v {}", count * stack + stack / 2);
        let mut command = limited_and_redirected(&limit, redirection);
        // In bytes, for every thread that the standard library starts.
        command.env("RUST_MIN_STACK", (stack * 1024).to_string());
        // By default, the GNU C library takes address space for a heap in each thread.
        command.env("MALLOC_ARENA_MAX", "1");
        command
    }

    /// The lines that a race short of threads prints on standard error.
    fn race_fails(threads: usize, arguments: &[&str]) -> Vec<String> {
        let mut race = with_threads(threads);
        let output = race.arg("race").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!errors.contains("panicked"), "{errors}");
        errors.lines().map(String::from).collect()
    }

    #[test]
    fn a_race_with_too_few_threads_for_its_requests_reports_that() {
        // The system accepts connections for it, but nothing answers them.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let errors = race_fails(2, &[&address, "--count", "3"]);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let reason = "The system has no threads for 3 requests: ";
        assert!(errors[0].starts_with(reason), "{errors:?}");
        assert!(errors[0].ends_with(" Send fewer with --count."));
    }

    #[test]
    fn a_race_with_too_few_threads_for_its_stages_reports_that() {
        for stage in ten_versus_five::compiled_in() {
            let number = stage.number.to_string();
            let did_not_start = format!("Stage {number} did not start.");
            // One that waits for the end of the race, one for rejections, and the workers.
            let errors = race_fails(0, &["--stage", &number]);
            let reason = "The system has no thread for a race: ";
            assert!(errors[0].starts_with(reason), "{errors:?}");
            assert_eq!(errors[1..], [did_not_start.as_str()]);
            if !stage.has_pool {
                continue;
            }
            let threads = 3 + usize::from(stage.rejects);
            let errors = race_fails(threads, &["--stage", &number, "--workers", "3"]);
            let reason = "The system has no threads for 3 workers: ";
            assert!(errors[0].starts_with(reason), "{errors:?}");
            let remedy = format!(" -- race --stage {number} --workers 1");
            assert!(errors[1].ends_with(&remedy), "{errors:?}");
            assert_eq!(errors[2..], [did_not_start.as_str()]);
        }
    }

    /// The threads that a stage needs for three clients at a time, besides its first one. A pool has three
    /// workers.
    fn threads_needed(stage: usize) -> usize {
        match stage {
            1 => 0,
            _ => 3 + usize::from(STAGES[stage - 1].rejects),
        }
    }

    const OPTIONS: [&str; 4] = ["--workers", "3", "--sleep", "0.1"];

    fn with_just_the_threads_it_needs_it_serves(stage: usize) {
        let command = with_threads(threads_needed(stage));
        let server = Server::launch(command, stage, &OPTIONS);
        for (_, reply) in sleep_together(server.addr, 3) {
            assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
        }
        assert_eq!(server.errors(), [""; 0]);
    }

    fn with_one_thread_less_it_reports_that(stage: usize) {
        match stage {
            1 => {} // It needs no other thread.
            2 => one_connection_is_lost(),
            _ => a_pool_does_not_start(stage),
        }
    }

    /// While the first two connections hold their threads, there is no thread for a third. They are
    /// answered, and after that other connections are.
    fn one_connection_is_lost() {
        let server = Server::launch(with_threads(2), 2, &OPTIONS);
        let two: Vec<_> = (0..2).map(|_| half_a_request(server.addr)).collect();
        for lost in 3..=10 {
            assert_lost(server.addr);
            let line = format!("request-{lost} is lost, no thread: ");
            wait_for("a line for every lost connection", || {
                let errors = server.errors();
                assert!(errors.len() <= lost - 2, "{errors:?}");
                errors.last()?.starts_with(&line).then_some(())
            });
        }
        for client in two {
            let reply = the_other_half(client).expect("an answer, as it has a thread");
            assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
        }
        wait_until("the two threads to be there for two others", || {
            let two: Vec<_> = (0..2).map(|_| half_a_request(server.addr)).collect();
            let mut replies = two.into_iter().map(the_other_half);
            let served = |reply: Option<Reply>| reply.is_some_and(|reply| reply.status == 200);
            replies.all(served)
        });
    }

    /// A connection that is made now is closed without an answer, or reset because bytes are unread.
    fn assert_lost(addr: SocketAddr) {
        let reply = Reply::read(&mut half_a_request(addr));
        assert!(reply.map_or(true, |reply| reply.status == 0));
    }

    #[cfg(feature = "stage2")]
    #[test]
    fn stage_2_serves_on_when_it_cannot_report_a_lost_connection() {
        let command = with_threads_and_redirected(1, "2>/dev/full");
        let server = Server::launch(command, 2, &OPTIONS);
        let one = half_a_request(server.addr);
        for _ in 0..5 {
            assert_lost(server.addr);
        }
        let reply = the_other_half(one).expect("an answer, as it has a thread");
        assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
    }

    /// A server must not run with fewer workers than the command line asks for. So the program prints the
    /// reason and ends.
    fn a_pool_does_not_start(stage: usize) {
        let command = with_threads(threads_needed(stage) - 1);
        let mut server = Server::spawn(command, stage, &OPTIONS);
        assert_eq!(server.wait().code(), Some(1));
        assert_eq!(server.output(), [""; 0]);
        let errors = wait_for("a reason, and what to do", || {
            let errors = server.errors();
            (errors.len() == 2).then_some(errors)
        });
        let reason = "The system has no threads for 3 workers: ";
        assert!(errors[0].starts_with(reason), "{errors:?}");
    }

    #[cfg(any(feature = "stage5", feature = "stage6", feature = "stage7"))]
    #[test]
    fn without_a_thread_for_rejections_the_program_reports_that_and_ends() {
        let rejecting = ten_versus_five::compiled_in().filter(|stage| stage.rejects);
        for stage in rejecting {
            let mut server = Server::spawn(with_threads(0), stage.number, &OPTIONS);
            assert_eq!(server.wait().code(), Some(1));
            let errors = wait_for("a reason", || {
                let errors = server.errors();
                (!errors.is_empty()).then_some(errors)
            });
            assert_eq!(errors.len(), 1, "{errors:?}");
            let reason = "There is no thread to reject requests on: ";
            assert!(errors[0].starts_with(reason), "{errors:?}");
        }
    }
}

/// The shell's limit of the size of a file is half a KiB or one, and a picture is larger. The system also
/// sends a signal, which would end a program that does not ignore it.
#[test]
fn an_older_picture_survives_one_for_which_there_is_no_room() {
    let directory = crate::common::repository::temporary().join("race_no_room");
    // A test that was interrupted may have left one.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).unwrap();
    let picture = directory.join("race.svg");
    std::fs::write(&picture, "old").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);

    let mut race = limited("-f 1 && trap '' XFSZ");
    race.args(["race", &address, "--svg"]).arg(&picture);
    let output = race.output().unwrap();
    let names: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    let survived = std::fs::read_to_string(&picture).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();

    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("Cannot write "), "{message}");
    assert_eq!(survived, "old");
    assert_eq!(names, ["race.svg"]);
}

/// On Linux, the file `/dev/full` is always full.
mod room_for_the_log {
    use super::*;

    to_every_stage! {
        it_serves_on_when_the_disk_for_its_log_is_full
        it_serves_on_when_its_output_is_closed
    }

    fn it_serves_on_when_the_disk_for_its_log_is_full(stage: usize) {
        serves_on(stage, ">/dev/full 2>/dev/full");
    }

    /// Then the next files that the program opens could get the numbers of standard output and standard
    /// error, and a client could get lines of the log.
    fn it_serves_on_when_its_output_is_closed(stage: usize) {
        serves_on(stage, ">&- 2>&-");
    }

    /// Silent clients cause a message on standard error too: there are not enough descriptors for them.
    fn serves_on(stage: usize, redirection: &str) {
        let command = limited_and_redirected("-n 16", redirection);
        let options = ["--sleep", "0.1"];
        let server = Server::launch_without_output(command, stage, &options);
        let at_rest = at_rest(&server, stage);
        let early = half_a_request(server.addr);
        let silent: Vec<_> = (0..40).map(|_| connect(server.addr)).collect();
        if stage != 1 {
            // The system takes the lowest free number first, and the limit is 16.
            let last = format!("/proc/{}/fd/15", server.id());
            wait_for("the last descriptor to be taken", || {
                std::fs::read_link(&last).ok()
            });
        }
        let reply = the_other_half(early).expect("an answer in the middle of the shortage");
        assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
        drop(silent);
        for _ in 0..20 {
            let reply = get_when_free(server.addr, "/");
            assert!(reply.status == 200 && reply.is_whole(), "{reply:?}");
        }
        assert_all_is_well(&server, stage, at_rest);
    }
}
