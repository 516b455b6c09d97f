// Your pool sends its jobs through a channel. A job is a closure, so you send closures.
//
// The compiler accepts the first one, but not the second: E0308. A channel carries values of one
// type, and every closure has a type of its own, even if two closures have the same text.
//
// The fix: a `Box`, and `dyn`.

use std::sync::mpsc;

fn main() {
    let (sender, receiver) = mpsc::channel();

    sender.send(|| println!("the front page")).unwrap();
    sender.send(|| println!("the slow page")).unwrap();
    drop(sender);

    for job in receiver {
        job();
    }
}
