//! [`check_pool!`](crate::check_pool) and [`explore_pool!`](crate::explore_pool), and what they expand to. Nothing in
//! here but the two macros is meant to be named by hand.
//!
//! Pools come in many forms, and a macro sees none of their types. So the code that it makes is written in a way that
//! the compiler resolves differently for each form: a method of a type's own is preferred to one of a trait, which
//! is how a `Result` is told from a pool, and a `new` that exists from one that does not.
#![doc = not_in_the_contract!()]

use std::any;
use std::marker::PhantomData;
use std::num::NonZero;

use super::{Check, Job, Pool, explored};
use crate::check::{Promise, Verdict};

/// Makes a test of each promise of a thread pool, or of those that are named.
///
/// ```text
/// ten_versus_five::check_pool!(path::to::ThreadPool);
/// ten_versus_five::check_pool!(path::to::ThreadPool: two_jobs_run_at_once, every_job_runs_once);
/// ```
///
/// The pool has `new`, or else `build`, which takes a number of workers, and `execute`, which takes a job. `new` may
/// also return a `Result`, an `Option` or an `Arc`, `execute` may take `&mut self` and return what it likes, and a job
/// is all that a closure can be: `Send`, `Sync`, `UnwindSafe`, and can be called many times. For any other pool, say in
/// two closures how to make it and how to give it a job:
///
/// ```text
/// ten_versus_five::check_pool!(|workers| Pool::build(workers).unwrap(), |pool, job| pool.run(job));
/// ten_versus_five::check_pool!(|workers| Pool::with(workers), |pool, job| pool.run(job); every_job_runs_once);
/// ```
///
/// The tests have the names of the promises, so for a second pool, choose a module of its own. What
/// each promise means is told with the function of its name in [`check::pool::promises`], and what
/// the verdicts mean in [`check::pool`].
///
/// [`check::pool`]: crate::check::pool
/// [`check::pool::promises`]: crate::check::pool::promises
#[macro_export]
macro_rules! check_pool {
    ($($pool:tt)*) => {
        $crate::pool_tests! {
            check [
                two_jobs_run_at_once,
                every_worker_works,
                never_more_jobs_at_once_than_workers,
                a_slow_job_does_not_hold_up_others,
                a_panic_costs_no_worker,
                drop_waits_for_every_job,
                a_pool_of_no_workers_is_refused,
                every_job_runs_once,
                an_idle_pool_uses_no_processor
            ] $($pool)*
        }
    };
}

/// Makes a test of each promise that a pool has to keep in every schedule, or of those that are named.
///
/// The pool is one of those that [`check_pool!`](crate::check_pool) takes, and its file begins with
/// `use ten_versus_five::traced as std;`. A test that fails prints the schedule, a column a thread, and the choices
/// with which [`Explorer::replay`](crate::explore::Explorer::replay) runs it again.
///
/// ```
/// # #[cfg(feature = "stage3")]
/// ten_versus_five::explore_pool!(ten_versus_five::traced::stages::stage3::ThreadPool);
/// ```
///
/// The tests are called `two_jobs_run_at_once_in_some_schedule`, `never_more_jobs_at_once_than_workers`,
/// `no_schedule_loses_a_job`, `no_schedule_is_stuck` and `drop_waits_for_every_job_in_every_schedule`: see
/// [`check::pool::explored`](crate::check::pool::explored). Name some of them after a colon to have only those:
///
/// ```
/// # #[cfg(feature = "stage4")]
/// ten_versus_five::explore_pool!(ten_versus_five::traced::stages::stage4::ThreadPool:
///     no_schedule_loses_a_job, no_schedule_is_stuck);
/// ```
///
/// A pool with another interface is given in two closures:
///
/// ```text
/// ten_versus_five::explore_pool!(|workers| Pool::build(workers).unwrap(), |pool, job| pool.run(job));
/// ```
#[macro_export]
macro_rules! explore_pool {
    ($($pool:tt)*) => {
        $crate::pool_tests! {
            explore [
                two_jobs_run_at_once_in_some_schedule,
                never_more_jobs_at_once_than_workers,
                no_schedule_loses_a_job,
                no_schedule_is_stuck,
                drop_waits_for_every_job_in_every_schedule
            ] $($pool)*
        }
    };
}

