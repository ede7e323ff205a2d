//! The tables that a run left, as multisets of rows that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use connector::{AsOf, Registry, TableSnapshot};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::block_on::block_on;

/// A row that is shown is cut to so many characters: it is to be recognized, not read.
const LINE_CHARS_MAX: usize = 400;

/// A column of a table.
pub type ColumnName = (String, String);

/// All tables of a warehouse.
pub struct Tables {
    /// By name.
    pub by_name: BTreeMap<String, Rows>,
}

/// The rows of a table.
pub struct Rows {
    batches: Vec<RecordBatch>,
    /// One for each row, sorted.
    pub keys: Vec<RowKey>,
}

/// What a row is compared by.
#[derive(Debug, Clone)]
pub struct RowKey {
    /// Hash of all compared columns but the floating-point ones.
    pub digest: u64,
    /// Those: sums may be grouped otherwise, so they are compared with a tolerance.
    pub floats: Vec<f64>,
    at: (u32, u32),
}

impl Tables {
    /// Reads the published tables of a warehouse, and checks that no newer version waits to be pointed at.
    pub fn read(connectors: &Registry, location: &str, left_out: &BTreeSet<ColumnName>) -> Result<Tables, String> {
        let text = |error: connector::SinkError| error.to_string();
        block_on(async {
            let warehouse = connectors.warehouse(location).await.map_err(text)?;
            let newest = warehouse.tables(AsOf::Latest, None).await.map_err(text)?;
            let published = warehouse.tables(AsOf::Published, None).await.map_err(text)?;
            for (newest, published) in newest.iter().zip(&published) {
                let (newest, published) = (&newest.info, &published.info);
                if newest.version != published.version {
                    return Err(format!(
                        "{} is at version {}, but readers are pointed at {}",
                        published.name, newest.version, published.version
                    ));
                }
            }
            let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
            warehouse.prepare(&context).map_err(text)?;
            let mut by_name = BTreeMap::new();
            for table in published {
                by_name.insert(table.info.name.clone(), read_table(&context, &table, left_out).await?);
            }
            Ok(Tables { by_name })
        })?
    }

    /// One table, as if it had been read.
    #[cfg(test)]
    pub fn of(name: &str, batches: Vec<RecordBatch>, left_out: &BTreeSet<ColumnName>) -> Tables {
        Tables { by_name: BTreeMap::from([(name.to_owned(), Rows::of(name, batches, left_out))]) }
    }

    /// Rows of all tables.
    pub fn count(&self) -> u64 {
        self.by_name.values().map(|rows| rows.keys.len() as u64).sum()
    }
}

impl Rows {
    /// Rows that were read.
    pub fn of(name: &str, batches: Vec<RecordBatch>, left_out: &BTreeSet<ColumnName>) -> Rows {
        let keys = batches.iter().enumerate().flat_map(|(number, batch)| keys_of(name, batch, number as u32, left_out));
        let mut keys: Vec<RowKey> = keys.collect();
        keys.sort_by(RowKey::order);
        Rows { batches, keys }
    }

    /// The batch and the row that a key stands for.
    pub fn place(&self, key: &RowKey) -> Option<(&RecordBatch, usize)> {
        Some((self.batches.get(key.at.0 as usize)?, key.at.1 as usize))
    }

    /// A row as a reader would want to see it.
    pub fn show(&self, key: &RowKey) -> String {
        let Some((batch, row)) = self.place(key) else { return String::new() };
        let mut text = query::rows::line(batch, row);
        if let Some((end, _)) = text.char_indices().nth(LINE_CHARS_MAX) {
            text.replace_range(end.., "…");
        }
        text
    }

    /// Order-independent digests of the columns one by one, by name.
    pub fn column_digests(&self) -> BTreeMap<String, u64> {
        let mut digests = BTreeMap::new();
        for batch in &self.batches {
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                let mut hashers = vec![DefaultHasher::new(); batch.num_rows()];
                hash_column(column.as_ref(), &mut hashers);
                let sum = hashers.iter().fold(0u64, |sum, hasher| sum.wrapping_add(hasher.finish()));
                let digest: &mut u64 = digests.entry(field.name().clone()).or_default();
                *digest = digest.wrapping_add(sum);
            }
        }
        digests
    }
}

async fn read_table(
    context: &SessionContext,
    table: &TableSnapshot,
    left_out: &BTreeSet<ColumnName>,
) -> Result<Rows, String> {
    let name = &table.info.name;
    let failed = |error: datafusion::error::DataFusionError| format!("table {name} cannot be read: {error}");
    let rows = context.read_table(Arc::clone(&table.provider)).map_err(failed)?;
    let batches = rows.collect().await.map_err(failed)?;
    Ok(Rows::of(name, batches, left_out))
}

impl RowKey {
    /// By hash, then by the numbers.
    pub fn order(&self, other: &RowKey) -> std::cmp::Ordering {
        let floats = || self.floats.iter().zip(&other.floats).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        self.digest.cmp(&other.digest).then_with(|| floats().unwrap_or(std::cmp::Ordering::Equal))
    }
}

fn keys_of(table: &str, batch: &RecordBatch, number: u32, left_out: &BTreeSet<ColumnName>) -> Vec<RowKey> {
    let mut hashers = vec![DefaultHasher::new(); batch.num_rows()];
    let mut floats = vec![Vec::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if is_of_the_run(table, field.name()) || left_out.contains(&(table.to_owned(), field.name().clone())) {
            continue;
        }
        if field.data_type().is_floating() {
            floats_of(column.as_ref()).into_iter().zip(&mut floats).for_each(|(value, floats)| floats.push(value));
        } else {
            hash_column(column.as_ref(), &mut hashers);
        }
    }
    let key = |(at, (hasher, floats)): (usize, (DefaultHasher, Vec<f64>))| RowKey {
        digest: hasher.finish(),
        floats,
        at: (number, at as u32),
    };
    hashers.into_iter().zip(floats).enumerate().map(key).collect()
}

/// Columns that say in which epoch a row was met: two sound runs may cut their epochs at different places.
pub fn is_of_the_run(table: &str, column: &str) -> bool {
    (table.starts_with("rejected.") && column == "epoch") || (table.ends_with("__late") && column == "_epoch")
}

/// A null is no number that a sum has; it stands as the lowest, which a sum could only have if a record did.
fn floats_of(column: &dyn Array) -> Vec<f64> {
    let or_null = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    match column.data_type() {
        DataType::Float32 => {
            column.as_primitive::<Float32Type>().iter().map(|value| or_null(value.map(f64::from))).collect()
        }
        DataType::Float64 => column.as_primitive::<Float64Type>().iter().map(or_null).collect(),
        _ => Vec::new(),
    }
}

fn hash_column(column: &dyn Array, hashers: &mut [DefaultHasher]) {
    use std::fmt::Write;
    // A sign that no text has distinguishes a null from the text that looks like it.
    let options = FormatOptions::new().with_null("\u{0}");
    let Ok(format) = ArrayFormatter::try_new(column, &options) else {
        debug_assert!(false, "a column of {} would not be compared", column.data_type());
        return;
    };
    let mut text = String::new();
    for (row, hasher) in hashers.iter_mut().enumerate() {
        text.clear();
        let _ = write!(text, "{}", format.value(row));
        // The length first, so that "ab", "c" is not "a", "bc".
        hasher.write_usize(text.len());
        hasher.write(text.as_bytes());
    }
}
