//! Does the race tell the truth about real servers: the stages, and other servers?
//!
//! Every verdict here compares times. The sleeps are a second long, and a verdict would have to be
//! off by half of that to be wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use crate::common::{Nowhere, program, until_told};

/// What a race printed, and its exit code.
fn race(arguments: &[&str]) -> (String, i32) {
    output(program().arg("race").args(arguments))
}

fn output(command: &mut Command) -> (String, i32) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (stdout, status.code().expect("it ends by itself"))
}

#[cfg(any(
    feature = "stage1",
    feature = "stage2",
    feature = "stage3",
    feature = "stage4",
    feature = "stage5",
    feature = "stage6",
    feature = "stage7"
))]
mod against_the_stages {

    use std::collections::BTreeSet;
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use ten_versus_five::compiled_in;
    use ten_versus_five::race::server::COMMAND;

    use super::*;
    use crate::common::{Reply, connect};

    /// The lines of the results.
    fn results(stdout: &str) -> Vec<&str> {
        stdout
            .lines()
            .skip_while(|line| !line.contains("waiting"))
            // The legend may take two lines.
            .skip_while(|line| line.starts_with(' '))
            .collect()
    }

    /// How many seconds late the last answer may be on a busy machine.
    const LATE: f64 = 6.0;

    /// A race of `count` requests, with a sleep of a second and a queue for all of them. A machine that is
    /// busy may hide a verdict, but not for ever, and never for a wrong one.
    fn check(count: usize, expected: [(u32, &str); 7]) {
        let mut untold: BTreeSet<usize> = compiled_in().map(|stage| stage.number).collect();
        until_told(|| {
            let told = told_by_a_race(count, expected);
            untold.retain(|stage| !told.contains(stage));
            untold.is_empty().then_some(())
        });
    }

    /// The stages on which such a race has a verdict. All of these are right.
    fn told_by_a_race(count: usize, expected: [(u32, &str); 7]) -> Vec<usize> {
        let mut told = Vec::new();
        let count = count.to_string();
        let (stdout, code) = race(&[
            "--stage", "all", "--sleep", "1", "--count", &count, "--queue", &count,
        ]);
        assert!(
            !stdout.contains("got a job"),
            "the chart, without the output of the servers"
        );
        assert_eq!(code, i32::from(stdout.contains("x rejected")), "{stdout}");
        let mut results = results(&stdout).into_iter();
        for stage in compiled_in() {
            let result = results.next().unwrap();
            let label = format!("stage {}  {}  ", stage.number, stage.name);
            let rest = result.strip_prefix(&label).expect("label first");
            let (time, verdict) = rest.split_once(" s  ").unwrap();
            let (seconds, expected) = expected[stage.number - 1];
            if verdict.starts_with("cannot tell: ") {
                continue;
            }
            told.push(stage.number);
            assert_eq!(verdict, expected, "{stdout}");
            let late = time.parse::<f64>().unwrap() - f64::from(seconds);
            assert!((0.0..LATE).contains(&late), "{stdout}");
        }
        assert_eq!(results.next(), None);
        told
    }

    #[test]
    fn two_requests() {
        let (serial, both) = ((2, "one after another"), (1, "side by side"));
        check(2, [serial, both, both, serial, both, both, both]);
    }

    #[test]
    fn six_requests() {
        let (serial, waves) = ((6, "one after another"), (2, "4 at a time"));
        let rejecting = (1, "side by side, 4 of 6 answered");
        check(
            6,
            [
                serial,
                (1, "side by side"),
                waves,
                serial,
                rejecting,
                waves,
                waves,
            ],
        );
    }

    #[cfg(feature = "stage3")]
    #[test]
    fn one_stage_with_other_workers() {
        let options = "--stage 3 --workers 1 -n 3 --sleep 0.5";
        let (stdout, _) = settled("one after another", || {
            race(&options.split(' ').collect::<Vec<_>>())
        });
        assert_eq!(results(&stdout).len(), 1, "{stdout}");
    }

