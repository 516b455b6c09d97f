//! How many requests for a fast page does a stage answer in a second?

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ten_versus_five::{Concurrency, compiled_in};

use crate::server::{self, Server, answer, ask};
use crate::{Rounds, Target, order};

const ROUNDS: usize = 41;
const CLIENTS: usize = 8;
const WARM_UP: Duration = Duration::from_millis(20);
const TIME: Duration = Duration::from_millis(130);

/// A stage that can reject gets enough capacity not to: a 503 is no answer here.
const CAPACITY: [&str; 2] = ["--queue", "64"];
const CAPACITY_WITHOUT_A_QUEUE: [&str; 2] = ["--workers", "12"];

pub fn report() -> Vec<Target> {
    println!(
        "\nRequests for / answered in a second. In flight at a time: {CLIENTS}. Rounds: {ROUNDS}.\n"
    );
    println!(
        "{:40} {:>8}   {:17}   ratio   {:13}",
        "", "median", "from ... to", "from ... to"
    );

    let stages: Vec<_> = compiled_in()
        .map(|stage| {
            let capacity = match stage.number {
                5 => CAPACITY_WITHOUT_A_QUEUE,
                _ => CAPACITY,
            };
            (stage, Server::of_stage(stage.number, &capacity))
        })
        .collect();

    // The servers that do nothing answer with as many bytes as the stages.
    let bytes = stages
        .first()
        .map_or(1500, |(_, server)| get(server.addr).1);
    let limit = Server::that_does_nothing(server::LIMIT, bytes);
    let bare_pool = Server::that_does_nothing(server::BARE_POOL, bytes);

    let mut rounds = Vec::new();
    let addrs = [limit.addr, bare_pool.addr].into_iter();
    let addrs = addrs.chain(stages.iter().map(|(_, server)| server.addr));
    let addrs: Vec<SocketAddr> = addrs.collect();
    for round in 0..ROUNDS {
        let mut rates = vec![0.0; addrs.len()];
        for index in order(addrs.len(), round) {
            rates[index] = requests_per_second(addrs[index]);
        }
        rounds.push(rates);
    }
    let rates_of = |index: usize| -> Vec<f64> { rounds.iter().map(|round| round[index]).collect() };
    let row = |name: &str, index: usize| {
        let rates = rates_of(index);
        let ratios = Rounds::ratios(&rates, &rates_of(0));
        let rates = Rounds::new(rates);
        println!(
            "{name:40} {:8.0}   {:7.0} ... {:<7.0}    {:4.2}   {:4.2} ... {:4.2}",
            rates.median(),
            rates.least(),
            rates.most(),
            ratios.median(),
            ratios.least(),
            ratios.most()
        );
        ratios.median()
    };

    row("accept, read, write, close", 0);
    row("the same behind a bare pool", 1);
    let mut targets = Vec::new();
    for (index, (stage, _)) in (2..).zip(&stages) {
        let ratio = row(&format!("stage {}, {}", stage.number, stage.name), index);
        let of_the_pool = Rounds::ratios(&rates_of(index), &rates_of(1)).median();
        if stage.concurrency == Concurrency::PerWorker {
            targets.push(Target {
                holds: ratio >= 0.9,
                what: format!(
                    "stage {} answers {ratio:.2} of what the plainest server answers (0.90 at least), and \
                     {of_the_pool:.2} of what a bare pool answers",
                    stage.number
                ),
            });
        }
    }
    println!("\n\"ratio\" is the rate divided by that of the first row, in the same round.");
    targets
}

/// Keeps [`CLIENTS`] requests in flight: as soon as the oldest is answered, it sends another one. One
/// thread can do that, and leaves the processors to the server. Only status 200 counts as an answer.
fn requests_per_second(addr: SocketAddr) -> f64 {
    let ask = || ask(addr, "/").expect("the server accepts");
    let start = Instant::now() + WARM_UP;
    let end = start + TIME;
    let mut answered = 0_u32;
    let mut in_flight: VecDeque<_> = (0..CLIENTS).map(|_| ask()).collect();
    while let Some(oldest) = in_flight.pop_front() {
        let (status, _) = answer(oldest).expect("every request is answered");
        let now = Instant::now();
        if status == 200 && (start..end).contains(&now) {
            answered += 1;
        }
        if now < end {
            in_flight.push_back(ask());
        }
    }
    f64::from(answered) / TIME.as_secs_f64()
}

/// The status and the length of the answer.
fn get(addr: SocketAddr) -> (u16, usize) {
    ask(addr, "/")
        .and_then(answer)
        .expect("every request is answered")
}
