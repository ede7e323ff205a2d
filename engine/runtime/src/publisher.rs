//! Step Publish: one table commit per table, then the mark that says which versions belong together.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{SinkTable, Tables, Warehouse, WriterId};
use epoch::{EpochId, Permit};
use futures::future::try_join_all;
use tokio::runtime::Handle;

use crate::error::RunError;

/// Publishes epochs of one job.
pub struct Publisher {
    warehouse: Arc<dyn Warehouse>,
    writer: WriterId,
    tables: Tables,
    runtime: Handle,
}

impl Publisher {
    /// A publisher for all tables of a job, rejected and late ones included.
    pub fn new(warehouse: Arc<dyn Warehouse>, writer: WriterId, tables: Tables, runtime: Handle) -> Publisher {
        Publisher { warehouse, writer, tables, runtime }
    }

    /// Makes an epoch visible in every table, and says so. May be repeated; only a durable commit can be published.
    ///
    /// # Errors
    /// The store's errors; publishing goes on where it stopped when it is repeated.
    pub fn publish(&self, permit: &Permit) -> Result<BTreeMap<String, i64>, RunError> {
        let commit = permit.commit();
        let publish = self.warehouse.publish(&self.writer, commit.plan.epoch, &self.tables, &commit.tables);
        Ok(self.runtime.block_on(publish)?)
    }

    /// What the sink is called in reports.
    pub fn sink_title(&self) -> &'static str {
        self.warehouse.title()
    }

    /// One of the tables, by name.
    pub fn table(&self, name: &str) -> Option<&Arc<dyn SinkTable>> {
        self.tables.get(name)
    }

    /// Tables that were changed since they were made.
    ///
    /// # Errors
    /// The store's errors.
    pub fn tables_with_rows(&self) -> Result<Vec<String>, RunError> {
        self.runtime.block_on(async {
            let mut found = Vec::new();
            for (name, table) in &self.tables {
                if table.position().await?.version > 0 {
                    found.push(name.clone());
                }
            }
            Ok(found)
        })
    }

    /// Removes what a crashed run of an epoch staged.
    ///
    /// # Errors
    /// The store's errors.
    pub fn discard(&self, epoch: EpochId) -> Result<(), RunError> {
        self.runtime.block_on(try_join_all(self.tables.values().map(|table| table.discard(epoch))))?;
        Ok(())
    }

    /// Waits for background work on the tables to end.
    pub fn wait_idle(&self) {
        self.runtime.block_on(async {
            for table in self.tables.values() {
                table.wait_idle().await;
            }
        });
    }
}
