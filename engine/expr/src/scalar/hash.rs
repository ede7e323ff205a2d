//! `hash(…)`: Spark's Murmur3 with seed 42, value by value; nulls change nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::clock_text::clocks;
use super::read::{Kind, read_as, texts};
use super::result_types::int_type;
use super::simple::Simple;
use crate::variant::has_variant;

/// The function.
pub fn functions() -> Vec<Simple> {
    let body = |args: &[ArrayRef]| -> Result<ArrayRef> {
        let mut hashes = vec![42_u32; args[0].len()];
        for column in args {
            fold(column, &mut |row| Some(row), &mut hashes)?;
        }
        Ok(Arc::new(Int32Array::from_iter_values(hashes.into_iter().map(|hash| hash as i32))))
    };
    let gives = |types: &[DataType]| match types.iter().any(has_variant) {
        true => plan_err!("hash has no value for a variant; take a part of it with variant_get"),
        false => int_type(types),
    };
    vec![Simple { name: "hash", aliases: &[], count: (1, usize::MAX), kinds: &[Kind::Any], gives, body }]
}

/// Takes a column's values into the hashes of the rows that they belong to.
fn fold(column: &ArrayRef, owner: &mut dyn FnMut(usize) -> Option<usize>, hashes: &mut [u32]) -> Result<()> {
    let mut each = |change: &mut dyn FnMut(usize, u32) -> u32| {
        for at in (0..column.len()).filter(|at| column.is_valid(*at)) {
            if let Some(row) = owner(at) {
                hashes[row] = change(at, hashes[row]);
            }
        }
    };
    match column.data_type() {
        DataType::Null => {}
        DataType::Boolean => each(&mut |at, hash| of_int(u32::from(column.as_boolean().value(at)), hash)),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => {
            let values = cast(column, &DataType::Int32)?;
            each(&mut |at, hash| of_int(values.as_primitive::<Int32Type>().value(at) as u32, hash));
        }
        DataType::Date32 => each(&mut |at, hash| of_int(column.as_primitive::<Date32Type>().value(at) as u32, hash)),
        DataType::Int64 => each(&mut |at, hash| of_long(column.as_primitive::<Int64Type>().value(at) as u64, hash)),
        DataType::Duration(TimeUnit::Microsecond) => {
            each(&mut |at, hash| of_long(column.as_primitive::<DurationMicrosecondType>().value(at) as u64, hash));
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            each(&mut |at, hash| of_int(column.as_primitive::<IntervalYearMonthType>().value(at) as u32, hash));
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => each(&mut |at, hash| {
            let value = column.as_primitive::<IntervalMonthDayNanoType>().value(at);
            let of_days = of_int(value.days as u32, of_long((value.nanoseconds / 1000) as u64, hash));
            of_int(value.months as u32, of_days)
        }),
        DataType::Timestamp(..) => {
            let values = read_as(column, Kind::Instant)?;
            each(&mut |at, hash| of_long(values.as_primitive::<TimestampMicrosecondType>().value(at) as u64, hash));
        }
        DataType::Time64(_) => {
            let values = clocks(column)?;
            each(&mut |at, hash| of_long(values.value(at) as u64, hash));
        }
        DataType::Float32 => each(&mut |at, hash| {
            let value = column.as_primitive::<Float32Type>().value(at);
            of_int(if value == 0.0 { 0 } else { value.to_bits() }, hash)
        }),
        DataType::Float64 => each(&mut |at, hash| {
            let value = column.as_primitive::<Float64Type>().value(at);
            of_long(if value == 0.0 { 0 } else { value.to_bits() }, hash)
        }),
        DataType::Decimal128(precision, _) if *precision <= 18 => {
            each(&mut |at, hash| of_long(column.as_primitive::<Decimal128Type>().value(at) as u64, hash));
        }
        DataType::Utf8 => each(&mut |at, hash| of_bytes(texts(column).value(at).as_bytes(), hash)),
        DataType::Binary => each(&mut |at, hash| of_bytes(column.as_binary::<i32>().value(at), hash)),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let mut owners = vec![None; list.values().len()];
            for at in (0..list.len()).filter(|at| list.is_valid(*at)) {
                let range = list.value_offsets()[at] as usize..list.value_offsets()[at + 1] as usize;
                let row = owner(at);
                owners[range].fill(row);
            }
            fold(list.values(), &mut |at| owners[at], hashes)?;
        }
        DataType::Struct(_) => {
            for field in column.as_struct().columns() {
                fold(field, &mut |at| if column.is_valid(at) { owner(at) } else { None }, hashes)?;
            }
        }
        other => return plan_err!("hash has no value for {}", crate::display::type_name(other)),
    }
    Ok(())
}

fn mixed(hash: u32, word: u32) -> u32 {
    let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn finished(hash: u32, length: u32) -> u32 {
    let hash = hash ^ length;
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn of_int(value: u32, seed: u32) -> u32 {
    finished(mixed(seed, value), 4)
}

fn of_long(value: u64, seed: u32) -> u32 {
    finished(mixed(mixed(seed, value as u32), (value >> 32) as u32), 8)
}

/// Words first, then each byte that is left over as a (signed) word of its own.
fn of_bytes(bytes: &[u8], seed: u32) -> u32 {
    let mut words = bytes.chunks_exact(4);
    let hash =
        words.by_ref().fold(seed, |hash, word| mixed(hash, u32::from_le_bytes([word[0], word[1], word[2], word[3]])));
    let hash = words.remainder().iter().fold(hash, |hash, byte| mixed(hash, i32::from(*byte as i8) as u32));
    finished(hash, bytes.len() as u32)
}
