//! `to_timestamp(x)`: ISO-8601 text to an instant, null if it is not one; numbers are seconds (Spark's `CAST(x AS TIMESTAMP)`).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::Utc;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use operators::aggregate::instant;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToTimestamp {
    signature: Signature,
}

impl Default for ToTimestamp {
    fn default() -> Self {
        ToTimestamp { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &str {
        "to_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let values = arguments.args[0].to_array(rows)?;
        Ok(ColumnarValue::Array(to_instants(&values)?))
    }
}

fn to_instants(values: &ArrayRef) -> Result<ArrayRef> {
    let instants: TimestampMicrosecondArray = match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(values, &DataType::Utf8)?;
            text.as_string::<i32>().iter().map(|text| text.and_then(parse)).collect()
        }
        kind if kind.is_integer() => {
            let seconds = cast(values, &DataType::Int64)?;
            seconds.as_primitive::<Int64Type>().iter().map(|s| s.and_then(|s| s.checked_mul(1_000_000))).collect()
        }
        kind if kind.is_floating() => {
            let seconds = cast(values, &DataType::Float64)?;
            seconds
                .as_primitive::<Float64Type>()
                .iter()
                .map(|s| s.filter(|s| s.is_finite()).map(|s| (s * 1e6) as i64))
                .collect()
        }
        _ => return Ok(cast(values, &instant())?),
    };
    Ok(Arc::new(instants.with_timezone("UTC")))
}

fn parse(text: &str) -> Option<i64> {
    arrow::compute::kernels::cast_utils::string_to_datetime(&Utc, text.trim()).ok().map(|time| time.timestamp_micros())
}
