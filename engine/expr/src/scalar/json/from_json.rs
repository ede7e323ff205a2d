//! `from_json(text, schema)`: PERMISSIVE, as Spark's default. What does not fit is null, the rest of the row stays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{ScalarValue, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::super::read::{Kind, read_as};
use super::build::{column, structs};
use super::parse::{Value, parse};
use super::schema;

/// The column of a schema that keeps the text of a row that did not fit.
pub const CORRUPT: &str = "_corrupt_record";

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FromJson {
    signature: Signature,
}

impl Default for FromJson {
    fn default() -> Self {
        FromJson { signature: Signature::any(2, Volatility::Immutable) }
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
        let read = match arguments.return_type() {
            DataType::Struct(fields) => to_structs(fields, values)?,
            kind => to_nested(kind, values)?,
        };
        Ok(ColumnarValue::Array(read))
    }
}

fn is_blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}

fn to_structs(fields: &Fields, texts: &StringArray) -> Result<ArrayRef> {
    let parsed: Vec<Option<Value>> = texts.iter().map(|text| text.and_then(parse)).collect();
    let mut corrupt = vec![false; texts.len()];
    let rows: Vec<(usize, Option<&Value>)> =
        parsed.iter().enumerate().map(|(row, value)| (row, value.as_ref())).collect();
    let read = structs(fields, &rows, &mut corrupt)?;
    for (row, value) in parsed.iter().enumerate() {
        corrupt[row] |= !matches!(value, Some(Value::Object(_)));
    }
    let mut columns = read.as_struct().columns().to_vec();
    if let Some((at, field)) = fields.find(CORRUPT)
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
fn to_nested(kind: &DataType, texts: &StringArray) -> Result<ArrayRef> {
    let is_list_of_structs = matches!(kind, DataType::List(field) if matches!(field.data_type(), DataType::Struct(_)));
    let parsed: Vec<Option<Value>> = texts
        .iter()
        .map(|text| match text.and_then(parse) {
            Some(object @ Value::Object(_)) if is_list_of_structs => Some(Value::Array(vec![object])),
            other => other,
        })
        .collect();
    let rows: Vec<(usize, Option<&Value>)> =
        parsed.iter().enumerate().map(|(row, value)| (row, value.as_ref())).collect();
    column(kind, &rows, &mut vec![false; texts.len()])
}
