//! A session aggregate as the runtime and `engine explain` ask for it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use expr::window::duration;
use state::KeyPartitioning;

use super::fold::evaluate;
use super::lane::SessionLane;
use super::operator::Session;
use super::spec::{GroupTime, SessionSpec};
use crate::OperatorError;
use crate::aggregate::{fingerprints, key_fingerprints, result_names};
use crate::block_source::BlockSource;
use crate::emission::Emission;
use crate::operator::{Bound, Operator, OperatorLane, OperatorSpec};
use crate::state_rows::{StateRows, renamed};
use crate::store;
use crate::stored::Stored;

impl OperatorSpec for SessionSpec {
    fn name(&self) -> &str {
        &self.operator
    }

    fn input(&self, _: usize) -> &SchemaRef {
        &self.input
    }

    fn output(&self) -> &SchemaRef {
        &self.output
    }

    fn stores(&self) -> Vec<String> {
        vec![self.operator.clone()]
    }

    fn lane(self: Arc<Self>, partitioning: KeyPartitioning) -> Result<Box<dyn OperatorLane>, OperatorError> {
        Ok(Box::new(SessionLane::new(self, partitioning)))
    }

    fn open(self: Arc<Self>, stored: Stored) -> Result<Box<dyn Operator>, OperatorError> {
        if matches!(self.emission, Emission::Replace | Emission::ReplaceAndChanges) {
            return Err(OperatorError::fault(&self.operator, "sessions have no buckets that could be replaced"));
        }
        if self.forgotten_after_us.is_some() && self.emission != Emission::Changes {
            return Err(OperatorError::fault(&self.operator, "only groups that emit changes are forgotten"));
        }
        Ok(Box::new(Session::open(self, stored)?))
    }

    // The words are part of every checkpoint: state of a query that stays the same is read back only if they do.
    fn fingerprint(&self) -> Result<Vec<String>, OperatorError> {
        let keys = key_fingerprints(&self.keys, &self.key_names, &self.input);
        let forgotten =
            self.forgotten_after_us.map(|us| format!("a group goes {} after it was last written", duration(us)));
        Ok([self.what()].into_iter().chain(keys).chain(fingerprints(&self.calls)?).chain(forgotten).collect())
    }

    fn describe(&self) -> String {
        let calls: Vec<&str> = self.calls.iter().map(|call| call.name.as_str()).collect();
        let by = match self.key_names.is_empty() {
            true => String::new(),
            false => format!(" by {}", self.key_names.join(", ")),
        };
        let until = self.forgotten_after_us.map(|us| format!(", forgotten {} after its last row", duration(us)));
        format!("{}{by}{}: {}", self.what(), until.unwrap_or_default(), calls.join(", "))
    }

    fn bound(&self) -> Bound {
        if let Some(us) = self.forgotten_after_us {
            return Bound::KeyTimeToLive(us);
        }
        match (self.emission, self.time) {
            (Emission::Complete, _) => {
                Bound::Unbounded("one row per group for ever: complete mode evicts nothing".to_string())
            }
            (_, GroupTime::Session { .. }) => {
                Bound::Watermark("a session is evicted when the watermark has reached its end".to_string())
            }
            (_, GroupTime::Key(position)) => Bound::Watermark(format!(
                "a group is evicted when the watermark has reached {}",
                self.key_names[position]
            )),
            (_, GroupTime::Never) => Bound::Unbounded("one row per group for ever".to_string()),
        }
    }

    fn state_rows(
        self: Arc<Self>,
        stored: Stored,
        committed: &dyn BlockSource,
    ) -> Result<Vec<StateRows>, OperatorError> {
        let mut all = store::state_rows(vec![self.store()?], stored, committed)?;
        let Some(StateRows { rows: states, .. }) = all.pop() else { return Ok(all) };
        let calls: Vec<String> = self.calls.iter().map(|call| call.name.clone()).collect();
        let names = result_names(&self.group, "session_window", &self.key_names, &calls);
        let rows = renamed(evaluate(&self, &states)?, &names)?;
        Ok(vec![StateRows { name: self.operator.clone(), rows }])
    }
}

impl SessionSpec {
    fn what(&self) -> String {
        match self.time {
            GroupTime::Session { .. } => "session window".to_string(),
            GroupTime::Key(position) => format!("group that ends with {}", self.key_names[position]),
            GroupTime::Never => "group by key".to_string(),
        }
    }
}
