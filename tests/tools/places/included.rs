// Another file puts this into one of its modules.

use std::sync::Mutex;

pub fn lock(numbers: &Mutex<Vec<i32>>) {
    let mut guard = numbers.lock().unwrap();
    guard.push(4);
}
