//! What every format of files does: it finds the columns of files, and reads their rows.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::Bytes;
use job::StaticTable;

use super::target::TargetColumns;

/// A format of files. Errors say what is wrong and what to do about it.
pub(super) trait FileFormat: Sync {
    /// The columns of these files (name, content), for a table whose columns the job file leaves to them.
    fn schema(&self, table: &StaticTable, files: &[(String, Bytes)]) -> Result<Schema, String>;

    /// The rows of one file, in the columns that are wanted.
    fn rows(&self, table: &StaticTable, target: &TargetColumns, content: &Bytes) -> Result<Vec<RecordBatch>, String>;
}

/// Text without the mark that some programs put first (UTF-8's byte order mark).
pub(super) fn without_mark(content: &Bytes) -> Bytes {
    if content.starts_with(b"\xef\xbb\xbf") { content.slice(3..) } else { content.clone() }
}
