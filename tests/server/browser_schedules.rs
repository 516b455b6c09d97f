//! Can a reader be the scheduler on the page of all schedules, in a real browser?
//!
//! Win what can be won, find out that the rest cannot, go back, send a schedule, use the keyboard alone.

#![cfg(all(feature = "stage3", feature = "stage4"))]

use crate::common::{Server, program, wait_for, wait_until};
use crate::server::browser::Browser;

const STATUS: &str = "return document.querySelector('[role=status]').textContent";
const FRAGMENT: &str = "return location.hash.slice(1)";
/// The names of the threads that can go on.
const READY: &str = "return [...document.querySelectorAll('button[data-thread]:enabled .name')]\
    .map((name) => name.textContent).join()";
const GOAL: &str = "return document.getElementById('goal').dataset.is";

/// What a script returns, if that is a string.
fn ask(browser: &Browser, script: &str) -> String {
    let answer = browser.script(script);
    let value = answer.strip_prefix("{\"value\":\"").expect(&answer);
    value.strip_suffix("\"}").expect(&answer).to_owned()
}

fn take(browser: &Browser, threads: &[usize]) {
    for thread in threads {
        browser.click(&format!("button[data-thread='{thread}']"));
    }
}

/// Types these characters, wherever the focus is.
fn press(browser: &Browser, keys: &[&str]) {
    let actions = keys.iter().flat_map(|key| {
        ["keyDown", "keyUp"].map(|kind| format!("{{\"type\":\"{kind}\",\"value\":\"{key}\"}}"))
    });
    let actions = actions.collect::<Vec<_>>().join(",");
    let keyboard = format!(
        "{{\"actions\":[{{\"type\":\"key\",\"id\":\"keyboard\",\"actions\":[{actions}]}}]}}"
    );
    browser.command("POST", "/actions", &keyboard);
}

/// Opens the page of a server, and waits for as long as it takes to make it.
fn open(browser: &Browser, server: &Server, schedule: &str) {
    browser.open("about:blank");
    browser.open(&format!("http://{}/explore#{schedule}", server.addr));
    wait_for("the page", || {
        let there = browser.script("return document.querySelectorAll('script.pool').length");
        (there == "{\"value\":1}").then_some(())
    });
}

