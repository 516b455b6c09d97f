// `Arc<Mutex<Receiver<Job>>>`, from the outside in: owned together, used by one at a time, and
// inside it the end of the channel. This is the heart of stage 3.
//
// A mutex makes something `Sync` that is only `Send`. And the only way to the receiver is through
// the lock, so nobody can forget to take it.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send + 'static>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    drop(sender);

    for _ in 0..4 {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            loop {
                let Ok(job) = receiver.lock().unwrap().recv() else {
                    break;
                };
                job();
            }
        });
    }
}
