//! What does Enter do to a server, and to a request that it is working on?
//!
//! Enter counts only on a terminal, and the standard library cannot make one. On Linux the `script`
//! program can: it runs a command on a terminal of its own, and types what it is given.

#![cfg(all(target_os = "linux", any(feature = "stage3", feature = "stage7")))]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::common::{Reply, connect, program};

/// What becomes of a request for a slow page when Enter is pressed while it is worked on.
fn enter_during_a_request(stage: usize) -> std::io::Result<Reply> {
    let program = program().get_program().to_str().unwrap().to_owned();
    let command = format!("'{program}' --stage {stage} --addr 127.0.0.1:0 --sleep 2");
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux should be installed");
    let mut keyboard = script.stdin.take().unwrap();
    let mut screen = BufReader::new(script.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);

    let addr = screen.find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()));
    let addr = addr.unwrap().parse().unwrap();
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
        "it ends by itself, and well"
    );
    request.join().unwrap()
}

#[cfg(feature = "stage3")]
#[test]
#[ignore = "needs the script program"]
fn under_stage_3_the_request_is_cut_off() {
    let answered = enter_during_a_request(3).is_ok_and(|reply| reply.status != 0);
    assert!(!answered);
}

#[cfg(feature = "stage7")]
#[test]
#[ignore = "needs the script program"]
fn under_stage_7_the_request_is_answered() {
    let reply = enter_during_a_request(7).unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("Content-Length"),
        Some(reply.body.len().to_string().as_str())
    );
}