fn assert_nothing_was_refused(browser: &Browser) {
    let log = browser.command("POST", "/se/log", r#"{"type":"browser"}"#);
    assert_eq!(log, r#"{"value":[]}"#);
}

#[test]
#[ignore = "needs chromedriver and Chromium"]
fn stage_3_can_be_won_and_sent_to_somebody() {
    let server = Server::start(3, &[]);
    let browser = Browser::start();
    browser.open(&format!("http://{}/race", server.addr));
    browser.click("a[href='/explore']");
    open(&browser, &server, "");
    assert_eq!(ask(&browser, READY), "main");
    assert_eq!(ask(&browser, GOAL), "");

    // Three steps by hand, one of them undone.
    take(&browser, &[0, 0, 0]);
    assert_eq!(ask(&browser, READY), "main,worker-0,worker-1");
    assert!(ask(&browser, STATUS).starts_with("Step 3: main starts worker-1."));
    browser.click("#undo");
    assert_eq!(ask(&browser, FRAGMENT), "0,0");
    assert_eq!(ask(&browser, READY), "main,worker-0");

    browser.click("#to-two");
    let won = wait_for("two jobs at once", || {
        let said = ask(&browser, STATUS);
        said.contains("run at once. That is the goal!")
            .then_some(said)
    });
    assert_eq!(ask(&browser, GOAL), "won", "{won}");
    let schedule = ask(&browser, FRAGMENT);
    assert!(schedule.starts_with("0,0,"), "{schedule}");

    // Somebody else opens the address.
    open(&browser, &server, &schedule);
    assert_eq!(ask(&browser, GOAL), "won");
    let jobs = "return String(document.querySelectorAll('.job').length)";
    assert_eq!(ask(&browser, jobs), "2");
    browser.click("#undo");
    assert_eq!(ask(&browser, jobs), "1");
    browser.click("#restart");
    assert_eq!(ask(&browser, FRAGMENT), "");
    assert_nothing_was_refused(&browser);
}

#[test]
#[ignore = "needs chromedriver and Chromium"]
fn stage_4_cannot_be_won_and_the_page_proves_it() {
    let server = Server::start(4, &[]);
    let browser = Browser::start();
    open(&browser, &server, "");
    // Worker 0 has the lock, and worker 1 wants it.
    take(&browser, &[0, 0, 0, 1, 2, 1]);
    let why = "return document.getElementById('why-2').textContent";
    assert_eq!(ask(&browser, why), "waits for the lock, which worker-0 has");
    let disabled = "return String(document.querySelector('button[data-thread=\"2\"]').disabled)";
    assert_eq!(ask(&browser, disabled), "true");
    assert!(ask(&browser, READY).starts_with("main"));

    browser.click("#to-two");
    let said = ask(&browser, STATUS);
    let states = "return JSON.parse(document.querySelector('script.pool').textContent)\
        .states.length.toLocaleString('en')";
    let states = ask(&browser, states);
    for part in [
        "There is no way from here, and there is none from the start.",
        &format!("these {states} states. All of them are on this page"),
        "in none of them do two jobs run",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(ask(&browser, GOAL), "never");
    browser.click("#to-stuck");
    let said = ask(&browser, STATUS);
    assert!(said.contains("in none of them is a thread stuck"), "{said}");
    assert_nothing_was_refused(&browser);
}

#[test]
#[ignore = "needs chromedriver and Chromium"]
fn the_keyboard_alone_is_enough() {
    let server = Server::start(4, &[]);
    let browser = Browser::start();
    open(&browser, &server, "");
    let (tab, enter) = ("\u{e004}", "\u{e007}");
    let focus = "return document.activeElement.dataset.thread ?? ''";
    wait_until("the focus on a thread", || {
        press(&browser, &[tab]);
        ask(&browser, focus) == "0"
    });
    press(&browser, &[enter, enter, enter]);
    assert_eq!(ask(&browser, FRAGMENT), "0,0,0");
    press(&browser, &[tab, enter]);
    assert_eq!(ask(&browser, FRAGMENT), "0,0,0,1");
    // Worker 0 takes the lock and waits for a message. Its button keeps no focus, so another one has it.
    press(&browser, &[enter]);
    assert_eq!(ask(&browser, FRAGMENT), "0,0,0,1,1");
    assert_eq!(ask(&browser, focus), "0");
    press(&browser, &["m", "0", "1", "u"]);
    assert_eq!(ask(&browser, FRAGMENT), "0,0,0,1,1,0,1");
    assert_nothing_was_refused(&browser);
}

/// The page is a file, as `explore --page` writes it.
#[test]
#[ignore = "needs chromedriver and Chromium"]
fn two_pools_take_the_same_steps_until_one_cannot() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("two-pools-{}.html", std::process::id()));
    let mut explore = program();
    explore.args(["explore", "--page"]).arg(&file);
    assert!(explore.output().unwrap().status.success());
    let browser = Browser::start();
    browser.open(&format!("file://{}", file.display()));
    let shown = "return [...document.querySelectorAll('section:not([hidden]) h2')]\
        .map((name) => name.textContent).join()";
    assert_eq!(
        ask(&browser, shown),
        "stage 3, channel-pool,stage 4, for-loop"
    );

    // Worker 0 has a job. In stage 3 it releases the lock before it runs the job, in stage 4 after it.
    take(&browser, &[0, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
    let told = ask(&browser, STATUS);
    assert!(
        told.contains("Stage 3: worker-1 begins. Stage 4: worker-1 begins."),
        "{told}"
    );
    take(&browser, &[2]);
    let told = ask(&browser, STATUS);
    assert!(told.contains("Stage 3: worker-1 takes the lock."), "{told}");
    let apart = "Stage 4 cannot follow: worker-1 waits for the lock, which worker-0 has.";
    assert!(told.contains(apart), "{told}");
    browser.click("#undo");
    assert_eq!(ask(&browser, FRAGMENT), "0,0,0,0,0,1,1,1,1,2");
    assert_nothing_was_refused(&browser);
    std::fs::remove_file(&file).unwrap();
}
