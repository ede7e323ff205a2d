//! The one place that reads DataFusion's words: what neither a variant of its errors nor the query itself says.
//!
//! A phrase is found by a part of DataFusion's text. `phrases/tests.rs` has a query for each that makes DataFusion say it, so an
//! update that says it otherwise fails there. Before a phrase is added: can [`crate::precheck`] or [`crate::rules`] see it first?

use datafusion::error::DataFusionError;
use expr::display::plain_text;
use expr::map_keys::duplicate_key;

use crate::problem::SqlProblem;

/// Words of DataFusion that a user cannot act on.
struct Phrase {
    /// The part of the text by which it is known.
    part: &'static str,
    /// Spark's name of the error; empty if it has none.
    code: &'static str,
    /// Our words; empty if DataFusion's may stay.
    words: &'static str,
    /// What to write instead.
    help: &'static str,
}

/// In the order in which they are looked for.
const PHRASES: &[Phrase] = &[
    Phrase {
        part: "require unique expression names",
        code: "COLUMN_ALREADY_EXISTS",
        words: "two columns of the result have the same name",
        help: "give one of them another name with AS",
    },
    Phrase {
        part: "non-boolean predicate",
        code: "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
        words: "",
        help: "compare it with something, such as amount > 0",
    },
    Phrase {
        part: "Cannot infer common argument type",
        code: "DATATYPE_MISMATCH",
        words: "",
        help: "CAST one of the two to the type of the other",
    },
    Phrase {
        part: "Cannot access field",
        code: "INVALID_EXTRACT_BASE_FIELD_TYPE",
        words: "",
        help: "only structs have fields, and arrays of structs",
    },
    Phrase {
        part: "not found in struct",
        code: "FIELD_NOT_FOUND",
        words: "",
        help: "write a field that the struct has, with its capital letters",
    },
    Phrase {
        part: "does not support zero arguments",
        code: "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        words: "",
        help: "give the function its arguments",
    },
    Phrase {
        part: "lambda defined ",
        code: "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
        words: "",
        help: "give the lambda fewer arguments",
    },
    Phrase {
        part: "expects ",
        code: "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        words: "",
        help: "see docs/sql.md for the functions there are",
    },
    Phrase {
        part: "different number of columns",
        code: "NUM_COLUMNS_MISMATCH",
        words: "",
        help: "select as many columns in each part",
    },
    Phrase {
        part: "Unsupported SQL type",
        code: "UNSUPPORTED_DATATYPE",
        words: "",
        help: "use a type such as int, bigint, double, string or timestamp",
    },
    Phrase {
        part: "Unsupported ast node",
        code: "",
        words: "the query has a form of SQL that is not supported",
        help: "write it with joins, aggregates and subqueries",
    },
];

/// A column beside aggregates.
const NOT_GROUPED: &str = "must appear in the GROUP BY";

/// Arguments whose types a function does not take: its name stands before this.
const NO_SIGNATURE: &str = "' failed to match any signature";

/// A function of ours that says what it takes: its words stand behind this.
const COERCION: &str = "user-defined coercion failed with: ";

/// What follows is a list of signatures in DataFusion's types.
const CANDIDATES: &str = " No function matches";

/// The problem that an error is.
pub fn of(error: &DataFusionError, sql: &str) -> SqlProblem {
    let text = error.strip_backtrace();
    let message = without_prefixes(&text);
    if message.contains(NOT_GROUPED) {
        return not_grouped(message, sql);
    }
    if let Some((name, problem)) = of_call(message) {
        return problem.at_text(sql, &format!("{name}("));
    }
    if duplicate_key(message).is_some() {
        return SqlProblem::new("a key stands twice in a map", "write each key of a map once")
            .code("DUPLICATED_MAP_KEY");
    }
    let said = plain_text(first_line(message.split(CANDIDATES).next().unwrap_or(message)));
    let Some(phrase) = PHRASES.iter().find(|phrase| message.contains(phrase.part)) else {
        return SqlProblem::new(said, "change the query so that it can be planned");
    };
    let problem = SqlProblem::new(if phrase.words.is_empty() { said } else { phrase.words.to_string() }, phrase.help);
    if phrase.code.is_empty() { problem } else { problem.code(phrase.code) }
}

/// The function that does not take what it is given, and what is wrong, if that is what an error says.
pub fn of_call(message: &str) -> Option<(&str, SqlProblem)> {
    let (name, said) = if let Some(name) = between(message, "Function '", NO_SIGNATURE) {
        let given = between(message, "(DataType: ", ").").map_or("this type".to_string(), given_type);
        (name, format!("`{name}` does not take {given}"))
    } else {
        let said = between(message, COERCION, CANDIDATES)?;
        let said = plain_text(without_prefixes(said).trim_end_matches('.'));
        (between(message, "Function '", "' user-defined")?, said)
    };
    let help = "CAST the argument to a type that the function takes";
    Some((name, SqlProblem::new(said, help).code("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")))
}

/// A type in the user's words; of one that has others inside, what it is.
fn given_type(kind: &str) -> String {
    let nested = [("List(", "an array"), ("Map(", "a map"), ("Struct(", "a struct")];
    nested
        .iter()
        .find(|(begins, _)| kind.starts_with(begins))
        .map_or_else(|| plain_text(kind), |(_, words)| (*words).to_string())
}

/// The text of an error in the user's words.
pub fn plain(error: &DataFusionError) -> String {
    plain_text(first_line(without_prefixes(&error.strip_backtrace())))
}

fn not_grouped(message: &str, sql: &str) -> SqlProblem {
    let column = between(message, "column \"", "\"").map(|name| name.rsplit('.').next().unwrap_or(name));
    let what = match column {
        Some(column) => format!("`{column}` is neither in GROUP BY nor in an aggregate"),
        None => plain_text(first_line(message)),
    };
    SqlProblem::new(what, "add the column to GROUP BY, or put it into an aggregate such as max(…)")
        .code("MISSING_AGGREGATION")
        .at_text(sql, column.unwrap_or("GROUP BY"))
}

/// What DataFusion puts before the text of its errors, by their variants. Errors are put into texts of others, so several may stand
/// before a text, in this order.
const PREFIXES: &[&str] = &[
    "Error during planning: ",
    "Internal error: ",
    "Execution error: ",
    "Arrow error: ",
    "Cast error: ",
    "This feature is not implemented: ",
];

fn without_prefixes(text: &str) -> &str {
    PREFIXES.iter().fold(text, |text, prefix| text.trim_start_matches(prefix))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(&text[start..start + length])
}

#[cfg(test)]
mod tests;
