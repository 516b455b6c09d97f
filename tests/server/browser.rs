//! Does the race page tell the truth in a real browser?
//!
//! The test drives Chromium over the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>), which is
//! JSON over HTTP. It needs so little of the protocol that the code stands here.

#![cfg(any(feature = "stage1", feature = "stage3", feature = "stage4"))]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, process};

use crate::common::{PATIENCE, Server, wait_for};

/// A browser with one window, until the end of the test.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    pub fn start() -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect(
                "chromedriver should be installed: on Debian, `apt-get install chromium-driver`",
            );
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.split("successfully on port ")
                    .nth(1)?
                    .trim_end_matches('.')
                    .parse()
                    .ok()
            })
            .expect("chromedriver should say its port");

        let name = format!("browser-{}-{port}", process::id());
        let profile = crate::common::repository::temporary().join(name);
        let mut browser = Browser {
            driver,
            port,
            session: String::new(),
            profile,
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--force-prefers-reduced-motion",
            &format!("--user-data-dir={}", browser.profile.display()),
        ];
        let answer = browser.call(
            "POST",
            "/session",
            &format!(
                r#"{{"capabilities":{{"alwaysMatch":{{"goog:chromeOptions":{{"args":{arguments:?}}},"goog:loggingPrefs":{{"browser":"ALL"}}}}}}}}"#
            ),
        );
        let session = answer
            .split(r#""sessionId":""#)
            .nth(1)
            .unwrap_or_else(|| panic!("{answer}"));
        browser.session = session.split('"').next().unwrap().to_owned();
        browser
    }

    /// Sends a command to the driver, and returns the JSON of its answer.
    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self
            .try_call(method, path, body)
            .expect("chromedriver should answer");
        assert!(!answer.contains(r#""error":"#), "{method} {path}: {answer}");
        answer
    }

    fn try_call(&self, method: &str, path: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        // It keeps the connection open, so its answer ends where it says it does.
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        String::from_utf8(answer).map_err(io::Error::other)
    }

    pub fn command(&self, method: &str, path: &str, body: &str) -> String {
        self.call(method, &format!("/session/{}{path}", self.session), body)
    }

    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &format!(r#"{{"url":"{url}"}}"#));
    }

    /// What the race page says when its race is over.
    fn verdict(&self) -> String {
        wait_for("a verdict", || {
            let verdict = self.script("return document.getElementById('verdict').textContent");
            (!verdict.contains("are running")).then_some(verdict)
        })
    }

    /// What a script returns, as JSON in an object.
    pub fn script(&self, script: &str) -> String {
        self.command(
            "POST",
            "/execute/sync",
            &format!(r#"{{"script":{script:?},"args":[]}}"#),
        )
    }

    /// Clicks as a person does: on what is visible at that point of the screen.
    pub fn click(&self, selector: &str) {
        let query = format!(r#"{{"using":"css selector","value":{selector:?}}}"#);
        let found = self.command("POST", "/element", &query);
        // {"value":{"element-6066-11e4-a52e-4f735466cecf":"ID"}}
        let id = found.split('"').nth(5).unwrap();
        self.command("POST", &format!("/element/{id}/click"), "{}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without this, the browser would outlive its driver.
        let _ = self.try_call("DELETE", &format!("/session/{}", self.session), "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// The kind of both bars, the text beside the first one, and the end of the axis.
const RUNNING: &str = "const bars = [...document.querySelectorAll('.bar i:first-child')]; \
    const text = document.querySelector('#chart li span:last-child').textContent.split(':')[0]; \
    const until = document.getElementById('until').textContent; \
    return `${bars.map((bar) => bar.className).join(' ')}, ${text}, ${until}`";

fn the_page_says(stage: usize, expected: &str, at_least: Duration) {
    let server = Server::start(stage, &["--sleep", "1"]);
    let browser = Browser::start();
    browser.open(&format!("http://{}/", server.addr));
    browser.click("a[href='/race']");

    let mut started = Instant::now();
    browser.click("button[value='2']");
    // Before the first answer, the kind of each bar is unknown, and the axis must not give it away.
    let running = browser.script(RUNNING);
    let unknown = r#"{"value":"unknown unknown, waiting or working, 1.0 s"}"#;
    assert!(
        running == unknown || started.elapsed() > Duration::from_millis(900),
        "{running}"
    );
    let mut verdict = browser.verdict();
    for _ in 0..10 {
        // A machine that is busy may hide it.
        if !verdict.contains("cannot tell") {
            break;
        }
        started = Instant::now();
        browser.click("button[value='2']");
        verdict = browser.verdict();
    }
    assert!(verdict.contains(expected), "{verdict}");
    assert!(
        started.elapsed() >= at_least,
        "{verdict} after {:?}",
        started.elapsed()
    );

    // The chart says in words what its bars show, and which thread did the work.
    let chart = browser.script("return document.getElementById('chart').innerText");
    assert_eq!(chart.matches("waited ").count(), 2, "{chart}");
    let kinds = "return document.querySelectorAll('.bar .unknown').length";
    assert_eq!(browser.script(kinds), r#"{"value":0}"#);
    let thread = if stage == 1 { "main" } else { "worker-" };
    assert_eq!(chart.matches(thread).count(), 2, "{chart}");

    // The browser would report here what the page's policy forbids, and addresses without a page.
    let log = browser.command("POST", "/se/log", r#"{"type":"browser"}"#);
    assert_eq!(log, r#"{"value":[]}"#);
    let output = server.output().join("\n");
    assert!(!output.contains("favicon"), "{output}");
    assert!(
        output.contains("GET /sleep?1-1 ") && output.contains("GET /sleep?1-2 "),
        "{output}"
    );
}

#[cfg(feature = "stage1")]
#[test]
#[ignore = "needs chromedriver and Chromium"]
fn the_race_page_of_stage_1_says_one_after_another() {
    the_page_says(1, "one after another", Duration::from_secs(2));
}

#[cfg(feature = "stage3")]
#[test]
#[ignore = "needs chromedriver and Chromium"]
fn the_race_page_of_stage_3_says_side_by_side() {
    the_page_says(3, "side by side", Duration::from_secs(1));
}

#[cfg(feature = "stage4")]
#[test]
#[ignore = "needs chromedriver and Chromium"]
fn the_race_page_of_stage_4_says_one_after_another() {
    the_page_says(4, "one after another", Duration::from_secs(2));
}

/// The rows are drawn, and what they show is said in words.
#[cfg(feature = "stage4")]
#[test]
#[ignore = "needs chromedriver and Chromium"]
fn the_race_page_of_stage_4_shows_who_has_the_lock_if_asked_to() {
    let server = Server::start(4, &["--sleep", "1", "--lock"]);
    let browser = Browser::start();
    browser.open(&format!("http://{}/race", server.addr));
    browser.click("button[value='2']");
    let verdict = browser.verdict();
    // A connection on which the browser says nothing is a job, too.
    let held = (2..=4).map(|jobs| format!("The lock was held during {jobs} of {jobs} jobs."));
    let mut held = held;
    let held = held.any(|held| verdict.contains(&held));
    assert!(held, "{verdict}");
    // A row of a request does not look like one of a worker.
    let chart = browser.script("return document.getElementById('chart').innerText");
    // The same worker has the lock all the time; which one is the machine's affair.
    let mut same = (0..4).map(|worker| chart.matches(&format!(", on worker-{worker}")).count());
    assert!(same.any(|requests| requests == 2), "{chart}");
    let between = browser.script("return document.getElementById('lock-title').innerText");
    assert!(between.contains("The workers meanwhile"), "{between}");
    let rows = browser.script("return document.getElementById('lock').innerText");
    assert_eq!(rows.matches("worked with the lock 2.").count(), 1, "{rows}");
    assert_eq!(rows.matches("waited for the lock 2.").count(), 3, "{rows}");
    let places = browser.script("return document.getElementById('lock-lines').innerText");
    let (taken, until_now) = (
        "lock: taken at stages/stage4_for_loop.rs:",
        ", not released while the race ran",
    );
    assert!(
        places.contains(taken) && places.contains(until_now),
        "{places}"
    );
    let pieces = "return document.querySelectorAll('#lock .works-with-lock').length";
    let drawn = browser.script(pieces);
    let mut expected = (2..=4).map(|jobs| format!("{{\"value\":{jobs}}}"));
    assert!(expected.any(|pieces| pieces == drawn), "{drawn}");
    let log = browser.command("POST", "/se/log", r#"{"type":"browser"}"#);
    assert_eq!(log, r#"{"value":[]}"#);
}
