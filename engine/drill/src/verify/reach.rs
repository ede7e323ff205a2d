//! Which epochs are compared, and how rows are picked by the epoch that wrote them: it stands in the names of their data files.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::DataType;
use connector::TableSnapshot;
use datafusion::common::Column;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, cast, create_udf, lit};
use datafusion::prelude::DataFrame;
use epoch::{EpochId, paths};

use super::snapshot::FILE;

/// What of a table and its inputs is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Only what inputs got in this epoch and later ones.
    pub inputs_since: Option<EpochId>,
    /// Only what the table got in this epoch and later ones.
    pub table_since: Option<EpochId>,
}

impl Reach {
    /// Both sides from an epoch on.
    pub fn both_since(epoch: EpochId) -> Reach {
        Reach { inputs_since: Some(epoch), table_since: Some(epoch) }
    }
}

/// The rows that were written in an epoch or a later one.
///
/// # Errors
/// Why that cannot be told; the session's.
pub fn rows_since(frame: DataFrame, table: &TableSnapshot, since: Option<EpochId>) -> Result<DataFrame, String> {
    let Some(since) = since.filter(|since| since.0 > 0) else { return Ok(frame) };
    if !knows_epochs(table) {
        return Err(format!(
            "only epochs from {since} on can be compared, and {} does not say any more in which epoch a row came: another program (OPTIMIZE) \
             rewrote its data files",
            table.info.name
        ));
    }
    let is_since = epoch_of_row().gt_eq(lit(since.0.cast_signed()));
    frame.filter(is_since).map_err(|error: DataFusionError| error.to_string())
}

/// True if every data file says of which epoch it is.
pub fn knows_epochs(table: &TableSnapshot) -> bool {
    table.files.iter().all(|file| paths::origin_of(file).is_some())
}

/// The epoch in the name of a row's data file.
fn epoch_of_row() -> Expr {
    let look = |arguments: &[ColumnarValue]| {
        let files = ColumnarValue::values_to_arrays(arguments)?;
        let epochs = files[0].as_string::<i32>().iter();
        let epochs = epochs.map(|file| paths::origin_of(file?).map(|(_, epoch)| epoch.0.cast_signed()));
        Ok(ColumnarValue::Array(Arc::new(epochs.collect::<Int64Array>()) as ArrayRef))
    };
    let function =
        create_udf("epoch_of_row", vec![DataType::Utf8], DataType::Int64, Volatility::Immutable, Arc::new(look));
    function.call(vec![cast(Expr::Column(Column::from_name(FILE)), DataType::Utf8)])
}
