//! Do the tools that look at a pool or a server tell the truth about it?
//!
//! Each file is the answer to one question, which stands in its first line. Begin with `traced.rs`.

mod assignment;
mod check_pool;
mod check_server;
mod exercises;
mod exercises_watch;
mod explore;
mod explore_command;
mod explore_page;
mod explore_pool;
mod explore_quiz;
mod explore_step;
mod locations;
mod lock;
mod places;
mod pool_forms;
mod recipe;
mod schedules;
mod states;
mod traced;
mod traced_steps;
