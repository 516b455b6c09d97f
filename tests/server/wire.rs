//! What does every response look like?
//!
//! Other programs rely on it: a browser's developer tools, a stopwatch, a chart.

use std::thread;
use std::time::{Duration, SystemTime};

use ten_versus_five::server::http;

use crate::common::{
    Reply, Server, WATCH, exchange_when_free as exchange, get_when_free as get, until_told,
    wait_until,
};

to_every_stage! {
    every_response_names_its_type_its_server_and_its_thread
    the_query_string_does_not_matter
    head_is_get_without_the_body
    the_answer_to_a_bad_head_request_has_no_body_either
    the_answer_to_another_method_lists_the_methods_that_are_allowed
    a_page_is_complete_and_its_policy_allows_nothing_else
    a_stage_with_a_pool_has_a_page_of_all_its_schedules
    sleep_takes_as_long_as_the_option_says
    every_request_has_a_line_in_the_log_and_none_can_harm_the_terminal
}

fn handled_milliseconds(reply: &Reply) -> f64 {
    let timing = reply.header("Server-Timing").unwrap();
    timing.strip_prefix("handle;dur=").unwrap().parse().unwrap()
}

fn every_response_names_its_type_its_server_and_its_thread(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 200),
        ("GET /sleep HTTP/1.0\r\n\r\n", 200),
        ("GET /race HTTP/1.1\r\n\r\n", 200),
        ("GET /nothing HTTP/1.1\r\n\r\n", 404),
        ("POST / HTTP/1.1\r\n\r\n", 405),
        ("nonsense\r\n\r\n", 400),
    ] {
        let before = SystemTime::now();
        let reply = exchange(server.addr, request.as_bytes());
        let after = SystemTime::now();
        assert_eq!(reply.status, status, "{request}");
        let header = |name| {
            reply
                .header(name)
                .unwrap_or_else(|| panic!("{name} in {reply:?}"))
        };
        assert_eq!(header("Content-Type"), "text/html; charset=utf-8");
        assert_eq!(header("Content-Length"), reply.body.len().to_string());
        assert_eq!(header("Connection"), "close");
        let mut dates = (0..).map(|second| before + Duration::from_secs(second));
        let mut dates = dates
            .by_ref()
            .take_while(|time| *time < after + Duration::from_secs(1));
        assert!(dates.any(|time| http::date(time).to_string() == header("Date")));
        assert_eq!(header("Cache-Control"), "no-store");
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            header("Server"),
            format!("ten-versus-five/{version} (stage {stage})")
        );
        let worker = match stage {
            1 => "main",
            2 => "request-",
            _ => "worker-",
        };
        assert!(
            header("X-Served-By").starts_with(worker),
            "{}",
            header("X-Served-By")
        );
        assert!(handled_milliseconds(&reply) < 60_000.0);
        assert!(!reply.body.contains("{{"), "{}", reply.body);
        assert!(!reply.body.contains("<p></p>"), "{}", reply.body);
    }
}

fn the_query_string_does_not_matter(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    for (target, status) in [
        ("/?x", 200),
        ("/sleep?2", 200),
        ("/?/sleep", 200),
        ("/x?/", 404),
    ] {
        assert_eq!(get(server.addr, target).status, status, "{target}");
    }
    assert!(get(server.addr, "/sleep?2").body.contains("Slept"));
    assert!(!get(server.addr, "/?/sleep").body.contains("Slept"));
}

fn head_is_get_without_the_body(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    for target in ["/", "/sleep", "/nothing"] {
        let get = get(server.addr, target);
        let head = exchange(
            server.addr,
            format!("HEAD {target} HTTP/1.1\r\n\r\n").as_bytes(),
        );
        assert_eq!((head.status, head.body.as_str()), (get.status, ""));
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"));
        assert!(
            head.header("Content-Length")
                .is_some_and(|length| length != "0")
        );
    }
}

