//! Sketches as values: BINARY as Apache DataSketches writes it, so that Spark and others read it.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datasketches::hash::value::{canonical_float, raw_bytes};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use datasketches::theta::{CompactThetaSketch, ThetaANotB, ThetaIntersection, ThetaSketchView, ThetaUnionBuilder};

use crate::display::type_name;
use crate::row_fault::RowFault;

/// The logarithm of the number of registers, or of values kept, if a call says none.
pub const LOG_SIZE: u8 = 12;

/// The type that values are counted as.
///
/// # Errors
/// If sketches do not count such.
pub fn counted_type(name: &str, kind: &DataType) -> Result<DataType> {
    Ok(match kind {
        kind if kind.is_integer() || kind == &DataType::Null => DataType::Int64,
        DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        kind => {
            return plan_err!(
                "{name} counts whole numbers, doubles, texts and bytes, not {}; cast it",
                type_name(kind)
            );
        }
    })
}

/// A value of a column, as it is hashed by DataSketches in every language.
pub enum Counted<'a> {
    /// A whole number.
    Whole(i64),
    /// A double.
    Double(f64),
    /// A text, or bytes. Empty ones are not counted.
    Bytes(&'a [u8]),
}

/// The value of a row; none if it is not counted.
pub fn counted(column: &ArrayRef, row: usize) -> Option<Counted<'_>> {
    if column.is_null(row) {
        return None;
    }
    let bytes = |bytes| Some(bytes).filter(|bytes: &&[u8]| !bytes.is_empty()).map(Counted::Bytes);
    match column.data_type() {
        DataType::Int64 => Some(Counted::Whole(column.as_primitive::<Int64Type>().value(row))),
        DataType::Float64 => Some(Counted::Double(column.as_primitive::<Float64Type>().value(row))),
        DataType::Utf8 => bytes(column.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => bytes(column.as_binary::<i32>().value(row)),
        _ => None,
    }
}

fn invalid(what: &str, error: impl std::fmt::Display) -> RowFault {
    RowFault { condition: "INVALID_INPUT_SKETCH_BUFFER", message: format!("the bytes are no {what} sketch: {error}") }
}

/// An empty HyperLogLog sketch.
///
/// # Errors
/// If there is none of this size.
pub fn empty_hll(log_size: u8) -> Result<HllSketch, RowFault> {
    HllSketch::new(log_size, HllType::Hll8).map_err(|error| invalid("HLL", error))
}

/// Counts a value.
pub fn add_to_hll(sketch: &mut HllSketch, value: &Counted<'_>) {
    match value {
        Counted::Whole(number) => sketch.update(*number),
        Counted::Double(number) => sketch.update(canonical_float::from_f64(*number)),
        Counted::Bytes(bytes) => sketch.update(raw_bytes::from_slice(bytes)),
    }
}

/// The sketch of these bytes.
///
/// # Errors
/// If they are none.
pub fn read_hll(bytes: &[u8]) -> Result<HllSketch, RowFault> {
    HllSketch::deserialize(bytes).map_err(|error| invalid("HLL", error))
}

/// The bytes of a sketch, as Spark writes it. It writes the few values of a small one with places for more behind them.
pub fn write_hll(sketch: &HllSketch) -> Vec<u8> {
    const IS_COMPACT: u8 = 8;
    const SMALL: usize = 8;
    let mut bytes = sketch.serialize();
    // A list of values, and the registers of a large sketch, have the same places in both forms; a set of values has not.
    let (is_list, is_set) = match bytes.get(7).map(|mode| mode & 3) {
        Some(0) => (true, false),
        Some(1) => (false, true),
        _ => (false, false),
    };
    if !is_set && let Some(flags) = bytes.get_mut(5) {
        *flags &= !IS_COMPACT;
    }
    if is_list {
        bytes.resize(bytes.len().max(8 + 4 * SMALL), 0);
    }
    bytes
}

/// The sketch of what either has counted.
///
/// # Errors
/// If they have different sizes, and that is not allowed.
pub fn united_hll(left: &HllSketch, right: &HllSketch, allows_sizes: bool) -> Result<HllSketch, RowFault> {
    let (one, other) = (left.lg_config_k(), right.lg_config_k());
    if one != other && !allows_sizes {
        let message = format!("the sketches have sizes of {one} and {other}; true as the last argument allows that");
        return Err(RowFault { condition: "HLL_UNION_DIFFERENT_LG_K", message });
    }
    let mut union = HllUnion::new(one.min(other)).map_err(|error| invalid("HLL", error))?;
    union.update(left);
    union.update(right);
    Ok(union.to_sketch(HllType::Hll8))
}

/// The bytes of a sketch, as Spark writes it.
pub fn write_theta(sketch: &CompactThetaSketch) -> Vec<u8> {
    sketch.serialize_compressed()
}

/// The sketch of these bytes.
///
/// # Errors
/// If they are none.
pub fn read_theta(bytes: &[u8]) -> Result<CompactThetaSketch, RowFault> {
    CompactThetaSketch::deserialize(bytes).map_err(|error| invalid("theta", error))
}

/// The sketch of what either has counted, with so many values at most.
///
/// # Errors
/// If they are made with other seeds.
pub fn united_theta<'a, 'b>(
    left: impl Into<ThetaSketchView<'a>>,
    right: impl Into<ThetaSketchView<'b>>,
    log_size: u8,
) -> Result<CompactThetaSketch, RowFault> {
    let failed = |error| invalid("theta", error);
    let mut union = ThetaUnionBuilder::default().lg_k(log_size).build().map_err(failed)?;
    union.update(left).map_err(failed)?;
    union.update(right).map_err(failed)?;
    Ok(union.to_sketch(true))
}

/// The sketch of what both have counted.
///
/// # Errors
/// If they are made with other seeds.
pub fn common_theta(left: &CompactThetaSketch, right: &CompactThetaSketch) -> Result<CompactThetaSketch, RowFault> {
    let failed = |error| invalid("theta", error);
    let mut common = ThetaIntersection::default();
    common.update(left).map_err(failed)?;
    common.update(right).map_err(failed)?;
    common.to_sketch(true).ok_or_else(|| invalid("theta", "nothing in common"))
}

/// The sketch of what the first has counted and the other not.
///
/// # Errors
/// If they are made with other seeds.
pub fn other_theta(left: &CompactThetaSketch, right: &CompactThetaSketch) -> Result<CompactThetaSketch, RowFault> {
    ThetaANotB::default().compute(left, right, true).map_err(|error| invalid("theta", error))
}
