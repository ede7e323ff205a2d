//! An aggregate as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::call::fingerprints;
use super::emitted::{self, Emitted};
use super::group::{key_fingerprints, result_names};
use super::lane::EmissionLane;
use super::operator::Aggregate;
use super::spec::AggregateSpec;
use super::state::AggregateState;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::emission::Emission;
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::{StateRows, renamed};
use crate::stored::Stored;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

/// An aggregate as the plan made it.
#[derive(Debug, Clone)]
pub struct AggregateOperator {
    /// What it computes.
    pub spec: Arc<AggregateSpec>,
    /// What it emits.
    pub emission: Emission,
}

impl OperatorSpec for AggregateOperator {
    fn name(&self) -> &str {
        &self.spec.operator
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.spec.input
    }

    fn output(&self) -> &SchemaRef {
        &self.spec.output
    }

    fn stores(&self) -> Vec<String> {
        let emitted = emitted::is_needed(&self.spec).then(|| emitted::name(&self.spec.operator));
        std::iter::once(self.spec.operator.clone()).chain(emitted).collect()
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(EmissionLane::new(Arc::clone(&self.spec), self.emission, partitioning)?))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        let partitioning = stored.partitioning;
        let mut blocks = stored.blocks.into_iter();
        let of_state = blocks.next().unwrap_or_default();
        let state = AggregateState::open(Arc::clone(&self.spec), of_state, partitioning)?;
        let emitted =
            emitted::is_needed(&self.spec).then(|| Emitted::open(&self.spec, blocks.next().unwrap_or_default()));
        Ok(Box::new(Aggregate::new(state, self.emission, emitted)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let AggregateSpec { window, keys, key_names, calls, input, .. } = &*self.spec;
        let window = window.map(|window| {
            format!("window size {} µs, slide {} µs, offset {} µs", window.size_us, window.slide_us, window.offset_us)
        });
        let keys = key_fingerprints(keys, key_names, input);
        Ok(window.into_iter().chain(keys).chain(fingerprints(calls)?).collect())
    }

    fn describe(&self) -> String {
        let AggregateSpec { window, key_names, calls, .. } = &*self.spec;
        let window = window.map(|window| format!("{}, ", window.describe())).unwrap_or_default();
        let keys = match key_names.as_slice() {
            [] => "no key".to_string(),
            [name] => format!("key {name}"),
            names => format!("keys {}", names.join(", ")),
        };
        let calls: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        format!("aggregate ({window}{keys}: {})", calls.join(", "))
    }

    fn bound(&self) -> Bound {
        match (self.emission, self.spec.window) {
            (Emission::Complete, _) if !self.spec.is_global() => {
                Bound::Unbounded("one row a key, for ever: complete mode evicts nothing".to_string())
            }
            (_, Some(_)) => Bound::Watermark(
                "one row a key and pane; a pane is evicted when its last window is complete".to_string(),
            ),
            (_, None) if self.spec.is_global() => Bound::Constant,
            (_, None) => Bound::Unbounded("one row a key, for ever".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        let blocks = stored.blocks.into_iter().next().unwrap_or_default();
        let state = AggregateState::open(Arc::clone(&self.spec), blocks, stored.partitioning)?;
        let is_open = |group: &i64| match (self.spec.window, stored.last) {
            (Some(window), Some(last)) if self.emission != Emission::Complete => {
                !window.is_complete(*group, last.watermark_us)
            }
            _ => true,
        };
        let groups: Vec<i64> = match stored.last {
            Some(last) => state.all_groups(&last).into_iter().filter(is_open).collect(),
            None => Vec::new(),
        };
        let tasks = state.merge_tasks(&groups).into_iter();
        let parts = tasks.map(|task| state.merge(committed, task)).collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&self.spec.output, &parts)?;
        let calls: Vec<String> = self.spec.calls.iter().map(|call| call.name.clone()).collect();
        let names = result_names(&self.spec.group, "window", &self.spec.key_names, &calls);
        Ok(vec![StateRows { name: self.spec.operator.clone(), rows: renamed(rows, &names)? }])
    }
}
