//! GROUPING SETS, ROLLUP and CUBE: each row stands once for each set, with the keys that the set leaves out as nulls.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::utils::{enumerate_grouping_sets, grouping_set_to_exprlist};
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan, LogicalPlanBuilder, cast, col, lit, when};

use crate::logical::{under_names_of, with_columns};
use crate::problem::SqlProblem;
use crate::window::timed_call;

/// The column that says which set a row stands for.
const SETS: &str = "__sets";

/// The aggregate without grouping sets: by its keys and the number of the set. Its columns are those that it had.
pub fn without_sets(aggregate: &Aggregate) -> Result<Aggregate> {
    let groups = enumerate_grouping_sets(aggregate.group_expr.clone())?;
    let sets = match groups.as_slice() {
        [Expr::GroupingSet(sets)] => sets_of(sets)?,
        _ => return plan_err!("grouping sets beside other keys; write them as one GROUPING SETS (…)"),
    };
    let keys: Vec<Expr> = grouping_set_to_exprlist(&groups)?.into_iter().cloned().collect();
    let ids = ids(&sets, &keys);
    let sets_of_row = make_array(ids.iter().map(|id| lit(*id)).collect()).alias(SETS);
    let input = LogicalPlanBuilder::from(with_columns(&aggregate.input, [sets_of_row])?).unnest_column(SETS)?;
    let mut group = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        if timed_call(key).is_some() {
            group.push(key.clone());
            continue;
        }
        let with: Vec<Expr> =
            sets.iter().zip(&ids).filter(|(set, _)| set.contains(key)).map(|(_, id)| lit(*id)).collect();
        let null = Expr::Literal(ScalarValue::Null, None);
        group.push(when(col(SETS).in_list(with, false), key.clone()).otherwise(null)?.alias(format!("__key{at}")));
    }
    let kind = aggregate.schema.field(keys.len()).data_type().clone();
    group.push(cast(col(SETS), kind).alias(Aggregate::INTERNAL_GROUPING_ID));
    Aggregate::try_new(Arc::new(input.build()?), group, aggregate.aggr_expr.clone())
}

/// Refuses sets that leave out the time window by which the others group.
///
/// # Errors
/// If there is one: its rows would be of no time, and never final.
pub fn check_windows(aggregate: &Aggregate, sql: &str) -> crate::fault::Result<()> {
    for groups in enumerate_grouping_sets(aggregate.group_expr.clone())? {
        let Expr::GroupingSet(sets) = groups else { continue };
        let sets = sets_of(&sets)?;
        let mut timed = sets.iter().flatten().filter(|key| timed_call(key).is_some());
        if timed.any(|key| sets.iter().any(|set| !set.contains(key))) {
            let message = "a time window must be in every grouping set: a row without one would never be final";
            let help = "write GROUP BY window(…), ROLLUP (…), or name the window in each of the GROUPING SETS";
            return Err(SqlProblem::new(message, help).at_text(sql, "window(").into());
        }
    }
    Ok(())
}

/// Each row stands once for each set, and CUBE has two to the power of its keys: DataFusion's limit of sets, 4,096.
const CUBE_KEYS_MAX: usize = 12;

fn sets_of(sets: &GroupingSet) -> Result<Vec<Vec<Expr>>> {
    Ok(match sets {
        GroupingSet::GroupingSets(sets) => sets.clone(),
        GroupingSet::Rollup(keys) => (0..=keys.len()).rev().map(|count| keys[..count].to_vec()).collect(),
        GroupingSet::Cube(keys) if keys.len() > CUBE_KEYS_MAX => {
            return plan_err!("CUBE takes at most {CUBE_KEYS_MAX} keys, here are {}", keys.len());
        }
        GroupingSet::Cube(keys) => {
            let with = |mask: usize| (0..keys.len()).filter(move |at| mask >> at & 1 == 1).map(|at| keys[at].clone());
            (0..1_usize << keys.len()).rev().map(|mask| with(mask).collect()).collect()
        }
    })
}

/// The plan with every aggregate by grouping sets as an aggregate by keys: of no rows at all it then has no row, as in Spark, where a
/// set without keys would have one.
pub fn all_without_sets(plan: LogicalPlan) -> Result<LogicalPlan> {
    let expand = |node: LogicalPlan| match &node {
        LogicalPlan::Aggregate(aggregate) if has_sets(aggregate) => {
            let by_keys = LogicalPlan::Aggregate(without_sets(aggregate)?);
            Ok(Transformed::yes(under_names_of(by_keys, &aggregate.schema)?))
        }
        _ => Ok(Transformed::no(node)),
    };
    plan.transform_up(expand).data()
}

/// True if it groups by several sets of keys.
pub fn has_sets(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)))
}

/// A number for each set: which keys it leaves out, and above that how many equal sets stand before it (DataFusion's
/// `Aggregate::INTERNAL_GROUPING_ID`).
fn ids(sets: &[Vec<Expr>], keys: &[Expr]) -> Vec<i64> {
    let mut ids: Vec<i64> = Vec::with_capacity(sets.len());
    for set in sets {
        let (own, mask) = (id(set, keys), (1 << keys.len()) - 1);
        let equal = ids.iter().filter(|id| **id & mask == own).count();
        ids.push(own | i64::try_from(equal).unwrap_or_default() << keys.len());
    }
    ids
}

/// A bit for each key that the set leaves out, the first key the highest: what `grouping_id()` gives.
fn id(set: &[Expr], keys: &[Expr]) -> i64 {
    keys.iter().fold(0, |id, key| id << 1 | i64::from(!set.contains(key)))
}
