//! Options of a function, such as `map('sep', ';')`: constants, so those of the first row are those of all.

use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::text::to_text;
use crate::display::type_name;

/// The options that a call gives.
#[derive(Debug, Default, Clone)]
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Those of a map; none if there is no such argument.
    ///
    /// # Errors
    /// If the argument is no map.
    pub fn of(column: Option<&ArrayRef>) -> Result<Options> {
        let Some(column) = column else { return Ok(Options::default()) };
        if column.is_empty() || column.is_null(0) {
            return Ok(Options::default());
        }
        let Some(maps) = column.as_map_opt() else {
            return plan_err!("options are a map such as map('sep', ';'), not {}", type_name(column.data_type()));
        };
        let entries = maps.value(0);
        let (names, values) = (to_text(entries.column(0))?, to_text(entries.column(1))?);
        let pairs = names.iter().zip(values.iter());
        Ok(Options(pairs.filter_map(|(name, value)| Some((name?.to_lowercase(), value?.to_string()))).collect()))
    }

    /// The value of an option, whose name is in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// True if the option is `true`.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}
