//! Format `raw`: the value as it is, in one column.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use job::{Column, DataType};

use crate::byte_values::ByteValues;
use crate::decoder::Decoder;
use crate::reject::Reject;
use crate::schema::arrow_schema;
use crate::size::{check_batch, check_size};

/// Keeps values as they are, in a binary column `value` or in the one column of the schema. Rejects no value for what it says,
/// only one past a limit of [`crate::limits`].
pub struct RawDecoder {
    schema: SchemaRef,
    text: bool,
    values: ByteValues,
    rows: usize,
    bytes: usize,
}

impl RawDecoder {
    /// A decoder into the first of these columns; into a binary column `value` if there are none. A `string` column gets
    /// U+FFFD in place of what is not UTF-8; a column of any other type gets the bytes.
    #[must_use]
    pub fn new(columns: &[Column]) -> RawDecoder {
        let column = match columns.first() {
            Some(Column { name, data_type: DataType::String, .. }) => raw_column(name, DataType::String),
            Some(Column { name, .. }) => raw_column(name, DataType::Binary),
            None => raw_column("value", DataType::Binary),
        };
        let text = column.data_type == DataType::String;
        RawDecoder { schema: arrow_schema(&[column]), text, values: ByteValues::new(0, 0), rows: 0, bytes: 0 }
    }
}

impl Decoder for RawDecoder {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn event_time_max_us(&self) -> Option<i64> {
        None
    }

    fn push(&mut self, value: &[u8]) -> Result<(), Reject> {
        check_size(value, self.bytes)?;
        // A byte that is replaced becomes three, so text is checked once more.
        let text = if self.text { String::from_utf8_lossy(value) } else { Cow::Borrowed("") };
        let kept = if self.text { text.as_bytes() } else { value };
        check_batch(kept.len(), self.bytes)?;
        self.values.push(kept);
        self.rows += 1;
        self.bytes += kept.len();
        Ok(())
    }

    fn flush(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.rows = 0;
        self.bytes = 0;
        let (offsets, bytes) = self.values.take();
        Ok(vec![if self.text {
            Arc::new(StringArray::try_new(offsets, bytes, None)?)
        } else {
            Arc::new(BinaryArray::try_new(offsets, bytes, None)?)
        }])
    }
}

fn raw_column(name: &str, data_type: DataType) -> Column {
    Column { name: name.to_owned(), field: name.to_owned(), data_type, required: false }
}
