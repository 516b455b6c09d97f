//! Where a step stands in the learner's own file: file, line and column.
//!
//! A call like `lock` knows its caller (`#[track_caller]`). A drop has none, and it is the drop of the
//! guard that one wants to see: there, the text of a [`Backtrace`] names the very character at which
//! something is dropped, if the program has debug information.
//!
//! That text is not a promise of `std`. What is in another form than expected, or in a file that is not
//! there any more, is not known; a location is never guessed. The files of `std`, of dependencies and of
//! this crate are not the learner's, except for the stages and the thirteen loops.

use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::env;
use std::fmt;
use std::panic;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, Once, PoisonError};

/// Where something stands in a file. As text it is `FILE:LINE:COLUMN`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file, with `/` between folders. It is relative to the current directory if it is in there,
    /// and to this crate if it is one of its own.
    pub file: Arc<str>,
    /// Counts from 1.
    pub line: u32,
    /// Counts from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl FromStr for Location {
    type Err = ();

    fn from_str(text: &str) -> Result<Location, ()> {
        let mut parts = text.rsplitn(3, ':');
        let column = number(parts.next()).ok_or(())?;
        let line = number(parts.next()).ok_or(())?;
        let file = parts.next().filter(|file| !file.is_empty()).ok_or(())?;
        Ok(Location {
            file: Arc::from(file),
            line,
            column,
        })
    }
}

impl Location {
    /// The file without its folders.
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }
}

/// How the location of a step is found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// It is the caller of a function of the stand-in.
    Caller(&'static panic::Location<'static>),
    /// Something is dropped: it is the innermost place in the learner's files.
    Drop,
    /// It has none, like the start of a thread.
    None,
}

impl Source {
    #[track_caller]
    pub(crate) fn caller() -> Source {
        Source::Caller(panic::Location::caller())
    }

    /// To be called where the step is taken.
    ///
    /// That may take a tenth of a millisecond.
    pub(crate) fn locate(self) -> Place {
        match self {
            Source::Caller(caller) => match of_caller(caller) {
                Place::Unknown => of_this_place(),
                place => place,
            },
            Source::Drop => of_this_place(),
            Source::None => Place::Unknown,
        }
    }
}

/// In whose file a step stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In one of the learner's.
    Learner(Location),
    /// In one of this crate's, but not in the stand-in: it is a step of a check.
    Check,
    /// That is not known, or it stands in none.
    Unknown,
}

impl Place {
    pub(crate) fn location(&self) -> Option<&Location> {
        match self {
            Place::Learner(location) => Some(location),
            _ => None,
        }
    }
}

/// Where a caller is. A function of the stand-in, or of `std`, that has called itself for a learner is
/// not what is looked for, so then it is unknown.
pub(crate) fn of_caller(caller: &panic::Location) -> Place {
    if own(&normal(caller.file())).is_some_and(is_of_a_check) {
        return Place::Check;
    }
    shown(caller.file()).map_or(Place::Unknown, |file| {
        let (line, column) = (caller.line(), caller.column());
        Place::Learner(Location { file, line, column })
    })
}

fn of_this_place() -> Place {
    // With `#`, its paths do not depend on the current directory.
    of_backtrace(&format!("{:#}", Backtrace::force_capture()))
}

/// Reads the debug information, once. Without this, the first location would take long, and no other thread
/// could capture a backtrace meanwhile.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(of_this_place()));
}

/// Whose is the innermost frame that is neither the stand-in's, nor of `std` or a dependency?
pub(crate) fn of_backtrace(text: &str) -> Place {
    try_of_backtrace(text).unwrap_or(Place::Unknown)
}

fn try_of_backtrace(text: &str) -> Option<Place> {
    let mut lines = text.lines().map(str::trim).peekable();
    // Where this crate is, as its debug information names it.
    let mut root = normal(env!("CARGO_MANIFEST_DIR")) + "/";
    while let Some(line) = lines.next() {
        let symbol = symbol(line);
        let at = lines.next_if(|next| next.starts_with("at "));
        let Some(place) = at.and_then(|at| at.strip_prefix("at ")) else {
            if symbol.is_of_others() || symbol.is_of_the_stand_in() {
                continue;
            }
            // This may be it, and what comes further out is something else.
            return None;
        };
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (number(parts.next())?, number(parts.next())?);
        let file = normal(parts.next()?);
        if symbol.0.starts_with("ten_versus_five::traced::location::") {
            root = file.strip_suffix(HERE)?.to_owned();
        }
        match file.strip_prefix(&*root) {
            Some(own) if is_of_a_check(own) => return Some(Place::Check),
            Some(own) if !is_lesson(own) => continue,
            None if is_of_others(&file) || symbol.is_of_the_stand_in() => continue,
            _ => {}
        }
        let file = shown(&file)?;
        return Some(Place::Learner(Location { file, line, column }));
    }
    None
}

fn number(part: Option<&str>) -> Option<u32> {
    part?.parse().ok().filter(|number| *number > 0)
}

