//! What does each stage cost?
//!
//! ```console
//! $ cargo bench --all-features
//! ```
//!
//! prints five tables, and then whether the stages are as cheap as they should be. It takes about
//! two minutes. `docs/costs.md` and `docs/explore.md` say what to conclude. A word after ` -- ` runs
//! one part alone: `jobs`, `places`, `requests`, `waiting` or `explore`.
//!
//! A single time says little: machines differ, and so does one machine from one minute to the next. So
//! the benchmark measures in rounds, every candidate in each round, in changing order, and compares within
//! a round. It prints the median and the range of the rounds.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod explore;
mod jobs;
mod places;
mod requests;
mod server;
mod waiting;

use std::env;
use std::thread;

/// A part of the benchmark prints its table, and returns its targets.
type Part = (&'static str, fn() -> Vec<Target>);

const PARTS: [Part; 5] = [
    ("jobs", jobs::report),
    ("places", places::report),
    ("requests", requests::report),
    ("waiting", waiting::report),
    ("explore", explore::report),
];

fn main() {
    // Cargo adds `--bench` to the arguments.
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    let part = words.next();
    let mut word = || words.next().unwrap_or_default();
    match part.as_deref() {
        Some(jobs::COMMAND) => return jobs::measure(),
        Some(server::LIMIT) => return server::serve_the_limit(&word(), &word()),
        Some(server::BARE_POOL) => return server::serve_behind_a_bare_pool(&word(), &word()),
        _ => {}
    }
    let mut wanted = PARTS.to_vec();
    if let Some(part) = part {
        wanted.retain(|(name, _)| *name == part);
        if wanted.is_empty() {
            eprintln!(
                "There is no part {part:?}. There are {:?}.",
                PARTS.map(|(name, _)| name)
            );
            std::process::exit(2);
        }
    }
    if ten_versus_five::compiled_in().count() == 0 {
        println!("No stage is compiled in, so there is little to compare. To measure them all:");
        println!("    cargo bench --all-features");
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("On {}, {cores} cores.", processor());

    let targets: Vec<Target> = wanted.iter().flat_map(|(_, report)| report()).collect();
    if !targets.is_empty() {
        println!("\nAs cheap as they should be?\n");
    }
    for Target { holds, what } in targets {
        println!("  {}  {what}", if holds { "yes" } else { "NO " });
    }
}

/// A goal of the stages, and whether the numbers meet it.
struct Target {
    holds: bool,
    what: String,
}

/// The name of the processor, if the system reports it.
fn processor() -> String {
    let cpuinfo = cfg!(target_os = "linux").then(|| std::fs::read_to_string("/proc/cpuinfo"));
    let name = cpuinfo.and_then(Result::ok).and_then(|cpuinfo| {
        let line = cpuinfo
            .lines()
            .find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    name.unwrap_or_else(|| format!("{} {}", env::consts::OS, env::consts::ARCH))
}

/// The order in which a round measures its candidates. What is measured late in a round can be slower, and
/// so can what is measured after a certain other one. So each round begins with another candidate, and
/// every second one goes backwards.
fn order(candidates: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates).collect();
    order.rotate_left(round % candidates);
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// The results of several rounds.
struct Rounds(Vec<f64>);

impl Rounds {
    /// # Panics
    ///
    /// If there is no result.
    fn new(results: impl IntoIterator<Item = f64>) -> Rounds {
        let mut results: Vec<f64> = results.into_iter().collect();
        assert!(!results.is_empty(), "nothing was measured");
        results.sort_by(f64::total_cmp);
        Rounds(results)
    }

    /// The results of one candidate divided by those of another, round by round.
    fn ratios(ones: &[f64], others: &[f64]) -> Rounds {
        Rounds::new(ones.iter().zip(others).map(|(one, other)| one / other))
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
