//! What does the program print, for which command?

use std::ffi::OsString;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

#[cfg(unix)]
use crate::common::assert_fails_without_output;
use crate::common::program;
use ten_versus_five::STAGES;
use ten_versus_five::command::{self, Command};
use ten_versus_five::race::Against;

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// What the program prints on standard error about a mistake. The exit code is 2, and there is nothing on
/// standard output.
fn message_about(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// The same without running the program.
fn mistake(arguments: &[&str]) -> String {
    let Err(mistake) = command::parse(arguments.iter().map(OsString::from)) else {
        panic!("{arguments:?} should not be understood")
    };
    mistake.to_string()
}

fn compiled_in() -> Vec<usize> {
    ten_versus_five::compiled_in()
        .map(|stage| stage.number)
        .collect()
}

#[test]
fn help_fits_into_a_narrow_window_and_loses_no_word() {
    let words = |text: &str| {
        text.split_whitespace()
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let wide = command::help(1000);
    for columns in [60, 80] {
        let help = command::help(columns);
        assert_eq!(words(&help), words(&wide));
        for line in help.lines() {
            assert!(line.chars().count() <= columns, "{line}");
        }
    }
}

#[test]
fn help_and_version_need_no_stage() {
    for flag in ["-h", "--help"] {
        for (columns, width) in [("60", 60), ("200", 80)] {
            let output = program()
                .arg(flag)
                .env("COLUMNS", columns)
                .output()
                .unwrap();
            assert!(output.status.success());
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed, command::help(width));
        }
    }
    for flag in ["-V", "--version"] {
        let output = run(&[flag]);
        assert!(output.status.success());
        let expected = format!("ten-versus-five {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[cfg(unix)]
#[test]
fn help_that_cannot_be_printed_is_a_failure_and_not_a_panic() {
    for flag in ["--help", "--version"] {
        assert_fails_without_output(|| {
            let mut help = program();
            help.arg(flag);
            help
        });
    }
}

#[test]
fn without_a_choice_of_stage_the_commands_are_listed() {
    let stages = compiled_in();
    if stages.len() == 1 {
        return; // Then there is no choice: see the next test.
    }
    let message = message_about(&[]);
    for stage in &STAGES {
        let command = match stages.as_slice() {
            [] => format!("    cargo run --features stage{} ", stage.number),
            _ => format!(
                "    cargo run {} -- --stage {} ",
                ten_versus_five::stage::features(),
                stage.number
            ),
        };
        let listed = message.contains(&command);
        assert_eq!(
            listed,
            stages.is_empty() || stages.contains(&stage.number),
            "{message}"
        );
    }
}

#[test]
fn the_only_stage_compiled_in_is_the_default() {
    if let [only] = compiled_in()[..] {
        let Ok(Command::Serve(options)) = command::parse([]) else {
            panic!("it should serve")
        };
        assert_eq!(options.stage.number, only);
    }
}

#[test]
fn a_stage_that_does_not_exist_is_distinguished_from_one_that_is_not_compiled_in() {
    assert!(message_about(&["--stage", "99"]).contains("There is no stage 99"));
    for stage in STAGES.iter().filter(|stage| stage.serve.is_none()) {
        let number = stage.number.to_string();
        let command = format!("cargo run --features stage{number}");
        assert!(message_about(&["--stage", &number]).contains(&command));
    }
}

#[test]
fn the_message_about_a_mistake_says_what_would_be_right() {
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
        (&["race", "localhost/slow"], "like 127.0.0.1:7878"),
        (&["race", "http://localhost:/slow"], "like 127.0.0.1:7878"),
        (&["race", "--stage", "every"], "a whole number from 1 on"),
        (&["race", "--every", "0"], "more than 0"),
        (&["race", "--every", "1", "--ask"], "exclude each other"),
        (&["race", "127.0.0.1:80/a b"], "no spaces"),
        (&["race", "127.0.0.1:80/\u{1b}[2J"], "no spaces"),
        (&["race", "https://localhost:443/"], "speaks plain HTTP"),
        (&["race", "::1:80"], "[::1]:7878"),
        (
            &["race", "127.0.0.1:80", "--stage", "1"],
            "exclude each other",
        ),
        (&["race", "--stage", "99"], "There is no stage 99"),
        (&["race", "--notes", "notes.txt"], "ask for both"),
        (&["race", "--lock", "127.0.0.1:7878"], "exclude each other"),
        (&["race", "--lock=yes"], "means nothing here"),
        (&["--notes", "notes.txt"], "means nothing here"),
        (&["explore", "--workers", "0"], "from 1 to 63"),
        (&["explore", "--workers", "64"], "from 1 to 63"),
        (&["explore", "-n", "0"], "from 1 to 100"),
        (&["explore", "--queue", "-1"], "from 0 to"),
        (
            &["explore", "--sleep", "1"],
            "\"--sleep\" means nothing here",
        ),
        (
            &["explore", "--addr", "a:1"],
            "\"--addr\" means nothing here",
        ),
        (&["explore", "a:80"], "\"a:80\" means nothing here"),
        (&["explore", "--stage", "99"], "There is no stage 99"),
        (
            &["explore", "--spelling", "for"],
            "\"for\". There are let_then_call, let_else,",
        ),
        (
            &["explore", "--stage", "4", "--spelling", "for_loop"],
            "exclude each other",
        ),
        (&["explore", "--spelling"], "--spelling needs a value"),
    ] {
        let message = mistake(arguments);
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(message.lines().count() <= 2, "{message}");
    }
    for arguments in [&["--colour"][..], &["race", "-n"], &["explore", "-n", "0"]] {
        assert_eq!(message_about(arguments), mistake(arguments) + "\n");
    }
    for stage in STAGES
        .iter()
        .filter(|stage| stage.serve.is_some() && !stage.has_pool)
    {
        let message = mistake(&["explore", "--stage", &stage.number.to_string()]);
        assert!(message.contains("has no pool"), "{message}");
        assert!(
            message.contains("cargo run --all-features -- explore"),
            "{message}"
        );
    }
}

/// This does not run the program: if it took an option, it might serve for ever.
#[test]
fn an_option_of_one_command_means_nothing_to_the_other() {
    let meaningless = |arguments: &[&str]| {
        let option = arguments[arguments.len() - 2];
        let (mistake, expected) = (mistake(arguments), format!("{option:?} means nothing here"));
        assert!(mistake.contains(&expected), "{mistake}");
    };
    for (option, value) in [
        ("--addr", "127.0.0.1:0"),
        ("--requests", "3"),
        ("--read-timeout", "2"),
    ] {
        meaningless(&["race", option, value]);
        meaningless(&["race", "127.0.0.1:80", option, value]);
    }
    meaningless(&["race", "--ask=2", "--stage"]);
    for (option, value) in [
        ("-n", "3"),
        ("--count", "3"),
        ("--svg", "race.svg"),
        ("--timeout", "2"),
        ("--ask", "2"),
        ("127.0.0.1:80", "race"),
    ] {
        meaningless(&[option, value]);
        meaningless(&["--sleep", "1", option, value]);
    }
}

#[test]
fn without_stages_the_message_says_how_to_race_against_them() {
    if compiled_in().is_empty() {
        assert!(message_about(&["race"]).contains("cargo run --all-features -- race"));
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
        let Ok(Command::Race(race)) = command::parse(arguments.map(OsString::from)) else {
            panic!("{address} should be understood")
        };
        assert_eq!((race.count, race.timeout), (6, Duration::from_secs(2)));
        assert_eq!(race.svg.as_deref(), Some(Path::new("a.svg")));
        let Against::Servers(servers) = race.against else {
            panic!("{address}")
        };
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.1:8000/sleep"]);
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
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("\\xFF"), "{message}");
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
        let Ok(Command::Race(race)) = command::parse(arguments) else {
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

    use ten_versus_five::server::ServeOptions;
    use ten_versus_five::server::messages;

    use super::*;
    use crate::common::{Server, connect, get_when_free, wait_for};

    /// The options that these arguments give to a stage which is compiled in.
    fn options(arguments: &[&str]) -> ServeOptions {
        let stage = format!("--stage={}", compiled_in()[0]);
        let arguments = [&[stage.as_str()], arguments].concat();
        match command::parse(arguments.iter().map(OsString::from)) {
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
    fn the_message_about_a_port_in_use_says_what_to_type_instead() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let output = run(&["--stage", &compiled_in()[0].to_string(), "--addr", &addr]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.starts_with(&format!("{addr} is in use")),
            "{message}"
        );
        assert!(message.contains("--addr 127.0.0.1:0"), "{message}");
    }

    /// This error comes on Windows for a port that it has reserved, and on Unix for a port below 1024.
    #[test]
    fn a_port_that_the_system_reserves_gets_the_same_hint() {
        let options = options(&["--addr", "127.0.0.1:80"]);
        let error = io::Error::from(ErrorKind::PermissionDenied);
        let message = messages::cannot_listen(&options, &error);
        let expected = format!("to listen on 127.0.0.1:80: {error}");
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("--addr 127.0.0.1:0"), "{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
    }

    #[test]
    fn an_address_of_another_machine_is_a_failure_and_not_a_panic() {
        // No machine has the address 192.0.2.1: RFC 5737 reserves it for documentation.
        let stage = compiled_in()[0].to_string();
        let output = run(&["--stage", &stage, "--addr", "192.0.2.1:7878"]);
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.starts_with("Cannot listen on 192.0.2.1:7878: "),
            "{message}"
        );
    }

    #[test]
    fn the_banner_names_the_stage_and_the_command_of_a_race() {
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
                banner.contains(&format!(" -- race --ask {}\n", server.addr)),
                "{banner}"
            );
            // Nor does it tell what the race will show.
            assert!(
                !banner.contains("1.5") && !banner.contains("3 s"),
                "{banner}"
            );
        }
    }

    /// It counts connections, even those without a request.
    #[test]
    fn it_stops_after_as_many_connections_as_the_option_says() {
        for stage in compiled_in() {
            let mut server = Server::start(stage, &["--requests", "3", "--read-timeout", "0.1"]);
            for _ in 0..3 {
                drop(connect(server.addr));
            }
            assert!(server.wait().success());
        }
    }

    #[test]
    fn it_serves_on_when_its_output_has_no_reader() {
        for stage in compiled_in() {
            let server = Server::start(stage, &[]);
            server.close_output();
            for _ in 0..20 {
                assert_eq!(get_when_free(server.addr, "/").status, 200);
            }
        }
    }
}
