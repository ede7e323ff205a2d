//! Pointers: which table versions make one epoch of a job. The last object written in publishing.

use std::collections::BTreeMap;

use connector::{Pointer, SinkError};
use epoch::{EpochId, paths};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use storage::retried;

use crate::warehouse::Warehouse;

/// Version of the pointer's format. A reader refuses a newer one.
const FORMAT: u32 = 1;

/// Says that an epoch is published, and where each table stands. Call it when every table of the epoch is.
///
/// # Errors
/// `Unavailable`, `DiskFull`, `Settings`.
pub async fn write_pointer(
    warehouse: &Warehouse,
    job: &str,
    epoch: EpochId,
    versions: &BTreeMap<String, i64>,
) -> Result<(), SinkError> {
    let pointer = Pointer { format: FORMAT, job: job.to_string(), epoch, versions: versions.clone() };
    let text =
        serde_json::to_vec(&pointer).map_err(|error| SinkError::Internal(format!("pointer of job {job}: {error}")))?;
    let (store, path) = (warehouse.store(), Path::from(paths::published_pointer(job)));
    let place = format!("pointer {path} of job {job}");
    retried(&place, || store.put(&path, PutPayload::from(text.clone()))).await.map(|_| ())
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
        let pointer: Pointer = serde_json::from_slice(&bytes).map_err(|error| {
            SinkError::Data(format!("{path} is not a pointer: {error}; delete it and start its job again"))
        })?;
        if pointer.format > FORMAT {
            return Err(SinkError::Data(format!(
                "{path} was written by a newer engine (format {}); update this one",
                pointer.format
            )));
        }
        pointers.push(pointer);
    }
    pointers.sort_by(|one, other| one.job.cmp(&other.job));
    Ok(pointers)
}
