//! An epoch without rows, and one of a plain row, run through an operator before a job begins: what cannot run shows then, and not at the
//! first record.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use epoch::EpochId;
use state::{BlockKey, KeyPartitioning};

use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::operator::OperatorSpec;
use crate::plain_rows::plain_row;
use crate::stored::Stored;

/// The first epoch.
const TIME: EpochTime = EpochTime { epoch: EpochId(0), batch_time_us: 0, watermark_us: None, late_us: None };

/// A checkpoint without a block.
struct Nothing;

impl BlockSource for Nothing {
    fn block(&self, key: &BlockKey) -> Result<Vec<u8>, OperatorError> {
        Err(OperatorError::Damaged(format!("{key} is read before it was written")))
    }
}

/// Long after the plain row: whatever waits for the watermark is due. Year 9999.
const LATER: EpochTime = EpochTime { watermark_us: Some(253_402_300_799_000_000), ..TIME };

/// Runs the first epoch of an operator with no rows at its first `ports` ports, and with one row at each.
///
/// # Errors
/// If a part of it cannot be set up or run, or if it emits what is not of its schema. (That there is no value for the plain row says nothing
/// of others.)
pub fn rehearse(spec: &Arc<dyn OperatorSpec>, ports: usize) -> Result<(), OperatorError> {
    spec.rehearse()?;
    first_epoch(spec, ports, TIME, &|schema| RecordBatch::new_empty(Arc::clone(schema)))?;
    match first_epoch(spec, ports, LATER, &plain_row) {
        Err(error) if error.is_of_every_row() => Err(error),
        _ => Ok(()),
    }
}

fn first_epoch(
    spec: &Arc<dyn OperatorSpec>,
    ports: usize,
    time: EpochTime,
    rows: &dyn Fn(&SchemaRef) -> RecordBatch,
) -> Result<(), OperatorError> {
    let stored = Stored { blocks: spec.stores().iter().map(|_| Vec::new()).collect(), ..Stored::default() };
    let mut operator = Arc::clone(spec).open(stored)?;
    let mut lane = Arc::clone(spec).lane(KeyPartitioning::default())?;
    for port in 0..ports {
        lane.push(port, Sign::Add, &rows(spec.input(port)), &time)?;
    }
    operator.absorb(&time, lane.finish()?, 0)?;
    for task in operator.tasks(&time)? {
        for change in operator.run(task, &time, &Nothing)? {
            let (emitted, wanted) = (change.rows.schema(), spec.output());
            let pairs = emitted.fields().iter().zip(wanted.fields());
            let are_same = emitted.fields().len() == wanted.fields().len()
                && pairs.into_iter().all(|(emitted, wanted)| emitted.data_type().equals_datatype(wanted.data_type()));
            if !are_same {
                return Err(OperatorError::fault(spec.name(), format!("it emits {emitted} and not {wanted}")));
            }
        }
    }
    operator.prepare_commit(&time, &Nothing)?;
    Ok(())
}
