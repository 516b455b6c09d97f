//! The stages' pools, in every schedule.
#![doc = not_in_the_contract!()]

use super::{Explorer, Program, Report};

/// The pool of a stage whose jobs are closures.
#[cfg(any(feature = "stage3", feature = "stage4"))]
macro_rules! of_closures {
    ($stage:ident, $workers:ident, $jobs:ident) => {{
        use crate::traced::stages::$stage::ThreadPool;
        super::program($workers, $jobs, ThreadPool::new, |pool, job| {
            pool.execute(move || job.run());
        })
    }};
}

/// The pool of a stage that has a handler and a bounded queue.
#[cfg(any(feature = "stage6", feature = "stage7"))]
macro_rules! with_a_queue {
    ($stage:ident, $workers:ident, $jobs:ident, $queue:ident) => {{
        use crate::traced::stages::$stage::ThreadPool;
        use crate::traced::sync::mpsc::TrySendError;
        let new =
            move |workers| ThreadPool::new(workers, $queue, |job: super::ExploredJob| job.run());
        super::program($workers, $jobs, new, |pool, job| {
            match pool.try_execute(job) {
                Ok(()) => {}
                Err(TrySendError::Full(job)) => job.reject(),
                Err(TrySendError::Disconnected(_)) => panic!("no worker is left"),
            }
        })
    }};
}

/// Runs the pool of a stage with so many workers and jobs; `queue` is its capacity, from stage 6
/// on. None if the stage has no pool, or is not compiled in.
pub fn explore(
    explorer: &Explorer,
    stage: usize,
    workers: usize,
    jobs: usize,
    queue: usize,
) -> Option<Report> {
    let program = program(stage, workers, jobs, queue)?;
    Some(explorer.run(program))
}

/// What [`explore`] runs: makes the pool, gives it its jobs, and drops it.
pub fn program(stage: usize, workers: usize, jobs: usize, queue: usize) -> Option<Program> {
    // Not all of these are in use, unless all stages are compiled in.
    let _ = (workers, jobs, queue);
    match stage {
        #[cfg(feature = "stage3")]
        3 => Some(of_closures!(stage3, workers, jobs)),
        #[cfg(feature = "stage4")]
        4 => Some(of_closures!(stage4, workers, jobs)),
        #[cfg(feature = "stage5")]
        5 => Some(with_permits(workers, jobs)),
        #[cfg(feature = "stage6")]
        6 => Some(with_a_queue!(stage6, workers, jobs, queue)),
        #[cfg(feature = "stage7")]
        7 => Some(with_a_queue!(stage7, workers, jobs, queue)),
        _ => None,
    }
}

#[cfg(feature = "stage5")]
fn with_permits(workers: usize, jobs: usize) -> Program {
    use crate::traced::stages::stage5::ThreadPool;
    super::program(workers, jobs, ThreadPool::new, |pool, job| {
        let Some(permit) = pool.try_acquire() else {
            return job.reject();
        };
        pool.execute(move || {
            let _permit = permit;
            job.run();
        });
    })
}

/// The file of a stage and its text. None if the stage is not compiled in.
pub fn source(stage: usize) -> Option<(&'static str, &'static str)> {
    macro_rules! files {
        ($($number:literal $feature:literal $file:literal)*) => {
            match stage {
                $(
                    #[cfg(feature = $feature)]
                    $number => Some(($file, include_str!(concat!("../../", $file)))),
                )*
                _ => None,
            }
        };
    }
    files! {
        3 "stage3" "stages/stage3_channel_pool.rs"
        4 "stage4" "stages/stage4_for_loop.rs"
        5 "stage5" "stages/stage5_busy_counter.rs"
        6 "stage6" "stages/stage6_bounded_queue.rs"
        7 "stage7" "stages/stage7_graceful_shutdown.rs"
    }
}
