//! `nth_field(struct, n)`: a field by its place, for generators whose columns are named by the query.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The function. With 0 as place the value itself is given if it is no struct.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NthField {
    signature: Signature,
}

impl Default for NthField {
    fn default() -> Self {
        NthField { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NthField {
    fn name(&self) -> &str {
        "nth_field"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("nth_field needs its arguments to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(place) = arguments.scalar_arguments.get(1).copied().flatten().and_then(place_of) else {
            return plan_err!("nth_field needs a number");
        };
        match arguments.arg_fields[0].data_type() {
            DataType::Struct(fields) if place < fields.len() => {
                Ok(Arc::new(fields[place].as_ref().clone().with_nullable(true)))
            }
            DataType::Struct(fields) => {
                plan_err!("the rows have {} columns, and {} names are given for them", fields.len(), place + 1)
            }
            _ if place == 0 => Ok(Arc::new(arguments.arg_fields[0].as_ref().clone().with_nullable(true))),
            _ => plan_err!("the rows have one column, and {} names are given for them", place + 1),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(place) = &arguments.args[1] else {
            return internal_err!("nth_field needs a number");
        };
        let Some(place) = place_of(place) else { return internal_err!("nth_field needs a number") };
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        let Some(structs) = values.as_struct_opt() else { return Ok(ColumnarValue::Array(values)) };
        let column: ArrayRef = Arc::clone(structs.column(place));
        Ok(ColumnarValue::Array(match structs.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => nullif(&column, &arrow::array::BooleanArray::new(!nulls.inner(), None))?,
            None => column,
        }))
    }
}

fn place_of(value: &ScalarValue) -> Option<usize> {
    match value.cast_to(&arrow::datatypes::DataType::Int64) {
        Ok(ScalarValue::Int64(Some(place))) => usize::try_from(place).ok(),
        _ => None,
    }
}
