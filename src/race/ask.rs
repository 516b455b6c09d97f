//! Predictions: what a user expects of a race, asked before it and compared with it afterwards.

use std::fmt::{self, Display};
use std::io::{self, BufRead, ErrorKind, Write};

use super::options::{Against, RaceOptions};
use super::recording::{Lane, RaceRecording};
use crate::Stage;
use crate::client::RequestOutcome;
use crate::client::target::Target;
use crate::terminal;

/// The mistake of asking where no answer can be typed.
pub const NEEDS_A_TERMINAL: &str = "\
--ask waits for predictions to be typed, and there is no terminal to type on: \
standard input is another file, or the program runs in the background. Leave --ask out.";

const HELP: &str = "\
Type a number for each request, the seconds until its answer, like: 3 4
Enter alone makes no prediction. ? explains what else you can type.
";

const MORE_HELP: &str = "\
An x stands for a request that is rejected, and 4x3 for four times 3.
For a class, type the hands behind each prediction: 3 4: 12; 4 4: 7";

/// When the answers come, in seconds and in order. What is rejected has no number, and comes last.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers(Vec<Option<f64>>);

impl Answers {
    fn new(mut answers: Vec<Option<f64>>) -> Answers {
        let seconds = |answer: &Option<f64>| answer.unwrap_or(f64::INFINITY);
        answers.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        Answers(answers)
    }

    /// What a race has shown. `None` if a request was neither answered as it should be nor rejected.
    fn of(recording: &RaceRecording) -> Option<Answers> {
        let answer = |lane: &Lane| match lane.end {
            Some((_, RequestOutcome::Rejected)) => Some(None),
            _ => lane.answered().map(|time| Some(time.as_secs_f64())),
        };
        let answers: Option<Vec<_>> = recording.lanes.iter().map(answer).collect();
        answers.map(Answers::new)
    }

    /// Whether each number is right, give or take a quarter of what one request takes. That is less than
    /// any wave is late, and more than a busy machine is.
    fn agree_with(&self, seen: &Answers) -> bool {
        let leeway = seen.0.first().copied().flatten().unwrap_or_default() / 4.0;
        let near = |pair: (&Option<f64>, &Option<f64>)| match pair {
            (Some(one), Some(other)) => (one - other).abs() <= leeway,
            (one, other) => one == other,
        };
        self.0.len() == seen.0.len() && self.0.iter().zip(&seen.0).all(near)
    }
}

/// `5 and 10 s`; from five requests on, equal ones together: `4x5 and 2x10 s`.
impl Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|answer| match answer {
            // A tenth of a second is what the chart shows, too.
            Some(seconds) => ((seconds * 10.0).round() / 10.0).to_string(),
            None => String::from("x"),
        });
        let names: Vec<String> = names.collect();
        let together = |group: &[String]| match group.len() {
            1 => group[0].clone(),
            count => format!("{count}x{}", group[0]),
        };
        let names = match names.len() {
            ..5 => names,
            _ => names.chunk_by(|a, b| a == b).map(together).collect(),
        };
        match names.split_last() {
            Some((last, [])) => write!(f, "{last} s"),
            Some((last, others)) => write!(f, "{} and {last} s", others.join(", ")),
            None => Ok(()),
        }
    }
}

/// What a user expects, and how many hands were up for it, if they were counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    answers: Answers,
    hands: Option<usize>,
}

/// The predictions for one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// What was asked about, for example `stage 4`.
    about: String,
    /// The page that explains what is seen.
    page: String,
    predictions: Vec<Prediction>,
}

