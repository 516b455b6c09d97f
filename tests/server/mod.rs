//! Does the server that all stages share keep its promises, whatever a client does?
//!
//! Each file answers one question, which stands in its first line. Begin with `bad_input.rs`.

// What it sends.
mod browser;
mod browser_schedules;
mod http;
mod wire;

// What it withstands.
mod bad_input;
mod fuzz;
mod load;
mod shortage;
mod vanishing;

// How it ends.
mod connections;
mod stopping;
