//! Whole seconds since 1970 of an instant, rounded down: Spark's `CAST(timestamp AS BIGINT)`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::types::instant;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct EpochSeconds {
    signature: Signature,
}

impl Default for EpochSeconds {
    fn default() -> Self {
        EpochSeconds { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for EpochSeconds {
    fn name(&self) -> &str {
        "epoch_seconds"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let instants = cast(&arguments.args[0].to_array(arguments.number_rows)?, &instant())?;
        let seconds: Int64Array =
            instants.as_primitive::<TimestampMicrosecondType>().unary(|us| us.div_euclid(1_000_000));
        Ok(ColumnarValue::Array(Arc::new(seconds) as ArrayRef))
    }
}
