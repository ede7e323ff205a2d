//! A local object store whose writes are on the disk before it says so: object_store's own does not sync.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::aside::{Aside, write_aside};

/// The local file system as an object store. A put is written aside, synced, linked to its name and its folder synced,
/// so that neither a crash of the machine nor a reader ever finds half an object.
#[derive(Debug, Clone, Default)]
pub struct SyncedLocal {
    inner: Arc<LocalFileSystem>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    files: AtomicU64,
    folders: AtomicU64,
}

impl SyncedLocal {
    /// A store over the whole file system; paths are absolute.
    pub fn new() -> Self {
        SyncedLocal::default()
    }

    /// Number of files and of folders synced so far.
    pub fn synced(&self) -> (u64, u64) {
        (self.counts.files.load(Ordering::Relaxed), self.counts.folders.load(Ordering::Relaxed))
    }

    async fn put_synced(
        &self,
        location: &Path,
        payload: PutPayload,
        create: bool,
        aside: Option<Aside>,
    ) -> Result<PutResult> {
        let path = self.inner.path_to_filesystem(location)?;
        let counts = Arc::clone(&self.counts);
        let aside = aside.and_then(|aside| aside.take(&path, payload.as_ref()));
        let written = tokio::task::spawn_blocking(move || write_synced(&path, &payload, create, aside, &counts))
            .await
            .map_err(|source| object_store::Error::JoinError { source })?;
        written.map_err(|source| error_at(location, source))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn sync_place(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        let counts = Arc::clone(&self.counts);
        let synced = tokio::task::spawn_blocking(move || {
            File::open(&path)?.sync_all()?;
            counts.files.fetch_add(1, Ordering::Relaxed);
            sync_parent(&path, &counts)
        })
        .await
        .map_err(|source| object_store::Error::JoinError { source })?;
        synced.map_err(|source| error_at(location, source))
    }
}

fn error_at(location: &Path, source: io::Error) -> object_store::Error {
    let path = location.to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => object_store::Error::AlreadyExists { path, source: source.into() },
        io::ErrorKind::NotFound => object_store::Error::NotFound { path, source: source.into() },
        _ => object_store::Error::Generic { store: "local disk", source: source.into() },
    }
}

/// Tries to give a file its name: a start of another engine may clear away what lies aside, once.
const NAMING_TRIES: u32 = 3;

/// `aside`: where the bytes lie already, written and synced.
fn write_synced(
    path: &FilePath,
    payload: &PutPayload,
    create: bool,
    mut aside: Option<PathBuf>,
    counts: &Counts,
) -> io::Result<()> {
    for tried in 1.. {
        let written = match aside.take() {
            Some(aside) => aside,
            None => {
                create_folders(path.parent().unwrap_or(FilePath::new("/")), counts)?;
                let written = write_aside(path, payload.as_ref())?;
                counts.files.fetch_add(1, Ordering::Relaxed);
                written
            }
        };
        match give_name(&written, path, create) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tried < NAMING_TRIES => {}
            named => {
                named?;
                break;
            }
        }
    }
    sync_parent(path, counts)
}

fn give_name(aside: &FilePath, path: &FilePath, create: bool) -> io::Result<()> {
    if !create {
        return fs::rename(aside, path);
    }
    // A link fails if the name is taken; a rename would replace it.
    let linked = fs::hard_link(aside, path);
    let cleared = match fs::remove_file(aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    };
    linked.and(cleared)
}

fn sync_parent(path: &FilePath, counts: &Counts) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
        counts.folders.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn create_folders(folder: &FilePath, counts: &Counts) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent, counts)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_parent(folder, counts)
}

/// Makes a folder and all above it, each synced into its parent.
pub(crate) fn create_synced_folders(folder: &FilePath) -> io::Result<()> {
    create_folders(folder, &Counts::default())
}

/// Syncs a finished file, and the folder that names it. Nobody looks for the file before both are on the device, so neither waits for
/// the other: side by side they take about as long as one.
///
/// # Errors
/// The system's; if both cannot be synced, that of the file.
pub fn sync_file_and_folder(file: &File, path: &FilePath) -> io::Result<()> {
    std::thread::scope(|scope| {
        let folder = scope.spawn(|| sync_parent(path, &Counts::default()));
        let synced = file.sync_all();
        let folder =
            folder.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs the folder ended early")));
        synced.and(folder)
    })
}

impl std::fmt::Display for SyncedLocal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "local disk, synced")
    }
}

#[async_trait]
impl ObjectStore for SyncedLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let aside = opts.extensions.get::<Aside>().cloned();
        match opts.mode {
            PutMode::Create => self.put_synced(location, payload, true, aside).await,
            PutMode::Overwrite => self.put_synced(location, payload, false, aside).await,
            PutMode::Update(_) => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(BufferedUpload { store: self.clone(), location: location.clone(), parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.sync_place(to).await
    }
}

/// A multipart upload that is put as one object when complete (checkpoints of the log, a few MB).
#[derive(Debug)]
struct BufferedUpload {
    store: SyncedLocal,
    location: Path,
    parts: Vec<Bytes>,
}

#[async_trait]
impl MultipartUpload for BufferedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.extend(data);
        Box::pin(async { Ok(()) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload = std::mem::take(&mut self.parts).into_iter().collect();
        self.store.put_synced(&self.location, payload, false, None).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
