//! The tests of the lesson alone, which compile faster than all tests.

#[allow(dead_code, unused_macros)] // The other tests use it too.
#[macro_use]
#[path = "../common/mod.rs"]
mod common;

#[path = "mod.rs"]
mod lesson;
