//! Does `exercises` check a file again when it is saved, give hints, go on, and remember what is done?

use std::process::Stdio;

use crate::common::program;
use ten_versus_five::exercise::watch::NEEDS_A_TERMINAL;

#[test]
fn without_a_terminal_there_is_no_watching() {
    for stdin in [Stdio::null(), Stdio::piped()] {
        let child = program()
            .arg("exercises")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert_eq!(
            String::from_utf8(output.stderr).unwrap().trim_end(),
            NEEDS_A_TERMINAL
        );
    }
}

/// On a real terminal, which the `script` program makes on Linux.
#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::path::Path;
    use std::process::Child;
    use std::sync::mpsc::{self, Receiver};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::common::{compile_quickly, on_a_terminal};

    /// An exercise that is done when its file says so.
    fn exercise(done: bool, name: &str) -> String {
        format!(
            "fn main() {{
    let hint = std::env::args().nth(1).is_some_and(|first| first == \"--hint\");
    println!(\"{{}} {name}\", if hint {{ \"hint for\" }} else {{ \"checked\" }});
    std::process::exit(if {done} || hint {{ 0 }} else {{ 1 }});
}}
"
        )
    }

    struct Terminal {
        script: Child,
        lines: Receiver<String>,
    }

    impl Terminal {
        fn start(folder: &Path) -> Terminal {
            let program = program().get_program().to_str().unwrap().to_owned();
            let command = format!("'{program}' exercises");
            let mut script = on_a_terminal(&command);
            script.env("CARGO_MANIFEST_DIR", folder);
            script.env_remove("CARGO_TARGET_DIR");
            compile_quickly(&mut script);
            let mut script = script.spawn().unwrap();
            let output = BufReader::new(script.stdout.take().unwrap());
            let (sender, lines) = mpsc::channel();
            thread::spawn(move || {
                for line in output.lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
            Terminal { script, lines }
        }

        fn wait_for(&self, text: &str) {
            let start = Instant::now();
            let mut seen = Vec::new();
            while start.elapsed() < Duration::from_secs(60) {
                if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(100)) {
                    let found = line.contains(text);
                    seen.push(line);
                    if found {
                        return;
                    }
                }
            }
            panic!("{text:?} was not seen:\n{seen:#?}");
        }

        fn type_line(&mut self, line: &str) {
            writeln!(self.script.stdin.as_mut().unwrap(), "{line}").unwrap();
        }
    }

    #[test]
    #[ignore = "needs the script program"]
    fn a_saved_file_is_checked_again_and_what_is_done_is_not_checked_twice() {
        let (guard, while_let) = (exercise(false, "guard"), exercise(false, "while_let"));
        let folder = crate::common::repository::temporary().join("exercises-to-watch");
        let _ = fs::remove_dir_all(&folder); // What an earlier run left.
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::create_dir_all(folder.join("examples")).unwrap();
        let manifest = "[package]\nname = \"watched\"\nedition = \"2024\"\n[workspace]\n";
        for (file, text) in [
            ("Cargo.toml", manifest),
            ("src/lib.rs", ""),
            ("examples/guard.rs", &guard),
            ("examples/while_let.rs", &while_let),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
        let mut terminal = Terminal::start(&folder);
        terminal.wait_for("0 of 10 exercises are done: examples/guard.rs");
        terminal.wait_for("checked guard");
        terminal.wait_for("h  a hint");
        terminal.type_line("h");
        terminal.wait_for("hint for guard");
        fs::write(folder.join("examples/guard.rs"), exercise(true, "guard")).unwrap();
        terminal.wait_for("checked guard");
        terminal.wait_for("1 of 10 exercises are done. Enter goes on");
        terminal.type_line("");
        terminal.wait_for("1 of 10 exercises are done: examples/while_let.rs");
        terminal.wait_for("h  a hint");
        terminal.type_line("q");
        assert_eq!(terminal.script.wait().unwrap().code(), Some(1));

        let mut terminal = Terminal::start(&folder);
        terminal.wait_for("1 of 10 exercises are done: examples/while_let.rs");
        terminal.wait_for("checked while_let");
        terminal.type_line("q");
        assert_eq!(terminal.script.wait().unwrap().code(), Some(1));
        fs::remove_dir_all(&folder).unwrap();
    }
}
