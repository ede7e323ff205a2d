//! `from_csv(text, schema)` and `to_csv(struct)`: one line, fields parted by commas, texts in double quotes where they must be.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimestampMicrosecondType};
use chrono::DateTime;
use datafusion::common::{ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::json::build::column;
use super::json::options::Options;
use super::json::parse::Value;
use super::json::schema;
use super::pattern::Pattern;
use super::read::{Kind, read_as};
use super::simple::Simple;
use super::text::to_text;
use crate::display::type_name;
use crate::types::{instant, zone_of};

/// The function `to_csv`.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "to_csv",
        aliases: &[],
        count: (1, 2),
        kinds: &[Kind::Any],
        gives: |types| match &types[0] {
            DataType::Struct(_) | DataType::Null => Ok(DataType::Utf8),
            other => plan_err!("to_csv takes a struct, not {}", type_name(other)),
        },
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
    let options = args.get(1).map(|options| ColumnarValue::Array(Arc::clone(options)));
    let options = Options::of(options.as_ref())?;
    let Some(structs) = args[0].as_struct_opt() else { return Ok(new_null_array(&DataType::Utf8, args[0].len())) };
    let columns = structs.columns().iter().map(|column| match column.data_type() {
        DataType::Timestamp(..) | DataType::Date32 if pattern_of(column.data_type(), &options).is_some() => {
            let times = cast(column, &instant())?;
            let times = times.as_primitive::<TimestampMicrosecondType>().iter();
            let pattern = pattern_of(column.data_type(), &options);
            Ok(times.map(|us| pattern?.format(us?)).collect::<StringArray>())
        }
        DataType::Binary => Ok(column.as_binary::<i32>().iter().map(|bytes| bytes.map(bytes_text)).collect()),
        DataType::List(_) | DataType::Map(..) | DataType::Struct(_) => csv_nested(column),
        DataType::Timestamp(..) => {
            let zone = zone_of(column.data_type());
            let column = cast(column, &instant())?;
            let times = column.as_primitive::<TimestampMicrosecondType>().iter();
            let text = |us| {
                DateTime::from_timestamp_micros(us).map(|at| format!("{}{zone}", at.format("%Y-%m-%dT%H:%M:%S%.3f")))
            };
            Ok(times.map(|us| us.and_then(text)).collect::<StringArray>())
        }
        _ => to_text(column),
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let line = |row: usize| {
        let values = columns.iter().map(|column| column.is_valid(row).then(|| column.value(row)));
        let written = values.enumerate().map(|(at, value)| match value {
            Some(value) => written(value, at == 0, &options),
            None => options.null_value.clone(),
        });
        written.collect::<Vec<_>>().join(&options.separator.to_string())
    };
    let lines = (0..structs.len()).map(|row| structs.is_valid(row).then(|| line(row)));
    Ok(Arc::new(lines.collect::<StringArray>()))
}

/// The pattern that times of a type are written by, if the options have one.
fn pattern_of<'a>(kind: &DataType, options: &'a Options) -> Option<&'a Pattern> {
    match kind {
        DataType::Date32 => options.date.as_ref(),
        _ => options.timestamp.as_ref(),
    }
}

/// Bytes as Spark shows them: `[53 70]`.
fn bytes_text(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("[{}]", digits.join(" "))
}

/// Arrays, maps and structs as texts, in which a NULL is nothing.
fn csv_nested(column: &ArrayRef) -> Result<StringArray> {
    let texts = to_text(column)?;
    Ok(texts.iter().map(|text| text.map(|text| text.replace(", null", ",").replace("[null", "["))).collect())
}

/// A value as it stands in a line: without blanks around it, quoted if it must be.
fn written(value: &str, is_first: bool, options: &Options) -> String {
    let value = if options.trims.0 == Some(false) { value } else { value.trim_start() };
    let value = if options.trims.1 == Some(false) { value } else { value.trim_end() };
    let quote = options.quote;
    // A line that begins with `#` would be read as a comment.
    let must_be = value.is_empty()
        || value.contains([options.separator, quote, '\n', '\r'])
        || is_first && value.starts_with('#');
    match must_be || options.quotes_all {
        true => format!("{quote}{}{quote}", value.replace(quote, &format!("\\{quote}"))),
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
        FromCsv {
            signature: Signature::one_of(vec![TypeSignature::Any(2), TypeSignature::Any(3)], Volatility::Immutable),
        }
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
        let options = Options { has_bytes: false, ..Options::of(arguments.args.get(2))? };
        Ok(ColumnarValue::Array(read(fields, texts, &options)?))
    }
}

fn read(fields: &Fields, texts: &StringArray, options: &Options) -> Result<ArrayRef> {
    let lines: Vec<Vec<Option<String>>> =
        texts.iter().map(|text| text.map_or(Vec::new(), |text| split(text, options))).collect();
    let is_corrupt_column = |field: &Field| *field.name() == options.corrupt && field.data_type() == &DataType::Utf8;
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
        columns.push(Some(column(field.data_type(), &rows, &mut corrupt, options)?));
        next += 1;
    }
    for (text, is_corrupt) in texts.iter().zip(&corrupt) {
        options.check(text, *is_corrupt)?;
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

/// The fields of a line; one without a letter is null, and so is `""`, and what the options say is.
pub fn split(line: &str, options: &Options) -> Vec<Option<String>> {
    let mut fields = Vec::new();
    let mut letters = line.chars().peekable();
    loop {
        let is_quoted = letters.peek() == Some(&options.quote);
        let mut field = String::new();
        if is_quoted {
            letters.next();
            quoted(&mut letters, options.quote, &mut field);
        }
        let mut end = None;
        for letter in letters.by_ref() {
            if letter == options.separator || letter == '\n' {
                end = Some(letter);
                break;
            }
            field.push(letter);
        }
        if !is_quoted {
            let start = if options.trims.0 == Some(true) { field.trim_start() } else { &field };
            field = if options.trims.1 == Some(true) { start.trim_end().to_string() } else { start.to_string() };
        }
        fields.push(Some(field).filter(|field| !field.is_empty() && *field != options.null_value));
        if end != Some(options.separator) {
            return fields;
        }
    }
}

/// What stands up to the closing quote.
fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char, field: &mut String) {
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter == quote => return,
            '\\' if letters.peek().is_some_and(|next| *next == quote || *next == '\\') => field.extend(letters.next()),
            other => field.push(other),
        }
    }
}
