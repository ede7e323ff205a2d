//! SELECT DISTINCT and `deduplicate`: rows whose keys have come before are left out.

use std::sync::Arc;

use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan};
use job::OutputMode;

use super::{Builder, Result, Stream};
use crate::error::nearest;
use crate::problem::SqlProblem;

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
            // Rows that can be taken back are counted: DISTINCT is a GROUP BY of all columns.
            let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            let aggregate = Aggregate::try_new(Arc::clone(input), columns, Vec::new())?;
            return self.stateful(&LogicalPlan::Aggregate(aggregate), at_top);
        }
        let keys = (0..stream.schema.fields().len()).collect();
        self.first_of_each(stream, keys, None)
    }

    /// Leaves rows out whose keys have come before, if the table asks for it (Spark `dropDuplicates`, `dropDuplicatesWithinWatermark`).
    pub fn deduplicate(&mut self, stream: Stream) -> Result<Stream> {
        let Some(wanted) = &self.table.deduplicate else { return Ok(stream) };
        if self.table.mode == OutputMode::Complete || stream.is_changing {
            let message = "deduplicate works on rows that are never taken back";
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
        let _ = (keys, within_us);
        let _ = stream;
        Err(datafusion::error::DataFusionError::NotImplemented("deduplication".to_string()).into())
    }
}

fn place_of(key: &str, names: &[&str]) -> Result<usize> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(key)) {
        return Ok(at);
    }
    let help = match nearest(key, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the query's columns are: {}", crate::error::shorten(names)),
    };
    let message = format!("deduplicate: the query has no column `{key}`");
    Err(SqlProblem::new(message, help).code("UNRESOLVED_COLUMN.WITH_SUGGESTION").into())
}
