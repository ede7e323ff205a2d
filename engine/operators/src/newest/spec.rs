//! What the operator keeps.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::store::StoreSpec;

/// Rows by key, one each.
#[derive(Debug, Clone)]
pub struct NewestSpec {
    /// Stable name of the operator.
    pub name: String,
    /// Columns of the rows, the key's first.
    pub schema: SchemaRef,
    /// The first so many columns are the key.
    pub keys: usize,
    /// The key as the user wrote it, for people to read.
    pub key_names: Vec<String>,
}

impl NewestSpec {
    /// What is filed.
    pub(super) fn store_spec(&self) -> StoreSpec {
        StoreSpec {
            name: self.name.clone(),
            schema: Arc::clone(&self.schema),
            keys: self.keys,
            expires: None,
            expires_at_batch_time: None,
            keeps_rows: true,
        }
    }
}