    /// The queue of a pool grows as long as more requests come than its worker can answer.
    #[cfg(feature = "stage3")]
    #[test]
    fn at_a_fixed_rate_above_that_of_the_workers_each_answer_takes_longer() {
        let seconds = |stdout: &str| {
            let result = stdout.lines().last().unwrap();
            let (_, times) = result.split_once("answers took ")?;
            let (shortest, longest) = times.strip_suffix(" s")?.split_once(" to ")?;
            Some([shortest, longest].map(|time| time.parse::<f64>().unwrap()))
        };
        let [shortest, longest] = until_told(|| {
            let options = "--stage 3 --workers 1 --sleep 0.2 --every 0.1 -n 8";
            let (stdout, code) = race(&options.split(' ').collect::<Vec<_>>());
            assert_eq!(code, 0, "{stdout}");
            seconds(&stdout)
        });
        // The last one is due after 0.7 s, and eight of 0.2 s take 1.6 s.
        assert!(shortest >= 0.2 && longest >= 0.8, "{shortest} to {longest}");
    }

    /// The running chart needs this report: the answer comes too late for it.
    #[test]
    fn a_server_of_a_race_reports_a_request_before_it_is_answered() {
        for stage in compiled_in() {
            let mut child = program()
                .args([COMMAND, "--stage", &stage.number.to_string()])
                .args(["--addr", "127.0.0.1:0", "--read-timeout", "30"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let stdout = BufReader::new(child.stdout.take().unwrap());
            let mut lines = stdout.lines().map(Result::unwrap);
            let mut client = connect(lines.next().unwrap().parse().unwrap());

            client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            let reply = Reply::read(&mut client).unwrap();
            let thread = reply.header("X-Served-By").unwrap();

            // The line with the arrow is in the log when the request is answered.
            let report = lines.find(|line| line.starts_with("picked up ") || line.contains(" -> "));
            let port = client.local_addr().unwrap().port();
            assert_eq!(report, Some(format!("picked up {port} {thread}")));

            // The server ends with the race: when its standard input is closed.
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success());
        }
    }

    #[test]
    fn the_chart_is_as_wide_and_as_plain_as_it_should_be() {
        let chart = |locale, columns| {
            let mut race = program();
            race.args(["race", "--sleep", "0.1"])
                .env("LC_ALL", locale)
                .env("COLUMNS", columns);
            output(&mut race).0
        };
        let plain = chart("C", "60");
        assert!(plain.is_ascii(), "{plain}");
        let unicode = chart("C.UTF-8", "100");
        assert!(unicode.contains('█'), "{unicode}");
        let width = |chart: &str| {
            let bars = chart.lines().filter(|line| line.starts_with("  "));
            bars.map(|line| line.chars().count()).max()
        };
        assert_eq!((width(&plain), width(&unicode)), (Some(60), Some(100)));
        // It is not a terminal.
        assert!(!unicode.contains('\x1b'));
    }

    #[test]
    fn a_picture_is_written() {
        let file = crate::common::repository::temporary().join("race.svg");
        let (stdout, code) = race(&["--sleep", "0.1", "--svg", file.to_str().unwrap()]);
        assert_eq!(code, 0);
        let picture = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        for result in results(&stdout) {
            assert!(picture.contains(result), "{result} is not in {picture}");
        }
    }
}

type Serve = fn(TcpStream);

/// A server of the test's own. It calls `serve` with each of two connections, on new threads or not.
fn server(threads: bool, serve: Serve) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(2).map(Result::unwrap) {
            if threads {
                thread::spawn(move || serve(stream));
            } else {
                serve(stream);
            }
        }
    });
    addr
}

/// Reads a request, and returns its first line.
fn read_request(stream: &mut TcpStream) -> String {
    let request = crate::common::read_request(stream).unwrap();
    request.lines().next().unwrap().to_owned()
}

