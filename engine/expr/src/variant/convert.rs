//! Values of a VARIANT as columns of a type: `variant_get(v, path, type)` and `CAST(v AS type)`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::kernels::cast_utils::parse_decimal;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, FieldRef, Fields};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::item::Item;
use super::json::{decimal_text, text_of};
use super::stored::{is_variant, write};
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::scalar::instant_text::{parse_day, parse_instant};
use crate::scalar::read::{DAY_US, parse_double, parse_flag};

/// What becomes of a value that does not fit the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Casting {
    /// It is an error.
    Strict,
    /// It is NULL.
    Trying,
}

/// A column of a type, one value a row; `null` is NULL.
///
/// # Errors
/// If a value does not fit, and the cast is strict; or if a variant is never of this type.
pub fn column(kind: &DataType, items: &[Option<&Item>], casting: Casting) -> Result<ArrayRef> {
    if is_variant(kind) {
        return write(items.iter().copied());
    }
    let cast = Cast { kind, casting };
    Ok(match kind {
        DataType::Int8 => Arc::new(cast.each(items, whole::<i8>)?.into_iter().collect::<Int8Array>()),
        DataType::Int16 => Arc::new(cast.each(items, whole::<i16>)?.into_iter().collect::<Int16Array>()),
        DataType::Int32 => Arc::new(cast.each(items, whole::<i32>)?.into_iter().collect::<Int32Array>()),
        DataType::Int64 => Arc::new(cast.each(items, whole::<i64>)?.into_iter().collect::<Int64Array>()),
        DataType::Float32 => {
            let numbers = cast.each(items, double)?;
            Arc::new(numbers.into_iter().map(|number| number.map(|number| number as f32)).collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(cast.each(items, double)?.into_iter().collect::<Float64Array>()),
        DataType::Boolean => Arc::new(cast.each(items, flag)?.into_iter().collect::<BooleanArray>()),
        DataType::Utf8 => Arc::new(cast.each(items, text_of)?.into_iter().collect::<StringArray>()),
        DataType::Binary => {
            let bytes = cast.each(items, |item| match item {
                Item::Bytes(bytes) => Some(bytes.clone()),
                Item::Text(text) => Some(text.as_bytes().to_vec()),
                _ => None,
            })?;
            Arc::new(bytes.iter().map(|bytes| bytes.as_deref()).collect::<BinaryArray>())
        }
        DataType::Date32 => Arc::new(cast.each(items, day)?.into_iter().collect::<Date32Array>()),
        DataType::Timestamp(_, zone) => {
            let instants = cast.each(items, instant)?.into_iter().collect::<TimestampMicrosecondArray>();
            Arc::new(instants.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let numbers = cast.each(items, |item| decimal(item, *precision, *scale))?;
            Arc::new(numbers.into_iter().collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?)
        }
        DataType::List(field) => cast.lists(field, items)?,
        DataType::Struct(fields) => cast.structs(fields, items)?,
        DataType::Map(entries, _) => cast.maps(entries, items)?,
        DataType::Null => arrow::array::new_null_array(&DataType::Null, items.len()),
        other => return plan_err!("a variant is never of type {}", type_name(other)),
    })
}

struct Cast<'a> {
    kind: &'a DataType,
    casting: Casting,
}

impl Cast<'_> {
    fn wrong(&self, item: &Item) -> Result<()> {
        match self.casting {
            Casting::Trying => Ok(()),
            Casting::Strict => Err(RowFault {
                condition: "INVALID_VARIANT_CAST",
                message: format!(
                    "the variant {} cannot be cast to {}; try_variant_get and TRY_CAST give NULL instead",
                    shortened(&item.json()),
                    type_name(self.kind)
                ),
            }
            .into()),
        }
    }

    fn each<T>(&self, items: &[Option<&Item>], read: impl Fn(&Item) -> Option<T>) -> Result<Vec<Option<T>>> {
        let one = |item: &Option<&Item>| match item {
            None | Some(Item::Null) => Ok(None),
            Some(item @ (Item::Array(_) | Item::Object(_))) if *self.kind != DataType::Utf8 => {
                self.wrong(item).map(|()| None)
            }
            Some(item) => match read(item) {
                Some(value) => Ok(Some(value)),
                None => self.wrong(item).map(|()| None),
            },
        };
        items.iter().map(one).collect()
    }

    fn lists(&self, field: &FieldRef, items: &[Option<&Item>]) -> Result<ArrayRef> {
        let (mut elements, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            let list = match item {
                Some(Item::Array(list)) => Some(list),
                None | Some(Item::Null) => None,
                Some(other) => self.wrong(other).map(|()| None)?,
            };
            valid.push(list.is_some());
            lengths.push(list.map_or(0, Vec::len));
            elements.extend(list.into_iter().flatten().map(Some));
        }
        let elements = column(field.data_type(), &elements, self.casting)?;
        let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, Some(nulls))?))
    }

    fn structs(&self, fields: &Fields, items: &[Option<&Item>]) -> Result<ArrayRef> {
        let objects = items.iter().map(|item| match item {
            Some(Item::Object(members)) => Ok(Some(members)),
            None | Some(Item::Null) => Ok(None),
            Some(other) => self.wrong(other).map(|()| None),
        });
        let objects: Vec<Option<&Vec<(String, Item)>>> = objects.collect::<Result<_>>()?;
        let columns = fields.iter().map(|field| {
            let member = |members: &&Vec<(String, Item)>| members.iter().position(|(name, _)| name == field.name());
            let values: Vec<Option<&Item>> = objects
                .iter()
                .map(|members| members.as_ref().and_then(|members| Some(&members[member(members)?].1)))
                .collect();
            column(field.data_type(), &values, self.casting)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let nulls = NullBuffer::from_iter(objects.iter().map(Option::is_some));
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), items.len())?))
    }

    fn maps(&self, entries: &FieldRef, items: &[Option<&Item>]) -> Result<ArrayRef> {
        let DataType::Struct(fields) = entries.data_type() else { return plan_err!("a map without entries") };
        if fields[0].data_type() != &DataType::Utf8 {
            return plan_err!(
                "the members of a variant have texts as names: it is cast to map<string,…>, not {}",
                type_name(self.kind)
            );
        }
        let (mut keys, mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for item in items {
            let members = match item {
                Some(Item::Object(members)) => Some(members),
                None | Some(Item::Null) => None,
                Some(other) => self.wrong(other).map(|()| None)?,
            };
            valid.push(members.is_some());
            lengths.push(members.map_or(0, Vec::len));
            for (name, value) in members.into_iter().flatten() {
                keys.push(name.as_str());
                values.push(Some(value));
            }
        }
        let keys: ArrayRef = Arc::new(StringArray::from(keys));
        let columns = vec![keys, column(fields[1].data_type(), &values, self.casting)?];
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, Some(nulls), false)?))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn whole<T: TryFrom<i128>>(item: &Item) -> Option<T> {
    let number = match item {
        Item::Whole(number) => i128::from(*number),
        Item::Flag(flag) => i128::from(*flag),
        Item::Decimal(digits, scale) => digits / 10_i128.checked_pow(u32::from(*scale))?,
        Item::Float(number) => truncated(f64::from(*number))?,
        Item::Double(number) => truncated(*number)?,
        Item::Text(text) => text.trim().parse().ok()?,
        Item::Instant(us) => i128::from(us.div_euclid(1_000_000)),
        _ => return None,
    };
    T::try_from(number).ok()
}

