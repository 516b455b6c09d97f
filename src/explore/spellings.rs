// Thirteen ways to write the worker's loop of stage 3. All of them run every job, and end when the
// channel is closed. They differ in how long the lock is held.
//
// This file needs nothing but `std`, so it can be compiled alone, on any edition. The table in
// docs/lock_scope.md has a row for every function, in this order.
//
// Each `#[expect(...)]` is a warning of Clippy's, and there are no others: `cargo clippy` gives a
// warning when it finds more, and when it finds less.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvError};

/// A closure to run once, on another thread.
pub type Job = Box<dyn FnOnce() + Send>;

// Six that release the lock before the job runs.

/// The shortest. Many versions of this pool say `.recv().unwrap()` here, which panics when the
/// channel is closed; the `?` ends without a panic. The guard lives equally long in both.
pub fn let_then_call(receiver: &Mutex<Receiver<Job>>) {
    let until_closed = || -> Result<(), RecvError> {
        loop {
            let job = receiver.lock().unwrap().recv()?;
            job();
        }
    };
    let _closed = until_closed();
}

/// The loop of stage 3.
pub fn let_else(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
}

/// When the `match` begins, there is a message, and the guard is already dropped.
pub fn match_after_let(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let message = receiver.lock().unwrap().recv();
        match message {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
}

/// A temporary does not outlive the function that makes it.
pub fn helper_function(receiver: &Mutex<Receiver<Job>>) {
    fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
        receiver.lock().unwrap().recv().ok()
    }

    while let Some(job) = next(receiver) {
        job();
    }
}

/// A guard with a name, dropped before the job runs.
pub fn guard_dropped(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let guard = receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        drop(guard);
        job();
    }
}

/// A guard with a name is dropped at the end of its block, even if the block is a scrutinee.
#[expect(clippy::blocks_in_conditions)]
#[expect(clippy::while_let_loop)]
pub fn guard_in_a_block(receiver: &Mutex<Receiver<Job>>) {
    loop {
        match {
            let guard = receiver.lock().unwrap();
            guard.recv()
        } {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
}

// Six that hold the lock while the job runs.

/// The loop of stage 4. Clippy does not warn of it.
pub fn for_loop(receiver: &Mutex<Receiver<Job>>) {
    for job in receiver.lock().unwrap().iter() {
        job();
    }
}

/// Nothing borrows from the guard when the job runs, and still the guard lives.
#[expect(clippy::significant_drop_in_scrutinee)]
pub fn while_let(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
}

/// `while_let_loop` is on by default, and asks for the loop above, which holds the lock too.
#[expect(clippy::significant_drop_in_scrutinee)]
#[expect(clippy::while_let_loop)]
pub fn match_on_recv(receiver: &Mutex<Receiver<Job>>) {
    loop {
        match receiver.lock().unwrap().recv() {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
}

/// Edition 2024 drops the guard before the `else`, but the job runs before that.
#[expect(clippy::significant_drop_in_scrutinee)]
#[expect(clippy::while_let_loop)]
pub fn if_let(receiver: &Mutex<Receiver<Job>>) {
    loop {
        if let Ok(job) = receiver.lock().unwrap().recv() {
            job();
        } else {
            break;
        }
    }
}

/// A guard with a name lives to the end of its block, even if no code uses it again.
#[expect(clippy::significant_drop_tightening)]
pub fn guard_not_dropped(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let guard = receiver.lock().unwrap();
        let Ok(job) = guard.recv() else {
            break;
        };
        job();
    }
}

/// The guard has no name, but `jobs` borrows from it. So the guard lives as long as `jobs`: this is
/// *temporary lifetime extension*. Clippy does not warn of it either.
pub fn borrow_in_a_let(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let jobs = &*receiver.lock().unwrap();
        let Ok(job) = jobs.recv() else {
            break;
        };
        job();
    }
}

// One that holds the lock in edition 2021, and releases it in edition 2024.

/// Edition 2024 drops the guard at the inner brace, edition 2021 only when the job is done.
pub fn while_let_block(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = { receiver.lock().unwrap().recv() } {
        job();
    }
}
