//! A crate of the learner's own, beside the one that uses it.

use ten_versus_five::traced as std;

use std::sync::Mutex;

pub fn lock() {
    let number = Mutex::new(0);
    *number.lock().unwrap() += 1;
}