/// The tests of both macros: which macro it is, its promises, and what it was given.
#[doc(hidden)]
#[macro_export]
macro_rules! pool_tests {
    ($kind:ident [$($promise:ident),*] | $($closures:tt)*) => {
        $crate::pool_tests!(@closures $kind [$($promise),*] | $($closures)*);
    };
    ($kind:ident [$($promise:ident),*] move | $($closures:tt)*) => {
        $crate::pool_tests!(@closures $kind [$($promise),*] | $($closures)*);
    };
    (@closures $kind:ident [$($all:ident),*] $new:expr, $execute:expr $(,)?) => {
        $crate::pool_tests!(@closures $kind [] $new, $execute; $($all),*);
    };
    (@closures $kind:ident [$($all:ident),*] $new:expr, $execute:expr; $($promise:ident),+ $(,)?) => {
        $crate::pool_tests! {
            @tests $kind [$($promise),+] $new, $execute
        }
    };
    ($kind:ident [$($all:ident),*] $pool:ty) => {
        $crate::pool_tests!($kind [] $pool: $($all),*);
    };
    ($kind:ident [$($all:ident),*] $pool:ty: $($promise:ident),+ $(,)?) => {
        $crate::pool_tests! {
            @closures $kind [] |workers| {
                #[allow(unused_imports)]
                use $crate::check::pool::macros::{AsItIs as _, Build as _, New as _};
                $crate::check::pool::macros::Made(
                    <$pool>::new($crate::check::pool::macros::workers(workers)),
                )
                .or_build(|| <$pool>::build($crate::check::pool::macros::workers(workers)))
                .pool()
            },
            |pool, job| {
                let _ = pool.execute(job);
            };
            $($promise),+
        }
    };
    // The pool is named once, so that a mistake is told once. The type that holds it has the name of the first
    // test: any other name could be taken already, and a type and a function may share one.
    (@tests $kind:ident [$first:ident $(, $promise:ident)*] $new:expr, $execute:expr) => {
        #[allow(non_camel_case_types)]
        enum $first {}

        impl $crate::check::pool::macros::MakesPools for $first {
            fn pool(workers: usize) -> $crate::check::pool::Pool {
                $crate::check::pool::macros::pool(workers, $new, $execute)
            }
        }

        $crate::pool_tests!(@test $kind $first $first);
        $( $crate::pool_tests!(@test $kind $promise $first); )*
    };
    (@test check an_idle_pool_uses_no_processor $maker:ident) => {
        #[test]
        #[cfg_attr(
            not(target_os = "linux"),
            ignore = "cannot tell: only Linux says how much processor time a thread used"
        )]
        fn an_idle_pool_uses_no_processor() {
            $crate::pool_tests!(@check an_idle_pool_uses_no_processor $maker);
        }
    };
    (@test $kind:ident $promise:ident $maker:ident) => {
        #[test]
        fn $promise() {
            $crate::pool_tests!(@$kind $promise $maker);
        }
    };
    (@check $promise:ident $maker:ident) => {
        $crate::check::pool::macros::assert_kept::<$maker>(
            module_path!(),
            $crate::check::Promise {
                name: stringify!($promise),
                decide: $crate::check::pool::promises::$promise,
            },
        )
    };
    (@explore $promise:ident $maker:ident) => {
        $crate::check::pool::macros::assert_kept_in_every_schedule::<$maker>(
            module_path!(),
            stringify!($promise),
        );
        // A name that is none of a promise is told here.
        let _ = $crate::check::pool::explored::$promise;
    };
}

/// What makes the pools that the tests of one use of a macro check.
pub trait MakesPools {
    /// A pool of so many workers.
    fn pool(workers: usize) -> Pool;
}

/// Makes a pool, and gives it jobs, whatever comes of that. A job in a box is taken by an `execute` that asks for any
/// kind of closure, and also by one that asks for any kind of boxed closure.
pub fn pool<P: 'static, R>(
    workers: usize,
    new: impl FnOnce(usize) -> P,
    mut execute: impl FnMut(&mut P, Box<Job>) -> R + 'static,
) -> Pool {
    let mut pool = new(workers);
    Box::new(move |job| {
        execute(&mut pool, Box::new(job));
    })
}

/// What a constructor may take for the number of workers.
#[diagnostic::on_unimplemented(
    message = "`new`, or `build`, of the pool takes a `{Self}`, and not a number of workers",
    label = "give the macro two closures: one that makes the pool, and one that gives it a job",
    note = "for example: `|workers| ThreadPool::new(\"web\", workers), |pool, job| pool.execute(job)`"
)]
pub trait Workers {
    /// So many.
    fn from_number(number: usize) -> Self;
}

/// The number of workers, in the type that the constructor asks for.
pub fn workers<N: Workers>(number: usize) -> N {
    N::from_number(number)
}

