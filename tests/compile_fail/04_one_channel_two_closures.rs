// Your pool sends its jobs through a channel. A job is a closure, so you send closures.
//
// The first one is taken, the second is not: E0308. A channel carries values of one type, and every
// closure has a type of its own, made for it by the compiler, even if it looks like another.
//
// The right turn: a box, and `dyn`.

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
