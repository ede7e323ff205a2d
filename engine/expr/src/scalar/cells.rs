//! `__cells(x, y, …)` and `__cell(y)`: the cells of a column of VALUES, until they have Spark's types.
//!
//! DataFusion casts the cells of a column to a type of its own when it reads VALUES, before anybody has seen them, so that the
//! user's casts and its own could not be told apart. The first cell of a column names all cells, and thereby the column's type;
//! the others say that they have none, and so are left alone.

use arrow::datatypes::DataType;
use datafusion::common::plan_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::display::type_name;
use crate::typing::meeting::common_type_of;

/// The function around the first cell of a column, whose other arguments are the other cells.
pub const CELLS: &str = "__cells";

/// The function around every other cell.
pub const CELL: &str = "__cell";

/// A cell as it was written.
pub fn written(cell: Expr) -> Expr {
    match cell {
        Expr::Cast(cast) if is_cell(&cast.expr) => written(*cast.expr),
        Expr::ScalarFunction(mut call) if [CELL, CELLS].contains(&call.func.name()) && !call.args.is_empty() => {
            call.args.swap_remove(0)
        }
        other => other,
    }
}

fn is_cell(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if [CELL, CELLS].contains(&call.func.name()))
}

/// Both functions.
pub fn functions() -> Vec<ScalarUDF> {
    [true, false].map(|is_first| ScalarUDF::new_from_impl(Cells::new(is_first))).into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Cells {
    is_first: bool,
    signature: Signature,
}

impl Cells {
    fn new(is_first: bool) -> Cells {
        Cells { is_first, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Cells {
    fn name(&self) -> &str {
        if self.is_first { CELLS } else { CELL }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        if !self.is_first {
            return Ok(DataType::Null);
        }
        common_type_of(kinds).ok_or_else(|| {
            let mut names: Vec<String> = kinds.iter().map(type_name).collect();
            names.dedup();
            plan_datafusion_err!("a column of VALUES holds {}, which have no common type", names.join(" and "))
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(arguments.args[0].clone())
    }
}

#[cfg(test)]
mod tests;