macro_rules! numbers_of_workers {
    ($($number:ty)*) => {
        $(
            impl Workers for $number {
                fn from_number(number: usize) -> Self {
                    let number = number.try_into().ok().and_then(|number: u16| number.try_into().ok());
                    number.expect("the pool takes no such number of workers")
                }
            }
        )*
    };
}

// Checks ask for a few workers only.
numbers_of_workers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

macro_rules! numbers_but_zero {
    ($($number:ty)*) => {
        $(
            impl Workers for NonZero<$number> {
                fn from_number(number: usize) -> Self {
                    NonZero::new(workers(number)).expect("a pool of no workers cannot be asked for")
                }
            }
        )*
    };
}

numbers_but_zero!(u8 u16 u32 u64 u128 usize);

/// What a constructor has returned.
#[derive(Debug)]
pub struct Made<T>(pub T);

/// There is no `new` in the pool of this type.
#[derive(Debug)]
pub struct NoNew<P>(PhantomData<P>);

/// There is no `build` either.
#[derive(Debug)]
pub struct NoBuild<P>(PhantomData<P>);

/// The `new` of a type that has none of its own.
pub trait New: Sized {
    /// Takes what any `new` takes.
    fn new(_workers: usize) -> NoNew<Self> {
        NoNew(PhantomData)
    }
}

impl<P> New for P {}

/// The `build` of a type that has none of its own.
pub trait Build: Sized {
    /// Takes what any `build` takes.
    fn build(_workers: usize) -> NoBuild<Self> {
        NoBuild(PhantomData)
    }
}

impl<P> Build for P {}

/// What a constructor returned is the pool, or something that has `execute` all the same.
pub trait AsItIs: Sized {
    /// What the constructor returned.
    type Pool;

    /// There was a `new`.
    fn or_build<B>(self, _build: impl FnOnce() -> B) -> Self {
        self
    }

    /// The pool.
    fn pool(self) -> Self::Pool;
}

impl<T> AsItIs for Made<T> {
    type Pool = T;

    fn pool(self) -> T {
        self.0
    }
}

impl<P> Made<NoNew<P>> {
    /// There was no `new`.
    pub fn or_build<B>(self, build: impl FnOnce() -> B) -> Made<B> {
        Made(build())
    }
}

impl<P, E> Made<Result<P, E>> {
    /// The pool, if there is one.
    pub fn pool(self) -> P {
        let error = any::type_name::<E>();
        let pool = self.0.ok();
        pool.unwrap_or_else(|| panic!("there is no pool, but an error ({error})"))
    }
}

impl<P> Made<Option<P>> {
    /// The pool, if there is one.
    pub fn pool(self) -> P {
        self.0.expect("there is no pool, but `None`")
    }
}

impl<P> Made<NoBuild<P>> {
    /// There is none.
    pub fn pool(self) -> P
    where
        P: IsMade,
    {
        unreachable!("no type is like that")
    }
}

/// No type has this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has neither `new` nor `build` that could be called from here",
    label = "give the macro two closures: one that makes the pool, and one that gives it a job",
    note = "for example: `|workers| ThreadPool::start(workers), |pool, job| pool.run(job)`"
)]
pub trait IsMade {}

/// What a test that [`check_pool!`](crate::check_pool) makes does. `module` is where it stands.
///
/// # Panics
///
/// When the pool breaks the promise, and when the check cannot tell.
#[track_caller]
pub fn assert_kept<M: MakesPools + 'static>(module: &str, promise: Promise<Check>) {
    let test = name_of_test(module, promise.name);
    let verdict = Check::new(&test, M::pool).in_test(&test).verdict(&promise);
    assert!(verdict == Verdict::Kept, "{}\n\n{verdict}\n", promise.name);
}

/// What a test that [`explore_pool!`](crate::explore_pool) makes does.
///
/// # Panics
///
/// As [`assert_kept`].
#[track_caller]
pub fn assert_kept_in_every_schedule<M: MakesPools + 'static>(module: &str, promise: &str) {
    let test = name_of_test(module, promise);
    let check = Check::new(any::type_name::<M>(), M::pool).in_test(&test);
    let verdicts = explored::verdicts(&check);
    let place = explored::PROMISES.iter().position(|it| it.name == promise);
    let verdict = place.map(|place| &verdicts[place]);
    let told = verdict.map_or_else(String::new, ToString::to_string);
    assert!(verdict == Some(&Verdict::Kept), "{promise}\n\n{told}\n");
}

/// The name that `cargo test` prints for a test, which has no name of a crate in it.
fn name_of_test(module: &str, name: &str) -> String {
    match module.split_once("::") {
        Some((_crate, modules)) => format!("{modules}::{name}"),
        None => name.to_owned(),
    }
}
