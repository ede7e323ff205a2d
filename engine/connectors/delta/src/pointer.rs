//! Pointers: which table versions make one epoch of a job. The last object written in publishing.

use std::sync::Arc;

use connector::{Message, Pointer, SinkError};
use epoch::{Contradiction, paths};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use storage::{Patience, retried, store_error};

use crate::ahead::put_options;
use crate::warehouse::Warehouse;

/// Says that an epoch is published, and where each table stands. Call it when every table of the epoch is. A pointer never goes
/// back: one that says more, or is of a later owner, is left as it is.
///
/// The put is conditional on what was read, where the store can do that; a local disk cannot, and has one owner at a time.
///
/// # Errors
/// `Unavailable`, `DiskFull`, `Settings`; `Contradiction` if an owner that came later has written it.
pub async fn write_pointer(warehouse: &Warehouse, pointer: &Pointer) -> Result<(), SinkError> {
    let text = serde_json::to_vec(pointer).map_err(|error| {
        SinkError::Internal(Message::caused_by(format!("pointer of job {}: {error}", pointer.job), &error))
    })?;
    let (store, path) = (warehouse.store(), Path::from(paths::published_pointer(&pointer.job)));
    let place = format!("pointer {path} of job {}", pointer.job);
    let mut aside = warehouse.pointer_aside(&pointer.job, &text).await;
    // What this process has put itself need not be read, unless it says more than this one.
    let mut known = warehouse.known_pointer(&pointer.job).filter(|(there, _)| pointer.may_replace(there));
    let mut patience = Patience::default();
    loop {
        let mode = match known.take() {
            Some((_, version)) => PutMode::Update(version),
            None => match read_pointer(&store, &path, &place).await? {
                None => PutMode::Create,
                Some((there, _)) if !pointer.may_replace(&there) => return not_replaced(pointer, &there),
                Some((_, version)) if warehouse.can_update() => PutMode::Update(version),
                Some(_) => PutMode::Overwrite,
            },
        };
        let options = put_options(mode, aside.take());
        match store.put_opts(&path, PutPayload::from(text.clone()), options).await {
            Ok(put) => {
                let version = UpdateVersion { e_tag: put.e_tag, version: put.version };
                warehouse.keep_pointer(pointer, version);
                return Ok(());
            }
            // Somebody wrote it in between, or our own answer was lost: it is read again.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                patience
                    .wait_after(SinkError::Unavailable(format!("{place} changes while it is written").into()))
                    .await?;
            }
            Err(error) => patience.wait_after(store_error(&place, &error)).await?,
        }
    }
}

/// A pointer that must stay: it says as much or more, which is well, or it is of an owner that came later, which is not.
fn not_replaced(own: &Pointer, there: &Pointer) -> Result<(), SinkError> {
    if there.owner != own.owner && own.owner.is_fenced_by(&there.owner) {
        let sink = format!("the pointer of job {}", own.job);
        return Err(SinkError::Contradiction(Contradiction::Fenced { sink, by: there.owner, own: own.owner }));
    }
    Ok(())
}

async fn read_pointer(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    place: &str,
) -> Result<Option<(Pointer, UpdateVersion)>, SinkError> {
    let read = retried(place, || async {
        match store.get(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(found) => {
                let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                Ok(Some((found.bytes().await?, version)))
            }
        }
    });
    read.await?.map(|(bytes, version)| Ok((parsed(path, &bytes)?, version))).transpose()
}

fn parsed(path: &Path, bytes: &[u8]) -> Result<Pointer, SinkError> {
    let pointer: Pointer = serde_json::from_slice(bytes).map_err(|error| {
        SinkError::Data(Message::caused_by(
            format!("{path} is not a pointer: {error}; delete it and start its job again"),
            &error,
        ))
    })?;
    if pointer.format > Pointer::FORMAT {
        let format = pointer.format;
        return Err(SinkError::Data(
            format!("{path} was written by a newer engine (format {format}); update this one").into(),
        ));
    }
    Ok(pointer)
}

/// The pointers of all jobs that write to the warehouse, by job.
///
/// # Errors
/// `Data` if one cannot be read, `Unavailable`, `Settings`.
pub(crate) async fn read_pointers(warehouse: &Warehouse) -> Result<Vec<Pointer>, SinkError> {
    let store = warehouse.store();
    let any = Path::from(paths::published_pointer("any"));
    let folder: Path = any.prefix_match(&Path::default()).into_iter().flatten().take(1).collect();
    let place = format!("pointers in {}", warehouse.url());
    let paths: Vec<_> =
        retried(&place, || store.list(Some(&folder)).map_ok(|object| object.location).try_collect()).await?;
    let mut pointers: Vec<Pointer> = Vec::new();
    for path in paths.iter().filter(|path| path.as_ref().ends_with(".json")) {
        let bytes = retried(&place, || async { store.get(path).await?.bytes().await }).await?;
        pointers.push(parsed(path, &bytes)?);
    }
    pointers.sort_by(|one, other| one.job.cmp(&other.job));
    Ok(pointers)
}
