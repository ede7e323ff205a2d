//! A store that says when it is waited for: one that hangs takes requests and answers none, and to see that only when they are given up,
//! half a minute later, looks like a job that hangs itself.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use tokio::time::Instant;

/// How long a request may take before it is said that it is waited for; said again after twice that, and so on.
const NOTICE_AFTER: Duration = Duration::from_secs(4);

/// What is done with a line about a store.
type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// A store whose requests are watched. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Watched {
    inner: Arc<dyn ObjectStore>,
    watch: Arc<Watch>,
}

/// When it was last said that the store is waited for.
struct Watch {
    location: String,
    notice_after: Duration,
    said_at: Mutex<Option<Instant>>,
    say: Say,
}

impl Watched {
    /// The store at a location, which lines name as the user wrote it.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, location: &str) -> Watched {
        Watched::saying(inner, location, NOTICE_AFTER, Arc::new(|line| tracing::warn!("{line}")))
    }

    fn saying(inner: Arc<dyn ObjectStore>, location: &str, notice_after: Duration, say: Say) -> Watched {
        let location = location.to_string();
        Watched { inner, watch: Arc::new(Watch { location, notice_after, said_at: Mutex::new(None), say }) }
    }

    fn watched_stream<T: Send + 'static>(
        &self,
        what: String,
        items: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let watch = Arc::clone(&self.watch);
        let next = move |mut items: BoxStream<'static, Result<T>>| {
            let (watch, what) = (Arc::clone(&watch), what.clone());
            async move {
                let item = watch.over(&what, items.next()).await?;
                Some((item, items))
            }
        };
        // Some who read it ask once more behind its end.
        stream::unfold(items, next).fuse().boxed()
    }
}

impl Watch {
    /// Does the work, and says so each time that it has taken twice as long as when it was last said.
    async fn over<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let (mut work, begun) = (std::pin::pin!(work), Instant::now());
        let mut pause = self.notice_after;
        let mut has_waited = false;
        loop {
            match tokio::time::timeout(pause, &mut work).await {
                Ok(done) => {
                    if has_waited {
                        let waited_s = begun.elapsed().as_secs_f32();
                        tracing::info!("{} has answered after {waited_s:.1} s", self.location);
                    }
                    return done;
                }
                Err(_) => {
                    self.notice(what, begun.elapsed());
                    has_waited = true;
                    pause = begun.elapsed();
                }
            }
        }
    }

    /// Says what is waited for, once for all requests that wait at the same time.
    fn notice(&self, what: &str, waited: Duration) {
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.is_some_and(|said_at| said_at.elapsed() < self.notice_after) {
            return;
        }
        *said_at = Some(Instant::now());
        let waited_s = waited.as_secs_f32();
        (self.say)(&format!(
            "{} has not answered for {waited_s:.1} s ({what}); it is waited for. Is the store up, and does the network reach it?",
            self.location
        ));
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.watch.over(&format!("writing {location}"), self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let what = format!("writing {location}");
        let inner = self.watch.over(&what, self.inner.put_multipart_opts(location, opts)).await?;
        Ok(Box::new(WatchedUpload { inner, what, watch: Arc::clone(&self.watch) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let what = format!("reading {location}");
        let mut found = self.watch.over(&what, self.inner.get_opts(location, options)).await?;
        found.payload = match found.payload {
            GetResultPayload::Stream(bytes) => GetResultPayload::Stream(self.watched_stream(what, bytes)),
            file => file,
        };
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.watch.over(&format!("reading {location}"), self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.watched_stream("deleting objects".to_string(), self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.watched_stream(listing(prefix), self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.watched_stream(listing(prefix), self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.watch.over(&listing(prefix), self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.watch.over(&format!("copying {from}"), self.inner.copy_opts(from, to, options)).await
    }
}

fn listing(prefix: Option<&Path>) -> String {
    match prefix {
        Some(prefix) => format!("listing {prefix}"),
        None => "listing".to_string(),
    }
}

/// An upload in parts whose requests are watched.
#[derive(Debug)]
struct WatchedUpload {
    inner: Box<dyn MultipartUpload>,
    what: String,
    watch: Arc<Watch>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for WatchedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (watch, what, part) = (Arc::clone(&self.watch), self.what.clone(), self.inner.put_part(data));
        Box::pin(async move { watch.over(&what, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.watch.over(&self.what, self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.watch.over(&self.what, self.inner.abort()).await
    }
}

#[cfg(test)]
mod tests;
