//! SELECT DISTINCT and `deduplicate`: rows whose keys have come before are left out.

use std::sync::Arc;

use datafusion::logical_expr::{Aggregate, Distinct, LogicalPlan};
use job::{Late, OutputMode};
use operators::dedup::{DedupSpec, Expiry};
use operators::keyed;

use super::aggregate::late_schema;
use super::{Builder, Stream};
use crate::error::{nearest, shorten};
use crate::fault::Result;
use crate::logical::columns_of;
use crate::node::LatePlan;
use crate::problem::SqlProblem;
use crate::times::TimeKind;

impl Builder<'_> {
    pub(super) fn distinct(&mut self, distinct: &Distinct, at_top: bool) -> Result<Stream> {
        let input = match distinct {
            Distinct::All(input) => input,
            Distinct::On(_) => {
                let help = "set deduplicate = { keys = […] } on the table";
                return self.refuse("DISTINCT ON is not supported on streams", help, "DISTINCT");
            }
        };
        let stream = self.stream(input, false)?;
        if stream.is_changing || self.table.mode == OutputMode::Complete && at_top {
            // Rows that can be retracted are counted: DISTINCT is a GROUP BY of all columns.
            let aggregate = Aggregate::try_new(Arc::clone(input), columns_of(input), Vec::new())?;
            return self.stateful(&LogicalPlan::Aggregate(aggregate), at_top);
        }
        let keys = (0..stream.schema.fields().len()).collect();
        self.first_of_each(stream, keys, None)
    }

    /// Leaves rows out whose keys have come before, if the table asks for it (Spark `dropDuplicates`, `dropDuplicatesWithinWatermark`).
    pub fn deduplicate(&mut self, stream: Stream) -> Result<Stream> {
        let Some(wanted) = &self.table.deduplicate else { return Ok(stream) };
        if self.table.mode == OutputMode::Complete || stream.is_changing {
            let message = "deduplicate works on rows that are never retracted";
            let help = "set it on a table in append mode, or write GROUP BY";
            return Err(SqlProblem::new(message, help).into());
        }
        let names: Vec<&str> = stream.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let keys = match &wanted.keys {
            None => (0..names.len()).collect(),
            Some(keys) => keys.iter().map(|key| place_of(key, &names)).collect::<Result<Vec<_>>>()?,
        };
        self.first_of_each(stream, keys, wanted.within_us)
    }

    fn first_of_each(&mut self, stream: Stream, keys: Vec<usize>, within_us: Option<i64>) -> Result<Stream> {
        let event_time = stream.times.iter().position(Option::is_some);
        let key_time = keys.iter().copied().find(|key| stream.times[*key].is_some());
        let expiry = match (within_us, event_time, key_time) {
            (Some(delay_us), Some(column), _) => Expiry::Within { column, delay_us },
            (Some(_), None, _) => {
                let message = "dropDuplicatesWithinWatermark is not supported on streaming tables without watermark";
                let help = "give the source a watermark and pass its column on, or leave `within` out";
                return Err(SqlProblem::new(message, help).into());
            }
            (None, _, Some(column)) => Expiry::EventTimeKey { column },
            (None, _, None) => self.forgotten_after_us().map_or(Expiry::Never, |us| Expiry::TimeToLive { us }),
        };
        let late = (self.table.late == Late::Table)
            .then(|| LatePlan { passed_from: 0, schema: late_schema(stream.schema.fields().iter()) });
        let spec = DedupSpec {
            name: self.name("deduplicate"),
            input: Arc::clone(&stream.schema),
            keys,
            event_time: event_time.map(|column| keyed::EventTime { column, required: false }),
            expiry,
        };
        let lag_us = event_time.and_then(|column| stream.times[column]).map(|time| time.lag_us);
        let from = self.operator(Arc::new(spec), &[&stream], lag_us, late);
        debug_assert!(stream.times.iter().flatten().all(|time| time.kind != TimeKind::Window(Some(0))));
        Ok(Stream { from: vec![from], is_entry: false, ..stream })
    }
}

fn place_of(key: &str, names: &[&str]) -> Result<usize> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(key)) {
        return Ok(at);
    }
    let help = match nearest(key, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the query's columns are: {}", shorten(names)),
    };
    let message = format!("deduplicate: the query has no column `{key}`");
    Err(SqlProblem::new(message, help).code("UNRESOLVED_COLUMN.WITH_SUGGESTION").into())
}
