//! UNION ALL: several streams as one.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union};
use datafusion::prelude::cast;

use super::{Builder, Stream};
use crate::fault::Result;
use crate::times::{EventTime, TimeKind};

impl Builder<'_> {
    pub(super) fn union(&mut self, union: &Union) -> Result<Stream> {
        let fields: Vec<Field> =
            union.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut all: Option<Stream> = None;
        for input in &union.inputs {
            if self.is_static(input) {
                let help = "join the static table, or write its rows into a topic that is a source";
                return self.refuse("a UNION of a stream with a static table is not supported", help, "UNION");
            }
            let stream = self.stream(&under(input, &schema)?, false)?;
            // The same schema for all, whatever the optimizer knows of each one's nulls.
            let stream = self.relabel(stream, &schema);
            all = Some(match all {
                None => stream,
                Some(before) => both(before, stream),
            });
        }
        match all {
            Some(stream) => Ok(stream),
            None => self.refuse("a UNION of nothing", "name the streams to be taken together", "UNION"),
        }
    }
}

/// An input of the union under the union's names and types.
fn under(input: &LogicalPlan, schema: &Schema) -> Result<LogicalPlan> {
    let columns = input.schema().columns().into_iter().zip(schema.fields()).map(|(column, field)| {
        let at = input.schema().maybe_index_of_column(&column);
        let own = at.map(|at| input.schema().field(at).data_type().clone());
        let expr = Expr::Column(column);
        let expr = if own.as_ref() == Some(field.data_type()) { expr } else { cast(expr, field.data_type().clone()) };
        expr.alias(field.name())
    });
    let columns: Vec<Expr> = columns.collect();
    Ok(LogicalPlanBuilder::from(input.clone()).project(columns)?.build()?)
}

fn both(one: Stream, other: Stream) -> Stream {
    let times = one.times.iter().zip(&other.times).map(|(one, other)| slower((*one)?, (*other)?)).collect();
    Stream {
        from: one.from.into_iter().chain(other.from).collect(),
        times,
        is_changing: one.is_changing || other.is_changing,
        closes_by: one.closes_by.filter(|column| other.closes_by == Some(*column)),
        ..one
    }
}

/// The event time of a column that comes from two streams.
fn slower(one: EventTime, other: EventTime) -> Option<EventTime> {
    let lag_us = one.lag_us.max(other.lag_us);
    match (one.kind, other.kind) {
        (TimeKind::Instant, TimeKind::Instant) => Some(EventTime { lag_us, ..one }),
        (TimeKind::Window(one_us), TimeKind::Window(other_us)) => {
            let size_us = one_us.filter(|size_us| other_us == Some(*size_us));
            Some(EventTime { lag_us, kind: TimeKind::Window(size_us) })
        }
        _ => None,
    }
}
