//! A join as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use super::lane::JoinLane;
use super::operator::Join;
use super::side::Side;
use super::spec::JoinSpec;
use crate::OperatorError;
use crate::block_source::BlockSource;
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::StateRows;
use crate::store;
use crate::stored::Stored;
use arrow::datatypes::SchemaRef;
use state::KeyPartitioning;

impl OperatorSpec for JoinSpec {
    fn name(&self) -> &str {
        &self.name
    }

    fn input(&self, port: usize) -> &SchemaRef {
        &self.side(if port == 0 { Side::Left } else { Side::Right }).side.input
    }

    fn output(&self) -> &SchemaRef {
        &self.output
    }

    fn stores(&self) -> Vec<String> {
        Side::BOTH.map(|side| self.store_name(side)).to_vec()
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(JoinLane::new(|side| &self.side(side).side, partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        Ok(Box::new(Join::open(self, stored)))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let mut parts = vec![format!("{} join", self.kind().name())];
        for side in Side::BOTH {
            parts.extend(self.side(side).fingerprint(side));
        }
        // How long a row is kept comes of the condition, and which rows were marked as matched.
        if self.residual().is_some() {
            parts.push(format!("condition {}", self.residual_words));
        }
        Ok(parts)
    }

    fn describe(&self) -> String {
        let [left, right] = Side::BOTH.map(|side| self.side(side));
        let keys = (0..left.side.keys.len())
            .map(|place| format!("{} = {}", left.key_field(place).name(), right.key_field(place).name()));
        let residual = self.residual().map(|_| self.residual_words.clone());
        let on: Vec<String> = keys.chain(residual).collect();
        format!("{} join on {}", self.kind().name(), on.join(" and "))
    }

    fn bound(&self) -> Bound {
        let lives = Side::BOTH.map(|side| self.side(side).side.time_to_live_us);
        let leaves_late_rows_out = Side::BOTH.into_iter().any(|side| self.side(side).side.event_time.is_some());
        if let ([Some(left), Some(right)], false) = (lives, leaves_late_rows_out) {
            return Bound::TimeToLive(left.max(right));
        }
        let kept = Side::BOTH.map(|side| (side.name(), self.side(side).expiry()));
        match &kept {
            [(_, Some(left)), (_, Some(right))] => {
                Bound::Watermark(format!("left rows are evicted when {left}, right rows when {right}"))
            }
            _ => {
                let sides: Vec<&str> =
                    kept.iter().filter(|(_, expiry)| expiry.is_none()).map(|(side, _)| *side).collect();
                Bound::Unbounded(format!("every row of the {} side is kept for ever", sides.join(" and the ")))
            }
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        store::state_rows(Side::BOTH.map(|side| self.store(side)).to_vec(), stored, committed)
    }
}
