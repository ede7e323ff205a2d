//! Where tables live: a folder or an S3 prefix, opened from its location and the environment.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use epoch::paths;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use url::Url;

use crate::error::SinkError;
use crate::synced::{SyncedLocal, create_synced_folders};

/// A place for tables. Cheap to clone; holds no keys that `Debug` would print.
#[derive(Clone)]
pub struct Warehouse {
    /// Ends with a slash.
    url: Url,
    /// Its paths begin at the root of the file system or the bucket.
    root: Arc<dyn ObjectStore>,
    prefix: Path,
    in_memory: bool,
    /// The folder, if data files are written straight to the local disk.
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warehouse").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Warehouse {
    /// Opens `location`: a local folder (made if it is not there; may be relative) or `s3://bucket/prefix`.
    ///
    /// S3 takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL (for MinIO and others),
    /// AWS_REGION (us-east-1 if unset) and AWS_ALLOW_HTTP from the environment.
    ///
    /// # Errors
    /// `Settings` if the location cannot be read or a variable is missing; `DiskFull`; `Unavailable`.
    pub async fn open(location: &str) -> Result<Self, SinkError> {
        Warehouse::from_location(location, &|name| std::env::var(name).ok())
    }

    fn from_location(location: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SinkError> {
        match location.split_once("://") {
            Some(("s3" | "s3a", _)) => s3_warehouse(location, variable),
            Some(("file", path)) => local_warehouse(FilePath::new(path)),
            Some((scheme, _)) => Err(SinkError::Settings(format!(
                "`{location}`: `{scheme}://` is not known; write a local folder or s3://bucket/prefix"
            ))),
            None if location.trim().is_empty() => Err(SinkError::Settings(
                "its location is empty; write a local folder or s3://bucket/prefix".to_string(),
            )),
            None => local_warehouse(FilePath::new(location)),
        }
    }

    /// A warehouse at `url` in `store`, whose paths begin at the root of the url. Data files go through the store, too.
    pub fn with_store(url: Url, store: Arc<dyn ObjectStore>) -> Self {
        let url = with_final_slash(url);
        let prefix = Path::from_url_path(url.path()).unwrap_or_default();
        Warehouse { url, root: store, prefix, in_memory: false, folder: None }
    }

    /// An empty warehouse in memory. Its clones are the same warehouse; with the last of them its tables are gone.
    ///
    /// # Errors
    /// Never.
    pub fn in_memory() -> Result<Self, SinkError> {
        let url = Url::parse("memory:///").map_err(|error| SinkError::Internal(error.to_string()))?;
        Ok(Warehouse { in_memory: true, ..Warehouse::with_store(url, Arc::new(InMemory::new())) })
    }

    /// The same warehouse with its store wrapped (fault injection, counting). On a local disk data files still go straight to it.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        self.root = wrap(self.root);
        // Whatever wraps it may wait.
        self.in_memory = false;
        self
    }

    /// The location, without any key.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Every data file that lies in it, published or not, by its path: what an epoch that was run again is compared by. All of
    /// them are in memory at once, so this is for small warehouses.
    ///
    /// # Errors
    /// `Unavailable`, if it cannot be listed or a file cannot be read.
    pub async fn data_files(&self) -> Result<BTreeMap<String, Bytes>, SinkError> {
        let unavailable = |error: object_store::Error| SinkError::Unavailable(format!("{}: {error}", self.url));
        let store = self.store();
        let found: Vec<_> = store.list(None).try_collect().await.map_err(unavailable)?;
        let mut files = BTreeMap::new();
        // A checkpoint of a table's log is a Parquet file, too; it holds times of writing.
        let is_data =
            |path: &Path| path.extension() == Some("parquet") && path.parts().all(|part| part.as_ref() != "_delta_log");
        for object in found.iter().filter(|object| is_data(&object.location)) {
            let bytes = store.get(&object.location).await.map_err(unavailable)?.bytes().await.map_err(unavailable)?;
            files.insert(object.location.to_string(), bytes);
        }
        Ok(files)
    }

