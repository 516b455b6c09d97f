// You give every request a thread of its own, and number the requests to tell them apart.
//
// A closure captures no more than it needs. To print `number`, a borrow is enough, so the closure
// borrows it from the loop. But the thread may still run when the loop has ended: E0373.
//
// The fix: `move`, as the compiler says.

use std::thread;

fn main() {
    for number in 1..=2 {
        let thread = thread::spawn(|| println!("request {number}"));
        thread.join().unwrap();
    }
}
