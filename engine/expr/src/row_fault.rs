//! What goes wrong with a row in a query: a value that there is not, under Spark's name for it.

use datafusion::error::DataFusionError;

use crate::typing::decimals::Operation;

/// An aggregate has no value for a group. The functions know groups by number; who has their keys says which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFault {
    /// Place of the group among those that were asked for.
    pub group: usize,
    /// What is wrong, and what to write instead.
    pub fault: RowFault,
}

impl std::fmt::Display for GroupFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for GroupFault {}

impl From<GroupFault> for DataFusionError {
    fn from(fault: GroupFault) -> DataFusionError {
        DataFusionError::External(Box::new(fault))
    }
}

/// A row has no value for an expression. It is a matter of the row, not of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Spark's name of the error.
    pub condition: &'static str,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl std::fmt::Display for RowFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] {}", self.condition, self.message)
    }
}

impl std::error::Error for RowFault {}

impl From<RowFault> for DataFusionError {
    fn from(fault: RowFault) -> DataFusionError {
        DataFusionError::External(Box::new(fault))
    }
}

impl RowFault {
    /// A divisor is zero.
    pub fn divisor_zero(operation: Operation) -> RowFault {
        match operation {
            Operation::Remainder | Operation::PositiveRemainder => RowFault {
                condition: "REMAINDER_BY_ZERO",
                message: "the remainder by zero; try_mod gives NULL instead".to_string(),
            },
            _ => RowFault {
                condition: "DIVIDE_BY_ZERO",
                message: "division by zero; try_divide gives NULL instead".to_string(),
            },
        }
    }

    /// A whole number is too large for its type, as `type_name` writes it.
    pub fn overflow(kind: &str) -> RowFault {
        RowFault {
            condition: "ARITHMETIC_OVERFLOW",
            message: format!(
                "the result is too large for {kind}; cast an operand to a wider type, or use try_add, try_subtract, try_multiply, which give NULL"
            ),
        }
    }

    /// A value has no counterpart in the type that it is cast to.
    pub fn invalid_cast(value: &str, kind: &str) -> RowFault {
        RowFault {
            condition: "CAST_INVALID_INPUT",
            message: format!("'{value}' is no {kind}; try_cast gives NULL instead"),
        }
    }

    /// An interval is divided by zero.
    pub fn interval_divided() -> RowFault {
        RowFault {
            condition: "INTERVAL_DIVIDED_BY_ZERO",
            message: "an interval divided by zero; try_divide gives NULL instead".to_string(),
        }
    }

    /// A sum of whole numbers is too large for BIGINT.
    pub fn sum_overflow() -> RowFault {
        RowFault {
            condition: "ARITHMETIC_OVERFLOW",
            message:
                "the sum is too large for bigint; use try_sum, which gives NULL, or sum(CAST(x AS DECIMAL(38, 0)))"
                    .to_string(),
        }
    }

    /// So many seconds or milliseconds since 1970 that no timestamp says them.
    pub fn no_instant(unit: &str) -> RowFault {
        RowFault {
            condition: "DATETIME_OVERFLOW",
            message: format!(
                "the number of {unit} since 1970 is too large for timestamp; is it another unit? There are timestamp_seconds, timestamp_millis and timestamp_micros"
            ),
        }
    }

    /// A function has no value for the arguments of a row, as `call` shows them.
    pub fn without_value(condition: &'static str, call: &str, help: &str) -> RowFault {
        RowFault { condition, message: format!("{call} has no value; {help}") }
    }

    /// A decimal is too large for its type, as `type_name` writes it.
    pub fn out_of_range(kind: &str) -> RowFault {
        RowFault {
            condition: "NUMERIC_VALUE_OUT_OF_RANGE",
            message: format!(
                "the result is too large for {kind}; cast an operand to fewer digits, or use try_add, try_subtract, try_multiply, try_divide, which give NULL"
            ),
        }
    }
}