/// The name of a function.
struct Symbol<'a>(&'a str);

/// A name stands in a line like `7:     0x5581f0 - core::mem::drop`, in which the address may be missing,
/// or all that comes before the name.
fn symbol(line: &str) -> Symbol<'_> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match line.split_once(':') {
        Some((index, name)) if is_number(index) => name.trim_start(),
        _ => line,
    };
    let name = match name.split_once(" - ") {
        Some((address, name)) if address.starts_with("0x") => name,
        _ => name.strip_prefix("- ").unwrap_or(name),
    };
    Symbol(name)
}

impl Symbol<'_> {
    /// Whether it is `std`'s. `<alloc::boxed::Box<T> as core::ops::drop::Drop>::drop` is, whatever `T` is.
    fn is_of_others(&self) -> bool {
        let name = self.0.trim_start_matches(['<', '&']);
        let starts = ["core::", "std::", "alloc::"];
        starts.iter().any(|start| name.starts_with(start))
    }

    /// The stages have such names, too.
    fn is_of_the_stand_in(&self) -> bool {
        let name = self.0.trim_start_matches('<');
        let ours = [" as core::", " as ten_versus_five::"];
        let of_a_type = self.0.starts_with('<') && !ours.iter().any(|it| self.0.contains(it));
        let scheduler = name.starts_with("ten_versus_five::explore::execution::");
        (scheduler || name.starts_with("ten_versus_five::traced::"))
            && !name.starts_with("ten_versus_five::traced::stages::")
            && !of_a_type
    }
}

/// Whether a file is the learner's, and not of `std`, of a dependency, or of this crate.
fn is_a_learner_s(file: &str) -> bool {
    own(file).map_or_else(|| !is_of_others(file), is_lesson)
}

/// Whether a file is of `std` or of a dependency that is not in a folder of the learner's own.
fn is_of_others(file: &str) -> bool {
    let others = [
        "/rustc/",
        "/rust/deps/",
        "/library/alloc/",
        "/library/core/",
        "/library/std/",
        "/library/test/",
        "/library/backtrace/",
        "/registry/src/",
        "/git/checkouts/",
        "/vendor/",
    ];
    others.iter().any(|other| file.contains(other))
}

/// Whether a file of this crate, named from its root, is what a learner could have written.
fn is_lesson(own: &str) -> bool {
    own == "src/explore/spellings.rs" || !own.starts_with("src/")
}

fn is_of_a_check(own: &str) -> bool {
    // The scheduler stands between the stand-in and this file.
    !is_lesson(own) && !own.starts_with("src/traced/") && own != "src/explore/execution.rs"
}

const HERE: &str = "src/traced/location.rs";

/// The path of a file of this crate from its root.
fn own(file: &str) -> Option<&str> {
    if is_absolute(file) {
        return file
            .strip_prefix(&*normal(env!("CARGO_MANIFEST_DIR")))?
            .strip_prefix('/');
    }
    // The compiler names all files of a workspace from the same folder.
    let here = normal(file!());
    let root = here.strip_suffix(HERE)?;
    file.strip_prefix(root)
}

/// With `/`, and without `.` and `..`.
fn normal(file: &str) -> String {
    let file = file.replace('\\', "/");
    let file = file.strip_prefix("//?/").unwrap_or(&file);
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split('/') {
        match part {
            "." => {}
            ".." if parts
                .last()
                .is_some_and(|last| !last.is_empty() && *last != "..") =>
            {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_absolute(file: &str) -> bool {
    file.starts_with('/') || file.get(1..3) == Some(":/")
}

/// The name of a learner's file as it is shown. None if it is not one, or not there any more.
fn shown(file: &str) -> Option<Arc<str>> {
    static SHOWN: Mutex<Option<HashMap<String, Option<Arc<str>>>>> = Mutex::new(None);
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = shown.get_or_insert_default();
    if let Some(known) = shown.get(file) {
        return known.clone();
    }
    let normal = normal(file);
    let name = Some(&normal).filter(|file| is_a_learner_s(file));
    let name = name.and_then(|file| name_of(file)).map(Arc::from);
    shown.insert(file.to_owned(), name.clone());
    name
}

fn name_of(file: &str) -> Option<String> {
    if let Some(own) = own(file) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(own);
        return path.is_file().then(|| own.to_owned());
    }
    let current = env::current_dir().unwrap_or_default();
    let path = if is_absolute(file) {
        Some(PathBuf::from(file)).filter(|path| path.is_file())?
    } else {
        // The compiler names it from the root of a workspace, which is here or further up.
        let paths = current.ancestors().map(|folder| folder.join(file));
        let mut paths = paths.filter(|path| path.is_file());
        let first = paths.next()?;
        if paths.next().is_some() {
            return Some(file.to_owned());
        }
        first
    };
    let from_here = path.strip_prefix(&current).unwrap_or(&path);
    Some(normal(&from_here.to_string_lossy()))
}
