//! Spark's casts where they are not DataFusion's: what a text, a number or a time is in another type.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::casting::{fault_of, is_lost, read};
use crate::display::type_name;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SparkCast {
    signature: Signature,
    name: String,
    target: DataType,
    is_trying: bool,
}

impl SparkCast {
    /// The cast to `target`; what cannot be read is null if it is `trying`, else an error.
    pub fn new(target: DataType, is_trying: bool) -> SparkCast {
        let kind = type_name(&target);
        let name = if is_trying && kind != "string" { format!("try_{kind}") } else { kind };
        SparkCast { signature: Signature::any(1, Volatility::Immutable), name, target, is_trying }
    }

    /// True if what cannot be read is NULL.
    pub fn is_trying(&self) -> bool {
        self.is_trying
    }
}

impl ScalarUDFImpl for SparkCast {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &arguments.args[0] {
            ColumnarValue::Array(values) => Ok(ColumnarValue::Array(self.cast(values)?)),
            ColumnarValue::Scalar(value) => {
                let values = self.cast(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?))
            }
        }
    }
}

impl SparkCast {
    fn cast(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let read = read(values, &self.target)?;
        let is_failed = |row: &usize| !self.is_trying && is_lost(values, &read, *row);
        match (0..values.len()).find(is_failed) {
            Some(row) => Err(fault_of(values, row, &self.target).into()),
            None => Ok(read),
        }
    }
}
