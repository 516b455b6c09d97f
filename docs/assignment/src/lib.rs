//! What `pool.rs` is compiled into.

pub mod pool;
