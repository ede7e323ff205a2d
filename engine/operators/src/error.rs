//! What can go wrong inside an operator, in words that a user can act on.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use expr::row_fault::{GroupFault, RowFault};

/// What can go wrong inside an operator.
#[derive(Debug)]
pub enum OperatorError {
    /// The query itself failed, or an engine fault; the text says where.
    Compute(String),
    /// There is no value for a row: it is divided by zero, a text is no number. Other rows are not concerned.
    Row(String),
    /// The rows of one batch come to more text than one column can hold; fewer rows at a time do not. The text is the library's.
    TooLong(String),
    /// The checkpoint could not be read.
    State(state::StateError),
    /// A state block is not what this operator wrote.
    Damaged(String),
}

impl std::fmt::Display for OperatorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OperatorError::Compute(what) | OperatorError::Row(what) => f.write_str(what),
            OperatorError::TooLong(what) => write!(
                f,
                "{what}: one column of rows that must be put together comes to more than 2 GiB, which is all that it can hold. \
                 These rows are a single one, those of one key (in OVER, collect_list, a join), a table in mode \"complete\" or a \
                 static table: leave long columns out or shorten them with substr(…), keep fewer rows of a key, or set mode = \"update\""
            ),
            OperatorError::State(error) => error.fmt(f),
            OperatorError::Damaged(what) => {
                write!(f, "state is damaged: {what}; `engine checkpoint verify` names every damaged record")
            }
        }
    }
}

impl std::error::Error for OperatorError {}

/// Words of an error that is of the types of a query, however it comes.
const OF_TYPES: &[&str] = &["not supported", "not implemented", "cannot be used", "Unsupported"];

impl OperatorError {
    /// True for what goes wrong with a plain row and would with any: what is wrong is the query.
    pub fn is_of_every_row(&self) -> bool {
        match self {
            OperatorError::Compute(_) => true,
            OperatorError::Row(what) => OF_TYPES.iter().any(|words| what.contains(words)),
            OperatorError::TooLong(_) | OperatorError::State(_) | OperatorError::Damaged(_) => false,
        }
    }

    /// A fault of the plan that made an operator, or of the operators before it: nothing that a user did.
    pub(crate) fn fault(operator: &str, what: impl std::fmt::Display) -> OperatorError {
        OperatorError::Compute(format!("{operator}: {what}; this is a fault of the engine, please report it"))
    }
}

impl From<DataFusionError> for OperatorError {
    fn from(error: DataFusionError) -> Self {
        if let DataFusionError::ArrowError(arrow, _) = error.find_root()
            && is_too_long(arrow)
        {
            return OperatorError::TooLong(error.strip_backtrace());
        }
        if let Some(what) = of_row(error.find_root()) {
            return OperatorError::Row(expr::map_keys::remedied(what));
        }
        OperatorError::Compute(expr::map_keys::remedied(error.strip_backtrace()))
    }
}

/// What is wrong with a row, if that is what an error says: a function, a cast or an operation has no value for it.
fn of_row(error: &DataFusionError) -> Option<String> {
    match error {
        DataFusionError::External(inner) => {
            let of_group = || inner.downcast_ref::<GroupFault>().map(ToString::to_string);
            inner.downcast_ref::<RowFault>().map(ToString::to_string).or_else(of_group)
        }
        DataFusionError::Execution(what) => Some(what.clone()),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::CastError(what)
            | ArrowError::ComputeError(what)
            | ArrowError::ParseError(what)
            | ArrowError::InvalidArgumentError(what)
            | ArrowError::ArithmeticOverflow(what) => Some(what.clone()),
            ArrowError::DivideByZero => Some("division by zero".to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn is_too_long(error: &ArrowError) -> bool {
    matches!(error, ArrowError::OffsetOverflowError(_))
}

impl From<ArrowError> for OperatorError {
    fn from(error: ArrowError) -> Self {
        if is_too_long(&error) {
            return OperatorError::TooLong(error.to_string());
        }
        OperatorError::Compute(error.to_string())
    }
}

impl From<state::StateError> for OperatorError {
    fn from(error: state::StateError) -> Self {
        OperatorError::State(error)
    }
}
