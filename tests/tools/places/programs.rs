// Programs in which a lock is held for longer than it seems. Each locks again what it may still have.
//
// Six of them are in public reports: a `while let`, an `if let` on a block, a `match`, a method of a block, two
// blocks in one expression, and two calls in one expression. Three of these six are different in edition 2024.

use ten_versus_five::traced as std;

use std::sync::{Mutex, MutexGuard};
use std::thread;

mod included {
    use ten_versus_five::traced as std;
    include!("included.rs");
}

macro_rules! locked {
    ($mutex:expr) => {
        $mutex.lock().unwrap()
    };
}

fn while_let(numbers: &Mutex<Vec<i32>>) {
    while let Some(number) = numbers.lock().unwrap().pop() {
        if number < 3 {
            numbers.lock().unwrap().push(number + 1);
        }
    }
}

fn match_on_a_value(numbers: &Mutex<Vec<i32>>) {
    match numbers.lock().unwrap().pop() {
        Some(number) => numbers.lock().unwrap().push(number + 1),
        None => {}
    }
}

fn two_calls(numbers: &Mutex<Vec<i32>>) {
    let _sum = numbers.lock().unwrap()[0] + numbers.lock().unwrap()[1];
}

fn if_let_on_a_block(numbers: &Mutex<Vec<i32>>) {
    if let Some(number) = { numbers.lock().unwrap().pop() } {
        numbers.lock().unwrap().push(number + 1);
    }
}

fn method_of_a_block(numbers: &Mutex<Vec<i32>>) {
    let put_back = |number: i32| numbers.lock().unwrap().push(number);
    { numbers.lock().unwrap().pop() }.map(put_back);
}

fn two_blocks(numbers: &Mutex<Vec<i32>>) {
    let _sum = { numbers.lock().unwrap().len() } + { numbers.lock().unwrap().len() };
}

// These end in every edition.

fn inner_block(numbers: &Mutex<Vec<i32>>) {
    {
        let mut guard = locked!(numbers);
        guard.push(3);
    }
    drop(locked!(numbers));
    included::lock(numbers);
    path_dependency::lock();
}

fn early_return(numbers: &Mutex<Vec<i32>>) {
    fn is_empty(numbers: &Mutex<Vec<i32>>) -> bool {
        let guard = numbers.lock().unwrap();
        if guard.is_empty() {
            return true;
        }
        thread::yield_now();
        false
    }
    is_empty(numbers);
    is_empty(&Mutex::new(vec![]));
}

fn question_mark(numbers: &Mutex<Vec<i32>>) {
    fn first(numbers: &Mutex<Vec<i32>>) -> Option<i32> {
        let guard = numbers.lock().unwrap();
        let first = guard.first()?;
        Some(*first)
    }
    first(numbers);
    first(&Mutex::new(vec![]));
}

// These give a guard away.

#[inline(never)]
fn last_owner(mut guard: MutexGuard<Vec<i32>>) {
    guard.push(3);
    thread::yield_now();
}

fn given_away(numbers: &Mutex<Vec<i32>>) {
    let guard = numbers.lock().unwrap();
    last_owner(guard);
    thread::yield_now();
}

struct Permit<'a>(Option<MutexGuard<'a, Vec<i32>>>);

impl Drop for Permit<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        thread::yield_now();
        self.0.take();
    }
}

#[inline(never)]
fn last_owner_of_a_permit(permit: Permit) {
    thread::yield_now();
    let _permit = permit;
}

fn in_a_field(numbers: &Mutex<Vec<i32>>) {
    let permit = Permit(Some(numbers.lock().unwrap()));
    last_owner_of_a_permit(permit);
    thread::yield_now();
}

fn two_ways(numbers: &Mutex<Vec<i32>>) {
    #[inline(never)]
    fn way(numbers: &Mutex<Vec<i32>>, first: bool) {
        let guard = numbers.lock().unwrap();
        if first {
            thread::yield_now();
            drop(guard);
        } else {
            drop(guard);
        }
    }
    way(numbers, true);
    way(numbers, false);
}

fn meanwhile(numbers: &Mutex<Vec<i32>>) {
    for _ in 0..2 {
        let guard = numbers.lock().unwrap();
        thread::sleep(std::time::Duration::from_millis(10));
        ten_versus_five::traced::job(guard.len(), || ());
    }
}

const PROGRAMS: [(&str, fn(&Mutex<Vec<i32>>)); 13] = [
    ("while_let", while_let),
    ("match_on_a_value", match_on_a_value),
    ("two_calls", two_calls),
    ("if_let_on_a_block", if_let_on_a_block),
    ("method_of_a_block", method_of_a_block),
    ("two_blocks", two_blocks),
    ("inner_block", inner_block),
    ("early_return", early_return),
    ("question_mark", question_mark),
    ("given_away", given_away),
    ("in_a_field", in_a_field),
    ("two_ways", two_ways),
    ("meanwhile", meanwhile),
];

// The first argument is `join` or `leave`: a program that waits for itself cannot be joined.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ten_versus_five::traced::show(|| {
        for (name, program) in PROGRAMS {
            if arguments.iter().any(|it| it == name) {
                let thread = thread::Builder::new().name(name.to_string());
                let running = thread.spawn(move || program(&Mutex::new(vec![1, 2])));
                let running = running.unwrap();
                if arguments[0] == "join" {
                    running.join().unwrap();
                }
            }
        }
    });
}
