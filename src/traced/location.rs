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
use std::borrow::Cow;
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

/// The caller of a function of the stand-in. What is dropped has none.
pub(crate) type Caller = Option<&'static panic::Location<'static>>;

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

    pub(crate) fn known_caller(self) -> Caller {
        match self {
            Source::Caller(caller) => Some(caller),
            Source::Drop | Source::None => None,
        }
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

/// Runs `work`, and shows that the learner's code is not optimized.
///
/// In a program that is optimized, a function that ends with a drop may have left the stack before, and functions
/// that do the same may be one. Then the innermost place that is left is not the one at which something is dropped.
/// A function that is generic in a learner's type and can be inlined is compiled as the learner's code is. If it
/// has an address of its own in a backtrace, it was not inlined where it always would be.
///
/// This cannot tell a crate of level 1 or `s` in which a dependency of level 0 has compiled it for the same type
/// before. No profile makes such a mixture by itself.
#[inline]
pub(crate) fn seen_if_not_optimized<R>(work: impl FnOnce() -> R) -> R {
    work()
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
    let (mut seen, mut is_optimized) = (None, None);
    while let Some(line) = lines.next() {
        let (symbol, address) = symbol(line);
        let at = lines.next_if(|next| next.starts_with("at "));
        if let Some(seen) = seen.take() {
            is_optimized = Some(address.is_none_or(|address| address == seen));
        } else if is_optimized.is_none() && symbol.0.contains("seen_if_not_optimized") {
            seen = address;
        }
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
        let file = shown(&file).filter(|_| is_optimized == Some(false))?;
        return Some(Place::Learner(Location { file, line, column }));
    }
    None
}

fn number(part: Option<&str>) -> Option<u32> {
    part?.parse().ok().filter(|number| *number > 0)
}

/// The name of a function.
struct Symbol<'a>(Cow<'a, str>);

/// A name stands in a line like `7:     0x5581f0 - core::mem::drop`, in which the address may be missing,
/// or all that comes before the name. Functions that are inlined have the address of the one they are in.
fn symbol(line: &str) -> (Symbol<'_>, Option<&str>) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match line.split_once(':') {
        Some((index, name)) if is_number(index) => name.trim_start(),
        _ => line,
    };
    match name.split_once(" - ") {
        Some((address, name)) if address.starts_with("0x") => {
            (Symbol(without_hashes(name)), Some(address))
        }
        _ => {
            let name = name.strip_prefix("- ").unwrap_or(name);
            (Symbol(without_hashes(name)), None)
        }
    }
}

/// The hash of a crate may stand behind its name, as in `core[c1f1a4ba060b9bfa]::mem::drop`.
fn without_hashes(name: &str) -> Cow<'_, str> {
    let is_hash = |text: &str| text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = name.split('[');
    let first = parts.next().unwrap_or_default();
    if first.len() == name.len() {
        return Cow::Borrowed(name);
    }
    let rest = parts.map(|part| match part.split_once(']') {
        Some((hash, rest)) if is_hash(hash) => rest.to_owned(),
        _ => format!("[{part}"),
    });
    Cow::Owned(first.to_owned() + &rest.collect::<String>())
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
        // A learner may implement a trait for one of its types, and nothing else.
        let is_of_a_trait = self.0.starts_with('<') && self.0.contains(" as ");
        let of_a_type = is_of_a_trait && !ours.iter().any(|it| self.0.contains(it));
        let watchers = ["explore::execution::", "notes::", "traced::"];
        let own = name.strip_prefix("ten_versus_five::");
        own.is_some_and(|own| watchers.iter().any(|watcher| own.starts_with(watcher)))
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
    // The recorder or the scheduler stands between the stand-in and this file.
    let is_a_watcher = own.starts_with("src/notes/") || own == "src/explore/execution.rs";
    !is_lesson(own) && !own.starts_with("src/traced/") && !is_a_watcher
}

const HERE: &str = "src/traced/location.rs";

