//! What a learner's file uses that the stand-in for `std` does not show to the explorer.
//!
//! A wrong answer is worse than none: a pool that counts its permits with `Arc::strong_count` has schedules that the
//! explorer does not know of. So its files, as far as the locations of its steps name them, are looked through for
//! such words. Comments and strings do not count.

use std::collections::BTreeSet;
use std::fs;

use crate::explore::Schedule;

/// What asks how many there are of an `Arc`, which is not a step.
const COUNTS: [&str; 9] = [
    "strong_count",
    "weak_count",
    "try_unwrap",
    "unwrap_or_clone",
    "upgrade",
    "Arc::into_inner",
    "Arc::get_mut",
    "Arc::make_mut",
    "Arc::is_unique",
];

/// Paths on which the line with the stand-in has no effect.
const REAL: [&str; 5] = [
    "core::sync",
    "core::hint::spin_loop",
    "::std::sync",
    "::std::thread",
    "::std::hint::spin_loop",
];

/// The first such word in the files in which the steps of a schedule stand, with its place.
pub(super) fn in_files_of(schedule: &Schedule) -> Option<String> {
    let files: BTreeSet<&str> = schedule.locations().map(|it| &*it.file).collect();
    files.into_iter().find_map(|file| {
        let source = fs::read_to_string(file).ok()?;
        let (line, what) = in_source(&source)?;
        Some(format!("{what} is not modelled ({file}:{line})"))
    })
}

/// The line, counted from 1, and what stands there.
fn in_source(source: &str) -> Option<(usize, String)> {
    let code = code(source);
    let words = COUNTS.iter().chain(&REAL);
    let words = words.filter_map(|word| Some((find(&code, word)?, format!("`{word}`"))));
    let first = words.chain(real_module(&code)).min();
    first.map(|(place, what)| (1 + code[..place].matches('\n').count(), what))
}

/// Whether a name may have this character.
fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where a word stands that is not a part of a longer one. Of a path that begins with `::`, nothing may come before.
fn find(code: &str, word: &str) -> Option<usize> {
    code.match_indices(word)
        .map(|(place, _)| place)
        .find(|place| {
            let before = code[..*place].chars().next_back();
            let behind = code[place + word.len()..].chars().next();
            let longer = |it: char| is_part(it) || word.starts_with(':') && it == '>';
            !before.is_some_and(longer) && !behind.is_some_and(is_part)
        })
}

/// A module in braces that uses `std`: it does not see the line at the top of its file. One that is only for tests has
/// no pool in it.
fn real_module(code: &str) -> Option<(usize, String)> {
    code.match_indices("mod ").find_map(|(place, _)| {
        let starts = code[..place].ends_with(|it: char| it.is_whitespace()) || place == 0;
        let (name, rest) = code[place + "mod ".len()..].split_once('{')?;
        let name = name.trim();
        let is_name = name.chars().all(is_part);
        let attributes = code[..place].rsplit([';', '}', '{']).next()?;
        if !starts || !is_name || attributes.contains("cfg(test)") {
            return None;
        }
        let body = &rest[..end_of_braces(rest)];
        let mut real = ["std::sync", "std::thread"].iter();
        let uses = real.any(|it| find(body, it).is_some());
        let sees = find(body, "as std").is_some();
        let told = format!("`std` in `mod {name}`, which lacks the line,");
        (uses && !sees).then_some((place, told))
    })
}

/// Where the brace is that closes one that was opened before.
fn end_of_braces(code: &str) -> usize {
    let mut open = 1;
    let end = code.find(|character| {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        open == 0
    });
    end.unwrap_or(code.len())
}

/// The same text with spaces in place of comments and strings.
fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => string(rest),
            'r' if !code.ends_with(is_part) => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        let skipped = &rest[..length];
        code.extend(skipped.chars().map(|it| if it == '\n' { it } else { ' ' }));
        rest = &rest[length..];
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

/// How long a block comment is; they can be nested.
fn comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut place = 0;
    loop {
        let here = &rest[place..];
        let step = match here.chars().next() {
            None => return rest.len(),
            Some(_) if here.starts_with("/*") => {
                depth += 1;
                2
            }
            Some(_) if here.starts_with("*/") => {
                depth -= 1;
                2
            }
            Some(character) => character.len_utf8(),
        };
        place += step;
        if depth == 0 {
            return place;
        }
    }
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest[1..].find(|character| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |end| end + 2)
}

/// 0 if it is none.
fn raw_string(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|it| *it == '#').count();
    let Some(inside) = rest[1 + hashes..].strip_prefix('"') else {
        return 0;
    };
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside
        .find(&end)
        .map_or(inside.len(), |place| place + end.len());
    2 + hashes + length
}

/// 0 if it is a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some(_)) => rest[3..].find('\'').map_or(0, |end| end + 4),
        (Some(_), Some((place, '\''))) => place + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::in_source;

    fn told(source: &str) -> Option<(usize, String)> {
        in_source(source)
    }

    #[test]
    fn what_is_not_modelled_is_found_where_it_stands() {
        for (source, line, what) in [
            (
                "use std::sync::Arc;\nlet n = Arc::strong_count(&it);",
                2,
                "`strong_count`",
            ),
            ("\n\nwhile let Some(it) = weak.upgrade() {}", 3, "`upgrade`"),
            ("let it = Arc::into_inner(it);", 1, "`Arc::into_inner`"),
            ("use core::sync::atomic::AtomicBool;", 1, "`core::sync`"),
            (
                "let it = ::std::sync::Mutex::new('\"'); // \"",
                1,
                "`::std::sync`",
            ),
            (
                "struct A;\npub mod b { use std::thread; }",
                2,
                "`std` in `mod b`, which lacks the line,",
            ),
        ] {
            assert_eq!(told(source), Some((line, what.to_owned())), "{source}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for source in [
            "// Arc::strong_count\n/* /* upgrade */ core::sync */ fn it() {}",
            "let text = \"say \\\" strong_count\"; let raw = r#\"a \" try_unwrap\"#;",
            "let it = mutex.into_inner(); let it = map.get_mut(&1);",
            "use std::sync::Arc; fn upgrades<'a>(strong_counts: &'a str) {}",
            "use ten_versus_five::traced as std;\nuse std::sync::Mutex;",
            "#[cfg(test)]\nmod tests { use std::sync::Mutex; }",
            "mod inner { use ten_versus_five::traced as std; use std::sync::Mutex; }",
            "mod inner { fn it() {} } fn other() { std::thread::yield_now() }",
            "mod other;\nstruct It { a: std::sync::Mutex<()> }",
        ] {
            assert_eq!(told(source), None, "{source}");
        }
    }
}
