//! Verdicts for people.

use std::io::{self, Write};

use super::Verdict;
use crate::terminal::wrap;

/// Where the text begins, behind the verdict.
const INDENT: usize = 13;

/// Writes what was decided about the promise of this name, in lines of at most so many columns. A question
/// that was asked before is not asked again: `questions` has those.
pub(super) fn verdict(
    out: &mut impl Write,
    width: usize,
    name: &str,
    verdict: &Verdict,
    seen: &str,
    questions: &mut Vec<String>,
) -> io::Result<()> {
    let (word, mut texts) = match verdict {
        Verdict::Kept => ("kept", vec![seen.to_owned()]),
        Verdict::CannotTell(why) => ("cannot tell", vec![why.clone()]),
        Verdict::Broken {
            happened,
            question,
            page,
        } => {
            let mut texts = vec![happened.clone()];
            if !questions.contains(question) {
                questions.push(question.clone());
                texts.push(question.clone());
                texts.push(format!("See {page}."));
            }
            ("BROKEN", texts)
        }
    };
    texts.retain(|text| !text.is_empty());
    writeln!(out, "{word:INDENT$}{name}")?;
    for text in texts {
        let text = text.replace(|c: char| c.is_control(), " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        for line in wrap(&words.join(" "), width.saturating_sub(INDENT)) {
            writeln!(out, "{:INDENT$}{line}", "")?;
        }
    }
    Ok(())
}
