//! An error of ours in a query, under Spark's name for it and with what to write instead.

use std::error::Error;

use datafusion::common::Diagnostic;
use datafusion::error::DataFusionError;

/// Spark's names of the errors that functions and casts find.
pub const UNEXPECTED_INPUT_TYPE: &str = "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE";
/// A cast from one type to another that there is not.
pub const CAST_WITHOUT_SUGGESTION: &str = "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION";
/// A condition that is neither true nor false.
pub const FILTER_NOT_BOOLEAN: &str = "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN";
/// A field of what has no fields.
pub const INVALID_EXTRACT_BASE: &str = "INVALID_EXTRACT_BASE_FIELD_TYPE";
/// A field that a struct has not.
pub const FIELD_NOT_FOUND: &str = "FIELD_NOT_FOUND";

/// A value that cannot be compared.
pub const INVALID_ORDERING_TYPE: &str = "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE";
/// Operands that an operator does not take.
pub const BINARY_OP_WRONG_TYPE: &str = "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE";
/// Columns that are put below each other and have nothing in common.
pub const INCOMPATIBLE_COLUMN_TYPE: &str = "INCOMPATIBLE_COLUMN_TYPE";

/// All of them: by its name an error is known to be ours, whatever DataFusion has put around it.
const CONDITIONS: &[&str] = &[
    UNEXPECTED_INPUT_TYPE,
    CAST_WITHOUT_SUGGESTION,
    FILTER_NOT_BOOLEAN,
    INVALID_EXTRACT_BASE,
    FIELD_NOT_FOUND,
    INVALID_ORDERING_TYPE,
    BINARY_OP_WRONG_TYPE,
    INCOMPATIBLE_COLUMN_TYPE,
];

/// The error under this name, with this remedy. Its text stays.
pub fn refused(error: DataFusionError, condition: &'static str, help: &str) -> DataFusionError {
    debug_assert!(CONDITIONS.contains(&condition), "{condition} would not be known again");
    error.with_diagnostic(Diagnostic::new_error(condition, None).with_help(help, None))
}

/// Spark's name and the remedy of an error that [`refused`] made.
pub fn refusal_in(error: &DataFusionError) -> Option<(&'static str, &str)> {
    let mut at: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = at {
        if let Some(DataFusionError::Diagnostic(diagnostic, _)) = error.downcast_ref()
            && let Some(condition) = CONDITIONS.iter().find(|condition| **condition == diagnostic.message)
            && let Some(help) = diagnostic.helps.first()
        {
            return Some((condition, &help.message));
        }
        at = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
