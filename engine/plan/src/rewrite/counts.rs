//! `count(DISTINCT *)`: of all columns of FROM, each by its name. DataFusion counts a constant, which is 1.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Select, VisitMut,
    VisitorMut,
};

use super::calls::name_of;
use crate::walk::walk_mut;

/// True if a SELECT counts the distinct values of all columns.
pub fn has_all_columns(select: &Select) -> bool {
    // Only the two places where an aggregate can stand are copied.
    let (mut items, mut having) = (select.projection.clone(), select.having.clone());
    let mut counter = Counter { columns: None, depth: 0 };
    walk_mut(&mut items, &mut counter).is_break() || walk_mut(&mut having, &mut counter).is_break()
}

/// Names the columns in the place of the star.
pub fn name_columns(place: &mut impl VisitMut, columns: &[Expr]) {
    if !columns.is_empty() {
        let _: ControlFlow<()> = walk_mut(place, &mut Counter { columns: Some(columns), depth: 0 });
    }
}

/// Puts columns into calls, or stops at the first call if it has none. A subquery has columns of its own.
struct Counter<'a> {
    columns: Option<&'a [Expr]>,
    depth: usize,
}

impl VisitorMut for Counter<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || !is_of_all(function) {
            return ControlFlow::Continue(());
        }
        let Some(columns) = self.columns else { return ControlFlow::Break(()) };
        if let FunctionArguments::List(list) = &mut function.args {
            let unnamed = |column: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(column.clone()));
            list.args = columns.iter().map(unnamed).collect();
        }
        ControlFlow::Continue(())
    }
}

fn is_of_all(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    let is_star = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    is_star && list.duplicate_treatment == Some(DuplicateTreatment::Distinct) && name_of(function) == "count"
}
