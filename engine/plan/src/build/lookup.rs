//! A stream joined with a static table: rows that lie beside the streams, or that the query itself lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, NullEquality};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, lit};
use expr::display::expr_text;
use futures::executor::block_on;
use operators::lookup::{LookupKind, LookupSpec};

use super::{Builder, Stream};
use crate::fault::Result;
use crate::logical::with_columns;
use crate::made::Made;
use crate::node::{LookupNode, NodeKind, StaticPlan};
use crate::problem::SqlProblem;
use crate::relation::{Rows, StreamTable, is_static, name_of};

impl Builder<'_> {
    /// True if no stream is read in a plan.
    pub(super) fn is_static(&self, plan: &LogicalPlan) -> bool {
        is_static(plan, self.relations)
    }

    /// A join of a stream with a static side, which is the left one if `is_turned`.
    pub(super) fn lookup(&mut self, join: &Join, is_turned: bool) -> Result<Stream> {
        let kind = match (join.join_type, is_turned) {
            (JoinType::Inner, _) => LookupKind::Inner,
            (JoinType::Left, false) | (JoinType::Right, true) => LookupKind::Left,
            (JoinType::LeftSemi, false) | (JoinType::RightSemi, true) => LookupKind::LeftSemi,
            (JoinType::LeftAnti, false) | (JoinType::RightAnti, true) => LookupKind::LeftAnti,
            (JoinType::LeftMark, false) | (JoinType::RightMark, true) => LookupKind::LeftMark,
            (kind, false) => {
                let message = format!(
                    "{kind}Outer join with a streaming table on the left and a static table on the right is not supported"
                );
                return self.refuse_join(&message);
            }
            (kind, true) => {
                let message = format!("{kind} joins with a streaming table on the right are not supported");
                return self.refuse_join(&message);
            }
        };
        if join.null_equality == NullEquality::NullEqualsNull {
            return self.refuse("a join of a stream with <=> is not supported", "compare with =", "<=>");
        }
        let (stream_plan, table_plan) = if is_turned { (&join.right, &join.left) } else { (&join.left, &join.right) };
        let keys = join.on.iter().map(|(left, right)| if is_turned { (right, left) } else { (left, right) });
        let (stream_keys, table_keys): (Vec<Expr>, Vec<Expr>) =
            keys.map(|(stream, table)| (stream.clone(), table.clone())).unzip();
        let (streamed, stream_keys) = keyed(stream_plan, &stream_keys)?;
        let stream = self.stream(&streamed, false)?;
        let (tabled, table_keys) = keyed(table_plan, &table_keys)?;
        let table = self.static_plan(tabled)?;
        self.check_fixed(&stream, &table)?;
        let mut spec =
            LookupSpec::new(kind, (Arc::clone(&stream.schema), stream_keys), (table.plan.schema(), table_keys))?;
        let (width, extra) = (stream_plan.schema().fields().len(), stream.schema.fields().len());
        let is_true = |filter: &&Expr| **filter == lit(true);
        if let Some(filter) = join.filter.as_ref().filter(|filter| !is_true(filter)) {
            let schema = stream_plan.schema().join(table_plan.schema())?;
            let condition = self.physical(filter, &schema)?;
            spec = spec.with_residual(super::join::shifted(condition, width, extra - width)?)?;
        }
        if join.null_aware && kind == LookupKind::LeftAnti {
            spec = match spec.with_null_aware() {
                Ok(spec) => spec,
                Err(_) => {
                    let help = "write NOT EXISTS (…), with the condition in its WHERE";
                    return self.refuse("NOT IN (subquery) with a further condition is not supported", help, "NOT IN");
                }
            };
        }
        let of_stream: Vec<usize> = (0..width).collect();
        let of_table: Vec<usize> = (0..table_plan.schema().fields().len()).map(|at| extra + at).collect();
        let columns = match kind {
            LookupKind::LeftSemi | LookupKind::LeftAnti => of_stream.clone(),
            LookupKind::LeftMark => of_stream.iter().copied().chain([extra]).collect(),
            _ if is_turned => of_table.iter().chain(&of_stream).copied().collect(),
            _ => of_stream.iter().chain(&of_table).copied().collect(),
        };
        spec = spec.with_projection(&columns)?;
        let made = made_by(join, &columns, (&stream.schema, table_plan));
        let times = columns.iter().map(|column| stream.times.get(*column).copied().flatten()).collect();
        let schema = Arc::clone(spec.output());
        let node = NodeKind::Lookup(LookupNode { spec: Arc::new(spec), table });
        let from = self.node(node, &[&stream.from], false);
        self.made(made);
        let closes_by = stream.closes_by.and_then(|closes| columns.iter().position(|column| *column == closes));
        Ok(Stream { from: vec![from], schema, times, closes_by, ..stream })
    }

    /// A row that is retracted must find what it found when it was added.
    fn check_fixed(&self, stream: &Stream, table: &StaticPlan) -> Result<()> {
        let changes = |name: &&String| {
            let relation = self.relations.get(*name);
            relation.is_some_and(|relation| relation.rows == Rows::Static { is_fixed: false })
        };
        if stream.is_changing && table.follows_time {
            let message = "rows that are replaced after each epoch are joined with a query over static tables that reads the current time, which will be another when they are retracted";
            let help = "compare with the current time in WHERE, above the join";
            return self.refuse(message, help, "JOIN");
        }
        let Some(name) = table.tables.iter().find(changes).filter(|_| stream.is_changing) else { return Ok(()) };
        let message = format!(
            "rows that are replaced after each epoch are joined with the static table `{name}`, which may have changed when they are retracted"
        );
        let help =
            format!("set refresh = \"never\" on [static.{name}], or join it with the source before the aggregate");
        Err(SqlProblem::new(message, help).at_text(&self.table.sql, name).into())
    }

    /// A plan over static tables, each of which gets a port.
    fn static_plan(&self, plan: LogicalPlan) -> Result<StaticPlan> {
        let mut tables: BTreeSet<String> = BTreeSet::new();
        let mut follows_time = false;
        plan.apply(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                tables.insert(name_of(&scan.table_name));
            }
            follows_time |= node.expressions().iter().any(Expr::is_volatile);
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
        let tables: Vec<String> = tables.into_iter().collect();
        let plan = plan
            .transform_up(|node| {
                let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
                let port = tables.iter().position(|name| *name == name_of(&scan.table_name)).unwrap_or_default();
                scan.source = provider_as_source(Arc::new(StreamTable { schema: scan.source.schema(), port }));
                Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
            })
            .data()?;
        let physical = block_on(self.state.create_physical_plan(&plan))?;
        Ok(StaticPlan { plan: physical, context: self.state.task_ctx(), tables, follows_time })
    }
}

