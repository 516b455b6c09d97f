//! All tests, in one program, so that they wait side by side.

// With one stage alone, some of it is not used.
#[cfg_attr(not(all(feature = "stage1", feature = "stage7")), allow(dead_code))]
#[macro_use]
mod common;

mod lesson;
mod server;
mod tools;
