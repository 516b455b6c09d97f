//! What all stages share: connections in, requests read and answered, rejections.
//!
//! The road a request takes: [`connections`] yields it to the stage's `serve`, which runs
//! [`Site::handle`](site::Site::handle) on some thread; that reads the request and writes the
//! response, with [`http`] in and [`http`] out. [`rejections`] answers the connections that a stage
//! rejects.

pub mod connections;
pub mod foreground;
pub mod http;
pub mod rejections;
pub mod site;
