//! Strings and lists in JSON.

/// A list of values, each of which is JSON already.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<String>>().join(","))
}

/// A string that can stand in a page, too.
pub(crate) fn string(text: &str) -> String {
    let mut string = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            '\n' => string.push_str("\\n"),
            // `</script>` would end the script.
            '<' | '\0'..' ' | '\u{7f}'..'\u{a0}' | '\u{2028}' | '\u{2029}' => {
                string.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => string.push(character),
        }
    }
    string + "\""
}
