//! Staging: an epoch's data files, written where no reader looks for them until they are published.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use connector::SinkError;
use epoch::{ArtifactEffect, StagedFile};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use storage::{store_error, sync_file_and_folder};
use tokio::runtime::Handle;

use crate::error::parquet_error;
use crate::parquet_file;
use crate::rules::Rules;
use crate::schema::to_table_rows;
use crate::statistics::delta_stats;

/// Size of a part of an upload; a smaller file is uploaded whole. Bytes. S3 takes 10,000 parts an object: files up to 160 GB.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// Writes one data file. Not finished, it leaves at most an invisible file that is swept later.
pub struct DataFileWriter {
    name: String,
    place: String,
    bucket: Option<i64>,
    rows: u64,
    schema: SchemaRef,
    table: String,
    rules: Arc<Rules>,
    writer: ArrowWriter<Target>,
}

/// Where a data file goes.
pub(crate) enum Target {
    Disk {
        file: io::BufWriter<File>,
        path: PathBuf,
    },
    Store(Box<Upload>),
    /// An object in memory: it is put at once, when it is complete.
    Memory {
        store: Arc<dyn ObjectStore>,
        path: Path,
        bytes: Vec<u8>,
    },
}

impl DataFileWriter {
    pub(crate) fn new(
        name: String,
        table: &str,
        bucket: Option<i64>,
        schema: SchemaRef,
        rules: Arc<Rules>,
        target: Target,
    ) -> Result<Self, SinkError> {
        let place = format!("data file {name} of table {table}");
        let options = parquet_file::options(&schema);
        let writer = ArrowWriter::try_new_with_options(target, Arc::clone(&schema), options)
            .map_err(|error| parquet_error(&place, &error))?;
        Ok(DataFileWriter { name, place, bucket, rows: 0, schema, table: table.to_string(), rules, writer })
    }

    /// Writes rows, brought to the table's columns and types.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`, `Data` if a value does not fit its column.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let rows = to_table_rows(batch, &self.schema)?;
        self.rules.check_rows(&self.table, &rows)?;
        self.rows += rows.num_rows() as u64;
        self.writer.write(&rows).map_err(|error| parquet_error(&self.place, &error))
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Completes the file and makes it durable. `None` if no row was written: there is no file then.
    ///
    /// # Errors
    /// `DiskFull`, `Unavailable`; the file must be written again.
    pub fn finish(mut self) -> Result<Option<StagedFile>, SinkError> {
        if self.rows == 0 {
            self.writer.inner_mut().discard().map_err(|error| SinkError::file(&self.place, &error))?;
            return Ok(None);
        }
        let metadata = self.writer.finish().map_err(|error| parquet_error(&self.place, &error))?;
        debug_assert_eq!(metadata.file_metadata().num_rows().cast_unsigned(), self.rows, "{} lacks rows", self.place);
        let stats = delta_stats(&self.schema, &self.rules.bounded, &metadata);
        let bytes = self.writer.bytes_written() as u64;
        self.writer.inner_mut().complete(&self.place)?;
        Ok(Some(StagedFile {
            path: self.name,
            bytes,
            rows: self.rows,
            bucket: self.bucket,
            stats,
            effect: ArtifactEffect::Add,
        }))
    }
}

impl Target {
    /// A file on the local disk. Its name was never used before.
    pub(crate) fn disk(path: PathBuf) -> io::Result<Target> {
        // Parquet writes page by page; the file system gets fewer and larger writes.
        let file = io::BufWriter::with_capacity(256 * 1024, File::create_new(&path)?);
        Ok(Target::Disk { file, path })
    }

    pub(crate) fn store(store: Arc<dyn ObjectStore>, name: &str, runtime: Handle) -> Target {
        Target::Store(Box::new(Upload {
            store,
            path: Path::from(name),
            runtime,
            buffer: Vec::new(),
            multipart: None,
            failed: None,
        }))
    }

    fn complete(&mut self, place: &str) -> Result<(), SinkError> {
        match self {
            Target::Disk { file, path } => {
                let synced = file.flush().and_then(|()| sync_file_and_folder(file.get_ref(), path));
                synced.map_err(|error| SinkError::file(place, &error))
            }
            Target::Store(upload) => upload.complete().map_err(|error| store_error(place, &error)),
            Target::Memory { store, path, bytes } => {
                let put = store.put(path, std::mem::take(bytes).into());
                futures::executor::block_on(put).map(|_| ()).map_err(|error| store_error(place, &error))
            }
        }
    }

    fn discard(&mut self) -> io::Result<()> {
        match self {
            Target::Disk { path, .. } => std::fs::remove_file(path),
            Target::Store(upload) => {
                upload.buffer.clear();
                Ok(())
            }
            Target::Memory { bytes, .. } => {
                bytes.clear();
                Ok(())
            }
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Disk { file, .. } => file.write(bytes),
            Target::Store(upload) => upload.write(bytes),
            Target::Memory { bytes: all, .. } => {
                all.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Disk { file, .. } => file.flush(),
            Target::Store(_) | Target::Memory { .. } => Ok(()),
        }
    }
}

/// An object on its way up: kept until it is complete, or sent in parts when it is large.
pub(crate) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    runtime: Handle,
    buffer: Vec<u8>,
    multipart: Option<Box<dyn MultipartUpload>>,
    /// Why a part was not taken: the file would lack it, so it must not be completed.
    failed: Option<String>,
}

impl Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= PART_BYTES {
            let rest = self.buffer.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send_part(part.into()).map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn send_part(&mut self, part: Bytes) -> object_store::Result<()> {
        let (store, path, open) = (Arc::clone(&self.store), self.path.clone(), self.multipart.take());
        let (upload, sent) = wait(&self.runtime, async move {
            let mut upload = match open {
                Some(upload) => upload,
                None => store.put_multipart(&path).await?,
            };
            let sent = upload.put_part(part.into()).await;
            Ok((upload, sent))
        })?;
        self.multipart = Some(upload);
        if let Err(error) = &sent {
            self.failed = Some(error.to_string());
        }
        sent
    }

    fn complete(&mut self) -> object_store::Result<()> {
        if let Some(reason) = self.failed.take() {
            return Err(object_store::Error::Generic { store: "upload", source: reason.into() });
        }
        let last = Bytes::from(std::mem::take(&mut self.buffer));
        if self.multipart.is_none() {
            let (store, path) = (Arc::clone(&self.store), self.path.clone());
            return wait(&self.runtime, async move { store.put(&path, last.into()).await.map(|_| ()) });
        }
        if !last.is_empty() {
            self.send_part(last)?;
        }
        let Some(mut upload) = self.multipart.take() else { return Ok(()) };
        wait(&self.runtime, async move { upload.complete().await.map(|_| ()) })
    }
}

impl Drop for Upload {
    /// Parts of an upload that was given up would be kept, and paid for, for ever.
    fn drop(&mut self) {
        if let Some(mut upload) = self.multipart.take() {
            self.runtime.spawn(async move { upload.abort().await });
        }
    }
}

/// Waits on a plain thread for work on the runtime. (`Handle::block_on` would panic on a runtime's thread.)
fn wait<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = object_store::Result<T>> + Send + 'static,
) -> object_store::Result<T> {
    let (answer, answered) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody listens any more only if the waiting thread is gone.
        let _ = answer.send(work.await);
    });
    answered.recv().unwrap_or_else(|_| {
        Err(object_store::Error::Generic { store: "upload", source: "the runtime was shut down under it".into() })
    })
}
