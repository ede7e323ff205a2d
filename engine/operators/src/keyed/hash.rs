//! Hashes of key columns: one of 64 bits that decides where state lies, one of 128 bits that stands for the key in memory.

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::SHARDS;
use crate::aggregate::normalized;

/// Keys of a batch, hashed.
///
/// Two keys that differ have the same `key` with a chance of 2^-128 a pair; the seed is made anew in every process, so no
/// sender of records can aim at one. Results never depend on the seed: nothing is ordered by `key`.
#[derive(Debug, Clone, Default)]
pub struct KeyHashes {
    /// Stands for the key of each row, in this process only.
    pub keys: Vec<u128>,
    /// The shard of each row, the same in every build.
    pub shards: Vec<u8>,
    /// Rows with a null among their keys, if there are any: an equality of SQL never holds for them.
    pub has_null: Option<Vec<bool>>,
}

/// Hashes the keys of `rows` rows. Nulls are equal to nulls, 0.0 to -0.0, every NaN to every other.
///
/// # Errors
/// If a key type has no row encoding.
pub fn hash_keys(columns: &[ArrayRef], rows: usize) -> Result<KeyHashes> {
    let mut bytes: Vec<Vec<u8>> = vec![Vec::new(); 0];
    let mut encoders = columns.iter().map(Encoder::new).collect::<Result<Vec<_>>>()?;
    let mut hashes = KeyHashes { keys: Vec::with_capacity(rows), shards: Vec::with_capacity(rows), has_null: None };
    bytes.clear();
    let mut key = Vec::with_capacity(64);
    for row in 0..rows {
        key.clear();
        encoders.iter_mut().for_each(|encoder| encoder.append(row, &mut key));
        hashes.keys.push(xxh3_128_with_seed(&key, seed()));
        hashes.shards.push((xxh3_64(&key) % u64::from(SHARDS)) as u8);
    }
    if columns.iter().any(|column| column.null_count() > 0) {
        hashes.has_null = Some((0..rows).map(|row| columns.iter().any(|column| column.is_null(row))).collect());
    }
    Ok(hashes)
}

fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one("keys"))
}

/// Writes the key parts of one column so that different parts give different bytes.
enum Encoder<'a> {
    Fixed8(&'a ArrayRef, Box<dyn Fn(usize) -> [u8; 8] + 'a>),
    Text(&'a arrow::array::StringArray),
    Rows(arrow::row::Rows),
}

impl<'a> Encoder<'a> {
    fn new(column: &'a ArrayRef) -> Result<Encoder<'a>> {
        macro_rules! number {
            ($kind:ty) => {{
                let values = column.as_primitive::<$kind>();
                Encoder::Fixed8(column, Box::new(move |row| i64::from(values.value(row)).to_le_bytes()))
            }};
        }
        Ok(match column.data_type() {
            DataType::Int8 => number!(Int8Type),
            DataType::Int16 => number!(Int16Type),
            DataType::Int32 => number!(Int32Type),
            DataType::Int64 => number!(Int64Type),
            DataType::Timestamp(TimeUnit::Microsecond, _) => number!(TimestampMicrosecondType),
            DataType::Timestamp(TimeUnit::Millisecond, _) => number!(TimestampMillisecondType),
            DataType::Utf8 => Encoder::Text(column.as_string::<i32>()),
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                Encoder::Rows(converter.convert_columns(&[normalized(column)])?)
            }
        })
    }

    fn append(&mut self, row: usize, key: &mut Vec<u8>) {
        match self {
            Encoder::Fixed8(column, _) if column.is_null(row) => key.push(0),
            Encoder::Fixed8(_, value) => {
                key.push(1);
                key.extend_from_slice(&value(row));
            }
            Encoder::Text(values) if values.is_null(row) => key.push(0),
            Encoder::Text(values) => {
                let text = values.value(row).as_bytes();
                key.push(2);
                key.extend_from_slice(&(text.len() as u32).to_le_bytes());
                key.extend_from_slice(text);
            }
            Encoder::Rows(rows) => {
                let bytes = rows.row(row);
                key.push(3);
                key.extend_from_slice(&(bytes.as_ref().len() as u32).to_le_bytes());
                key.extend_from_slice(bytes.as_ref());
            }
        }
    }
}
