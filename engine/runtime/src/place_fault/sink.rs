//! A sink that publishes the tables of an epoch in one transaction, of one of which a fault is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{Capabilities, Sink, SinkError, SinkTable, TableDefinition, Tables, WriterId};
use epoch::{Commit, Owner};

use super::ArmedFault;

/// It does not answer, or the process dies as soon as it has the epoch: with that table all others.
pub(super) struct FaultySink {
    inner: Arc<dyn Sink>,
    fault: Arc<ArmedFault>,
}

impl FaultySink {
    /// Over a sink.
    pub fn new(inner: Arc<dyn Sink>, fault: Arc<ArmedFault>) -> FaultySink {
        FaultySink { inner, fault }
    }
}

#[async_trait]
impl Sink for FaultySink {
    fn title(&self) -> &'static str {
        self.inner.title()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn open_table(
        &self,
        definition: &TableDefinition,
        writer: &WriterId,
    ) -> Result<Arc<dyn SinkTable>, SinkError> {
        self.inner.open_table(definition, writer).await
    }

    async fn find_table(&self, name: &str, writer: &WriterId) -> Result<Option<Arc<dyn SinkTable>>, SinkError> {
        self.inner.find_table(name, writer).await
    }

    fn prepare_publish(&self, writer: &WriterId, owner: Owner, tables: &Tables, commit: &Commit) {
        self.inner.prepare_publish(writer, owner, tables, commit);
    }

    async fn publish(
        &self,
        writer: &WriterId,
        owner: Owner,
        tables: &Tables,
        commit: &Commit,
    ) -> Result<BTreeMap<String, i64>, SinkError> {
        self.fault.check_answers(commit)?;
        let versions = self.inner.publish(writer, owner, tables, commit).await?;
        self.fault.published(commit);
        Ok(versions)
    }

    async fn mark_published(
        &self,
        writer: &WriterId,
        owner: Owner,
        commit: &Commit,
        versions: &BTreeMap<String, i64>,
    ) -> Result<(), SinkError> {
        self.inner.mark_published(writer, owner, commit, versions).await
    }
}
