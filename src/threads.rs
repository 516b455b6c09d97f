//! Whether the system has threads for a pool.

use std::io;
use std::sync::Mutex;
use std::thread;

use crate::stage::features;

/// Starts as many threads as there will be workers, all at the same time, and ends them again. A pool
/// panics when the system has too few threads for it. This finds out first, and can say what to do:
/// type this command, which asks for fewer workers.
///
/// # Errors
///
/// That the system has too few threads, as a sentence that says what to type instead.
pub(crate) fn check_for(workers: usize, command: impl Fn() -> String) -> Result<(), String> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // No thread ends before the last one has started: until then this guard holds the lock.
        let closed = gate.lock();
        let wait = || drop(gate.lock());
        let threads: io::Result<Vec<_>> = (0..workers)
            .map(|_| thread::Builder::new().spawn_scoped(scope, wait))
            .collect();
        drop(closed);
        let threads = threads.map_err(|error| {
            format!(
                "The system has no threads for {workers} workers: {error}. With fewer of them:\n    \
                 cargo run {} -- {}",
                features(),
                command()
            )
        })?;
        for thread in threads {
            // It does not panic. After `join`, the system can give the thread to the pool.
            let _ = thread.join();
        }
        Ok(())
    })
}
