// No iterator, and so nothing that must go on borrowing: lock, take one job, let go, run it. Around
// that a loop. The guard lives for one statement, and that is long enough to take a job.
//
// This is the loop of stage 3. The cure in the message would make it as slow as stage 4: a guard with
// a name lives until the end of its block, and here that is when the channel is closed.

use std::sync::{Mutex, mpsc};

type Job = Box<dyn FnOnce() + Send + 'static>;

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
