//! Static tables: which version lies there now, and the rows of a version.
//!
//! ```text
//! StaticLoader::open -> current (cheap) -> load_current, when it differs -> copy, kept in the checkpoint
//!                    -> a restart: the version of the plan -> StaticRows::decode of the copy, or else load
//! ```
//! An epoch that is run again must see the same rows in the same order. A Delta table keeps its versions; of plain files
//! the rows are copied into the checkpoint whenever the version changes, before the plan that names it is stored.

mod copy;
mod error;
mod held;
mod lookups;

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use delta::{Place, PlacedFile};
use job::{Refresh, StaticFormat, StaticTable};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

pub use copy::COPY_BYTES_MAX;
pub use error::StaticError;
pub use held::{MemoryStatic, StaticFeed, StaticSchemas, Statics, static_schemas};
pub use lookups::Lookups;

/// How often files are read again that changed meanwhile.
const TRIES: usize = 3;

const DELTA: &str = "delta:";
const FILES: &str = "files:";

/// Finds and loads the rows of one static table.
#[derive(Debug)]
pub struct StaticLoader {
    table: StaticTable,
    place: Place,
    /// A version that the Delta table had: from there on its log is looked at.
    delta_seen: Mutex<Option<i64>>,
}

/// The rows of a static table at one version.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticRows {
    /// `delta:` with the version of the Delta table, or `files:` with a hash of the files' names, lengths and dates, and of how
    /// the job reads them.
    pub version: String,
    /// All rows, always in the same order for one version. Types are those that sources and tables have.
    pub batch: RecordBatch,
}

impl StaticRows {
    /// What a test gives a static table from step to step, as the lines of JSON files. All have the same columns.
    ///
    /// # Errors
    /// `Data` if rows do not fit the columns that the job gives it, or if their columns cannot be told.
    pub fn of_test(table: &StaticTable, steps: &[Vec<Map<String, Value>>]) -> Result<Vec<StaticRows>, StaticError> {
        let fault = |text: &str| StaticError::Data(error::named(&table.name, text));
        if table.schema.is_empty() && steps.iter().all(Vec::is_empty) {
            let text = format!(
                "it has no columns in this test; give it rows with static.{} = [{{ … }}], or add [static.{}.schema]",
                table.name, table.name
            );
            return Err(fault(&text));
        }
        let mut files = Vec::with_capacity(steps.len());
        for rows in steps {
            let lines: Vec<String> = rows.iter().map(|row| Value::Object(row.clone()).to_string()).collect();
            files.push((format!("static.{}", table.name), Bytes::from(lines.join("\n"))));
        }
        let (_, batches) = formats::files::read_each(table, StaticFormat::Json, &files).map_err(|text| fault(&text))?;
        let with_version = |(file, batch): (&(String, Bytes), RecordBatch)| StaticRows {
            version: format!("test:{:032x}", xxh3_128(&file.1)),
            batch,
        };
        Ok(files.iter().zip(batches).map(with_version).collect())
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }
}

impl StaticLoader {
    /// A loader of this table. Nothing is read yet.
    ///
    /// # Errors
    /// `Settings` if the path means nothing, or a variable for S3 is missing.
    pub fn open(table: &StaticTable) -> Result<StaticLoader, StaticError> {
        let place = Place::open(&table.path).map_err(|error| StaticError::of_sink(&table.name, error))?;
        Ok(StaticLoader::at(table, place))
    }

    fn at(table: &StaticTable, place: Place) -> StaticLoader {
        StaticLoader { table: table.clone(), place, delta_seen: Mutex::new(None) }
    }

    /// The table's name in SQL.
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// True if it is time to look for a new version: `looked_us` is when that was last done, `now_us` the epoch's time.
    pub fn is_due(&self, looked_us: Option<i64>, now_us: i64) -> bool {
        held::is_due(self.table.refresh, looked_us, now_us)
    }

    /// The version that lies there now. Reads no rows: a listing, or the newest entries of a Delta log.
    ///
    /// # Errors
    /// `Data` if nothing is there; `Settings`; `Unavailable`.
    pub async fn current(&self) -> Result<String, StaticError> {
        if self.is_delta().await? {
            return Ok(format!("{DELTA}{}", self.delta_version().await?));
        }
        Ok(self.files_version(&self.files().await?))
    }

    /// The rows that lie there now, with their version.
    ///
    /// # Errors
    /// `Data` if nothing is there, if it cannot be read or keeps changing; `Settings`; `Unavailable`.
    pub async fn load_current(&self) -> Result<StaticRows, StaticError> {
        if self.is_delta().await? {
            let version = self.delta_version().await?;
            return self.load_delta(version).await;
        }
        for _ in 0..TRIES {
            if let Some(rows) = self.load_files(&self.files().await?).await? {
                return Ok(rows);
            }
        }
        Err(self.data(&format!(
            "{} keeps changing while it is read; put new files in place whole, by renaming them",
            self.place.location()
        )))
    }

