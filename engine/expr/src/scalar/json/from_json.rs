//! `from_json(text, schema)`: PERMISSIVE, as Spark's default. What does not fit is null, the rest of the row stays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{ScalarValue, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::super::read::{Kind, read_as};
use super::build::{column, structs};
use super::lenient::parse;
use super::options::Options;
use super::parse::Value;
use super::schema;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FromJson {
    signature: Signature,
}

impl Default for FromJson {
    fn default() -> Self {
        FromJson {
            signature: Signature::one_of(vec![TypeSignature::Any(2), TypeSignature::Any(3)], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for FromJson {
    fn name(&self) -> &str {
        "from_json"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the schema of from_json must be a constant text")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let text = match arguments.scalar_arguments.get(1) {
            Some(Some(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)))) => text,
            _ => return plan_err!("the schema of from_json must be a constant text, such as 'a INT, b STRING'"),
        };
        let kind = schema::parse(text).map_err(|what| plan_datafusion_err!("from_json: {what}"))?;
        match &kind {
            DataType::Struct(_) | DataType::List(_) | DataType::Map(..) => {
                Ok(Arc::new(Field::new(self.name(), kind, true)))
            }
            other => plan_err!("from_json reads a struct, an array or a map, not {}", crate::display::type_name(other)),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = read_as(&arguments.args[0].to_array(arguments.number_rows)?, Kind::Text)?;
        let values = values.as_string::<i32>();
        let options = Options::of(arguments.args.get(2))?;
        let read = match arguments.return_type() {
            DataType::Struct(fields) => to_structs(fields, values, &options)?,
            kind => to_nested(kind, values, &options)?,
        };
        Ok(ColumnarValue::Array(read))
    }
}

fn is_blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

fn to_structs(fields: &Fields, texts: &StringArray, options: &Options) -> Result<ArrayRef> {
    let parsed: Vec<Option<Value>> = texts.iter().map(|text| parse(text?, options)).collect();
    let mut corrupt = vec![false; texts.len()];
    let rows: Vec<(usize, Option<&Value>)> =
        parsed.iter().enumerate().map(|(row, value)| (row, value.as_ref())).collect();
    let read = structs(fields, &rows, &mut corrupt, options)?;
    for (row, value) in parsed.iter().enumerate() {
        corrupt[row] |= !matches!(value, Some(Value::Object(_)));
        let text = (texts.is_valid(row) && !is_blank(Some(texts.value(row)))).then(|| texts.value(row));
        options.check(text, corrupt[row])?;
    }
    let mut columns = read.as_struct().columns().to_vec();
    if let Some((at, field)) = fields.find(&options.corrupt)
        && field.data_type() == &DataType::Utf8
    {
        let kept = texts.iter().zip(&corrupt).map(|(text, is_corrupt)| text.filter(|_| *is_corrupt));
        columns[at] = Arc::new(kept.collect::<StringArray>());
    }
    // Nothing to read gives no struct; something that cannot be read gives one of nulls.
    let nulls: NullBuffer = texts.iter().map(|text| !is_blank(text)).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), texts.len())?))
}

/// Arrays and maps: null if the text is none; a single object is an array of one.
fn to_nested(kind: &DataType, texts: &StringArray, options: &Options) -> Result<ArrayRef> {
    let is_list_of_structs = matches!(kind, DataType::List(field) if matches!(field.data_type(), DataType::Struct(_)));
    let parsed: Vec<Option<Value>> = texts
        .iter()
        .map(|text| match text.and_then(|text| parse(text, options)) {
            Some(object @ Value::Object(_)) if is_list_of_structs => Some(Value::Array(vec![object])),
            other => other,
        })
        .collect();
    let rows: Vec<(usize, Option<&Value>)> =
        parsed.iter().enumerate().map(|(row, value)| (row, value.as_ref())).collect();
    let mut corrupt = vec![false; texts.len()];
    let read = column(kind, &rows, &mut corrupt, options)?;
    for (row, is_corrupt) in corrupt.iter().enumerate() {
        options.check(texts.is_valid(row).then(|| texts.value(row)), *is_corrupt || parsed[row].is_none())?;
    }
    // One element that does not fit takes an array of plain values with it.
    let is_plain = matches!(kind, DataType::List(field) if !field.data_type().is_nested());
    if !is_plain || !corrupt.contains(&true) {
        return Ok(read);
    }
    Ok(nullif(&read, &BooleanArray::from(corrupt))?)
}
