//! How the engine writes Parquet: quick to write, the same bytes for the same rows.

use arrow::datatypes::{DataType, Schema};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Dictionaries beyond this are given up: the column has too many different values.
const DICTIONARY_BYTES_MAX: usize = 64 * 1024;
/// Bounds of text are cut to this length in the statistics.
const BOUND_BYTES_MAX: usize = 32;
const ROW_GROUP_ROWS_MAX: usize = 1024 * 1024;

/// Options for a table's data files: LZ4_RAW, statistics per chunk, nothing in it that differs from run to run.
///
/// Columns named `id` or `…_id` have no dictionary: their values hardly repeat, and building one only to give it up costs most of the writing.
pub(crate) fn options(schema: &Schema) -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("engine version ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::LZ4_RAW)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(BOUND_BYTES_MAX))
        // Statistics are those of whole chunks, so there are no pages to be found by them.
        .set_offset_index_disabled(true)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        // A group is held in memory until it is complete, and lanes write many files side by side.
        .set_max_row_group_bytes(Some(64 * 1024 * 1024));
    for field in schema.fields() {
        if !gains_from_dictionary(field.name(), field.data_type()) {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
        }
    }
    ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true)
}

fn gains_from_dictionary(name: &str, kind: &DataType) -> bool {
    let name = name.to_lowercase();
    let identity = name == "id" || name.ends_with("_id") || matches!(name.as_str(), "_key" | "_offset" | "_timestamp");
    !identity && !matches!(kind, DataType::Timestamp(_, _) | DataType::Float64 | DataType::Float32 | DataType::Binary)
}
