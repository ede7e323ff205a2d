//! `lpad` and `rpad` of texts. DataFusion's own panic at a length below zero (55.2).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;

use super::read::{Kind, texts};
use super::simple::Simple;

/// The longest text that one is filled up to, characters: a number from somewhere must not take all memory.
const LENGTH_MAX: i64 = 16 << 20;

/// Both.
pub fn functions() -> Vec<Simple> {
    let of = |name, body| Simple {
        name,
        aliases: &[],
        count: (2, 3),
        kinds: &[Kind::Text, Kind::Whole, Kind::Text],
        gives,
        body,
    };
    vec![
        of("lpad", |args| padded(args, |text, fill| format!("{fill}{text}"))),
        of("rpad", |args| padded(args, |text, fill| format!("{text}{fill}"))),
    ]
}

fn gives(types: &[DataType]) -> Result<DataType> {
    match &types[0] {
        DataType::Binary => plan_err!("lpad and rpad take a text, not binary: decode it first, decode(x, 'utf-8')"),
        _ => Ok(DataType::Utf8),
    }
}

/// Texts of so many characters: cut off, or filled up with those of the third argument, a blank if there is none.
fn padded(args: &[ArrayRef], joined: fn(&str, &str) -> String) -> Result<ArrayRef> {
    let (values, lengths) = (texts(&args[0]), args[1].as_primitive::<Int64Type>());
    let fills = args.get(2).map(texts);
    let of = |row: usize| -> Result<Option<String>> {
        let fill = match &fills {
            Some(fills) if fills.is_null(row) => return Ok(None),
            Some(fills) => fills.value(row),
            None => " ",
        };
        if values.is_null(row) || lengths.is_null(row) {
            return Ok(None);
        }
        let (value, length) = (values.value(row), lengths.value(row));
        if length > LENGTH_MAX {
            return exec_err!("a text of {length} characters is too long to be filled up, the limit is {LENGTH_MAX}");
        }
        let length = usize::try_from(length).unwrap_or(0);
        let missing = length.saturating_sub(value.chars().count());
        if missing == 0 || fill.is_empty() {
            return Ok(Some(value.chars().take(length).collect()));
        }
        Ok(Some(joined(value, &fill.chars().cycle().take(missing).collect::<String>())))
    };
    let all = (0..values.len()).map(of).collect::<Result<StringArray>>()?;
    Ok(Arc::new(all))
}
