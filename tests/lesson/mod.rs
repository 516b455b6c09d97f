//! Is what the stages, the race and the pages say true?
//!
//! Each file answers one question, which stands in its first line. Begin with `overlap.rs`.

// The stages.
mod beyond;
mod lock_scope;
mod overlap;
mod pool;
mod stage_files;
mod ten_versus_five;
mod threads;

// The program and its race.
mod ask;
mod command_line;
mod race;
mod race_client;
mod race_program;
mod race_servers;
mod screen;

// The pages, and the compiler that they quote.
mod book;
mod compiler;
mod docs;
mod glossary;
