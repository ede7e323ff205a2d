//! `from_csv(text, schema)` and `to_csv(struct)`: one line, fields parted by commas, texts in double quotes where they must be.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimestampMicrosecondType};
use chrono::DateTime;
use datafusion::common::{ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::json::build::column;
use super::json::parse::Value;
use super::json::{CORRUPT, schema};
use super::read::{Kind, read_as};
use super::simple::Simple;
use super::text::to_text;
use crate::display::type_name;
use crate::types::instant;

/// The function `to_csv`.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "to_csv",
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Any],
        gives: |types| fields_of("to_csv", &types[0]).map(|_| DataType::Utf8),
        body: to_csv,
    }]
}

/// The fields of a struct whose values fit into a line.
fn fields_of<'a>(name: &str, kind: &'a DataType) -> Result<&'a Fields> {
    let DataType::Struct(fields) = kind else { return plan_err!("{name} takes a struct, not {}", type_name(kind)) };
    let is_wrong = |field: &&FieldRef| field.data_type().is_nested() || field.data_type() == &DataType::Binary;
    match fields.iter().find(is_wrong) {
        Some(field) => {
            plan_err!("{name}: the field `{}` is {}, which CSV has not", field.name(), type_name(field.data_type()))
        }
        None => Ok(fields),
    }
}

fn to_csv(args: &[ArrayRef]) -> Result<ArrayRef> {
    let structs = args[0].as_struct();
    let columns = structs.columns().iter().map(|column| match column.data_type() {
        DataType::Timestamp(..) => {
            let column = cast(column, &instant())?;
            let times = column.as_primitive::<TimestampMicrosecondType>().iter();
            let text =
                |us| DateTime::from_timestamp_micros(us).map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
            Ok(times.map(|us| us.and_then(text)).collect::<StringArray>())
        }
        _ => to_text(column),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let line = |row: usize| {
        let values = columns.iter().map(|column| column.is_valid(row).then(|| column.value(row)));
        values.map(|value| value.map_or(String::new(), written)).collect::<Vec<_>>().join(",")
    };
    let lines = (0..structs.len()).map(|row| structs.is_valid(row).then(|| line(row)));
    Ok(Arc::new(lines.collect::<StringArray>()))
}

/// A value as it stands in a line: without blanks around it, quoted if it must be.
fn written(value: &str) -> String {
    let value = value.trim();
    match value.is_empty() || value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\\\"")),
        false => value.to_string(),
    }
}

/// `from_csv`: PERMISSIVE, as Spark's default.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FromCsv {
    signature: Signature,
}

impl Default for FromCsv {
    fn default() -> Self {
        FromCsv { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FromCsv {
    fn name(&self) -> &str {
        "from_csv"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the schema of from_csv must be a constant text")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(Some(ScalarValue::Utf8(Some(text)))) = arguments.scalar_arguments.get(1) else {
            return plan_err!("the schema of from_csv must be a constant text, such as 'a INT, b STRING'");
        };
        let kind = schema::parse(text).map_err(|what| plan_datafusion_err!("from_csv: {what}"))?;
        fields_of(self.name(), &kind)?;
        Ok(Arc::new(Field::new(self.name(), kind, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = read_as(&arguments.args[0].to_array(arguments.number_rows)?, Kind::Text)?;
        let texts = texts.as_string::<i32>();
        let DataType::Struct(fields) = arguments.return_type() else { return internal_err!("from_csv gives structs") };
        Ok(ColumnarValue::Array(read(fields, texts)?))
    }
}

fn read(fields: &Fields, texts: &StringArray) -> Result<ArrayRef> {
    let lines: Vec<Vec<Option<String>>> =
        texts.iter().map(|text| text.map_or(Vec::new(), |text| split(text, ','))).collect();
    let is_corrupt_column = |field: &Field| field.name() == CORRUPT && field.data_type() == &DataType::Utf8;
    let wanted = fields.iter().filter(|field| !is_corrupt_column(field)).count();
    let mut corrupt: Vec<bool> = lines.iter().map(|line| line.len() != wanted).collect();
    let mut next = 0;
    let mut columns: Vec<Option<ArrayRef>> = Vec::with_capacity(fields.len());
    for field in fields {
        if is_corrupt_column(field) {
            columns.push(None);
            continue;
        }
        let values = lines.iter().map(|line| line.get(next)?.as_deref().map(|text| value(field.data_type(), text)));
        let values: Vec<Option<Value>> = values.collect();
        let rows: Vec<(usize, Option<&Value>)> = values.iter().map(Option::as_ref).enumerate().collect();
        columns.push(Some(column(field.data_type(), &rows, &mut corrupt)?));
        next += 1;
    }
    let kept: ArrayRef = Arc::new(
        texts.iter().zip(&corrupt).map(|(text, is_corrupt)| text.filter(|_| *is_corrupt)).collect::<StringArray>(),
    );
    let columns = columns.into_iter().map(|column| column.unwrap_or_else(|| Arc::clone(&kept))).collect();
    let nulls = NullBuffer::from_iter(texts.iter().map(|text| text.is_some()));
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, Some(nulls), texts.len())?))
}

/// A field's text as the value that its type reads.
fn value(kind: &DataType, text: &str) -> Value {
    let is_number = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
    match kind {
        kind if kind.is_floating() && is_number(text.trim()) && !text.to_ascii_lowercase().contains('n') => {
            Value::Number(text.trim().to_string())
        }
        kind if kind.is_floating() => Value::Text(match text.trim() {
            "Inf" => "Infinity".to_string(),
            "-Inf" => "-Infinity".to_string(),
            other => other.to_string(),
        }),
        kind if kind.is_numeric() => Value::Number(text.to_string()),
        DataType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Flag(true),
            "false" => Value::Flag(false),
            _ => Value::Text(text.to_string()),
        },
        _ => Value::Text(text.to_string()),
    }
}

/// The fields of a line; one without a letter is null, `""` is an empty text.
pub fn split(line: &str, separator: char) -> Vec<Option<String>> {
    let mut fields = Vec::new();
    let mut letters = line.chars().peekable();
    loop {
        let is_quoted = letters.peek() == Some(&'"');
        let mut field = String::new();
        if is_quoted {
            letters.next();
            quoted(&mut letters, &mut field);
        }
        let mut end = None;
        for letter in letters.by_ref() {
            if letter == separator || letter == '\n' {
                end = Some(letter);
                break;
            }
            field.push(letter);
        }
        fields.push((is_quoted || !field.is_empty()).then_some(field));
        if end != Some(separator) {
            return fields;
        }
    }
}

/// What stands up to the closing quote.
fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, field: &mut String) {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return,
            '\\' if matches!(letters.peek(), Some('"' | '\\')) => field.extend(letters.next()),
            other => field.push(other),
        }
    }
}
