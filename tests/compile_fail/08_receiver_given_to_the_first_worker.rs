// Four workers take their jobs from one channel. Each thread gets the receiver, with `move`.
//
// The receiver moves into the first thread, and nothing is left for the second: E0382.
//
// The fix needs more than one step: see the twin of this program, and the next two programs.

use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();
    drop(sender);

    for _ in 0..4 {
        thread::spawn(move || {
            while let Ok(job) = receiver.recv() {
                job();
            }
        });
    }
}
