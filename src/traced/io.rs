//! `std::io` as it is, but for the two outputs, which the explorer keeps silent.
//!
//! A pool that says what its workers do would say it again in each of thousands of schedules.

use std::fmt::Arguments;

use super::context;

#[doc(no_inline)]
pub use ::std::io::*;

/// The output that a stand-in stands for.
macro_rules! output {
    ($function:ident, $name:ident, $lock:ident) => {
        #[doc = concat!("Stands in for [`std::io::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name(::std::io::$name);

        #[doc = concat!("Stands in for [`std::io::", stringify!($lock), "`].")]
        #[derive(Debug)]
        pub struct $lock(Option<::std::io::$lock<'static>>);

        #[doc = concat!("Stands in for [`std::io::", stringify!($function), "`].")]
        pub fn $function() -> $name {
            $name(::std::io::$function())
        }

        impl $name {
            /// Keeps the output for this thread, as `std`'s.
            pub fn lock(&self) -> $lock {
                $lock((!is_silent()).then(|| self.0.lock()))
            }

            /// Whether it is a terminal.
            pub fn is_terminal(&self) -> bool {
                self.0.is_terminal()
            }
        }

        impl Write for $name {
            fn write(&mut self, bytes: &[u8]) -> Result<usize> {
                self.lock().write(bytes)
            }

            fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
                self.lock().write_all(bytes)
            }

            // All of it under one lock, so that lines are not mixed up.
            fn write_fmt(&mut self, arguments: Arguments) -> Result<()> {
                self.lock().write_fmt(arguments)
            }

            fn flush(&mut self) -> Result<()> {
                self.lock().flush()
            }
        }

        impl Write for $lock {
            fn write(&mut self, bytes: &[u8]) -> Result<usize> {
                match &mut self.0 {
                    Some(output) => output.write(bytes),
                    None => Ok(bytes.len()),
                }
            }

            fn flush(&mut self) -> Result<()> {
                self.0.as_mut().map_or(Ok(()), Write::flush)
            }
        }
    };
}

output!(stdout, Stdout, StdoutLock);
output!(stderr, Stderr, StderrLock);

fn is_silent() -> bool {
    context::explored().is_some()
}