fn the_answer_to_a_bad_head_request_has_no_body_either(stage: usize) {
    let server = Server::start(stage, &["--read-timeout", "0.1"]);
    for (request, status) in [
        ("HEAD / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("HEAD\r\n\r\n", 400),
        ("HEAD / HTTP/1.1\r\n", 408),
        ("\nHEAD / HTTP/2.0\n\n", 505),
    ] {
        let head = exchange(server.addr, request.as_bytes());
        assert_eq!((head.status, head.body.as_str()), (status, ""), "{request}");
        assert_ne!(head.header("Content-Length"), Some("0"));
    }
}

fn the_answer_to_another_method_lists_the_methods_that_are_allowed(stage: usize) {
    let server = Server::start(stage, &[]);
    let reply = exchange(server.addr, b"DELETE /sleep HTTP/1.1\r\n\r\n");
    assert_eq!(
        (reply.status, reply.header("Allow")),
        (405, Some("GET, HEAD"))
    );
}

/// If foreign code got into a page, the browser would not run it, nor send a request to another server.
fn a_page_is_complete_and_its_policy_allows_nothing_else(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    let nonces = ["/", "/sleep", "/race", "/nothing", "/"].map(|target| {
        let reply = get(server.addr, target);
        let policy = reply.header("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let nonce = policy
            .split("script-src 'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        for tag in ["<style", "<script"] {
            for after in reply.body.split(tag).skip(1) {
                assert!(
                    after.starts_with(&format!(" nonce=\"{nonce}\">")),
                    "{target}"
                );
            }
        }
        for outside in ["src=", "http:", "https:", "//", "@import"] {
            let body = reply.body.replace("// ", "");
            assert!(!body.contains(outside), "{target} has {outside}");
        }
        assert!(
            reply.body.contains("<link rel=\"icon\" href=\"data:,\">"),
            "{target}"
        );
        nonce.to_owned()
    });
    assert_ne!(nonces[0], nonces[4], "a nonce is used once");
    assert!(get(server.addr, "/").body.contains("href=\"/race\""));
}

fn sleep_takes_as_long_as_the_option_says(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0.25"]);
    assert!(handled_milliseconds(&get(server.addr, "/sleep")) >= 250.0);
    assert!(get(server.addr, "/sleep").body.contains("Slept 0.25 s on "));
}

/// What a client sends must not move the cursor, change colours or forge a line. A text that is not a
/// request line stands in quotation marks. A request line has exactly two spaces.
fn every_request_has_a_line_in_the_log_and_none_can_harm_the_terminal(stage: usize) {
    let server = Server::start(stage, &["--read-timeout", "0.1"]);
    get(server.addr, "/?one");
    exchange(server.addr, b"GET /\x1b]0;two\x07\r HTTP/1.1\r\n\r\n");
    exchange(
        server.addr,
        "GET /\u{202e}three HTTP/1.1\r\n\r\n".as_bytes(),
    );
    exchange(server.addr, b"");
    exchange(server.addr, &[b'a'; 20_000]);
    exchange(
        server.addr,
        b"GET /sleep HTTP/1.1 -> 200 in 5.0s\" main: GET /\r\n\r\n",
    );
    exchange(server.addr, b"GET /four HTTP/1.1\r\nno colon\r\n\r\n");
    for expected in [
        ": GET /?one HTTP/1.1 -> 200 in ",
        ": \"GET /\\u{1b}]0;two\\u{7}\\r HTTP/1.1\" -> 400 in ",
        ": GET /\\u{202e}three HTTP/1.1 -> 404 in ",
        ": the client opened a connection and sent nothing",
        &format!(": \"{}...\" -> 414 in ", "a".repeat(80)),
        ": \"GET /sleep HTTP/1.1 -> 200 in 5.0s\\\" main: GET /\" -> 400 in ",
        ": GET /four HTTP/1.1 -> 400 in ",
    ] {
        wait_until(expected, || {
            server.output().iter().any(|line| line.contains(expected))
        });
    }
    for line in server.output() {
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.len() < 200, "{line}");
    }
}

/// And no other stage has.
fn a_stage_with_a_pool_has_a_page_of_all_its_schedules(stage: usize) {
    let server = Server::start(stage, &["--sleep", "0"]);
    let has_pool = stage > 2;
    for page in ["/", "/race"] {
        let linked = get(server.addr, page)
            .body
            .contains("<a href=\"/explore\">");
        assert_eq!(linked, has_pool, "{page}");
    }
    // The second answer is the page that was made for the first one.
    for _ in 0..2 {
        if !has_pool {
            assert_eq!(get(server.addr, "/explore").status, 404);
            continue;
        }
        // All schedules are run for it, which takes a busy machine a while.
        let reply = until_told(|| {
            let reply = get(server.addr, "/explore");
            assert_eq!(reply.status, 200);
            let is_made = !reply.body.contains("is being made");
            if !is_made {
                thread::sleep(WATCH);
            }
            is_made.then_some(reply)
        });
        let name = format!("{{\"name\":\"stage {stage}, ");
        assert_eq!(reply.body.matches(&name).count(), 1);
        let nonce = reply.body.split("<script nonce=\"").nth(1).unwrap();
        let nonce = nonce.split('"').next().unwrap();
        let policy = reply.header("Content-Security-Policy").unwrap();
        assert!(
            policy.contains(&format!("script-src 'nonce-{nonce}'")),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
    }
    // Nothing that the pool prints while it is explored is in the log.
    wait_until("a line of the log for each job", || {
        let log = server.output().join("\n");
        let jobs = log.matches(" got a job; executing").count();
        let requests = log.matches(" -> 200 in ").count();
        jobs <= requests
    });
}
