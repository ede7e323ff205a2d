//! A place that a job reads and does not write: a file, or a folder of them.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use connector::SinkError;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use url::Url;

use crate::location::{s3_root, with_final_slash};
use crate::retry::retried;
use crate::synced::SyncedLocal;

/// A file or a folder to read from. Nothing in it is ever made or changed.
pub struct Place {
    location: String,
    /// Ends with a slash, even if it is a file's.
    url: Url,
    root: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("location", &self.location).finish_non_exhaustive()
    }
}

/// A file of a place, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    /// Its path below the place; its name if the place is the file itself.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last changed, microseconds since 1970 UTC, and what else the store says of its content.
    pub tag: String,
    path: Path,
}

impl Place {
    /// Opens `location`: a local path (may be relative) or `s3://bucket/key`, with the same environment as the warehouse.
    ///
    /// # Errors
    /// `Settings` if the location cannot be read or a variable is missing. Whether anything lies there is not asked.
    pub fn open(location: &str) -> Result<Place, SinkError> {
        Place::from_location(location, &|name| std::env::var(name).ok())
    }

    fn from_location(location: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Place, SinkError> {
        match location.split_once("://") {
            Some(("s3" | "s3a", _)) => {
                let (url, root) = s3_root(location, variable)?;
                Ok(Place::with_store(location, url, root))
            }
            Some((scheme, _)) => Err(SinkError::Settings(
                format!("`{location}`: `{scheme}://` is not known; write a local path or s3://bucket/prefix").into(),
            )),
            None => {
                let path = FilePath::new(location);
                let absolute = std::path::absolute(path).map_err(|error| SinkError::file(location, &error))?;
                let absolute = absolute.canonicalize().unwrap_or(absolute);
                let url = Url::from_directory_path(&absolute).map_err(|()| {
                    SinkError::Settings(
                        format!("`{location}` does not make a path that can be written as a URL").into(),
                    )
                })?;
                Ok(Place::with_store(location, url, Arc::new(SyncedLocal::new())))
            }
        }
    }

    /// A place at `url` in `store`, whose paths begin at the root of the url.
    pub fn with_store(location: &str, url: Url, store: Arc<dyn ObjectStore>) -> Place {
        let url = with_final_slash(url);
        let prefix = Path::from_url_path(url.path()).unwrap_or_default();
        Place { location: location.to_string(), url, root: store, prefix }
    }

    /// The place as the user wrote it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Where it is, without any key. Ends with a slash, even if it is a file's.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store in which it lies. Paths begin at the root of the file system or the bucket.
    pub fn root(&self) -> &Arc<dyn ObjectStore> {
        &self.root
    }

    /// Its path in the store.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The files of the place, sorted by name: those whose name, and whose folders' names, do not begin with `_` or `.`.
    /// Empty if nothing lies there.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn files(&self) -> Result<Vec<PlacedFile>, SinkError> {
        if let Some(object) = self.head().await? {
            let name = self.prefix.filename().unwrap_or_default().to_string();
            return Ok(vec![placed(name, object)]);
        }
        let listing = || self.root.list(Some(&self.prefix)).try_collect::<Vec<_>>();
        let objects = retried(&format!("files of {}", self.location), listing).await?;
        let mut files = Vec::with_capacity(objects.len());
        for object in objects {
            let Some(parts) = object.location.prefix_match(&self.prefix) else { continue };
            let parts: Vec<String> = parts.map(|part| part.as_ref().to_string()).collect();
            if !parts.is_empty() && !parts.iter().any(|part| part.starts_with(['_', '.'])) {
                files.push(placed(parts.join("/"), object));
            }
        }
        files.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(files)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// `Data` if it is gone; `Unavailable`; `Settings`.
    pub async fn read(&self, file: &PlacedFile) -> Result<Bytes, SinkError> {
        let place = format!("{} of {}", file.name, self.location);
        retried(&place, || async { self.root.get(&file.path).await?.bytes().await }).await
    }

    /// True if any object lies in a folder of the place.
    ///
    /// # Errors
    /// `Unavailable`, `Settings`.
    pub async fn has_folder(&self, name: &str) -> Result<bool, SinkError> {
        // A local file is no folder that could be listed.
        if self.head().await?.is_some() {
            return Ok(false);
        }
        let folder = self.prefix.clone().join(name);
        let first = || async { self.root.list(Some(&folder)).try_next().await };
        Ok(retried(&format!("{name} of {}", self.location), first).await?.is_some())
    }

    /// The place itself, if it is a file.
    async fn head(&self) -> Result<Option<ObjectMeta>, SinkError> {
        if self.prefix.as_ref().is_empty() {
            return Ok(None);
        }
        let look = || async {
            match self.root.head(&self.prefix).await {
                Ok(object) => Ok(Some(object)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        retried(&self.location, look).await
    }
}

fn placed(name: String, object: ObjectMeta) -> PlacedFile {
    let tag = format!("{} {}", object.last_modified.timestamp_micros(), object.e_tag.unwrap_or_default());
    PlacedFile { name, bytes: object.size, tag, path: object.location }
}

#[cfg(test)]
mod tests;
