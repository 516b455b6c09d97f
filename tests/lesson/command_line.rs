//! What does the program say, and to which command?

use std::ffi::OsString;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use crate::common::program;
use ten_versus_five::STAGES;
use ten_versus_five::cli::{self, Command};
use ten_versus_five::race::Against;

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A mistake: exit code 2, nothing on standard output, and this on standard error.
fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!complaint.contains("panicked"), "{complaint}");
    complaint
}

fn compiled_in() -> Vec<usize> {
    ten_versus_five::compiled_in()
        .map(|stage| stage.number)
        .collect()
}

#[test]
fn help_and_version_need_no_stage() {
    for flag in ["-h", "--help"] {
        let output = run(&[flag]);
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), cli::HELP);
    }
    for flag in ["-V", "--version"] {
        let output = run(&[flag]);
        assert!(output.status.success());
        let expected = format!("ten-versus-five {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

/// What cannot be written was not printed, whatever the reason.
#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_printed_is_a_failure_and_not_a_panic() {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};
    for flag in ["--help", "--version"] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = program().arg(flag).stdout(full.unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{flag}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        let reason = "Cannot write to standard output: ";
        assert!(complaint.starts_with(reason), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");

        let (stdout, reader) = UnixStream::pair().unwrap();
        drop(reader);
        let mut help = program();
        help.arg(flag).stdout(OwnedFd::from(stdout));
        let output = help.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{flag}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{flag}");
    }
}

#[test]
fn without_a_choice_of_stage_the_commands_are_listed() {
    let stages = compiled_in();
    if stages.len() == 1 {
        return; // Then there is nothing to choose: see the next test.
    }
    let complaint = complaint(&[]);
    for stage in &STAGES {
        let command = match stages.as_slice() {
            [] => format!("    cargo run --features stage{} ", stage.number),
            _ => format!(
                "    cargo run {} -- --stage {} ",
                cli::features(),
                stage.number
            ),
        };
        let listed = complaint.contains(&command);
        assert_eq!(
            listed,
            stages.is_empty() || stages.contains(&stage.number),
            "{complaint}"
        );
    }
}

#[test]
fn the_only_stage_is_chosen_without_asking() {
    if let [only] = compiled_in()[..] {
        let Ok(Command::Serve(options)) = cli::parse([]) else {
            panic!("it should serve")
        };
        assert_eq!(options.stage.number, only);
    }
}

#[test]
fn a_stage_that_is_not_there_is_told_from_one_that_is_not_compiled_in() {
    assert!(complaint(&["--stage", "99"]).contains("There is no stage 99"));
    for stage in STAGES.iter().filter(|stage| stage.serve.is_none()) {
        let number = stage.number.to_string();
        let command = format!("cargo run --features stage{number}");
        assert!(complaint(&["--stage", &number]).contains(&command));
    }
}

#[test]
fn a_mistake_is_answered_with_what_would_be_right() {
    for (arguments, part) in [
        (&["--colour"][..], "\"--colour\" means nothing here"),
        (&["stage3"], "\"stage3\" means nothing here"),
        (&["--sleep"], "--sleep needs a value"),
        (&["--sleep", "soon"], "like 5 or 0.25"),
        (&["--sleep", "-1"], "like 5 or 0.25"),
        (&["--sleep", "NaN"], "like 5 or 0.25"),
        (&["--sleep", "inf"], "like 5 or 0.25"),
        (&["--sleep", "1e9"], "up to 86400"),
        (&["--workers", "0"], "from 1 to 1024"),
        (&["--workers", "1025"], "from 1 to 1024"),
        (&["--workers", "many"], "from 1 to 1024"),
        (&["--requests", "0"], "from 1 on"),
        (&["--stage", "three"], "from 1 on"),
        (&["--read-timeout", "0"], "more than 0"),
        (&["--read-timeout", "1e-12"], "more than 0"),
        (&["--addr", "7878"], "like 127.0.0.1:7878"),
        (&["--addr", ":7878"], "like 127.0.0.1:7878"),
        (&["--addr", "127.0.0.1:65536"], "like 127.0.0.1:7878"),
        (&["--addr="], "like 127.0.0.1:7878"),
        (&["--svg", "race.svg"], "\"--svg\" means nothing here"),
        (
            &["race", "--requests", "3"],
            "\"--requests\" means nothing here",
        ),
        (&["race", "--count", "0"], "from 1 to 100"),
        (&["race", "-n", "101"], "from 1 to 100"),
        (&["race", "-n"], "-n needs a value"),
        (&["race", "--timeout", "0"], "more than 0"),
        (&["race", "localhost"], "like 127.0.0.1:7878"),
        (&["race", "http://localhost/slow"], "like 127.0.0.1:7878"),
        (&["race", "127.0.0.1:80/a b"], "no spaces"),
        (&["race", "127.0.0.1:80/\u{1b}[2J"], "no spaces"),
        (&["race", "https://localhost:443/"], "speaks plain HTTP"),
        (&["race", "::1:80"], "[::1]:7878"),
        (
            &["race", "127.0.0.1:80", "--stage", "1"],
            "exclude each other",
        ),
        (&["race", "--stage", "99"], "There is no stage 99"),
    ] {
        let complaint = complaint(arguments);
        assert!(complaint.contains(part), "{arguments:?}: {complaint}");
        assert!(complaint.lines().count() <= 2, "{complaint}");
    }
}

/// The program is not run for this: were an option taken, it might serve, for ever.
#[test]
fn an_option_of_one_command_means_nothing_to_the_other() {
    let meaningless = |arguments: &[&str]| {
        let option = arguments[arguments.len() - 2];
        let Err(mistake) = cli::parse(arguments.iter().map(OsString::from)) else {
            panic!("{arguments:?} should not be understood")
        };
        let expected = format!("{option:?} means nothing here");
        assert!(mistake.to_string().contains(&expected), "{mistake}");
    };
    for (option, value) in [
        ("--addr", "127.0.0.1:0"),
        ("--requests", "3"),
        ("--read-timeout", "2"),
    ] {
        meaningless(&["race", option, value]);
        meaningless(&["race", "127.0.0.1:80", option, value]);
    }
    for (option, value) in [
        ("-n", "3"),
        ("--count", "3"),
        ("--svg", "race.svg"),
        ("--timeout", "2"),
        ("127.0.0.1:80", "race"),
    ] {
        meaningless(&[option, value]);
        meaningless(&["--sleep", "1", option, value]);
    }
}

#[test]
fn a_race_without_stages_says_how_to_get_them() {
    if compiled_in().is_empty() {
        assert!(complaint(&["race"]).contains("cargo run --all-features -- race"));
    }
}

#[test]
fn a_race_takes_its_options_and_an_address_in_any_form() {
    for address in [
        "127.0.0.1:8000",
        "127.0.0.1:8000/sleep",
        "http://127.0.0.1:8000/sleep",
    ] {
        let arguments = ["race", "--timeout=2", address, "-n", "6", "--svg", "a.svg"];
        let Ok(Command::Race(race)) = cli::parse(arguments.map(OsString::from)) else {
            panic!("{address} should be understood")
        };
        assert_eq!((race.count, race.timeout), (6, Duration::from_secs(2)));
        assert_eq!(race.svg.as_deref(), Some(Path::new("a.svg")));
        let Against::Address(target) = race.against else {
            panic!("{address}")
        };
        assert_eq!(target.to_string(), "127.0.0.1:8000/sleep");
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_text_is_a_mistake_like_any_other() {
    use std::os::unix::ffi::OsStringExt;
    let not_text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    for arguments in [
        &[not_text(b"--\xff")][..],
        &[not_text(b"--\xff=5")],
        &[not_text(b"--sleep=\xff")],
        &["--sleep".into(), not_text(b"\xff")],
        &["race".into(), not_text(b"127.0.0.1:80/\xff")],
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("\\xFF"), "{complaint}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_s_name_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let name = OsString::from_vec(b"caf\xe9=.svg".to_vec());
    let behind = OsString::from_vec(b"--svg=caf\xe9=.svg".to_vec());
    let address = OsString::from("127.0.0.1:80");
    for option in [&["--svg".into(), name.clone()][..], &[behind]] {
        let arguments = [&["race".into(), address.clone()], option].concat();
        let Ok(Command::Race(race)) = cli::parse(arguments) else {
            panic!("{option:?} should be understood")
        };
        assert_eq!(race.svg.unwrap().into_os_string(), name);
    }
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
mod with_a_stage {
    use std::io::{self, ErrorKind};
    use std::net::TcpListener;

    use ten_versus_five::cli::Options;

    use super::*;
    use crate::common::{Server, connect, get_when_free, wait_for};

    /// The options that these arguments give to a stage which is compiled in.
    fn options(arguments: &[&str]) -> Options {
        let stage = format!("--stage={}", compiled_in()[0]);
        let arguments = [&[stage.as_str()], arguments].concat();
        match cli::parse(arguments.iter().map(OsString::from)) {
            Ok(Command::Serve(options)) => options,
            Ok(_) => panic!("{arguments:?} is not a command to serve"),
            Err(mistake) => panic!("{arguments:?}: {mistake}"),
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_lesson() {
        let options = options(&[]);
        assert_eq!(options.addr, "127.0.0.1:7878");
        assert_eq!(options.sleep, Duration::from_secs(5));
        assert_eq!(options.workers, 4);
        assert_eq!(options.requests, None);
        assert_eq!(options.read_timeout, Duration::from_secs(1));
    }

    #[test]
    fn a_value_follows_its_option_and_the_last_one_counts() {
        let options = options(&[
            "--sleep=0.5",
            "--workers",
            "8",
            "--requests=3",
            "--addr",
            "[::1]:0",
            "--read-timeout",
            "2",
            "--sleep",
            "1.5",
        ]);
        assert_eq!(options.sleep, Duration::from_millis(1500));
        assert_eq!(options.workers, 8);
        assert_eq!(options.requests, Some(3));
        assert_eq!(options.addr, "[::1]:0");
        assert_eq!(options.read_timeout, Duration::from_secs(2));
    }

    #[test]
    fn a_port_in_use_is_named_with_a_way_out() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let output = run(&["--stage", &compiled_in()[0].to_string(), "--addr", &addr]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            complaint.starts_with(&format!("{addr} is in use")),
            "{complaint}"
        );
        assert!(complaint.contains("--addr 127.0.0.1:0"), "{complaint}");
    }

    /// Windows says so of a port that it has reserved, and Unix of one below 1024.
    #[test]
    fn a_port_that_the_system_reserves_gets_the_same_hint() {
        let options = options(&["--addr", "127.0.0.1:80"]);
        let error = io::Error::from(ErrorKind::PermissionDenied);
        let complaint = cli::cannot_listen(&options, &error);
        let expected = format!("to listen on 127.0.0.1:80: {error}");
        assert!(complaint.contains(&expected), "{complaint}");
        assert!(complaint.contains("--addr 127.0.0.1:0"), "{complaint}");
        assert_eq!(complaint.lines().count(), 2, "{complaint}");
    }

    #[test]
    fn a_host_that_is_not_here_is_a_failure_and_not_a_panic() {
        // 192.0.2.1 is nobody's: RFC 5737 keeps it for documentation.
        let stage = compiled_in()[0].to_string();
        let output = run(&["--stage", &stage, "--addr", "192.0.2.1:7878"]);
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            complaint.starts_with("Cannot listen on 192.0.2.1:7878: "),
            "{complaint}"
        );
    }

    #[test]
    fn the_banner_says_which_stage_it_is_what_to_type_and_what_to_expect() {
        for stage in compiled_in() {
            let name = STAGES[stage - 1].name;
            let server = Server::start(stage, &["--sleep", "1.5"]);
            let banner = wait_for("the banner", || {
                let text = server.output().join("\n");
                text.contains("Ctrl-C").then_some(text)
            });
            assert!(
                banner.starts_with(&format!("Stage {stage}, {name}, ")),
                "{banner}"
            );
            assert!(
                banner.contains(&format!(" -- race {}\n", server.addr)),
                "{banner}"
            );
            let two_in_a_row = banner.contains("3 s");
            assert_eq!(two_in_a_row, matches!(stage, 1 | 4), "{banner}");
        }
    }

    /// The connections are counted, not what comes over them.
    #[test]
    fn it_stops_after_as_many_connections_as_it_was_told() {
        for stage in compiled_in() {
            let mut server = Server::start(stage, &["--requests", "3", "--read-timeout", "0.1"]);
            for _ in 0..3 {
                drop(connect(server.addr));
            }
            assert!(server.wait().success());
        }
    }

    #[test]
    fn it_serves_on_when_nobody_reads_what_it_says() {
        for stage in compiled_in() {
            let server = Server::start(stage, &[]);
            server.close_output();
            for _ in 0..20 {
                assert_eq!(get_when_free(server.addr, "/").status, 200);
            }
        }
    }
}
