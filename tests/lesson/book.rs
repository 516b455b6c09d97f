//! Is `cargo doc` the book: every page a chapter, in order, with its pictures?

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::common::cargo;
use crate::common::compiler::{is_known, warnings};
use crate::common::repository::{files, read, root, temporary};

/// A line of the list in src/book.rs.
struct Chapter {
    /// For example `ch08_lock_scope`.
    module: String,
    /// For example `lock_scope`; the page is `docs/lock_scope.md`.
    page: String,
}

impl Chapter {
    /// The first line of the page, without its mark.
    fn title(&self) -> String {
        let page = read(format!("docs/{}.md", self.page));
        let title = page.lines().next().and_then(|line| line.strip_prefix("# "));
        String::from(title.expect("a page begins with its title"))
    }
}

fn chapters() -> Vec<Chapter> {
    let list = read("src/book.rs");
    let chapters = list.lines().filter_map(|line| {
        let (module, page) = line.trim().strip_suffix(".md\"")?.split_once(": \"")?;
        Some(Chapter {
            module: String::from(module),
            page: String::from(page),
        })
    });
    chapters.collect()
}

#[test]
fn every_page_is_a_chapter_and_the_chapters_are_numbered_in_order() {
    let mut pages = BTreeSet::new();
    for (number, chapter) in (1..).zip(chapters()) {
        let module = format!("ch{number:02}_{}", chapter.page);
        assert_eq!(chapter.module, module);
        pages.insert(root().join(format!("docs/{}.md", chapter.page)));
    }
    assert_eq!(pages, files("docs", "md").into_iter().collect());
}

/// The front page of `cargo doc` has the titles, and one list of links serves all the pages.
#[test]
fn the_table_of_contents_is_the_list_of_chapters() {
    let contents = read("src/book/contents.md");
    let links = read("src/book/links.md");
    let mut entries = contents.lines();
    for (number, chapter) in (1..).zip(chapters()) {
        let (entry, title) = (entries.next().unwrap_or_default(), chapter.title());
        let name = entry.strip_prefix(&format!("{number}. [{title}]["));
        let name = name.and_then(|name| name.strip_suffix(']'));
        let name = name.unwrap_or_else(|| panic!("{title:?} is not {entry:?}"));
        let link = format!("\n[{name}]: crate::book::{}\n", chapter.module);
        assert!(links.contains(&link), "no link is {link:?}");
    }
    assert_eq!(entries.next(), Some(""), "an empty line ends the list");
}

/// A page of `cargo doc` cannot show a file of the repository, but a URL can hold a whole picture.
#[test]
fn the_pictures_of_cargo_doc_are_those_in_docs() {
    let mut links = String::new();
    for file in files("docs", "svg") {
        let name = file.file_name().unwrap().to_str().unwrap();
        write!(links, "[{name}]: data:image/svg+xml,").unwrap();
        for byte in read(&file).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    links.push(char::from(byte));
                }
                _ => write!(links, "%{byte:02X}").unwrap(),
            }
        }
        links.push('\n');
    }
    links.push('\n');

    let path = "src/book/pictures.md";
    if env::var_os("PICTURES").is_some() {
        fs::write(root().join(path), &links).unwrap();
    }
    assert!(
        read(path) == links,
        "{path} is not made from the pictures in docs/. To make it:\n    \
         PICTURES=overwrite cargo test --test lesson book"
    );
}

/// In `cargo doc` the pages are modules, so a link to a file would lead nowhere. Rustdoc warns of links to
/// items that do not exist, but not of links to files.
#[test]
fn every_link_in_cargo_doc_leads_somewhere() {
    let target = temporary();
    let book = target.join("doc/ten_versus_five");
    let _ = fs::remove_dir_all(&book); // What an earlier version left.
    let output = cargo()
        .args(["doc", "--quiet", "--lib", "--no-deps", "--all-features"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(root())
        .env("RUSTDOCFLAGS", warnings().join(" "))
        .env_remove("CARGO_BUILD_TARGET") // Its pages would be in a folder of its name.
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    for chapter in chapters() {
        let module = book.join("book").join(&chapter.module);
        assert!(module.is_dir(), "{} is not there", chapter.module);
    }
    if !is_known() {
        return; // Another rustdoc may make its links in another way.
    }
    let mut folders = vec![book];
    let mut links = 0;
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.is_dir() {
                folders.push(file);
            } else if file
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                links += check_links(&file);
            }
        }
    }
    assert!(links > 500, "only {links} links found");
}

/// A page without its scripts.
fn without_scripts(html: &str) -> String {
    let mut parts = html.split("<script");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, after) = part.split_once("</script>").unwrap_or_default();
        rest += after;
    }
    rest
}

#[test]
fn a_template_in_a_script_is_no_link() {
    let page = "<a href=\"a\"><script>t = `<a href=\"${f}\">`;</script><a href=\"b\">";
    assert_eq!(without_scripts(page), "<a href=\"a\"><a href=\"b\">");
}

/// Follows the links in a file that rustdoc has written, and counts them.
fn check_links(file: &Path) -> usize {
    // A script may hold a template for a link, which looks like a link.
    let html = without_scripts(&fs::read_to_string(file).unwrap());
    let mut links = 0;
    for after in html.split(" href=\"").skip(1) {
        let link = after.split('"').next().unwrap();
        if link.starts_with("https://") || link.starts_with("data:") {
            continue;
        }
        links += 1;
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = match path {
            "" => file.to_owned(),
            _ => file.parent().unwrap().join(path),
        };
        let found = target.is_file();
        assert!(found, "{}: {link} leads nowhere", file.display());
        // The lines of a source file get their anchors from a script.
        if !anchor.is_empty() && !path.contains("/src/") {
            let id = format!("id=\"{anchor}\"");
            let found = fs::read_to_string(target).unwrap().contains(&id);
            assert!(found, "{}: {link} names no heading", file.display());
        }
    }
    links
}
