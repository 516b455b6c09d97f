// An example, and a test.

use ten_versus_five::traced as std;

use std::sync::Mutex;

fn main() {
    ten_versus_five::traced::show(|| *Mutex::new(1).lock().unwrap() += 1);
}

#[test]
fn test() {
    main();
}
