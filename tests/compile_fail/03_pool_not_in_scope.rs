// A thread for every request is too many. You write the loop you would like to have, with a pool.
//
// Nothing of that name is in scope, and nothing in the standard library either: E0433. To begin
// with the code that uses a thing is a good way to find out what the thing must be able to do.
//
// The right turn: build one. That is what the rest of these programs are about.

fn main() {
    let pool = ThreadPool::new(4);

    for number in 1..=2 {
        pool.execute(move || println!("request {number}"));
    }
}
