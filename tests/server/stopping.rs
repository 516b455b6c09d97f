//! What does Enter do to a server, and to a request in flight?
//!
//! Enter stops a server only on a terminal.

#![cfg(all(target_os = "linux", any(feature = "stage3", feature = "stage7")))]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::thread;

use crate::common::{Reply, connect, on_a_terminal, program};
use ten_versus_five::server::foreground::{foreground_in_proc, foreground_in_ps};

/// The command of a shell that serves a stage.
fn serve(stage: usize, options: &str) -> String {
    let program = program().get_program().to_str().unwrap().to_owned();
    format!("'{program}' --stage {stage} --addr 127.0.0.1:0 --read-timeout 600 {options}")
}

/// The address in the first line that has one.
fn address(screen: &mut impl Iterator<Item = String>) -> SocketAddr {
    let addr = screen.find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()));
    addr.unwrap().parse().unwrap()
}

/// The answer to a request for a slow page, if Enter is pressed while a worker handles it.
fn enter_during_a_request(stage: usize) -> std::io::Result<Reply> {
    // Stage 3 does not wait for it.
    let sleep = if stage == 7 {
        "--sleep 2"
    } else {
        "--sleep 600"
    };
    let mut script = on_a_terminal(&serve(stage, sleep)).spawn().unwrap();
    let mut keyboard = script.stdin.take().unwrap();
    let mut screen = BufReader::new(script.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);

    let addr = address(&mut screen);
    assert!(screen.any(|line| line.starts_with("Enter or Ctrl-C stops")));
    let request = thread::spawn(move || {
        let mut client = connect(addr);
        client.write_all(b"GET /sleep HTTP/1.1\r\n\r\n")?;
        Reply::read(&mut client)
    });
    assert!(screen.any(|line| line.contains("got a job")));
    keyboard.write_all(b"\n").unwrap();

    assert_eq!(
        screen.filter(|line| line.contains("Goodbye")).count(),
        if stage == 7 { 4 } else { 0 }
    );
    assert!(
        script.wait().unwrap().success(),
        "it ends by itself, successfully"
    );
    request.join().unwrap()
}

#[cfg(feature = "stage3")]
#[test]
#[ignore = "needs the script program"]
fn in_stage_3_the_request_is_cut_off() {
    let answered = enter_during_a_request(3).is_ok_and(|reply| reply.status != 0);
    assert!(!answered);
}

#[cfg(feature = "stage7")]
#[test]
#[ignore = "needs the script program"]
fn in_stage_7_the_request_is_answered() {
    let reply = enter_during_a_request(7).unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.is_whole(), "{reply:?}");
}

/// The system would suspend a server in the background that reads from the terminal. With `set -m`, a
/// shell in a script puts commands into the background as an interactive shell does.
#[cfg(feature = "stage7")]
#[test]
#[ignore = "needs the script program"]
fn a_server_in_the_background_does_not_read_from_the_terminal() {
    let serve = serve(7, "--requests 1");
    let mut script = on_a_terminal(&format!("set -m; {serve} & wait"))
        .spawn()
        .unwrap();
    let _keyboard = script.stdin.take().unwrap();
    let mut screen = BufReader::new(script.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);

    let addr = address(&mut screen);
    assert!(screen.any(|line| line.starts_with("Ctrl-C stops")));
    assert_eq!(crate::common::get(addr, "/").status, 200);
    assert!(script.wait().unwrap().success());
}

#[test]
fn linux_and_ps_report_which_process_is_in_the_foreground() {
    // The numbers: the parent, the group, the session, the terminal, and the group in the foreground.
    assert!(foreground_in_proc("7 (a) b) S 1 7 5 34816 7 4194304"));
    assert!(!foreground_in_proc("7 (a) b) S 1 7 5 34816 5 4194304"));
    assert!(!foreground_in_proc("7 (a) b) S 1 7 5 0 -1 4194304"));
    assert!(!foreground_in_proc(""));

    assert!(foreground_in_ps("S+\n") && foreground_in_ps("Ss+\n"));
    assert!(!foreground_in_ps("S\n") && !foreground_in_ps("TN\n") && !foreground_in_ps(""));
}