/// What the result is made of, in words.
fn made_by(join: &Join, columns: &[usize], (stream, table): (&Schema, &LogicalPlan)) -> Made {
    let names: Vec<String> = stream.fields().iter().map(|field| field.name().clone()).collect();
    let of_table = |at: usize| match table.schema().fields().get(at) {
        Some(field) => format!("{} of a static table", field.name()),
        None => "whether a static table has it".to_string(),
    };
    let columns =
        columns.iter().map(|at| at.checked_sub(names.len()).map_or(Ok(*at), |at| Err(of_table(at)))).collect();
    let on = join.on.iter().map(|(left, right)| format!("{} = {}", expr_text(left), expr_text(right)));
    let on: Vec<String> = on.chain(join.filter.iter().map(expr_text)).collect();
    Made::Lookup { names, columns, on: format!("{} join on {}", join.join_type, on.join(" and ")) }
}

/// The plan with its keys as further columns, and where they stand.
fn keyed(plan: &LogicalPlan, keys: &[Expr]) -> Result<(LogicalPlan, Vec<usize>)> {
    let first = plan.schema().fields().len();
    let plan = with_columns(plan, keys.iter().enumerate().map(|(at, key)| key.clone().alias(format!("__key{at}"))))?;
    Ok((plan, (first..first + keys.len()).collect()))
}
