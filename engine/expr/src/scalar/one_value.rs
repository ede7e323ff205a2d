//! `__one_value(x)`: one representative of the values that Spark takes for equal, for comparisons: 0.0 of -0.0, one NaN of all.
//!
//! DataFusion 55 compares doubles bit by bit in `IN`, `CASE x WHEN`, PARTITION BY, ORDER BY and inside of structs and arrays, and each NaN
//! by its bits everywhere.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::group_key::normalized;

/// The name of the function.
const ONE_VALUE: &str = "__one_value";

/// The representative of an expression's value. Of a constant it is one.
pub fn one_value(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(value, metadata) => Expr::Literal(of_constant(value), metadata),
        Expr::ScalarFunction(call) if call.func.name() == ONE_VALUE => Expr::ScalarFunction(call),
        other => ScalarUDF::new_from_impl(OneValue::default()).call(vec![other]),
    }
}

fn of_constant(value: ScalarValue) -> ScalarValue {
    let normal = value.to_array_of_size(1).and_then(|column| ScalarValue::try_from_array(&normalized(&column), 0));
    normal.unwrap_or(value)
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OneValue {
    signature: Signature,
}

impl Default for OneValue {
    fn default() -> Self {
        OneValue { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OneValue {
    fn name(&self) -> &str {
        ONE_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(kinds[0].clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::clone(&arguments.arg_fields[0]))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(match &arguments.args[0] {
            ColumnarValue::Array(values) => ColumnarValue::Array(normalized(values)),
            ColumnarValue::Scalar(value) => ColumnarValue::Scalar(of_constant(value.clone())),
        })
    }
}
