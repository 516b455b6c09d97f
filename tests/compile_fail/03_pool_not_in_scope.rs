// A thread for every request can be too many. You write the loop that you would like to have, with
// a pool.
//
// No type of that name is in scope, and the standard library has none either: E0433. Still, this is
// a good way to begin. The code that uses a pool shows what the pool must be able to do.
//
// The fix: write a pool. The programs after this one show how.

fn main() {
    let pool = ThreadPool::new(4);

    for number in 1..=2 {
        pool.execute(move || println!("request {number}"));
    }
}
