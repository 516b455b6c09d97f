// A `Box<dyn FnOnce()>` holds any closure that can be called once, whatever its type and its size.
//
// The stages ask for two more words, `Send` and `'static`. The next two programs show why.

use std::sync::mpsc;

type Job = Box<dyn FnOnce()>;

fn main() {
    let (sender, receiver) = mpsc::channel::<Job>();

    sender
        .send(Box::new(|| println!("the front page")))
        .unwrap();
    sender.send(Box::new(|| println!("the slow page"))).unwrap();
    drop(sender);

    for job in receiver {
        job();
    }
}
