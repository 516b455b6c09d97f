//! The arguments, one after another, and what is wrong with one.
//!
//! This module knows what a value may look like, and no command. Each room understands the arguments of
//! its own command: it takes one [`Argument`] after another from [`Arguments`].
#![doc = not_in_the_contract!()]

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::time::Duration;
use std::vec;

/// A day: longer than any demonstration, and short enough that no clock overflows.
const MAX_SECONDS: f64 = 86_400.0;

/// A mistake in the command line. Displayed, it says what to type instead.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    /// A mistake, and what to type instead, in a line or two.
    pub fn new(message: impl Into<String>) -> UsageError {
        UsageError(message.into())
    }
}

impl Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// What a command adds to the output of `--help`.
#[derive(Debug)]
pub struct Help {
    /// A line for each way to use it.
    pub usage: &'static str,
    /// Its options, below a heading.
    pub options: &'static str,
}

/// What every command understands. It ends the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Information {
    /// `-h` or `--help`.
    Help,
    /// `-V` or `--version`.
    Version,
}

/// The arguments that follow the program's name, from left to right.
#[derive(Debug)]
pub struct Arguments {
    rest: Peekable<vec::IntoIter<OsString>>,
    information: Option<Information>,
}

impl Arguments {
    /// These arguments.
    pub fn new(arguments: impl IntoIterator<Item = OsString>) -> Arguments {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        Arguments {
            rest: arguments.into_iter().peekable(),
            information: None,
        }
    }

    /// Takes the next argument if it is this word, and returns whether it is.
    pub fn take_word(&mut self, word: &str) -> bool {
        self.rest.next_if(|next| next == word).is_some()
    }

    /// Takes the next argument. A value may follow its option as the next argument or after `=`.
    ///
    /// Nothing follows what asks for [`Information`].
    pub fn next_argument(&mut self) -> Option<Argument<'_>> {
        let typed = self.rest.next()?;
        let (option, inline) = split(&typed);
        self.information = match option.as_str() {
            "-h" | "--help" => Some(Information::Help),
            "-V" | "--version" => Some(Information::Version),
            _ => {
                return Some(Argument {
                    typed,
                    option,
                    inline,
                    rest: &mut self.rest,
                });
            }
        };
        None
    }

    /// What the arguments that were taken ask for, in the place of a command.
    pub fn information(&self) -> Option<Information> {
        self.information
    }
}

/// An argument, and where its value comes from if it is an option that takes one.
pub struct Argument<'a> {
    typed: OsString,
    option: String,
    /// What stands after a `=`.
    inline: Option<OsString>,
    rest: &'a mut dyn Iterator<Item = OsString>,
}

debug_by_name!(Argument<'_>, typed);

/// Each of these takes the value that follows.
///
/// # Errors
///
/// A value that is missing, or is none of those that the option takes.
impl Argument<'_> {
    /// The option, or what else was typed.
    pub fn name(&self) -> &str {
        &self.option
    }

    /// Whether no value is glued to it with a `=`.
    pub fn is_bare(&self) -> bool {
        self.inline.is_none()
    }

    /// Whether it is no option.
    pub fn is_positional(&self) -> bool {
        !self.option.starts_with('-')
    }

    /// The value. Only the name of a file may be something other than text.
    pub fn raw_value(&mut self) -> Result<OsString, UsageError> {
        let value = self.inline.take().or_else(|| self.rest.next());
        value.ok_or_else(|| {
            let option = &self.option;
            UsageError(format!("{option} needs a value; --help shows which."))
        })
    }

    /// The value, as text.
    pub fn value(&mut self) -> Result<String, UsageError> {
        let value = self.raw_value()?.into_string();
        value.map_err(|value| UsageError(format!("{} does not take {value:?}.", self.option)))
    }

    /// A whole number in this range.
    pub fn whole_number(&mut self, range: RangeInclusive<usize>) -> Result<usize, UsageError> {
        let value = self.value()?;
        self.as_whole_number(&value, range)
    }

    /// The same of a value that was taken.
    pub fn as_whole_number(
        &self,
        value: &str,
        range: RangeInclusive<usize>,
    ) -> Result<usize, UsageError> {
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let upper = match range.end() {
                    &usize::MAX => String::from("on"),
                    end => format!("to {end}"),
                };
                Err(UsageError(format!(
                    "{} takes a whole number from {} {upper}, not {value:?}.",
                    self.option,
                    range.start()
                )))
            }
        }
    }

    /// A number of seconds, up to a day.
    pub fn seconds(&mut self) -> Result<Duration, UsageError> {
        let value = self.value()?;
        match value.parse() {
            Ok(seconds) if (0.0..=MAX_SECONDS).contains(&seconds) => {
                Ok(Duration::from_secs_f64(seconds))
            }
            _ => Err(UsageError(format!(
                "{} takes a number of seconds, like 5 or 0.25, up to {MAX_SECONDS}, not {value:?}.",
                self.option
            ))),
        }
    }

    /// A number of seconds that is more than zero.
    pub fn more_than_zero(&mut self) -> Result<Duration, UsageError> {
        match self.seconds()? {
            Duration::ZERO => Err(UsageError(format!(
                "{} must be more than 0 seconds.",
                self.option
            ))),
            seconds => Ok(seconds),
        }
    }

    /// A host and a port, with a colon between them.
    pub fn host_and_port(&mut self) -> Result<String, UsageError> {
        let value = self.value()?;
        match value.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(value),
            _ => Err(UsageError(format!(
                "{} takes a host and a port, like 127.0.0.1:7878, not {value:?}.",
                self.option
            ))),
        }
    }

    /// The argument itself, understood by `parse`, whose error is a sentence.
    pub fn positional<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, UsageError> {
        let not_text = || UsageError(format!("An address is text, not {:?}.", self.typed));
        parse(self.typed.to_str().ok_or_else(not_text)?).map_err(UsageError)
    }

    /// That no room knows it.
    pub fn means_nothing(&self) -> UsageError {
        UsageError(format!(
            "{:?} means nothing here. To see all options:\n    cargo run -- --help",
            self.typed
        ))
    }
}

/// An option and, if there is one after a `=`, its value.
fn split(argument: &OsStr) -> (String, Option<OsString>) {
    let text = argument.to_string_lossy();
    let Some((option, value)) = text.split_once('=').filter(|_| text.starts_with("--")) else {
        return (text.into_owned(), None);
    };
    // The value as it was typed, even if it is not UTF-8. The standard library can split such an argument
    // only on Unix.
    #[cfg(unix)]
    let value = {
        use std::os::unix::ffi::OsStrExt;
        let mut parts = argument.as_bytes().splitn(2, |byte| *byte == b'=');
        parts.nth(1).map_or(OsStr::new(value), OsStr::from_bytes)
    };
    (option.to_owned(), Some(value.into()))
}
