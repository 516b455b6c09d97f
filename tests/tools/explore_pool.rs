//! Do the promises in every schedule tell right pools from wrong ones?
//!
//! Each test is a pool, and what is true of it, a sign for each promise in the order of [`explored::PROMISES`]: `+` it is kept,
//! `-` it is broken, `?` the explorer cannot tell.

use ten_versus_five::check::Verdict;
use ten_versus_five::check::pool::explored;
use ten_versus_five::check::pool::{Check, Pool};

use crate::explore::{book, broken, condvar};

/// What is told of the pools that `new` makes.
fn verdicts(test: &str, new: fn(usize) -> Pool) -> [Verdict; 5] {
    explored::verdicts(&Check::new(test, new).in_test(test))
}

fn assert_verdicts(test: &str, new: fn(usize) -> Pool, expected: &str) {
    let verdicts = verdicts(test, new);
    let signs = verdicts.iter().map(|verdict| match verdict {
        Verdict::Kept => '+',
        Verdict::Broken { .. } => '-',
        Verdict::CannotTell(_) => '?',
    });
    let signs: String = signs.collect();
    let told = verdicts.map(|verdict| verdict.to_string()).join("\n\n");
    assert_eq!(signs, expected, "{told}");
}

/// Makes a test of each pool, which has the Book's interface.
macro_rules! verdicts {
    ($($(#[$attribute:meta])* $test:ident $expected:literal $pool:ty;)*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                let test = concat!("explore_pool::", stringify!($test));
                assert_verdicts(test, |size| {
                    let pool = <$pool>::new(size);
                    Box::new(move |job| pool.execute(job))
                }, $expected);
            }
        )*
    };
}

verdicts! {
    the_book_s "+++++" book::ThreadPool;
    a_queue_and_a_condvar "+++++" condvar::ThreadPool;
    #[cfg(feature = "stage3")]
    stage_3 "++++-" ten_versus_five::traced::stages::stage3::ThreadPool;
    #[cfg(feature = "stage4")]
    stage_4 "-+++-" ten_versus_five::traced::stages::stage4::ThreadPool;
    holds_the_lock "-+++-" broken::HoldsTheLock;
    is_stuck_when_dropped "+++-?" broken::StuckAtDrop;
    leaves_before_the_queue_is_empty "++-??" broken::LosesJobsAtDrop;
    wakes_the_wrong_worker "++?-?" broken::WakesTheWrongOne;
}

mod the_macro_makes_a_test_of_each_promise {
    ten_versus_five::explore_pool!(crate::explore::book::ThreadPool);

    mod or_of_some {
        ten_versus_five::explore_pool!(crate::explore::condvar::ThreadPool:
            no_schedule_is_stuck, drop_waits_for_every_job_in_every_schedule);
    }
}
