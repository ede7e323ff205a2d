//! Types of columns whose values a guess would change: `01220` is a text, and whole numbers beyond 64 bits are decimals.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

/// The most digits of a decimal.
const DIGITS_MAX: usize = 38;

/// The columns with types that keep every value as it stands in `texts`, which has the same columns as texts.
pub(super) fn exact(schema: &Schema, texts: &[RecordBatch]) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let columns = texts.iter().filter_map(|batch| batch.column_by_name(field.name())?.as_string_opt::<i32>());
        let values = columns.flat_map(|column| column.iter().flatten());
        Field::new(field.name(), exact_type(field.data_type(), values), field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// True if a column of this type may have values that it changes.
pub(super) fn is_guessed(kind: &DataType) -> bool {
    matches!(kind, DataType::Int64 | DataType::Float64)
}

fn exact_type<'a>(kind: &DataType, values: impl Iterator<Item = &'a str>) -> DataType {
    if !is_guessed(kind) {
        return kind.clone();
    }
    let (mut are_whole, mut fit, mut digits) = (true, true, 20);
    for value in values.map(str::trim).filter(|value| !value.is_empty()) {
        let magnitude = value.strip_prefix(['-', '+']).unwrap_or(value);
        if magnitude.len() > 1 && magnitude.starts_with('0') && magnitude.as_bytes()[1].is_ascii_digit() {
            return DataType::Utf8;
        }
        are_whole &= magnitude.bytes().all(|digit| digit.is_ascii_digit());
        fit &= value.parse::<i64>().is_ok();
        digits = digits.max(magnitude.len());
    }
    match are_whole && !fit && digits <= DIGITS_MAX {
        true => DataType::Decimal128(digits as u8, 0),
        false => kind.clone(),
    }
}

#[cfg(test)]
mod tests;
