//! The warehouse that is asked. The only file here that knows what its tables are made of.

use std::sync::Arc;

use datafusion::prelude::SessionContext;
use delta::{AsOf, Pointer, SinkError};

use crate::error::QueryError;

pub use delta::TableInfo;

/// An open warehouse, and what a session has seen of it.
pub(crate) struct Warehouse {
    opened: delta::Warehouse,
    tables: Arc<[TableInfo]>,
    pointers: Vec<Pointer>,
}

impl Warehouse {
    /// Opens the warehouse; no table is registered yet.
    ///
    /// # Errors
    /// The location cannot be read, or it does not answer.
    pub(crate) async fn open(location: &str) -> Result<Warehouse, QueryError> {
        let opened = delta::Warehouse::open(location).await.map_err(of_store)?;
        Ok(Warehouse { opened, tables: Arc::new([]), pointers: Vec::new() })
    }

    /// Registers what was published since the last call; true if there may be anything new.
    ///
    /// # Errors
    /// The warehouse does not answer, or a table in it is damaged.
    pub(crate) async fn refresh(&mut self, context: &SessionContext) -> Result<bool, QueryError> {
        let pointers = delta::read_pointers(&self.opened).await.map_err(of_store)?;
        // Without any pointer no version is pinned, so that every table may be new at any time.
        if !pointers.is_empty() && pointers == self.pointers {
            return Ok(false);
        }
        let tables = delta::register_tables(context, &self.opened, AsOf::Published).await.map_err(of_store)?;
        (self.tables, self.pointers) = (tables.into(), pointers);
        Ok(true)
    }

    /// The tables registered, by name.
    pub(crate) fn tables(&self) -> &Arc<[TableInfo]> {
        &self.tables
    }

    /// Where it is, without any key.
    pub(crate) fn location(&self) -> &str {
        self.opened.url().as_str()
    }
}

fn of_store(error: SinkError) -> QueryError {
    match error {
        SinkError::Settings(_) => QueryError::WrongInput(error.to_string()),
        _ => QueryError::Failed(error.to_string()),
    }
}
