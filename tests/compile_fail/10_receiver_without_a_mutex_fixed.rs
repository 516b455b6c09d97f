// `Arc<Mutex<Receiver<Job>>>`, from the outside in: several owners, one user at a time, and the end
// of the channel from which jobs come. This is the heart of stage 3.
//
// A mutex around a value that is `Send` is `Sync`. The only way to the receiver is through the
// lock, so a program cannot use it without the lock.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

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
