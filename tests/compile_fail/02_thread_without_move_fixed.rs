// With `move`, the closure captures the value of all that it names: here a copy of the number.
//
// The `join` in the next line was no help before. It makes the loop wait, but the compiler looks
// only at the signature of `spawn`, and that asks for `'static`: the thread may outlive the
// function.
//
// Some closures compile without `move`, like the second one here. It moves its text out, into
// `drop`. So it needs the text itself, and captures that.

use std::thread;

fn main() {
    for number in 1..=2 {
        let thread = thread::spawn(move || println!("request {number}"));
        thread.join().unwrap();
    }

    let request = String::from("request 3");
    let thread = thread::spawn(|| drop(request));
    thread.join().unwrap();
}
