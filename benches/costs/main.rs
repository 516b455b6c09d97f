//! What does each way to run requests cost?
//!
//! ```console
//! $ cargo bench --all-features
//! ```
//!
//! prints three tables, and then whether the stages are as cheap as they ought to be. It takes about
//! two minutes. `docs/costs.md` says what to conclude. A word behind ` -- ` runs one part alone:
//! `jobs`, `requests` or `waiting`.
//!
//! A time by itself says little, since machines differ, and so does one machine from one minute to
//! the next. So everything is measured in rounds, all candidates in every round, and compared within
//! a round. What is shown is the median of the rounds, and the range of them.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod jobs;
mod requests;
mod server;
mod waiting;

use std::env;
use std::thread;

fn main() {
    // Cargo adds `--bench` to what it was given.
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    let part = words.next();
    let mut word = || words.next().unwrap_or_default();
    match part.as_deref() {
        Some(jobs::COMMAND) => return jobs::measure(),
        Some(server::LIMIT) => return server::serve_the_limit(&word(), &word()),
        Some(server::BARE_POOL) => return server::serve_behind_a_bare_pool(&word(), &word()),
        None | Some("jobs" | "requests" | "waiting") => {}
        Some(other) => {
            eprintln!("There is no part {other:?}. There are jobs, requests and waiting.");
            std::process::exit(2);
        }
    }
    if ten_versus_five::compiled_in().count() == 0 {
        println!("No stage is compiled in, so there is little to compare. To measure them all:");
        println!("    cargo bench --all-features");
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("On {}, {cores} cores.", processor());

    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let mut targets = Vec::new();
    if wanted("jobs") {
        targets.extend(jobs::report());
    }
    if wanted("requests") {
        targets.extend(requests::report());
    }
    if wanted("waiting") {
        targets.extend(waiting::report());
    }
    if !targets.is_empty() {
        println!("\nAs cheap as they ought to be?\n");
    }
    for Target { holds, what } in targets {
        println!("  {}  {what}", if holds { "yes" } else { "NO " });
    }
}

/// Something that ought to be so, with the numbers that say whether it is.
struct Target {
    holds: bool,
    what: String,
}

/// What the system calls its processor.
fn processor() -> String {
    let name = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|cpuinfo| {
            let line = cpuinfo
                .lines()
                .find(|line| line.starts_with("model name"))?;
            Some(line.split_once(": ")?.1.to_owned())
        });
    name.unwrap_or_else(|| format!("{} {}", env::consts::OS, env::consts::ARCH))
}

/// The results of several rounds.
struct Rounds(Vec<f64>);

impl Rounds {
    /// # Panics
    ///
    /// If there was no round.
    fn new(results: impl IntoIterator<Item = f64>) -> Rounds {
        let mut results: Vec<f64> = results.into_iter().collect();
        assert!(!results.is_empty(), "nothing was measured");
        results.sort_by(f64::total_cmp);
        Rounds(results)
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn least(&self) -> f64 {
        self.0[0]
    }

    fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}
