// You give every request a thread of its own, and number them to tell them apart.
//
// A closure takes no more than it needs. To print `number` it needs to look at it, so it borrows it
// from the loop. But the thread may go on when the loop has long ended: E0373.
//
// The right turn: `move`, as the compiler says.

use std::thread;

fn main() {
    for number in 1..=2 {
        let thread = thread::spawn(|| println!("request {number}"));
        thread.join().unwrap();
    }
}