fn truncated(number: f64) -> Option<i128> {
    (number.abs() < 1e19).then(|| number.trunc() as i128)
}

fn double(item: &Item) -> Option<f64> {
    match item {
        Item::Whole(number) => Some(*number as f64),
        Item::Flag(flag) => Some(f64::from(u8::from(*flag))),
        Item::Decimal(digits, scale) => decimal_text(*digits, *scale).parse().ok(),
        Item::Float(number) => Some(f64::from(*number)),
        Item::Double(number) => Some(*number),
        Item::Text(text) => parse_double(text),
        Item::Instant(us) => Some(*us as f64 / 1e6),
        _ => None,
    }
}

fn flag(item: &Item) -> Option<bool> {
    match item {
        Item::Flag(flag) => Some(*flag),
        Item::Whole(number) => Some(*number != 0),
        Item::Decimal(digits, _) => Some(*digits != 0),
        Item::Float(number) => Some(*number != 0.0),
        Item::Double(number) => Some(*number != 0.0),
        Item::Text(text) => parse_flag(text),
        _ => None,
    }
}

fn day(item: &Item) -> Option<i32> {
    match item {
        Item::Day(day) => Some(*day),
        Item::Text(text) => parse_day(text),
        Item::Instant(us) | Item::LocalInstant(us) => i32::try_from(us.div_euclid(DAY_US)).ok(),
        _ => None,
    }
}

fn instant(item: &Item) -> Option<i64> {
    match item {
        Item::Instant(us) | Item::LocalInstant(us) => Some(*us),
        Item::Day(day) => i64::from(*day).checked_mul(DAY_US),
        Item::Text(text) => parse_instant(text),
        Item::Whole(seconds) => seconds.checked_mul(1_000_000),
        Item::Double(seconds) if seconds.is_finite() => Some((seconds * 1e6) as i64),
        _ => None,
    }
}

/// Rounded half away from zero, in units of its last place.
fn decimal(item: &Item, precision: u8, scale: i8) -> Option<i128> {
    let text = match item {
        Item::Whole(number) => number.to_string(),
        Item::Flag(flag) => u8::from(*flag).to_string(),
        Item::Decimal(digits, scale) => decimal_text(*digits, *scale),
        Item::Float(number) => number.to_string(),
        Item::Double(number) => number.to_string(),
        Item::Text(text) => text.trim().to_string(),
        _ => return None,
    };
    let finer = parse_decimal::<Decimal128Type>(&text, DECIMAL128_MAX_PRECISION, scale.checked_add(1)?).ok()?;
    let rounded = finer.checked_add(5 * finer.signum())? / 10;
    (rounded.unsigned_abs() < 10_u128.checked_pow(u32::from(precision))?).then_some(rounded)
}
