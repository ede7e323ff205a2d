//! The rules by which DataFusion makes a plan faster, where some would change an answer.

mod equal_values;
mod guarded;
mod three_valued;

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::optimizer::OptimizerRule;

use equal_values::EqualValues;
use guarded::Guarded;
use three_valued::ThreeValued;

/// A rule as the optimizer holds it.
type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// DataFusion's rules with ours among them.
pub fn rules(theirs: &[Rule]) -> Vec<Rule> {
    let simplify: Rule = Arc::new(ThreeValued::default());
    debug_assert!(
        theirs.iter().any(|rule| rule.name() == simplify.name()),
        "the rule that ours stands for has another name"
    );
    let same = |rule: &Rule| Arc::clone(if rule.name() == simplify.name() { &simplify } else { rule });
    // Last, so that the others see comparisons as they were written, and conditions apart.
    let last: [Rule; 2] = [Arc::new(EqualValues), Arc::new(Guarded)];
    theirs.iter().map(same).chain(last).collect()
}

/// An expression that no plan has, as the rules would leave it: functions that can only be simplified are, such as `coalesce`.
///
/// # Errors
/// If a column's type is not known.
pub fn optimized(expr: Expr, schema: &DFSchema, state: &SessionState) -> Result<Expr> {
    equal_values::in_expr(three_valued::simplified(expr, schema, state)?, schema)
}
