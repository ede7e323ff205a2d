//! Arguments of functions of VARIANT.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::super::read::texts;
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::variant::{Item, Step, is_variant, parse_path, read};

/// Refuses what is no variant. A NULL may be one.
pub fn needed(name: &str, kind: &DataType) -> Result<()> {
    match is_variant(kind) || *kind == DataType::Null {
        true => Ok(()),
        false => plan_err!(
            "{name} takes a variant, not {}; make one with parse_json(text) or CAST(x AS VARIANT)",
            type_name(kind)
        ),
    }
}

/// The variants of a column, which may be NULL of no type.
pub fn variants(column: &ArrayRef) -> Result<Vec<Option<Item>>> {
    if column.data_type() == &DataType::Null { Ok(vec![None; column.len()]) } else { read(column) }
}

/// Paths of a column, each read once while it stays the same.
#[derive(Default)]
pub struct Paths {
    known: Option<(String, Vec<Step>)>,
}

impl Paths {
    /// The steps of a row's path; NULL is none.
    pub fn of(&mut self, column: &ArrayRef, row: usize) -> Result<Option<&[Step]>> {
        let column = texts(column);
        if column.is_null(row) {
            return Ok(None);
        }
        let text = column.value(row);
        if self.known.as_ref().is_none_or(|(known, _)| known != text) {
            let steps = parse_path(text).ok_or_else(|| RowFault {
                condition: "INVALID_VARIANT_GET_PATH",
                message: format!(
                    "'{text}' is no path into a variant; write one such as '$.a.b', '$[0]' or '$[\"a b\"]'"
                ),
            })?;
            self.known = Some((text.to_string(), steps));
        }
        Ok(self.known.as_ref().map(|(_, steps)| steps.as_slice()))
    }
}
