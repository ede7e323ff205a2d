//! One static table of plain files: their version, and their rows.

use async_trait::async_trait;
use connector::error::named;
use connector::{SinkError, StaticError, StaticRows, StaticTable};
use storage::{Place, PlacedFile};
use xxhash_rust::xxh3::xxh3_128;

/// How often files are read again that changed meanwhile: what still changes then is being written all the time.
const TRIES: usize = 3;

/// What versions of files begin with.
const FILES: &str = "files:";

/// A static table of plain files.
#[derive(Debug)]
pub(crate) struct FilesTable {
    settings: job::StaticTable,
    place: Place,
}

impl FilesTable {
    pub(crate) fn new(settings: job::StaticTable, place: Place) -> FilesTable {
        FilesTable { settings, place }
    }

    /// The files there, at least one.
    async fn files(&self) -> Result<Vec<PlacedFile>, StaticError> {
        let files = self.place.files().await.map_err(|error| self.of_store(error))?;
        if files.is_empty() {
            return Err(
                self.data(&format!("no file is at {}; correct `path`, or put one there", self.place.location()))
            );
        }
        Ok(files)
    }

    /// The rows of these files; `None` if they changed while they were read.
    async fn rows_of(&self, files: &[PlacedFile]) -> Result<Option<StaticRows>, StaticError> {
        let version = version_of(&self.settings, files);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let format = formats::files::format_of(&self.settings, &names)
            .map_err(|text| StaticError::Settings(self.text(&format!("{}: {text}", self.place.location())).into()))?;
        let mut contents = Vec::with_capacity(files.len());
        for file in files {
            match self.place.read(file).await {
                Ok(bytes) => contents.push((file.name.clone(), bytes)),
                Err(error) => {
                    // A file that is gone since it was listed was replaced by others, most likely.
                    let has_changed = matches!(&error, SinkError::Data(_)) && self.has_changed(&version).await?;
                    return if has_changed { Ok(None) } else { Err(self.of_store(error)) };
                }
            }
        }
        // Listed again after the last file was read: otherwise the rows could be those of two versions.
        if self.has_changed(&version).await? {
            return Ok(None);
        }
        let batch = formats::files::read(&self.settings, format, &contents).map_err(|text| self.data(&text))?;
        Ok(Some(StaticRows { version, batch }))
    }

    async fn has_changed(&self, version: &str) -> Result<bool, StaticError> {
        let files = self.place.files().await.map_err(|error| self.of_store(error))?;
        Ok(version_of(&self.settings, &files) != version)
    }

    fn of_store(&self, error: SinkError) -> StaticError {
        StaticError::of_sink(&self.settings.name, error)
    }

    fn data(&self, text: &str) -> StaticError {
        StaticError::Data(self.text(text).into())
    }

    fn text(&self, text: &str) -> String {
        named(&self.settings.name, text)
    }
}

/// What distinguishes the files of one time, read in one way, from those of another: `files:` with a hash of their names, lengths and
/// dates, and of how the job reads them.
///
/// Checkpoints hold it, and a job finds the copy of its rows by it: the text that is hashed must stay as it is, byte for byte.
fn version_of(settings: &job::StaticTable, files: &[PlacedFile]) -> String {
    let job::StaticTable { format, schema, header, delimiter, .. } = settings;
    let mut text = format!("{format:?}\0{header}\0{delimiter}\0");
    schema.iter().for_each(|column| text.push_str(&format!("{column:?}\0")));
    for file in files {
        text.push_str(&format!("{}\0{}\0{}\0", file.name, file.bytes, file.tag));
    }
    format!("{FILES}{:032x}", xxh3_128(text.as_bytes()))
}

#[async_trait]
impl StaticTable for FilesTable {
    /// Anything can be a file: whether it can be read shows when it is.
    async fn recognises(&self) -> Result<bool, StaticError> {
        Ok(true)
    }

    fn owns(&self, version: &str) -> bool {
        version.starts_with(FILES)
    }

    fn keeps_versions(&self) -> bool {
        false
    }

    async fn current(&self) -> Result<String, StaticError> {
        Ok(version_of(&self.settings, &self.files().await?))
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        for _ in 0..TRIES {
            if let Some(rows) = self.rows_of(&self.files().await?).await? {
                return Ok(rows);
            }
        }
        Err(self.data(&format!(
            "{} keeps changing while it is read; put new files in place whole, by renaming them",
            self.place.location()
        )))
    }

    /// The files must be unchanged since then: if they may not be, their copy in the checkpoint is what to ask.
    async fn load(&self, version: &str) -> Result<StaticRows, StaticError> {
        let files = self.files().await?;
        if version_of(&self.settings, &files) == version
            && let Some(rows) = self.rows_of(&files).await?
            && rows.version == version
        {
            return Ok(rows);
        }
        Err(self.data(&format!(
            "{} is no longer what the job read before ({version}); put those files back, or start with a new checkpoint",
            self.place.location()
        )))
    }
}

#[cfg(test)]
mod tests;
