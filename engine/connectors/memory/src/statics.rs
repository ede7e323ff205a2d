//! Static tables in memory: rows that a test puts in the place of what lies at the path.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use connector::{StaticConnector, StaticError, StaticRows, StaticTable};

/// A static table in memory. Clones are the same table.
#[derive(Debug, Clone)]
pub struct MemoryStatic(Arc<RwLock<StaticRows>>);

impl MemoryStatic {
    /// A table with these rows.
    pub fn new(rows: StaticRows) -> MemoryStatic {
        MemoryStatic(Arc::new(RwLock::new(rows)))
    }

    /// Other rows from now on.
    pub fn set(&self, rows: StaticRows) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    fn get(&self) -> StaticRows {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl StaticTable for MemoryStatic {
    async fn recognises(&self) -> Result<bool, StaticError> {
        Ok(true)
    }

    fn owns(&self, _version: &str) -> bool {
        true
    }

    /// Only the newest rows are there, so an epoch that is run again needs its copy.
    fn keeps_versions(&self) -> bool {
        false
    }

    async fn current(&self) -> Result<String, StaticError> {
        Ok(self.get().version)
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        Ok(self.get())
    }

    async fn load(&self, _version: &str) -> Result<StaticRows, StaticError> {
        Ok(self.get())
    }
}

/// The static tables in memory of a job, by name. Tables that are not among them are for other connectors.
#[derive(Debug, Clone, Default)]
pub struct MemoryStatics {
    tables: BTreeMap<String, MemoryStatic>,
}

impl MemoryStatics {
    /// Tables with these rows.
    pub fn new(rows: BTreeMap<String, StaticRows>) -> MemoryStatics {
        MemoryStatics { tables: rows.into_iter().map(|(name, rows)| (name, MemoryStatic::new(rows))).collect() }
    }

    /// One of the tables.
    pub fn get(&self, name: &str) -> Option<&MemoryStatic> {
        self.tables.get(name)
    }
}

impl StaticConnector for MemoryStatics {
    fn open(&self, table: &job::StaticTable) -> Result<Option<Arc<dyn StaticTable>>, StaticError> {
        Ok(self.tables.get(&table.name).map(|table| Arc::new(table.clone()) as Arc<dyn StaticTable>))
    }
}
