//! GROUPING SETS, ROLLUP and CUBE: each row stands once for each set, with the keys that the set leaves out as nulls.

use std::sync::Arc;

use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::utils::{enumerate_grouping_sets, grouping_set_to_exprlist};
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlanBuilder, cast, col, lit, when};

/// The column that says which set a row stands for.
const SETS: &str = "__sets";

/// The aggregate without grouping sets: by its keys and the number of the set. Its columns are those that it had.
pub fn without_sets(aggregate: &Aggregate) -> Result<Aggregate> {
    let groups = enumerate_grouping_sets(aggregate.group_expr.clone())?;
    let sets = match groups.as_slice() {
        [Expr::GroupingSet(sets)] => sets_of(sets),
        _ => return plan_err!("grouping sets beside other keys; write them as one GROUPING SETS (…)"),
    };
    let keys: Vec<Expr> = grouping_set_to_exprlist(&groups)?.into_iter().cloned().collect();
    let ids: Vec<i64> = sets.iter().map(|set| id(set, &keys)).collect();
    let mut columns: Vec<Expr> = aggregate.input.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(make_array(ids.iter().map(|id| lit(*id)).collect()).alias(SETS));
    let input = LogicalPlanBuilder::from(aggregate.input.as_ref().clone()).project(columns)?.unnest_column(SETS)?;
    let mut group = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let with: Vec<Expr> =
            sets.iter().zip(&ids).filter(|(set, _)| set.contains(key)).map(|(_, id)| lit(*id)).collect();
        let null = Expr::Literal(ScalarValue::Null, None);
        group.push(when(col(SETS).in_list(with, false), key.clone()).otherwise(null)?.alias(format!("__key{at}")));
    }
    let kind = aggregate.schema.field(keys.len()).data_type().clone();
    group.push(cast(col(SETS), kind).alias(Aggregate::INTERNAL_GROUPING_ID));
    Aggregate::try_new(Arc::new(input.build()?), group, aggregate.aggr_expr.clone())
}

fn sets_of(sets: &GroupingSet) -> Vec<Vec<Expr>> {
    match sets {
        GroupingSet::GroupingSets(sets) => sets.clone(),
        GroupingSet::Rollup(keys) => (0..=keys.len()).rev().map(|count| keys[..count].to_vec()).collect(),
        GroupingSet::Cube(keys) => {
            let with = |mask: usize| (0..keys.len()).filter(move |at| mask >> at & 1 == 1).map(|at| keys[at].clone());
            (0..1_usize << keys.len().min(12)).rev().map(|mask| with(mask).collect()).collect()
        }
    }
}

/// A bit for each key that the set leaves out, the first key the highest: what `grouping_id()` gives.
fn id(set: &[Expr], keys: &[Expr]) -> i64 {
    keys.iter().fold(0, |id, key| id << 1 | i64::from(!set.contains(key)))
}
