//! Where operators read the blocks of committed epochs from.

use state::BlockKey;

use crate::OperatorError;

/// Where committed blocks are read from.
pub trait BlockSource: Sync {
    /// The bytes of a committed block.
    ///
    /// # Errors
    /// If it is not there or damaged.
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError>;
}

impl BlockSource for state::Checkpoint {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        let reader: &state::CheckpointReader = self;
        reader.block(key)
    }
}

impl BlockSource for state::CheckpointReader {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        self.read_block(key)?.ok_or_else(|| {
            OperatorError::Damaged(format!("a block of bucket {} and epoch {} is missing", key.bucket, key.epoch))
        })
    }
}