/// The path of a file of this crate from its root. Another crate may be in its folder too, like the assignment.
fn own(file: &str) -> Option<&str> {
    if is_absolute(file) {
        let file = file.strip_prefix(&*normal(env!("CARGO_MANIFEST_DIR")))?;
        let file = file.strip_prefix('/')?;
        let folder = file.split('/').next()?;
        return ["src", "stages", "tests", "examples", "benches"]
            .contains(&folder)
            .then_some(file);
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
    Some(from(&current, &path))
}

/// The path of a file as it is from here, if it is not far away: a crate may be beside the one that uses it.
fn from(current: &Path, path: &Path) -> String {
    let folders = current.ancestors().take(3).enumerate();
    let mut folders = folders.filter(|(_, folder)| folder.parent().is_some());
    let near = folders.find_map(|(up, folder)| {
        let path = path.strip_prefix(folder).ok()?;
        Some("../".repeat(up) + &path.to_string_lossy())
    });
    let near = near.unwrap_or_else(|| path.to_string_lossy().into_owned());
    near.replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From rustc 1.95 on Linux, in a program that is not optimized. `ROOT` is the folder of this crate.
    const UNLOCK: &str = "   \
   3:     0x557c99cae8f5 - <std[e28293b1aa0f68bd]::backtrace::Backtrace>::force_capture
                               at /rustc/59807616e1fa/library/std/src/backtrace.rs:312:9
  12:     0x557c99c6b4c7 - ten_versus_five::traced::context::note_of_drop::hc7432227ec0f1a79
                               at ROOT/src/traced/context.rs:62:5
  13:     0x5614f50777a0 - <ten_versus_five::traced::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop::{{closure}}::hbafb56831b152602
                               at ROOT/src/traced/mutex.rs:153:17
  14:     0x5614f5071f05 - ten_versus_five::traced::location::seen_if_not_optimized::h06145e70c8823265
                               at ROOT/src/traced/location.rs:133:5
  15:     0x5614f5074375 - <ten_versus_five::traced::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop::haac349f9cfbdd6d5
                               at ROOT/src/traced/mutex.rs:148:9
  16:     0x5614f507423d - core::ptr::drop_in_place<ten_versus_five::traced::mutex::MutexGuard<alloc::vec::Vec<i32>>>::hc87d2bb0600768a7
                               at /rustc/59807616e1fa/library/core/src/ptr/mod.rs:805:1
  17:     0x5614f507546e - guard::next::h1d110544bc3ceaf9
                               at ROOT/examples/guard.rs:13:10
  18:     0x5614f5075276 - guard::main::h1d110544bc3ceaf9
                               at ROOT/examples/guard.rs:40:5
";

    /// The place in there at which the guard is dropped.
    const DROPPED: &str = "ROOT/examples/guard.rs:13:10";

    /// What is found in that text, if parts of it are others.
    fn found(others: &[(&str, &str)]) -> Place {
        let text = others.iter().fold(String::from(UNLOCK), |text, other| {
            assert!(text.contains(other.0), "{}", other.0);
            text.replace(other.0, other.1)
        });
        of_backtrace(&text.replace("ROOT", env!("CARGO_MANIFEST_DIR")))
    }

    fn learner(location: &str) -> Place {
        Place::Learner(location.parse().unwrap())
    }

    #[test]
    fn the_innermost_frame_in_a_learner_s_file_is_the_place() {
        assert_eq!(found(&[]), learner("examples/guard.rs:13:10"));
        // `drop(guard)` has a frame of `std` more.
        let given = (
            "17:     0x5614f507546e - guard::next",
            "17:     0x5614f507546a - core::mem::drop",
        );
        let in_std = (
            DROPPED,
            "/rustc/59807616e1fa/library/core/src/mem/mod.rs:990:1",
        );
        assert_eq!(found(&[given, in_std]), learner("examples/guard.rs:40:5"));
        // The debugger's information on Windows has other separators.
        let windows = (DROPPED, "ROOT\\examples\\.\\guard.rs:13:10");
        assert_eq!(found(&[windows]), learner("examples/guard.rs:13:10"));
        // A step of a check stands in no file of the learner's.
        let check = (DROPPED, "ROOT/src/check/pool/trial.rs:13:10");
        assert_eq!(found(&[check]), Place::Check);
    }

    /// Without debug information, in a file that has gone, and in another form of text.
    #[test]
    fn what_is_not_known_is_not_guessed() {
        let at = "\n                               at ROOT/examples/guard.rs:13:10";
        for other in [
            (at, ""),
            (DROPPED, "ROOT/examples/gone.rs:13:10"),
            (DROPPED, "C:\\pool\\src\\main.rs:13:10"),
            ("guard.rs:13:10", "guard.rs:13"),
            ("guard.rs:13:10", "guard.rs:0:10"),
            ("guard.rs:13:10", "guard.rs:13:x"),
            ("guard.rs:13:10", "guard.rs (line 13, column 10)"),
            (" at ROOT", " in ROOT"),
        ] {
            assert_eq!(found(&[other]), Place::Unknown, "{other:?}");
        }
        for text in [
            "",
            "disabled backtrace",
            "unsupported backtrace",
            "<unknown>\n",
        ] {
            assert_eq!(of_backtrace(text), Place::Unknown, "{text:?}");
        }
    }

    /// From rustc 1.97, whose names have other forms, without the lines of this crate.
    #[test]
    fn the_names_of_functions_have_several_forms() {
        let others = [
            (
                "core::ptr::drop_in_place<",
                "core[c1f1a4ba060b9bfa]::ptr::drop_in_place::<",
            ),
            (
                "ten_versus_five::traced::context::note_of_drop::hc7432227ec0f1a79\n                               at ROOT/src/traced/context.rs:62:5",
                "<ten_versus_five[40d2f1e6a40cc0ba]::notes::Recorder>::note",
            ),
            (
                "<ten_versus_five::traced::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop::{{closure}}::hbafb56831b152602\n                               at ROOT/src/traced/mutex.rs:153:17",
                "<ten_versus_five[40d2f1e6a40cc0ba]::traced::mutex::MutexGuard<[f32]> as core[c1f1a4ba060b9bfa]::ops::drop::Drop>::drop::{closure#0}",
            ),
        ];
        assert_eq!(found(&others), learner("examples/guard.rs:13:10"));
        let of_a_learner = (
            "<ten_versus_five[40d2f1e6a40cc0ba]::notes::Recorder>",
            "<ten_versus_five[40d2f1e6a40cc0ba]::notes::Recorder as pool[40d2f1e6a40cc0bb]::Trait>",
        );
        assert_eq!(
            found(&[others[0], others[1], others[2], of_a_learner]),
            Place::Unknown
        );
    }

    /// A function that is inlined has the address of the function it is in, or none, or no line at all.
    #[test]
    fn a_drop_in_optimized_code_is_not_known() {
        let mark = "  14:     0x5614f5071f05 - ten_versus_five::traced::location::seen_if_not_optimized::h06145e70c8823265";
        let inlined = "  14:     0x5614f5074375 - seen_if_not_optimized<ten_versus_five::traced::mutex::{impl#4}::drop>";
        let others = [
            (mark, inlined),
            (mark, "                             seen_if_not_optimized"),
            (
                "  15:     0x5614f5074375 - ",
                "                             ",
            ),
            (
                "ten_versus_five::traced::location::seen_if_not_optimized",
                "ten_versus_five::traced::mutex::drop",
            ),
        ];
        for other in others {
            assert_eq!(found(&[other]), Place::Unknown, "{other:?}");
        }
    }

    #[test]
    fn a_path_is_the_same_on_windows_and_from_elsewhere() {
        for (path, is_normal) in [
            (r"C:\pool\src\main.rs", "C:/pool/src/main.rs"),
            (r"\\?\C:\pool\.\src\..\main.rs", "C:/pool/main.rs"),
            ("/pool/member/../src/./main.rs", "/pool/src/main.rs"),
            ("../../src/main.rs", "../../src/main.rs"),
        ] {
            assert_eq!(normal(path), is_normal);
        }
        assert!(is_absolute("C:/pool/src/main.rs") && is_absolute("/pool/main.rs"));
        assert!(!is_absolute("src/main.rs"));
        let here = Path::new("/home/learner/pool");
        for (path, from_here) in [
            ("/home/learner/pool/src/main.rs", "src/main.rs"),
            ("/home/learner/beside/src/lib.rs", "../beside/src/lib.rs"),
            ("/elsewhere/src/lib.rs", "/elsewhere/src/lib.rs"),
        ] {
            assert_eq!(from(here, Path::new(path)), from_here);
        }
    }

    #[test]
    fn std_dependencies_and_this_crate_are_not_the_learner_s() {
        let root = env!("CARGO_MANIFEST_DIR");
        for file in [
            "/rustc/59807616e1fa/library/core/src/mem/mod.rs",
            "/home/learner/.cargo/registry/src/index-1/rayon-1.0.0/src/lib.rs",
            "/home/learner/.cargo/git/checkouts/pool-1/src/lib.rs",
            "/home/learner/pool/vendor/rayon/src/lib.rs",
            &format!("{root}/src/traced/mutex.rs"),
        ] {
            assert!(!is_a_learner_s(file), "{file}");
        }
        for file in [
            "stages/stage3_channel_pool.rs",
            "docs/assignment/src/pool.rs",
        ] {
            assert!(is_a_learner_s(&format!("{root}/{file}")), "{file}");
        }
    }
}
