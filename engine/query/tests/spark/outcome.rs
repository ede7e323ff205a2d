//! What comes of one expression: equal, or how the two sides differ.

use crate::asking::{Rows, Silence};
use crate::recorded::{Answer, Recorded};

/// How the engine's answer stands to Spark's. The names are the headings of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The same type and value, or an error on both sides.
    Equal,
    /// The type is right.
    WrongValue,
    /// The value is right.
    WrongType,
    /// Neither is.
    WrongTypeAndValue,
    /// Spark refuses or fails, the engine answers.
    ValueForAnError,
    /// Spark answers, the engine does not take it.
    Refused,
    /// Spark answers, the engine takes it and fails.
    Fails,
    /// The engine panics or does not end, whatever Spark does.
    Panics,
    /// Equal as it stands; with its arguments out of a table another answer.
    DiffersOverColumns,
    /// Equal as it stands; with its arguments out of a table no answer.
    RefusedOverColumns,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 10] = [
        Outcome::Equal,
        Outcome::WrongValue,
        Outcome::WrongType,
        Outcome::WrongTypeAndValue,
        Outcome::ValueForAnError,
        Outcome::Refused,
        Outcome::Fails,
        Outcome::Panics,
        Outcome::DiffersOverColumns,
        Outcome::RefusedOverColumns,
    ];

    /// The heading in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Equal => "equal",
            Outcome::WrongValue => "wrong value",
            Outcome::WrongType => "wrong type",
            Outcome::WrongTypeAndValue => "wrong type and value",
            Outcome::ValueForAnError => "value for an error",
            Outcome::Refused => "refused",
            Outcome::Fails => "fails",
            Outcome::Panics => "panics",
            Outcome::DiffersOverColumns => "differs over columns",
            Outcome::RefusedOverColumns => "refused over columns",
        }
    }
}

/// One expression with both answers.
#[derive(Debug, Clone)]
pub struct Compared {
    /// What was asked.
    pub recorded: Recorded,
    /// How the answers stand to each other.
    pub outcome: Outcome,
    /// The engine's answer, for the reader of a report.
    pub engine: String,
}

/// An expression as it stands.
pub fn of_literals(recorded: &Recorded, answer: Result<Rows, Silence>) -> (Outcome, String) {
    let engine = match answer {
        Ok(rows) => rows.recorded(&recorded.query()),
        Err(Silence::Panics(text)) => return (Outcome::Panics, text),
        Err(Silence::Refused(text)) => return (without_value(recorded, Outcome::Refused), text),
        Err(Silence::Fails(text)) => return (without_value(recorded, Outcome::Fails), text),
    };
    let outcome = match &recorded.answer {
        Answer::Error(_) => Outcome::ValueForAnError,
        Answer::Value { kind, text } => match (*kind == engine.0, *text == engine.1) {
            (true, true) => Outcome::Equal,
            (true, false) => Outcome::WrongValue,
            (false, true) => Outcome::WrongType,
            (false, false) => Outcome::WrongTypeAndValue,
        },
    };
    (outcome, format!("{}: {}", engine.0, engine.1))
}

/// An expression that is equal as it stands, with its arguments out of a table.
pub fn of_columns(recorded: &Recorded, answer: Result<Rows, Silence>) -> (Outcome, String) {
    let (outcome, engine) = of_literals(recorded, answer);
    let outcome = match outcome {
        Outcome::Equal | Outcome::Panics => outcome,
        Outcome::Refused | Outcome::Fails => Outcome::RefusedOverColumns,
        _ => Outcome::DiffersOverColumns,
    };
    (outcome, engine)
}

fn without_value(recorded: &Recorded, outcome: Outcome) -> Outcome {
    match recorded.answer {
        // Which of them it is, and with which words, is not compared.
        Answer::Error(_) => Outcome::Equal,
        Answer::Value { .. } => outcome,
    }
}
