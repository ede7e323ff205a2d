//! State columns that came with a later engine: a state that was kept before has not got them, and is read with nulls in their place.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field};

/// The mark of such a column among the metadata of its field.
const MARK: &str = "later";

/// A state column that older states have not got.
pub fn later_column(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true).with_metadata(HashMap::from([(MARK.to_string(), String::new())]))
}

/// True if older states have not got this column.
pub fn is_later_column(field: &Field) -> bool {
    field.metadata().contains_key(MARK)
}
