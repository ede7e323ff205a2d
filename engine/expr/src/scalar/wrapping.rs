//! `CAST` of a number to a whole number without ANSI, as Java does it: what is too large wraps around, of a double it is the nearest.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::display::type_name;
use crate::typing::meeting::{is_float, is_whole};

/// The cast of an expression.
pub fn wrapping(expr: Expr, to: DataType) -> Expr {
    ScalarUDF::new_from_impl(WrappingCast { to, signature: Signature::any(1, Volatility::Immutable) }).call(vec![expr])
}

/// True if there is such a cast, and it is none that any number stands.
pub fn wraps(from: &DataType, to: &DataType) -> bool {
    let is_narrower = is_whole(from) && from.primitive_width() > to.primitive_width();
    is_whole(to) && (is_narrower || is_float(from) || matches!(from, DataType::Decimal128(..)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WrappingCast {
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for WrappingCast {
    fn name(&self) -> &str {
        "__wrapping_cast"
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let arg = args.first().map(ToString::to_string).unwrap_or_default();
        Ok(format!("CAST({arg} AS {})", type_name(&self.to).to_uppercase()))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.first().map(|arg| arg.schema_name().to_string()).unwrap_or_default())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        let is_long = self.to == DataType::Int64;
        let whole: Int64Array = match values.data_type() {
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(scale.unsigned_abs().into());
                values.as_primitive::<Decimal128Type>().unary(|value| (value / unit) as i64)
            }
            kind if is_float(kind) => {
                let doubles = cast(&values, &DataType::Float64)?;
                let nearest = |value: f64| if is_long { value as i64 } else { i64::from(value as i32) };
                doubles.as_primitive::<Float64Type>().unary(nearest)
            }
            _ => cast(&values, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
        };
        let narrow: ArrayRef = match &self.to {
            DataType::Int8 => Arc::new(whole.unary::<_, Int8Type>(|value| value as i8)),
            DataType::Int16 => Arc::new(whole.unary::<_, Int16Type>(|value| value as i16)),
            DataType::Int32 => Arc::new(whole.unary::<_, Int32Type>(|value| value as i32)),
            _ => Arc::new(whole),
        };
        Ok(ColumnarValue::Array(narrow))
    }
}

#[cfg(test)]
mod tests;
