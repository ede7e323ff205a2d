//! The rows of stores as they stand in a checkpoint: no store is opened.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use state::{BlockKey, OperatorId};

use super::format::Format;
use super::index::{ALL, Index};
use super::read::{Pending, Source, batches_of_shard, decode};
use super::spec::StoreSpec;
use super::summary::Summary;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::keyed::SHARDS;
use crate::state_rows::{StateRows, renamed};
use crate::stored::Stored;

/// The rows of stores, each with its blocks in `stored`.
///
/// # Errors
/// If a block is missing or damaged.
pub(crate) fn state_rows(
    specs: Vec<StoreSpec>,
    stored: Stored,
    committed: &dyn BlockSource,
) -> Result<Vec<StateRows>, OperatorError> {
    let mut all = Vec::with_capacity(specs.len());
    for (spec, blocks) in specs.into_iter().zip(stored.blocks) {
        let batches = read_rows(&spec, blocks, committed)?;
        let rows = concat_batches(&spec.schema, &batches)?;
        all.push(StateRows { rows: renamed(rows, &[])?, name: spec.name });
    }
    Ok(all)
}

/// The live rows of a store as they stand in a checkpoint, shard by shard, oldest first.
///
/// # Errors
/// If a block is missing or damaged.
pub(super) fn read_rows(
    spec: &StoreSpec,
    blocks: Vec<(BlockKey, u64)>,
    source: &dyn BlockSource,
) -> Result<Vec<RecordBatch>, OperatorError> {
    let index = Index::new(OperatorId::of(&spec.name), blocks);
    let format = Format::new(&spec.schema);
    let passed = Summary::read(&index, &spec.name, source)?.passed;
    let decoded =
        |bucket: usize| decode(&format, index.bucket(bucket).iter().map(|block| &block.key), &Pending::new(), source);
    let all = decoded(ALL)?;
    let mut batches = Vec::new();
    for shard in 0..SHARDS {
        let own = decoded(shard as usize)?;
        let sources = [(&own, false), (&all, true)].map(|(blocks, in_all)| Source { blocks, in_all, passed });
        batches.extend(batches_of_shard(spec, shard, &sources)?);
    }
    Ok(batches)
}
