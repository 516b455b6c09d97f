// Four workers take their jobs out of one channel. Each thread gets the receiver, with `move`.
//
// The first worker has it then, and the loop has nothing left for the second: E0382.
//
// The right turn is not what one tries first: see the next two programs.

use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send + 'static>;

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
