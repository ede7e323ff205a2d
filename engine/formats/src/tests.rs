//! The decoder as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod contract;
mod hostile;
mod oracle;
mod rows;

use arrow::record_batch::RecordBatch;
use job::{Column, DataType};

use crate::{Decoder, JsonDecoder, Reject};

fn column(name: &str, data_type: DataType) -> Column {
    Column { name: name.to_owned(), field: name.to_owned(), data_type, required: false }
}

fn columns(columns: &[(&str, DataType)]) -> Vec<Column> {
    columns.iter().map(|(name, data_type)| column(name, data_type.clone())).collect()
}

fn flush(decoder: &mut JsonDecoder) -> RecordBatch {
    let rows = decoder.rows();
    let arrays = decoder.flush().unwrap();
    for array in &arrays {
        array.to_data().validate_full().unwrap();
    }
    let batch = RecordBatch::try_new(decoder.schema(), arrays).unwrap();
    assert_eq!((batch.num_rows(), decoder.rows(), decoder.bytes()), (rows, 0, 0));
    batch
}

/// The records decoded in one batch, and what was rejected.
fn decode<T: AsRef<[u8]>>(columns: &[Column], records: &[T]) -> (RecordBatch, Vec<Reject>) {
    let mut decoder = JsonDecoder::new(columns);
    let rejects = records.iter().filter_map(|record| decoder.push(record.as_ref()).err()).collect();
    (flush(&mut decoder), rejects)
}