/// An answer after a second, with as few headers as in many tutorials.
fn slow_and_bare(mut stream: TcpStream) {
    // Exactly this line: some servers compare it as a whole.
    assert_eq!(read_request(&mut stream), "GET /slow HTTP/1.1");
    thread::sleep(Duration::from_secs(1));
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/// Answers a request at once, with this head.
fn answer(mut stream: TcpStream, head: &str) {
    read_request(&mut stream);
    let _ = write!(stream, "{head}\r\n\r\n");
}

/// A race that ends with this verdict. A machine that is busy may hide it, so there are several, but none
/// with another verdict.
fn settled(verdict: &str, race: impl Fn() -> (String, i32)) -> (String, i32) {
    until_told(|| {
        let (stdout, code) = race();
        if stdout.ends_with(&format!("  {verdict}\n")) {
            return Some((stdout, code));
        }
        assert!(stdout.contains("  cannot tell: "), "{stdout}");
        None
    })
}

fn race_against(addr: SocketAddr, options: &[&str]) -> (String, i32) {
    let target = format!("{addr}/slow");
    let (stdout, code) = race(&[&[target.as_str()], options].concat());
    assert!(
        stdout.contains(&format!("\n{target}  ")),
        "the result names the server: {stdout}"
    );
    (stdout, code)
}

#[test]
fn a_bare_server_runs_side_by_side_if_it_has_threads() {
    for (threads, verdict) in [(false, "one after another"), (true, "side by side")] {
        let race = || race_against(server(threads, slow_and_bare), &[]);
        let (stdout, code) = settled(verdict, race);
        assert!(stdout.contains("the server does not tell"), "{stdout}");
        assert_eq!(code, 0);
    }
}

#[test]
fn two_servers_are_raced_in_one_chart() {
    let race_both = || {
        let targets =
            [false, true].map(|threads| format!("{}/slow", server(threads, slow_and_bare)));
        let (stdout, code) = race(&[&targets[0], &targets[1]]);
        let lines: Vec<&str> = stdout.lines().collect();
        let results = &lines[lines.len() - 2..];
        for (target, (result, right)) in targets
            .iter()
            .zip(results.iter().zip(["one after another", "side by side"]))
        {
            assert!(result.starts_with(&format!("{target}  ")), "{stdout}");
            let fine = result.ends_with(right) || result.contains("  cannot tell: ");
            assert!(fine, "{stdout}");
        }
        (stdout, code)
    };
    let (_, code) = settled("side by side", race_both);
    assert_eq!(code, 0);
}

/// This is said of both requests, and no verdict.
fn assert_not_answered(addr: SocketAddr, said: &str) {
    // Only the one that is waited for in vain has to be given up soon.
    let timeout = if said.contains("within") { "0.5" } else { "60" };
    let (stdout, code) = race_against(addr, &["--timeout", timeout]);
    assert_eq!(stdout.matches(said).count(), 2, "{said}: {stdout}");
    let end = "  -  none of 2 answered with 200\n";
    assert!(
        stdout.ends_with(end) && !stdout.contains('\x1b'),
        "{stdout}"
    );
    assert_eq!(code, 1);
}

#[test]
fn a_server_that_does_not_answer_with_200_does_not_run_side_by_side() {
    assert_not_answered(Nowhere::new().addr, "nothing listens there");
    let servers: [(&str, Serve); 5] = [
        ("closed without a whole answer", |mut it| {
            drop(read_request(&mut it))
        }),
        ("no answer within 0.5 s", |mut it| {
            drop(it.read_to_end(&mut Vec::new()))
        }),
        ("503, too busy", |it| {
            answer(it, "HTTP/1.1 503 Service Unavailable")
        }),
        ("the answer is not HTTP", |it| {
            answer(it, "220 \x1b[2Jmail ready")
        }),
        ("status 500: see its log", |it| {
            answer(it, "HTTP/1.1 500 Oh\r\nContent-Length: 0")
        }),
    ];
    for (said, serve) in servers {
        assert_not_answered(server(true, serve), said);
    }
}

/// To close while the request is unread resets the connection.
#[test]
fn a_server_that_resets() {
    let addr = server(true, |stream| drop(stream.peek(&mut [0])));
    assert_not_answered(addr, "the connection was reset");
}

/// A race against a server that answers at once.
fn race_to_be_answered() -> Command {
    let addr = server(true, |stream| {
        answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0")
    });
    let mut race = program();
    race.arg("race").arg(addr.to_string());
    race
}

#[cfg(unix)]
#[test]
fn results_that_cannot_be_printed_are_a_failure_and_not_a_panic() {
    crate::common::assert_fails_without_output(race_to_be_answered);
}

/// An answer after a second, with this time in its `Server-Timing`.
fn slow_and_reporting(mut stream: TcpStream, milliseconds: &str) {
    read_request(&mut stream);
    thread::sleep(Duration::from_secs(1));
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer-Timing: handle;dur={milliseconds}\r\n\r\n"
    );
}

