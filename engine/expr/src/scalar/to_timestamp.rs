//! `CAST(x AS TIMESTAMP)`, `CAST(x AS DATE)` and `CAST(x AS STRING)` as Spark reads and writes them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::instant_text::parse_local;
use super::read::{Kind, read_as};
use super::text::to_text;
use crate::types::{instant, local_time};

/// A cast of Spark's that is not DataFusion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// An instant.
    Instant,
    /// A time on the clock of no zone.
    Local,
    /// A day.
    Day,
    /// A text.
    Text,
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SparkCast {
    signature: Signature,
    target: Target,
    is_trying: bool,
}

impl SparkCast {
    /// The cast to `target`; what cannot be read is null if it is `trying`, else an error.
    pub fn new(target: Target, is_trying: bool) -> SparkCast {
        SparkCast { signature: Signature::any(1, Volatility::Immutable), target, is_trying }
    }
}

impl ScalarUDFImpl for SparkCast {
    fn name(&self) -> &str {
        match (self.target, self.is_trying) {
            (Target::Instant, false) => "timestamp",
            (Target::Instant, true) => "try_timestamp",
            (Target::Local, false) => "timestamp_ntz",
            (Target::Local, true) => "try_timestamp_ntz",
            (Target::Day, false) => "date",
            (Target::Day, true) => "try_date",
            (Target::Text, _) => "string",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.target {
            Target::Instant => instant(),
            Target::Local => local_time(),
            Target::Day => DataType::Date32,
            Target::Text => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        let (read, name): (ArrayRef, _) = match self.target {
            Target::Instant => (read_as(&values, Kind::Instant)?, "TIMESTAMP"),
            Target::Local => (local_times(&values)?, "TIMESTAMP_NTZ"),
            Target::Day => (read_as(&values, Kind::Day)?, "DATE"),
            Target::Text => (Arc::new(to_text(&values)?), "STRING"),
        };
        let failed = (0..values.len()).find(|row| !self.is_trying && values.is_valid(*row) && read.is_null(*row));
        if let Some(row) = failed {
            let text = to_text(&values.slice(row, 1))?;
            return exec_err!("'{}' cannot be cast to {name}; TRY_CAST gives NULL instead", text.value(0));
        }
        Ok(ColumnarValue::Array(read))
    }
}

/// Times on the clock; a zone in a text says nothing about them.
fn local_times(values: &ArrayRef) -> Result<ArrayRef> {
    let written = to_text(values)?;
    let times = written.iter().map(|text| text.and_then(parse_local));
    Ok(Arc::new(times.collect::<TimestampMicrosecondArray>()))
}
