// `move` makes the closure take along whatever it names: here a copy of the number.
//
// Even the `join` in the next line did not help before. It keeps the loop waiting, but the compiler
// judges `spawn` by its signature, and that says `'static`: the thread may outlive everybody.
//
// You may have seen a closure without `move` that compiles, like the second one here. It gives its
// text away, so it needs the whole of it, and takes the whole of it.

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
