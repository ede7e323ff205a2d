//! An object store that fails by script: for tests and drills.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// What a fault waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Writing an object, whole or in parts.
    Put,
    /// Reading an object or asking for its size.
    Get,
    /// Listing.
    List,
    /// Deleting an object.
    Delete,
    /// Copying an object.
    Copy,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The store answers with an error and has done nothing.
    Fail,
    /// The store does it and answers with an error all the same.
    ApplyThenFail,
    /// The disk is full; nothing is done.
    DiskFull,
    /// The store answers that the keys are wrong; nothing is done.
    Forbidden,
    /// The store answers that an object of that name is there, which need not be so: two puts that meet. Nothing is done.
    Conflict,
    /// The store does it after so many milliseconds.
    DelayMs(u64),
}

/// One line of the script: at the operations on paths that contain `path`, pass `skip` of them, then do `fault` `times` times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The operation.
    pub operation: Operation,
    /// Part of the path; empty for all.
    pub path: String,
    /// Operations to let pass first.
    pub skip: u32,
    /// Times to strike.
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

impl Rule {
    /// A fault at the next operation on paths that contain `path`.
    pub fn next(operation: Operation, path: &str, fault: Fault) -> Rule {
        Rule { operation, path: path.to_string(), skip: 0, times: 1, fault }
    }

    /// Strikes so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Rule {
        self.times = times;
        self
    }

    /// Lets so many pass before it strikes.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Rule {
        self.skip = skip;
        self
    }
}

/// The store with faults. Clones share the script.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    rules: Vec<Rule>,
    fired: u32,
    log: Vec<(Operation, String)>,
}

impl FaultyStore {
    /// A store without faults yet.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        FaultyStore { inner, script: Arc::default() }
    }

    /// Adds to the script; the first rule that fits strikes.
    pub fn add(&self, rule: Rule) {
        self.script().rules.push(rule);
    }

    /// Drops all rules.
    pub fn heal(&self) {
        self.script().rules.clear();
    }

    /// Number of faults that struck.
    pub fn fired(&self) -> u32 {
        self.script().fired
    }

    /// Faults that are still to strike; a test that leaves one has not tested it.
    pub fn left(&self) -> u32 {
        self.script().rules.iter().map(|rule| rule.times).sum()
    }

    /// The operations since the last call, with their paths.
    pub fn take_log(&self) -> Vec<(Operation, String)> {
        std::mem::take(&mut self.script().log)
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that strikes this operation, if any.
    fn strike(&self, operation: Operation, path: &str) -> Option<Fault> {
        let mut script = self.script();
        script.log.push((operation, path.to_string()));
        let rule = script
            .rules
            .iter_mut()
            .find(|rule| rule.operation == operation && path.contains(&rule.path) && rule.times > 0)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        let fault = rule.fault;
        script.fired += 1;
        Some(fault)
    }

    async fn around<T>(
        &self,
        operation: Operation,
        path: &Path,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match self.strike(operation, path.as_ref()) {
            None => work.await,
            Some(Fault::DelayMs(wait)) => {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                work.await
            }
            Some(Fault::ApplyThenFail) => {
                work.await?;
                Err(error_of(Fault::ApplyThenFail, path))
            }
            Some(fault) => Err(error_of(fault, path)),
        }
    }
}

fn error_of(fault: Fault, path: &Path) -> object_store::Error {
    let source: Box<dyn std::error::Error + Send + Sync> = match fault {
        Fault::DiskFull => std::io::Error::from(std::io::ErrorKind::StorageFull).into(),
        _ => format!("fault by script at {path}").into(),
    };
    match fault {
        Fault::Forbidden => object_store::Error::Unauthenticated { path: path.to_string(), source },
        Fault::Conflict => object_store::Error::AlreadyExists { path: path.to_string(), source },
        _ => object_store::Error::Generic { store: "faults", source },
    }
}

impl std::fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with faults", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.around(Operation::Put, location, self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.around(Operation::Put, location, self.inner.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.around(Operation::Get, location, self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.around(Operation::Get, location, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .and_then(move |path| {
                let store = store.clone();
                async move {
                    let one = stream::once(futures::future::ready(Ok(path.clone()))).boxed();
                    let work = async { store.inner.delete_stream(one).try_collect::<Vec<_>>().await.map(|_| ()) };
                    store.around(Operation::Delete, &path, work).await?;
                    Ok(path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = prefix.cloned().unwrap_or_default();
        match self.strike(Operation::List, place.as_ref()) {
            Some(fault) if !matches!(fault, Fault::DelayMs(_)) => {
                stream::once(futures::future::ready(Err(error_of(fault, &place)))).boxed()
            }
            _ => self.inner.list(prefix),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = prefix.cloned().unwrap_or_default();
        match self.strike(Operation::List, place.as_ref()) {
            Some(fault) if !matches!(fault, Fault::DelayMs(_)) => {
                stream::once(futures::future::ready(Err(error_of(fault, &place)))).boxed()
            }
            _ => self.inner.list_with_offset(prefix, offset),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let place = prefix.cloned().unwrap_or_default();
        self.around(Operation::List, &place, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.around(Operation::Copy, from, self.inner.copy_opts(from, to, options)).await
    }
}
