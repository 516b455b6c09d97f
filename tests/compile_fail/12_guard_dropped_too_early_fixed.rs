// Use no iterator, and nothing needs to borrow from the guard for long. The loop takes the lock,
// takes one job, releases the lock, and runs the job. The guard lives for one statement.
//
// This is the loop of stage 3. The fix in the message would make it as slow as stage 4: a guard
// with a name lives until the end of its block, and here that is when the channel is closed.

use std::sync::{Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send>;

fn work(receiver: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let Ok(job) = receiver.lock().unwrap().recv() else {
            break;
        };
        job();
    }
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    drop(sender);
    work(&Mutex::new(receiver));
}
