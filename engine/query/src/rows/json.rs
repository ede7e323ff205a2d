//! What arrow's JSON has no form for: numbers that are none, and keys that are no texts.

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{TIME_RFC3339, json_text};

/// How values are written: NULLs are written too, and NaN and the infinite ones as Spark's `to_json` writes them, in quotes.
pub fn options() -> EncoderOptions {
    EncoderOptions::default()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIME_RFC3339.to_owned())
        .with_encoder_factory(Arc::new(AllNumbers))
}

/// Writes doubles that JSON has no number for as texts; arrow writes null.
#[derive(Debug)]
pub struct AllNumbers;

static PLAIN: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);

impl EncoderFactory for AllNumbers {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if !array.data_type().is_floating() {
            return Ok(None);
        }
        let doubles = cast(array, &DataType::Float64)?;
        let values = doubles.as_primitive::<Float64Type>().values().to_vec();
        if values.iter().all(|value| value.is_finite()) {
            return Ok(None);
        }
        let finite = make_encoder(field, array, &PLAIN)?;
        Ok(Some(NullableEncoder::new(Box::new(Doubles { values, finite }), array.nulls().cloned())))
    }
}

struct Doubles<'a> {
    values: Vec<f64>,
    finite: NullableEncoder<'a>,
}

impl Encoder for Doubles<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let word: &[u8] = match self.values[row] {
            value if value.is_nan() => b"\"NaN\"",
            f64::INFINITY => b"\"Infinity\"",
            f64::NEG_INFINITY => b"\"-Infinity\"",
            _ => return self.finite.encode(row, out),
        };
        // Writing to memory does not fail.
        let _ = out.write_all(word);
    }
}

/// The column with all keys of its maps as texts.
///
/// # Errors
/// A key that has no text.
pub fn with_text_keys(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !has_other_keys(column.data_type()) {
        return Ok(Arc::clone(column));
    }
    Ok(match column.data_type() {
        DataType::List(element) => {
            let list = column.as_list::<i32>();
            let values = with_text_keys(list.values())?;
            let element = of_kind(element, values.data_type());
            Arc::new(ListArray::try_new(element, list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let columns = structs.columns().iter().map(with_text_keys).collect::<Result<Vec<_>, _>>()?;
            let fields: Fields =
                fields.iter().zip(&columns).map(|(field, column)| of_kind(field, column.data_type())).collect();
            Arc::new(StructArray::try_new(fields, columns, structs.nulls().cloned())?)
        }
        DataType::Map(entries, _) => {
            let map = column.as_map();
            let (keys, values) = (key_texts(map.keys())?, with_text_keys(map.values())?);
            let names = map.entries().fields();
            let fields = Fields::from(vec![
                Field::new(names[0].name(), DataType::Utf8, false),
                names[1].as_ref().clone().with_data_type(values.data_type().clone()),
            ]);
            let structs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
            let entries = of_kind(entries, &DataType::Struct(fields));
            Arc::new(MapArray::try_new(entries, map.offsets().clone(), structs, map.nulls().cloned(), false)?)
        }
        _ => Arc::clone(column),
    })
}

fn of_kind(field: &FieldRef, kind: &DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(kind.clone()))
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn has_other_keys(kind: &DataType) -> bool {
    match kind {
        DataType::List(element) => has_other_keys(element.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_other_keys(field.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                !is_text(pair[0].data_type()) || pair.iter().any(|field| has_other_keys(field.data_type()))
            }
            _ => false,
        },
        _ => false,
    }
}

fn key_texts(keys: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if is_text(keys.data_type()) {
        return cast(keys, &DataType::Utf8);
    }
    if keys.data_type().is_nested() {
        return json_text(&Arc::new(Field::new("key", keys.data_type().clone(), true)), keys);
    }
    let times =
        FormatOptions::new().with_timestamp_format(Some(TIME_RFC3339)).with_timestamp_tz_format(Some(TIME_RFC3339));
    let format = ArrayFormatter::try_new(keys.as_ref(), &times)?;
    let texts = (0..keys.len()).map(|row| format.value(row).try_to_string());
    Ok(Arc::new(StringArray::from(texts.collect::<Result<Vec<_>, _>>()?)))
}
