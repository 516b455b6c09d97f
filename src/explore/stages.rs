//! The stages' pools, in every schedule.

use super::{Explorer, Program, Report};

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
        3 => {
            use crate::traced::stages::stage3::ThreadPool;
            Some(super::program(
                workers,
                jobs,
                ThreadPool::new,
                |pool, job| {
                    pool.execute(move || job.run());
                },
            ))
        }
        #[cfg(feature = "stage4")]
        4 => {
            use crate::traced::stages::stage4::ThreadPool;
            Some(super::program(
                workers,
                jobs,
                ThreadPool::new,
                |pool, job| {
                    pool.execute(move || job.run());
                },
            ))
        }
        #[cfg(feature = "stage5")]
        5 => {
            use crate::traced::stages::stage5::ThreadPool;
            Some(super::program(
                workers,
                jobs,
                ThreadPool::new,
                |pool, job| {
                    let Some(permit) = pool.try_acquire() else {
                        return job.reject();
                    };
                    pool.execute(move || {
                        let _permit = permit;
                        job.run();
                    });
                },
            ))
        }
        #[cfg(feature = "stage6")]
        6 => {
            use crate::traced::stages::stage6::ThreadPool;
            use crate::traced::sync::mpsc::TrySendError;
            let new = move |workers| ThreadPool::new(workers, queue, |job: super::Job| job.run());
            Some(super::program(workers, jobs, new, |pool, job| {
                match pool.try_execute(job) {
                    Ok(()) => {}
                    Err(TrySendError::Full(job)) => job.reject(),
                    Err(TrySendError::Disconnected(_)) => panic!("no worker is left"),
                }
            }))
        }
        #[cfg(feature = "stage7")]
        7 => {
            use crate::traced::stages::stage7::ThreadPool;
            use crate::traced::sync::mpsc::TrySendError;
            let new = move |workers| ThreadPool::new(workers, queue, |job: super::Job| job.run());
            Some(super::program(workers, jobs, new, |pool, job| {
                match pool.try_execute(job) {
                    Ok(()) => {}
                    Err(TrySendError::Full(job)) => job.reject(),
                    Err(TrySendError::Disconnected(_)) => panic!("no worker is left"),
                }
            }))
        }
        _ => None,
    }
}

/// The file of a stage and its text. None if the stage is not compiled in.
pub fn source(stage: usize) -> Option<(&'static str, &'static str)> {
    match stage {
        #[cfg(feature = "stage3")]
        3 => Some((
            "stages/stage3_channel_pool.rs",
            include_str!("../../stages/stage3_channel_pool.rs"),
        )),
        #[cfg(feature = "stage4")]
        4 => Some((
            "stages/stage4_for_loop.rs",
            include_str!("../../stages/stage4_for_loop.rs"),
        )),
        #[cfg(feature = "stage5")]
        5 => Some((
            "stages/stage5_busy_counter.rs",
            include_str!("../../stages/stage5_busy_counter.rs"),
        )),
        #[cfg(feature = "stage6")]
        6 => Some((
            "stages/stage6_bounded_queue.rs",
            include_str!("../../stages/stage6_bounded_queue.rs"),
        )),
        #[cfg(feature = "stage7")]
        7 => Some((
            "stages/stage7_graceful_shutdown.rs",
            include_str!("../../stages/stage7_graceful_shutdown.rs"),
        )),
        _ => None,
    }
}