    /// True if objects are put without waiting for anything.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// A store whose paths begin at the warehouse.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.root), self.prefix.clone()))
    }

    /// A store whose paths begin at the table's folder.
    pub(crate) fn table_store(&self, table: &str) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.root), self.table_prefix(table)))
    }

    /// The table's folder on the local disk, if it is there.
    pub(crate) fn table_folder(&self, table: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(paths::table_folder(table)))
    }

    /// The Delta library's view of the table's log.
    pub(crate) fn log_store(&self, table: &str) -> Result<LogStoreRef, SinkError> {
        let url = self
            .url
            .join(&format!("{}/", paths::table_folder(table)))
            .map_err(|error| SinkError::Settings(format!("table {table} makes no path in {}: {error}", self.url)))?;
        Ok(default_logstore(self.table_store(table), Arc::clone(&self.root), &url, &StorageConfig::default()))
    }

    fn table_prefix(&self, table: &str) -> Path {
        paths::table_folder(table).split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

/// The same url with a slash at its end.
pub(crate) fn with_final_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn local_warehouse(folder: &FilePath) -> Result<Warehouse, SinkError> {
    let place = format!("warehouse folder {}", folder.display());
    let absolute = std::path::absolute(folder).map_err(|error| SinkError::file(&place, &error))?;
    create_synced_folders(&absolute).map_err(|error| SinkError::file(&place, &error))?;
    // Symbolic links are followed once, so that all parts of the engine mean the same folder.
    let absolute = absolute.canonicalize().map_err(|error| SinkError::file(&place, &error))?;
    let url = Url::from_directory_path(&absolute)
        .map_err(|()| SinkError::Settings(format!("{place} does not make a path that can be written as a URL")))?;
    let mut warehouse = Warehouse::with_store(url, Arc::new(SyncedLocal::new()));
    warehouse.folder = Some(absolute);
    Ok(warehouse)
}

fn s3_warehouse(location: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Warehouse, SinkError> {
    let (url, store) = s3_place(location, variable)?;
    Ok(Warehouse::with_store(url, store))
}

/// The url of a location on S3, and a store whose paths begin at the root of its bucket.
pub(crate) fn s3_place(
    location: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Url, Arc<dyn ObjectStore>), SinkError> {
    let url = Url::parse(location)
        .map_err(|error| SinkError::Settings(format!("`{location}`: {error}; write s3://bucket/prefix")))?;
    let bucket = url
        .host_str()
        .filter(|bucket| !bucket.is_empty())
        .ok_or_else(|| SinkError::Settings(format!("`{location}` names no bucket; write s3://bucket/prefix")))?;
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        set(name).ok_or_else(|| {
            SinkError::Settings(format!("`{location}` needs the environment variable {name}, which is not set"))
        })
    };
    let endpoint = set("AWS_ENDPOINT_URL");
    let allow_http =
        set("AWS_ALLOW_HTTP").is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes"));
    if endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://")) && !allow_http {
        return Err(SinkError::Settings(
            "AWS_ENDPOINT_URL is http://, which sends data unprotected; set AWS_ALLOW_HTTP=true if that is wanted"
                .to_string(),
        ));
    }
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_access_key_id(needed("AWS_ACCESS_KEY_ID")?)
        .with_secret_access_key(needed("AWS_SECRET_ACCESS_KEY")?)
        .with_region(set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_string()))
        .with_virtual_hosted_style_request(false)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(
            ClientOptions::new()
                .with_allow_http(allow_http)
                .with_connect_timeout(Duration::from_secs(5))
                .with_timeout(Duration::from_secs(30)),
        )
        .with_retry(retries());
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(token) = set("AWS_SESSION_TOKEN") {
        builder = builder.with_token(token);
    }
    let store = builder.build().map_err(|error| SinkError::Settings(format!("`{location}`: {error}")))?;
    Ok((url, Arc::new(store)))
}

/// Requests are tried again for at most 20 s; longer failures are the run loop's to wait for.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        },
        max_retries: 6,
        retry_timeout: Duration::from_secs(20),
    }
}

#[cfg(test)]
mod tests;
