//! A place to write to: a folder or an S3 prefix, opened from its location and the environment.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::{Message, SinkError};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::keys::with_keys;
use crate::synced::{SyncedLocal, create_synced_folders};
use crate::watched::Watched;

/// A folder or an S3 prefix to write to. Holds no keys that could be printed.
pub struct Location {
    /// Where it is, without any key. Ends with a slash.
    pub url: Url,
    /// Its paths begin at the root of the file system or the bucket.
    pub root: Arc<dyn ObjectStore>,
    /// The folder, if it is one.
    pub folder: Option<PathBuf>,
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Location").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Location {
    /// Opens `location`: a local folder (made if it is not there; may be relative) or `s3://bucket/prefix`.
    ///
    /// S3 takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL (for MinIO and others),
    /// AWS_REGION (us-east-1 if unset) and AWS_ALLOW_HTTP from the environment. Without keys there, the web identity, the container
    /// or the machine that it runs on is asked for some, when the store is first used.
    ///
    /// # Errors
    /// `Settings` if the location cannot be read, Delta's readers would take it for another one, or a variable is missing; `DiskFull`;
    /// `Unavailable`.
    pub fn open(location: &str) -> Result<Location, SinkError> {
        Location::with_variables(location, &|name| std::env::var(name).ok())
    }

    /// The same with `variable` for the environment.
    pub(crate) fn with_variables(
        location: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Location, SinkError> {
        match location.split_once("://") {
            Some(("s3" | "s3a", _)) => {
                let (url, root) = s3_root(location, variable)?;
                check_is_plain(location, &Path::from_url_path(url.path()).unwrap_or_default())?;
                Ok(Location { url: with_final_slash(url), root, folder: None })
            }
            Some(("file", path)) => local_folder(FilePath::new(path)),
            Some((scheme, _)) => Err(SinkError::Settings(
                format!("`{location}`: `{scheme}://` is not known; write a local folder or s3://bucket/prefix").into(),
            )),
            None if location.trim().is_empty() => Err(SinkError::Settings(
                "its location is empty; write a local folder or s3://bucket/prefix".to_string().into(),
            )),
            None => local_folder(FilePath::new(location)),
        }
    }
}

/// Refuses a path that readers of Delta tables take for another one: they decode `%20` once more than it was encoded, and turn `\\`
/// into `/`. (What was written there could not be read.)
///
/// # Errors
/// `Settings`.
pub fn check_is_plain(location: &str, path: &Path) -> Result<(), SinkError> {
    let text = path.as_ref();
    let is_code = |code: &[u8]| code[0] == b'%' && code[1].is_ascii_hexdigit() && code[2].is_ascii_hexdigit();
    let what = if text.contains('\\') {
        "a backslash"
    } else if text.as_bytes().windows(3).any(is_code) {
        "a `%` with two hexadecimal digits behind it"
    } else {
        return Ok(());
    };
    Err(SinkError::Settings(format!(
        "`{location}` lies at {text}, a path with {what}: readers of Delta tables take it for another one; give the folder another name"
    ).into()))
}

fn local_folder(folder: &FilePath) -> Result<Location, SinkError> {
    let place = format!("warehouse folder {}", folder.display());
    let absolute = std::path::absolute(folder).map_err(|error| SinkError::file(&place, &error))?;
    check_local(folder, &absolute)?;
    create_synced_folders(&absolute).map_err(|error| SinkError::file(&place, &error))?;
    // Symbolic links are followed once, so that all parts of the engine mean the same folder.
    let absolute = absolute.canonicalize().map_err(|error| SinkError::file(&place, &error))?;
    check_local(folder, &absolute)?;
    let url = Url::from_directory_path(&absolute).map_err(|()| {
        SinkError::Settings(format!("{place} does not make a path that can be written as a URL").into())
    })?;
    Ok(Location { url, root: Arc::new(SyncedLocal::new()), folder: Some(absolute) })
}

fn check_local(folder: &FilePath, absolute: &FilePath) -> Result<(), SinkError> {
    // One that is no path of a store is refused with its url.
    let path = Path::from_absolute_path(absolute).unwrap_or_default();
    check_is_plain(&folder.display().to_string(), &path)
}

/// The same url with a slash at its end.
pub fn with_final_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

/// The url of a location on S3, and a store whose paths begin at the root of its bucket.
pub(crate) fn s3_root(
    location: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(Url, Arc<dyn ObjectStore>), SinkError> {
    let url = Url::parse(location).map_err(|error| {
        SinkError::Settings(Message::caused_by(format!("`{location}`: {error}; write s3://bucket/prefix"), &error))
    })?;
    let bucket = url
        .host_str()
        .filter(|bucket| !bucket.is_empty())
        .ok_or_else(|| SinkError::Settings(format!("`{location}` names no bucket; write s3://bucket/prefix").into()))?;
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let endpoint = set("AWS_ENDPOINT_URL");
    let allow_http =
        set("AWS_ALLOW_HTTP").is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes"));
    if endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://")) && !allow_http {
        return Err(SinkError::Settings(
            "AWS_ENDPOINT_URL is http://, which sends data unprotected; set AWS_ALLOW_HTTP=true if that is wanted"
                .to_string()
                .into(),
        ));
    }
    let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_string());
    let mut builder = builder(allow_http).with_bucket_name(bucket).with_region(&region);
    builder = with_keys(builder, location, &region, &set)?;
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = builder
        .build()
        .map_err(|error| SinkError::Settings(Message::caused_by(format!("`{location}`: {error}"), &error)))?;
    Ok((url, Arc::new(Watched::new(Arc::new(store), location))))
}

/// How every store is asked, whatever its place.
fn builder(allow_http: bool) -> AmazonS3Builder {
    AmazonS3Builder::new()
        // MinIO and its like answer under one host name, whatever the bucket.
        .with_virtual_hosted_style_request(false)
        // An object that must not be there yet is put only then: without this two writers could both believe that they made it.
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(
            ClientOptions::new()
                .with_allow_http(allow_http)
                .with_connect_timeout(Duration::from_secs(5))
                .with_timeout(Duration::from_secs(30)),
        )
        .with_retry(retries())
}

/// Requests are tried again for at most 20 s, which [`Watched`] says after four; a store that is away for longer is waited for by whoever
/// drives the job.
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
