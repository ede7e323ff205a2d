//! A function that a job file defines.

use std::ops::Range;

use super::{DataType, SqlText};

/// A function of the job: `[function.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name in SQL.
    pub name: String,
    /// Where the name stands in the job file, bytes.
    pub name_span: Range<usize>,
    /// Its arguments in the order of a call.
    pub arguments: Vec<Argument>,
    /// Type of what it gives. `None`: the body's own.
    pub returns: Option<DataType>,
    /// What it does.
    pub body: FunctionBody,
}

/// An argument of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Name in the body, and in calls that name their arguments.
    pub name: String,
    /// Type of its values.
    pub data_type: DataType,
}

/// What a function does. Bodies in other languages will stand beside this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionBody {
    /// An SQL expression over the arguments.
    Sql(SqlText),
}