    /// The rows of a version, as it was recorded with an epoch. Plain files must be unchanged since then: if they may not
    /// be, their copy in the checkpoint is what to ask.
    ///
    /// # Errors
    /// `Data` if the version is no longer there; `Settings`; `Unavailable`.
    pub async fn load(&self, version: &str) -> Result<StaticRows, StaticError> {
        if let Some(number) = version.strip_prefix(DELTA).and_then(|number| number.parse().ok()) {
            return self.load_delta(number).await;
        }
        let files = self.files().await?;
        if self.files_version(&files) == version
            && let Some(rows) = self.load_files(&files).await?
            && rows.version == version
        {
            return Ok(rows);
        }
        Err(self.data(&format!(
            "{} is no longer what the job read before ({version}); put those files back, or start with a new checkpoint",
            self.place.location()
        )))
    }

    /// What to keep of these rows in the checkpoint so that they can be read again: `None` for a Delta table, and for
    /// files that must stay as they are and are too many to be copied.
    ///
    /// # Errors
    /// `TooLarge` if a copy is needed and would be more than [`COPY_BYTES_MAX`].
    pub fn copy(&self, rows: &StaticRows) -> Result<Option<Vec<u8>>, StaticError> {
        if rows.version.starts_with(DELTA) {
            return Ok(None);
        }
        match copy::encode(&self.table.name, rows) {
            Err(StaticError::TooLarge(_)) if self.table.refresh == Refresh::Never => Ok(None),
            encoded => encoded.map(Some),
        }
    }

    async fn is_delta(&self) -> Result<bool, StaticError> {
        if self.table.format == Some(StaticFormat::Delta) {
            return Ok(true);
        }
        let is_delta = self.place.is_delta().await.map_err(|error| self.sink(error))?;
        if is_delta && self.table.format.is_some() {
            let text = format!("{} is a Delta table; write format = \"delta\"", self.place.location());
            return Err(StaticError::Settings(self.text(&text)));
        }
        Ok(is_delta)
    }

    async fn delta_version(&self) -> Result<i64, StaticError> {
        let seen = *self.delta_seen.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.place.delta_version(seen).await.map_err(|error| self.sink(error))?;
        *self.delta_seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        Ok(version)
    }

    async fn load_delta(&self, version: i64) -> Result<StaticRows, StaticError> {
        let (schema, batches) = self.place.delta_rows(version).await.map_err(|error| self.sink(error))?;
        let batch = formats::files::shaped(&self.table, &schema, &batches);
        let batch = batch.and_then(|batch| formats::files::sorted(&batch));
        let batch = batch.map_err(|text| {
            self.data(&format!("the Delta table {} at version {version}: {text}", self.place.location()))
        })?;
        Ok(StaticRows { version: format!("{DELTA}{version}"), batch })
    }

    /// The files there, at least one.
    async fn files(&self) -> Result<Vec<PlacedFile>, StaticError> {
        let files = self.place.files().await.map_err(|error| self.sink(error))?;
        if files.is_empty() {
            return Err(
                self.data(&format!("no file is at {}; correct `path`, or put one there", self.place.location()))
            );
        }
        Ok(files)
    }

    /// The rows of these files; `None` if they changed while they were read.
    async fn load_files(&self, files: &[PlacedFile]) -> Result<Option<StaticRows>, StaticError> {
        let version = self.files_version(files);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let format = formats::files::format_of(&self.table, &names)
            .map_err(|text| StaticError::Settings(self.text(&format!("{}: {text}", self.place.location()))))?;
        let mut contents = Vec::with_capacity(files.len());
        for file in files {
            match self.place.read(file).await {
                Ok(bytes) => contents.push((file.name.clone(), bytes)),
                Err(error) => {
                    let changed = matches!(&error, delta::SinkError::Data(_)) && self.changed(&version).await?;
                    return if changed { Ok(None) } else { Err(self.sink(error)) };
                }
            }
        }
        if self.changed(&version).await? {
            return Ok(None);
        }
        let batch = formats::files::read(&self.table, format, &contents).map_err(|text| self.data(&text))?;
        Ok(Some(StaticRows { version, batch }))
    }

    async fn changed(&self, version: &str) -> Result<bool, StaticError> {
        let files = self.place.files().await.map_err(|error| self.sink(error))?;
        Ok(self.files_version(&files) != version)
    }

    /// What tells the files of one moment, read in one way, from those of another.
    fn files_version(&self, files: &[PlacedFile]) -> String {
        let StaticTable { format, schema, header, delimiter, .. } = &self.table;
        let mut text = format!("{format:?}\0{header}\0{delimiter}\0");
        schema.iter().for_each(|column| text.push_str(&format!("{column:?}\0")));
        for file in files {
            text.push_str(&format!("{}\0{}\0{}\0", file.name, file.bytes, file.tag));
        }
        format!("{FILES}{:032x}", xxh3_128(text.as_bytes()))
    }

    fn sink(&self, error: delta::SinkError) -> StaticError {
        StaticError::of_sink(&self.table.name, error)
    }

    fn data(&self, text: &str) -> StaticError {
        StaticError::Data(self.text(text))
    }

    fn text(&self, text: &str) -> String {
        error::named(&self.table.name, text)
    }
}

#[cfg(test)]
mod tests;
