//! The warehouse as a catalog: its tables for SQL, all of a job as of one epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{AsOf, Catalog, Message, Pointer, SinkError, TableInfo, TableSnapshot};
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use storage::retried;

use crate::error::delta_error;
use crate::pinned::{self, Pin};
use crate::pointer::read_pointers;
use crate::provider::{DeltaRows, register_store};
use crate::warehouse::Warehouse;

/// Tables opened side by side: each waits for a few small requests, one after the other.
const OPEN_AT_ONCE: usize = 8;

#[async_trait]
impl Catalog for Warehouse {
    fn location(&self) -> String {
        self.url().to_string()
    }

    async fn pointers(&self) -> Result<Vec<Pointer>, SinkError> {
        read_pointers(self).await
    }

    /// Every folder `schema/table/_delta_log` is a table.
    async fn tables(&self, as_of: AsOf, file_column: Option<&str>) -> Result<Vec<TableSnapshot>, SinkError> {
        let pinned = match as_of {
            AsOf::Latest => BTreeMap::new(),
            AsOf::Published => pinned_versions(self).await?,
        };
        let names = find_tables(self).await?;
        let opened = names.into_iter().map(|name| {
            let pin = pinned.get(&name);
            async move {
                match open(self, &name, pin, file_column).await {
                    // What is wrong with one table is no matter of those who read others. (A store that is away is everybody's.)
                    Err(SinkError::Data(reason) | SinkError::Refused(reason)) => {
                        Ok(TableSnapshot::damaged(name, reason.to_string()))
                    }
                    opened => opened,
                }
            }
        });
        stream::iter(opened).buffered(OPEN_AT_ONCE).try_collect().await
    }

    fn prepare(&self, context: &SessionContext) -> Result<(), SinkError> {
        register_store(&context.runtime_env(), self.root())
    }

    async fn remove_all(&self) -> Result<usize, SinkError> {
        let store = self.store();
        let failed = |error: object_store::Error| {
            SinkError::Internal(Message::caused_by(
                format!("taking away what is in {}: {error}; delete it by hand", self.url()),
                &error,
            ))
        };
        let paths: Vec<_> = store.list(None).map_ok(|object| object.location).try_collect().await.map_err(failed)?;
        let count = paths.len();
        let locations = stream::iter(paths.into_iter().map(Ok)).boxed();
        store.delete_stream(locations).try_collect::<Vec<_>>().await.map_err(failed)?;
        Ok(count)
    }
}

/// Where each table is pinned to. A table that two jobs write stands at the newer of the two.
async fn pinned_versions(warehouse: &Warehouse) -> Result<BTreeMap<String, Pin>, SinkError> {
    let mut pinned: BTreeMap<String, Pin> = BTreeMap::new();
    for pointer in read_pointers(warehouse).await? {
        for (table, version) in &pointer.versions {
            let pin = Pin::of(&pointer, *version);
            match pinned.get(table) {
                Some(other) if (other.version, other.epoch) >= (pin.version, pin.epoch) => {}
                _ => drop(pinned.insert(table.clone(), pin)),
            }
        }
    }
    Ok(pinned)
}

/// Names of all tables, sorted. Folders that begin with `_` or `.` are not schemas.
async fn find_tables(warehouse: &Warehouse) -> Result<Vec<String>, SinkError> {
    let store = warehouse.store();
    let mut names = Vec::new();
    for schema in folders(store.as_ref(), None, warehouse).await? {
        for table in folders(store.as_ref(), Some(&Path::from(schema.as_str())), warehouse).await? {
            let log = Path::from_iter([schema.as_str(), table.as_str(), "_delta_log"]);
            let place = format!("log of table {schema}.{table}");
            // One entry is enough: a table has at least its first.
            let first = retried(&place, || store.list(Some(&log)).take(1).try_collect::<Vec<_>>()).await?;
            if !first.is_empty() {
                names.push(format!("{schema}.{table}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

async fn folders(
    store: &dyn ObjectStore,
    within: Option<&Path>,
    warehouse: &Warehouse,
) -> Result<Vec<String>, SinkError> {
    let place = format!("folders of {}", warehouse.url());
    let listing = retried(&place, || store.list_with_delimiter(within)).await?;
    let names = listing.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_string));
    Ok(names.filter(|name| !name.starts_with(['_', '.'])).collect())
}

/// A table as of the version that it is pinned to, or at its newest.
async fn open(
    warehouse: &Warehouse,
    name: &str,
    pin: Option<&Pin>,
    file_column: Option<&str>,
) -> Result<TableSnapshot, SinkError> {
    let table = match pin {
        Some(pin) => pinned::load(warehouse, name, pin).await?,
        None => pinned::load_newest(warehouse, name).await?,
    };
    let place = format!("table {name}");
    let state = table.snapshot().map_err(|error| delta_error(&place, &error))?;
    let provider = Arc::new(DeltaRows::new(&table, &place, file_column)?);
    let mut files = Vec::new();
    let mut info = TableInfo {
        name: name.to_string(),
        version: state.version().cast_signed(),
        epoch: pin.map(|pin| pin.epoch),
        rows: Some(0),
        files: 0,
        bytes: 0,
        damage: None,
    };
    for file in state.log_data().iter() {
        files.push(file.path().to_string());
        info.files += 1;
        info.bytes += u64::try_from(file.size()).unwrap_or(0);
        info.rows = info.rows.zip(file.num_records()).map(|(all, some)| all + some as u64);
    }
    Ok(TableSnapshot { info, files, provider })
}
