// The loops of tests/lock_scope/spellings.rs, to be run with the stand-in for `std`.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvError};

/// Something to do, once, on another thread.
pub type Job = Box<dyn FnOnce() + Send>;

// Six that let go of the lock before the job runs.

/// The shortest. Many versions of this pool say `.recv().unwrap()` here, and panic in every worker
/// when the channel is closed. The `?` ends without a panic; to the guard it is all the same.
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

/// By the time of the `match`, there is a message and no guard.
pub fn match_after_let(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let message = receiver.lock().unwrap().recv();
        match message {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
}

/// No temporary outlives the function that made it.
pub fn helper_function(receiver: &Mutex<Receiver<Job>>) {
    fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
        receiver.lock().unwrap().recv().ok()
    }

    while let Some(job) = next(receiver) {
        job();
    }
}

/// A guard with a name, and an end that can be seen.
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

/// A named guard ends with its block, even if the block is in the head of a `match`.
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

// Five that hold the lock while the job runs.

/// The loop of stage 4, and the only one here that no lint of Clippy's complains of though it holds
/// the lock on every edition.
pub fn for_loop(receiver: &Mutex<Receiver<Job>>) {
    for job in receiver.lock().unwrap().iter() {
        job();
    }
}

/// Nothing borrows from the guard any more when the job runs, and yet it is there.
#[expect(clippy::significant_drop_in_scrutinee)]
pub fn while_let(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = receiver.lock().unwrap().recv() {
        job();
    }
}

/// `while_let_loop` is on by default, and asks for the loop above: one trap for another.
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

/// Edition 2024 drops the guard before the `else`. But the job runs before that.
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

/// A name makes a guard last, whether or not anybody uses it again.
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

// One that holds it or not, as the edition says.

/// Edition 2024 lets go at the inner brace, edition 2021 only when the job is done.
pub fn while_let_block(receiver: &Mutex<Receiver<Job>>) {
    while let Ok(job) = { receiver.lock().unwrap().recv() } {
        job();
    }
}

/// A borrow in a `let` makes the temporary live as long as the variable, although it has no name.
pub fn borrow_in_a_let(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let jobs = &*receiver.lock().unwrap();
        let Ok(job) = jobs.recv() else {
            break;
        };
        job();
    }
}