#[test]
fn a_server_that_reports_no_work_or_too_much_never_gets_the_wrong_verdict() {
    // Of more work than is possible, the clock judges. No work at all: any more could overlap by chance, and agree
    // with the clock.
    let too_much: Serve = |stream| slow_and_reporting(stream, "86400000");
    let none: Serve = |stream| slow_and_reporting(stream, "0");
    let not_told = "the server does not tell";
    let cannot_tell = "cannot tell: the server and the clock disagree";
    for (liar, threads, verdict, said) in [
        (too_much, true, "side by side", not_told),
        (too_much, false, "one after another", not_told),
        (none, true, cannot_tell, ""),
        (none, false, "one after another", ""),
    ] {
        let (stdout, code) = settled(verdict, || race_against(server(threads, liar), &[]));
        assert!(stdout.contains(said), "{stdout}");
        assert_eq!(code, 0);
    }
}

mod picture {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// A directory of the test's own, which is removed with this value.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Directory {
            let path = crate::common::repository::temporary().join(name);
            // A test that was interrupted may have left one.
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Directory(path)
        }

        fn join(&self, name: impl AsRef<Path>) -> PathBuf {
            self.0.join(name)
        }

        /// The names in it.
        fn names(&self) -> Vec<std::ffi::OsString> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A race with a picture.
    fn race_to(path: &OsStr) -> Output {
        let mut race = race_to_be_answered();
        race.arg("--svg").arg(path).output().unwrap()
    }

    #[test]
    fn a_path_that_cannot_be_written_is_reported_before_anything_is_sent() {
        let directory = Directory::new("race_unwritable");
        for path in ["no such folder/race.svg", ""] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let output = program()
                .args(["race", &listener.local_addr().unwrap().to_string(), "--svg"])
                .arg(directory.join(path))
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{path}");
            assert_eq!(output.stdout, b"", "{path}");
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(message.starts_with("Cannot write "), "{message}");
            assert!(
                listener.accept().is_err(),
                "{path}: no client has connected"
            );
        }
        assert!(directory.names().is_empty());
    }

    #[test]
    fn an_older_picture_is_replaced_and_nothing_is_left_beside_it() {
        let directory = Directory::new("race_replaced");
        let path = directory.join("race.svg");
        for _ in 0..2 {
            let output = race_to(path.as_os_str());
            assert!(output.status.success(), "{output:?}");
            let picture = fs::read_to_string(&path).unwrap();
            assert!(picture.ends_with("</svg>\n"), "{picture}");
            fs::write(&path, "old ".repeat(10_000)).unwrap();
        }
        assert_eq!(directory.names(), ["race.svg"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_written_to_and_stays_what_it_is() {
        let directory = Directory::new("race_special");
        let output = race_to(OsStr::new("/dev/stdout"));
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.ends_with("</svg>\n"), "{stdout}");

        let (link, file) = (directory.join("link.svg"), directory.join("file.svg"));
        std::os::unix::fs::symlink("file.svg", &link).unwrap();
        for _ in 0..2 {
            let output = race_to(link.as_os_str());
            assert!(output.status.success(), "{output:?}");
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert!(fs::read_to_string(&file).unwrap().ends_with("</svg>\n"));
        }
    }

    /// Some file systems take no other names than UTF-8, but those of Linux do.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_utf_8_stays_as_it_is() {
        use std::os::unix::ffi::OsStrExt;
        let name = OsStr::from_bytes(b"caf\xe9.svg");
        let directory = Directory::new("race_latin_1");
        let output = race_to(directory.join(name).as_os_str());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(directory.names(), [name]);
    }
}

#[test]
fn an_address_cannot_send_control_characters_to_a_terminal_or_markup_to_a_picture() {
    let answer = |mut stream: TcpStream| {
        assert_eq!(read_request(&mut stream), "GET /%E2%80%AE<&\" HTTP/1.1");
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    };
    let target = format!("{}/\u{202e}<&\"#fragment", server(true, answer));
    let mut race = program();
    race.args(["race", &target, "--svg", "-"]);
    // A file of that name, in a directory that is the test's.
    let file = crate::common::repository::temporary().join("-");
    race.current_dir(file.parent().unwrap()).env("LC_ALL", "C");
    let (stdout, code) = output(&mut race);
    let picture = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.is_ascii() && !stdout.contains('\x1b'), "{stdout}");
    assert!(picture.is_ascii(), "{picture}");
    assert!(picture.contains("/%E2%80%AE&lt;&amp;&quot;  "), "{picture}");
}
