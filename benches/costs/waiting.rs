//! What do many slow requests at once cost, and how long does the last one wait?

use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ten_versus_five::{Concurrency, Stage, compiled_in};

use crate::Target;
use crate::server::{Server, answer, ask};

const BURSTS: [usize; 4] = [1, 16, 64, 256];
const WORKERS: usize = 4;
const QUEUE: usize = 4;

/// How long a whole burst may take. The more of its requests run one after another, the less each sleeps.
const TIME: Duration = Duration::from_secs(12);
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How many requests to send before a pause of a millisecond. The backlog of a listener holds 128
/// connections; a client that finds it full tries again after a second.
const AT_A_TIME: usize = 4;

/// What a burst of slow requests cost a server.
struct Outcome {
    /// The peak number of threads and the peak memory in MiB, if the system reports them.
    cost: Option<(usize, f64)>,
    /// The time to the last answer, in sleeps, if there was one.
    sleeps: Option<f64>,
    answered: usize,
    rejected: usize,
    /// Neither answered nor rejected.
    lost: usize,
}

pub fn report() -> Vec<Target> {
    let stages: Vec<&Stage> = compiled_in().collect();
    // A burst goes to all stages at the same time: sleeping costs no processor time. Every burst gets new
    // servers, since the peak of memory is that of a whole process.
    let outcomes = BURSTS.map(|burst| {
        let all_are_ready = Barrier::new(stages.len());
        thread::scope(|scope| {
            let races: Vec<_> = stages
                .iter()
                .map(|stage| scope.spawn(|| send(stage, burst, &all_are_ready)))
                .collect();
            let races = races.into_iter();
            let outcomes = races.map(|race| race.join().expect("every burst is served"));
            outcomes.collect::<Vec<_>>()
        })
    });

    println!(
        "\nSlow requests, sent together. Workers: {WORKERS}. Capacity of the queue in stages 6 and 7: \
         {QUEUE}.\n"
    );
    println!(
        "{:20}  {:>15}  {:>15}  {:>23}  {:>15}",
        "", "threads", "peak MiB", "last answer, in sleeps", "rejected"
    );
    let bursts = |width: usize| BURSTS.map(|burst| format!("{burst:>width$}")).join(" ");
    let [narrow, wide] = [bursts(3), bursts(5)];
    println!(
        "{:20}  {narrow}  {narrow}  {wide}  {narrow}",
        "requests at once"
    );
    for (index, stage) in stages.iter().enumerate() {
        let row = |width: usize, cell: fn(&Outcome) -> String| {
            let cells = outcomes.each_ref().map(|burst| cell(&burst[index]));
            cells.map(|cell| format!("{cell:>width$}")).join(" ")
        };
        println!(
            "{:20}  {}  {}  {}  {}",
            format!("{}, {}", stage.number, stage.name),
            row(3, |it| or_unknown(it.cost.map(|(threads, _)| threads))),
            row(3, |it| or_unknown(
                it.cost.map(|(_, memory)| format!("{memory:.1}"))
            )),
            row(5, |it| or_unknown(
                it.sleeps.map(|sleeps| format!("{sleeps:.1}"))
            )),
            // If requests are lost, it is unknown how many of them would have been rejected.
            row(3, |it| or_unknown((it.lost == 0).then_some(it.rejected))),
        );
    }
    targets(&stages, &outcomes)
}

fn or_unknown(figure: Option<impl ToString>) -> String {
    figure.map_or_else(|| String::from("?"), |figure| figure.to_string())
}

fn targets(stages: &[&Stage], outcomes: &[Vec<Outcome>; 4]) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut lost = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let number = stage.number;
        let bursts = outcomes.each_ref().map(|burst| &burst[index]);
        lost.push(bursts.iter().map(|outcome| outcome.lost).sum::<usize>());
        if stage.concurrency != Concurrency::PerWorker {
            continue;
        }
        let longer = bursts.map(|outcome| {
            let waves = stage.concurrency.waves(outcome.answered, WORKERS);
            outcome
                .sleeps
                .map(|sleeps| 100.0 * (sleeps / waves as f64 - 1.0))
        });
        // A burst without an answer is counted above, as lost.
        let most = longer.into_iter().flatten().fold(0.0, f64::max);
        targets.push(Target {
            holds: most <= 2.0,
            what: format!(
                "stage {number} takes {most:.1} % longer than ceil(answered/workers) sleeps (2 % at most)"
            ),
        });
        let [one, .., burst] = bursts.map(|outcome| outcome.cost);
        if let (Some(one), Some(burst)) = (one, burst) {
            targets.push(Target {
                holds: burst.0 == one.0 && burst.1 <= 1.25 * one.1,
                what: format!(
                    "stage {number} needs {} threads and {:.1} MiB for one request, {} and {:.1} for \
                     256 (as many, and a quarter more at most)",
                    one.0, one.1, burst.0, burst.1
                ),
            });
        }
    }
    if !stages.is_empty() {
        let sent: usize = BURSTS.iter().sum();
        targets.push(Target {
            holds: lost.iter().all(|&lost| lost == 0),
            what: format!(
                "of {sent} requests to each stage, these numbers are lost (0 each): {lost:?}"
            ),
        });
    }
    targets
}

/// How long each request of a burst sleeps, so that the last answer comes in time.
fn sleep(stage: &Stage, burst: usize) -> Duration {
    let answered = match stage.number {
        5 => burst.min(WORKERS),
        6 | 7 => burst.min(WORKERS + QUEUE),
        _ => burst,
    };
    let waves = stage.concurrency.waves(answered, WORKERS);
    LONGEST_SLEEP.min(TIME / waves as u32)
}

fn send(stage: &Stage, burst: usize, all_are_ready: &Barrier) -> Outcome {
    let sleep = sleep(stage, burst).as_secs_f64();
    let [seconds, workers, queue] = [sleep.to_string(), WORKERS.to_string(), QUEUE.to_string()];
    let mut options = vec![
        "--sleep",
        &seconds,
        "--workers",
        &workers,
        "--queue",
        &queue,
    ];
    // On a busy machine, much time may pass between the connection of a client and its request.
    options.extend(["--read-timeout", "60"]);
    let server = Server::of_stage(stage.number, &options);
    all_are_ready.wait();

    thread::scope(|scope| {
        let sending = scope.spawn(|| send_to(server.addr, burst));
        let mut most = None;
        while !sending.is_finished() {
            most = most.max(server.threads_and_memory().map(|(threads, _)| threads));
            thread::sleep(Duration::from_millis(10));
        }
        let (last, answered, rejected) = sending.join().expect("a burst does not panic");
        Outcome {
            cost: most.zip(server.threads_and_memory().map(|(_, memory)| memory)),
            sleeps: last.map(|last| last.as_secs_f64() / sleep),
            answered,
            rejected,
            lost: burst - answered - rejected,
        }
    })
}

/// The time to the last answer, if there was one, and how many requests were answered and rejected.
fn send_to(addr: SocketAddr, burst: usize) -> (Option<Duration>, usize, usize) {
    let start = Instant::now();
    let mut asked = Vec::new();
    for number in 1..=burst {
        asked.push(ask(addr, "/sleep"));
        if number % AT_A_TIME == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let mut last = None;
    let (mut answered, mut rejected) = (0, 0);
    for connection in asked {
        match connection.and_then(answer) {
            Ok((200, _)) => {
                answered += 1;
                // The answers may arrive in any order: when all are read, the last has arrived.
                last = Some(start.elapsed());
            }
            Ok((503, _)) => rejected += 1,
            Ok(_) | Err(_) => {}
        }
    }
    (last, answered, rejected)
}