/// Asks for predictions for each server of a race, in a line each, until they are understood.
///
/// # Errors
///
/// When there is no more input, or the question cannot be written.
pub fn ask(
    options: &RaceOptions,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<Vec<Predictions>> {
    write!(output, "{HELP}")?;
    let mut all = Vec::new();
    for (about, question, page) in questions(options) {
        writeln!(output, "\n{question}:")?;
        let predictions = loop {
            let Some(line) = terminal::ask(input, output)? else {
                return Err(ErrorKind::UnexpectedEof.into());
            };
            if line.trim() == "?" {
                writeln!(output, "{MORE_HELP}")?;
                continue;
            }
            match parse(&line, options.count) {
                Ok(predictions) => break predictions,
                Err(why) => writeln!(output, "{why}")?,
            }
        };
        all.push(Predictions {
            about,
            page,
            predictions,
        });
    }
    Ok(all)
}

/// What is asked about, the question, and the page that explains what is seen.
fn questions(options: &RaceOptions) -> Vec<(String, String, String)> {
    let requests = match options.count {
        1 => String::from("One slow request"),
        count => format!("{count} slow requests, sent together"),
    };
    match &options.against {
        Against::Servers(servers) => {
            let question = |target: &Target| {
                let question = format!("{requests}, to {target}");
                (target.to_string(), question, String::from("docs/race.md"))
            };
            servers.iter().map(question).collect()
        }
        Against::Stages { stages, sleep, .. } => {
            let seconds = sleep.as_secs_f64();
            let question = |Stage { number, name, .. }: &&Stage| {
                let about = format!("stage {number}");
                let question = format!("{requests}, of {seconds} s each, to {about}, {name}");
                let page = format!("docs/stage{number}_{}.md", name.replace('-', "_"));
                (about, question, page)
            };
            stages.iter().map(question).collect()
        }
    }
}

/// Understands a line: `5 10`, or `5 5: 12; 5 10: 7`. Nothing is no prediction.
///
/// # Errors
///
/// What is wrong with it, as a sentence.
pub fn parse(line: &str, count: usize) -> Result<Vec<Prediction>, String> {
    if line.trim().is_empty() {
        return Ok(Vec::new());
    }
    line.split(';').map(|part| parse_one(part, count)).collect()
}

fn parse_one(text: &str, count: usize) -> Result<Prediction, String> {
    let (answers, hands) = match text.split_once(':') {
        None => (text, None),
        Some((answers, hands)) => match hands.trim().trim_end_matches(" hands").parse() {
            Ok(hands) => (answers, Some(hands)),
            Err(_) => return Err(format!("How many hands is {:?}?", hands.trim())),
        },
    };
    let mut seconds = Vec::new();
    let words = answers.split(|c: char| c.is_whitespace() || c == ',');
    for word in words.filter(|word| !["", "and", "s"].contains(word)) {
        let not_a_number = || format!("What is {word:?}? A prediction is made of numbers.");
        let (times, number) = match word.split_once('x') {
            Some((times, number)) if !times.is_empty() => {
                (times.parse().map_err(|_| not_a_number())?, number)
            }
            _ => (1, word),
        };
        let answer = match number {
            "x" | "" => None,
            _ => match number.trim_end_matches('s').parse::<f64>() {
                Ok(number) if number.is_finite() && number >= 0.0 => Some(number),
                _ => return Err(not_a_number()),
            },
        };
        // More than that is one too many, however many more.
        let room = (count + 1).saturating_sub(seconds.len());
        seconds.extend([answer].repeat(room.min(times)));
    }
    if seconds.len() != count {
        return Err(match count {
            1 => String::from("One request is sent, so a prediction is one number."),
            _ => format!("{count} requests are sent, so a prediction has {count} numbers."),
        });
    }
    Ok(Prediction {
        answers: Answers::new(seconds),
        hands,
    })
}

impl Predictions {
    /// The predictions beside what the race has shown, line by line; nothing if there are none.
    pub fn compare(&self, recording: &RaceRecording) -> Vec<String> {
        if self.predictions.is_empty() {
            return Vec::new();
        }
        let about = &self.about;
        let Some(seen) = Answers::of(recording) else {
            let why = "not every request was answered or rejected";
            return vec![format!(
                "The predictions for {about} are not compared: {why}."
            )];
        };
        let rows = self.predictions.iter().map(|prediction| {
            let verdict = match prediction.answers.agree_with(&seen) {
                true => "right",
                false => "wrong",
            };
            let hands = match prediction.hands {
                Some(1) => String::from(", 1 hand"),
                Some(hands) => format!(", {hands} hands"),
                None => String::new(),
            };
            format!("  {}{hands}: {verdict}", prediction.answers)
        });
        let first = format!("Predictions for {about}, which took {seen}:");
        let last = format!("  Why? Read {}.", self.page);
        [first].into_iter().chain(rows).chain([last]).collect()
    }
}
