//! The warehouse that is asked: its tables as a session has seen them, and whether there are newer ones.

use std::sync::Arc;

use connector::{AsOf, Catalog, Pointer, SinkError, TableInfo, register_tables};
use datafusion::prelude::SessionContext;

use crate::error::QueryError;

/// An open warehouse, and what a session has seen of it.
pub(crate) struct Warehouse {
    catalog: Arc<dyn Catalog>,
    tables: Arc<[TableInfo]>,
    pointers: Vec<Pointer>,
}

impl Warehouse {
    /// A warehouse of which no table is registered yet.
    pub(crate) fn new(catalog: Arc<dyn Catalog>) -> Warehouse {
        Warehouse { catalog, tables: Arc::new([]), pointers: Vec::new() }
    }

    /// Registers what was published since the last call; true if there may be anything new.
    ///
    /// # Errors
    /// The warehouse does not answer.
    pub(crate) async fn refresh(&mut self, context: &SessionContext) -> Result<bool, QueryError> {
        let pointers = self.catalog.pointers().await?;
        // Without any pointer no version is pinned, so that every table may be new at any time.
        if !pointers.is_empty() && pointers == self.pointers {
            return Ok(false);
        }
        let tables = register_tables(context, self.catalog.as_ref(), AsOf::Published).await?;
        (self.tables, self.pointers) = (tables.into(), pointers);
        Ok(true)
    }

    /// The tables registered, by name.
    pub(crate) fn tables(&self) -> &Arc<[TableInfo]> {
        &self.tables
    }

    /// Where it is, without any key.
    pub(crate) fn location(&self) -> String {
        self.catalog.location()
    }
}

impl From<SinkError> for QueryError {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Settings(_) => QueryError::WrongInput(error.to_string()),
            _ => QueryError::Failed(error.to_string()),
        }
    }
}
