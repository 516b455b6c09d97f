//! Are the glossary's lines of code and its links true, and is it in alphabetical order?

use crate::common::repository::{read, root};

/// An entry of docs/glossary.md.
struct Entry {
    term: String,
    /// What stands between the heading and the list.
    text: String,
    /// A line of code, or a part of one.
    code: String,
    /// The file in which the line is, from the repository's folder on.
    file: String,
    /// The page that the entry links to.
    page: String,
}

/// The entries, in their order. Panics if one lacks its text, its line of code or its page.
fn entries() -> Vec<Entry> {
    let glossary = read("docs/glossary.md");
    let (terms, rest) = glossary.split_once("\n## Where to go next\n").unwrap();
    let entry = |section: &str| {
        let (term, body) = section.split_once('\n')?;
        let (text, list) = body.split_once("\n- Code: `")?;
        let (code, list) = list.split_once("` in")?;
        let (file, link) = list.trim().strip_prefix('`')?.split_once("`\n- Page: [")?;
        let (_, label) = link.trim_end().strip_suffix(']')?.split_once("][")?;
        let (_, definition) = rest.split_once(&format!("\n[{label}]: "))?;
        Some(Entry {
            term: String::from(term),
            text: text.trim().replace('\n', " "),
            code: String::from(code),
            file: String::from(file),
            page: format!("docs/{}", definition.lines().next()?),
        })
    };
    let sections = terms.split("\n### ").skip(1);
    sections
        .map(|section| entry(section).unwrap_or_else(|| panic!("something is missing: {section}")))
        .collect()
}

#[test]
fn every_line_of_code_is_in_its_file() {
    for Entry {
        term, code, file, ..
    } in entries()
    {
        let found = read(&file).lines().any(|line| line.contains(&code));
        assert!(found, "{term}: {file} has no line {code}");
    }
}

/// Only the words: in lower case, each after one space, and without a hyphen between two of them.
fn words(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == '-')
        .collect();
    words.join(" ").to_lowercase()
}

#[test]
fn every_page_uses_the_word_or_shows_the_line() {
    for entry in entries() {
        let Entry {
            term, code, page, ..
        } = &entry;
        assert!(root().join(page).is_file(), "{term}: there is no {page}");
        let text = read(page);
        let found = words(&text).contains(&words(term)) || text.contains(code);
        assert!(found, "{page} has neither the word {term:?} nor {code:?}");
    }
}

#[test]
fn the_terms_are_in_alphabetical_order_and_none_comes_twice() {
    let terms: Vec<String> = entries().iter().map(|it| it.term.to_lowercase()).collect();
    assert!(terms.len() > 30, "only {} terms", terms.len());
    for pair in terms.windows(2) {
        assert!(pair[0] < pair[1], "{pair:?}");
    }
}

#[test]
fn every_entry_says_something_and_names_only_terms_that_have_an_entry() {
    let entries = entries();
    for Entry { term, text, .. } in &entries {
        assert!(
            text.ends_with('.') || text.ends_with(".)"),
            "{term}: {text}"
        );
        for part in text.split("Compare *").skip(1) {
            let other = part.split('*').next().unwrap();
            let found = entries.iter().any(|entry| entry.term == other);
            assert!(found, "{term}: {other:?} has no entry");
        }
    }
}
