//! One value of a VARIANT, and its bytes as Parquet has them.

use arrow::datatypes::Decimal128Type;
use arrow::datatypes::DecimalType;
use arrow::error::ArrowError;
use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use parquet_variant::{
    ObjectFieldBuilder, Variant, VariantBuilder, VariantBuilderExt, VariantDecimal4, VariantDecimal8, VariantDecimal16,
};

/// Deepest nesting of a value.
const DEPTH_MAX: usize = 256;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// JSON's `null`, which is a value and not NULL.
    Null,
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// A decimal: its digits, and how many of them stand behind the point.
    Decimal(i128, u8),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day since 1970.
    Day(i32),
    /// An instant, microseconds.
    Instant(i64),
    /// A time on a clock without a zone, microseconds.
    LocalInstant(i64),
    /// An array.
    Array(Vec<Item>),
    /// An object: its members by name, in the order of their names.
    Object(Vec<(String, Item)>),
}

impl Item {
    /// An object of these members, put into the order of their names.
    pub fn object(mut members: Vec<(String, Item)>) -> Item {
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        Item::Object(members)
    }

    /// The value of these bytes.
    ///
    /// # Errors
    /// If they are no variant.
    pub fn read(metadata: &[u8], value: &[u8]) -> Result<Item, ArrowError> {
        of_variant(&Variant::try_new(metadata, value)?, 0)
    }

    /// Its bytes: the names of members, and the value.
    ///
    /// # Errors
    /// If it is nested too deeply, or a number has too many digits.
    pub fn write(&self) -> Result<(Vec<u8>, Vec<u8>), ArrowError> {
        let mut builder = VariantBuilder::new();
        append(&mut builder, self, 0)?;
        builder.try_finish()
    }
}

fn of_variant(value: &Variant<'_, '_>, depth: usize) -> Result<Item, ArrowError> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    let micros_of_day = |time: chrono::NaiveTime| i64::from(time.num_seconds_from_midnight()) * 1_000_000;
    Ok(match value {
        Variant::Null => Item::Null,
        Variant::BooleanTrue => Item::Flag(true),
        Variant::BooleanFalse => Item::Flag(false),
        Variant::Int8(number) => Item::Whole(i64::from(*number)),
        Variant::Int16(number) => Item::Whole(i64::from(*number)),
        Variant::Int32(number) => Item::Whole(i64::from(*number)),
        Variant::Int64(number) => Item::Whole(*number),
        Variant::Float(number) => Item::Float(*number),
        Variant::Double(number) => Item::Double(*number),
        Variant::Decimal4(number) => Item::Decimal(i128::from(number.integer()), number.scale()),
        Variant::Decimal8(number) => Item::Decimal(i128::from(number.integer()), number.scale()),
        Variant::Decimal16(number) => Item::Decimal(number.integer(), number.scale()),
        Variant::String(text) => Item::Text((*text).to_string()),
        Variant::ShortString(text) => Item::Text(text.as_str().to_string()),
        Variant::Binary(bytes) => Item::Bytes(bytes.to_vec()),
        Variant::Date(day) => Item::Day(day.num_days_from_ce() - 719_163),
        Variant::TimestampMicros(time) | Variant::TimestampNanos(time) => Item::Instant(time.timestamp_micros()),
        Variant::TimestampNtzMicros(time) | Variant::TimestampNtzNanos(time) => {
            Item::LocalInstant(time.and_utc().timestamp_micros())
        }
        Variant::Time(time) => {
            return Err(ArrowError::NotYetImplemented(format!("a time of {} µs in a variant", micros_of_day(*time))));
        }
        Variant::Uuid(id) => Item::Text(id.to_string()),
        Variant::List(list) => {
            Item::Array(list.iter_try().map(|item| of_variant(&item?, depth + 1)).collect::<Result<_, _>>()?)
        }
        Variant::Object(object) => {
            let members = object.iter_try().map(|member| {
                let (name, value) = member?;
                Ok((name.to_string(), of_variant(&value, depth + 1)?))
            });
            Item::object(members.collect::<Result<_, ArrowError>>()?)
        }
    })
}

fn append(builder: &mut impl VariantBuilderExt, item: &Item, depth: usize) -> Result<(), ArrowError> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    match item {
        Item::Array(items) => {
            let mut list = builder.try_new_list()?;
            items.iter().try_for_each(|item| append(&mut list, item, depth + 1))?;
            list.finish();
        }
        Item::Object(members) => {
            let mut object = builder.try_new_object()?;
            for (name, value) in members {
                append(&mut ObjectFieldBuilder::new(name, &mut object), value, depth + 1)?;
            }
            object.finish();
        }
        plain => builder.append_value(to_variant(plain)?),
    }
    Ok(())
}

fn to_variant(item: &Item) -> Result<Variant<'_, '_>, ArrowError> {
    let out_of_range = |what: &str| ArrowError::InvalidArgumentError(format!("{what} has no place in a variant"));
    Ok(match item {
        Item::Null | Item::Array(_) | Item::Object(_) => Variant::Null,
        Item::Flag(flag) => Variant::from(*flag),
        Item::Whole(number) => whole(*number),
        Item::Float(number) => Variant::Float(*number),
        Item::Double(number) => Variant::Double(*number),
        Item::Decimal(digits, scale) => decimal(*digits, *scale)?,
        Item::Text(text) => Variant::from(text.as_str()),
        Item::Bytes(bytes) => Variant::Binary(bytes),
        Item::Day(day) => {
            let day = day.checked_add(719_163).and_then(NaiveDate::from_num_days_from_ce_opt);
            Variant::Date(day.ok_or_else(|| out_of_range("this day"))?)
        }
        Item::Instant(us) => {
            Variant::TimestampMicros(DateTime::from_timestamp_micros(*us).ok_or_else(|| out_of_range("this time"))?)
        }
        Item::LocalInstant(us) => {
            let time = DateTime::from_timestamp_micros(*us).ok_or_else(|| out_of_range("this time"))?;
            Variant::TimestampNtzMicros(time.naive_utc())
        }
    })
}

/// In as few bytes as it takes, as Spark writes it.
fn whole(number: i64) -> Variant<'static, 'static> {
    if let Ok(number) = i8::try_from(number) {
        Variant::Int8(number)
    } else if let Ok(number) = i16::try_from(number) {
        Variant::Int16(number)
    } else if let Ok(number) = i32::try_from(number) {
        Variant::Int32(number)
    } else {
        Variant::Int64(number)
    }
}

fn decimal(digits: i128, scale: u8) -> Result<Variant<'static, 'static>, ArrowError> {
    let fits = |most: u32| digits.unsigned_abs() < 10_u128.pow(most) && u32::from(scale) <= most;
    Ok(if fits(9) {
        Variant::Decimal4(VariantDecimal4::try_new(digits as i32, scale)?)
    } else if fits(18) {
        Variant::Decimal8(VariantDecimal8::try_new(digits as i64, scale)?)
    } else {
        Decimal128Type::validate_decimal_precision(digits, 38, scale as i8)?;
        Variant::Decimal16(VariantDecimal16::try_new(digits, scale)?)
    })
}

fn too_deep() -> ArrowError {
    ArrowError::InvalidArgumentError(format!("a variant is nested deeper than {DEPTH_MAX}"))
}
