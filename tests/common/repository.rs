//! The files of the repository, and the blocks of its pages.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The repository's folder. It may have been moved since the tests were compiled, so Cargo is asked for it
/// when they run.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let now = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        now.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
    })
}

/// The folder in which Cargo has built the tests: `target/debug`. This program is in its `deps`.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut program = env::current_exe().unwrap();
        program.pop();
        if program.ends_with("deps") {
            program.pop();
        }
        program
    })
}

/// A folder for what the tests write: `target/tmp`.
pub fn temporary() -> &'static Path {
    static TEMPORARY: OnceLock<PathBuf> = OnceLock::new();
    TEMPORARY.get_or_init(|| {
        let folder = built().with_file_name("tmp");
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// The text of a file.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files with this extension in a folder, in alphabetical order.
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
}

/// The fenced blocks of a page that open with this, for example "```console".
pub fn blocks(page: &str, opening: &str) -> Vec<String> {
    let mut lines = page.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if line == opening {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}
