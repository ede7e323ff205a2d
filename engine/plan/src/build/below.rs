//! The columns that an operator is fed with: every expression that it uses, computed once by the pipeline below it.

use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col};

/// Collects the columns that the part below an operator has to make: `b0, b1, …`.
#[derive(Debug, Default)]
pub struct Below {
    exprs: Vec<Expr>,
    sources: Vec<Expr>,
}

impl Below {
    /// The position of an expression among the columns, added if it is not there yet.
    pub fn column(&mut self, expr: Expr) -> usize {
        if let Some(at) = self.sources.iter().position(|other| *other == expr) {
            return at;
        }
        let at = self.exprs.len();
        self.exprs.push(expr.clone().alias(format!("b{at}")));
        self.sources.push(expr);
        at
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.exprs.len()
    }

    /// Passes all columns of the input on, behind the others; returns the position of the first.
    pub fn pass_on(&mut self, input: &LogicalPlan) -> usize {
        let from = self.exprs.len();
        for column in input.schema().columns() {
            let at = self.exprs.len();
            self.exprs.push(Expr::Column(column.clone()).alias(format!("b{at}")));
            self.sources.push(Expr::Column(column));
        }
        from
    }

    /// A function call with its arguments, filter and order replaced by columns; constants stay.
    pub fn call(&mut self, call: &Expr) -> Result<Expr> {
        let call = call.clone().unalias_nested().data;
        let Expr::AggregateFunction(mut function) = call else {
            return Err(DataFusionError::Internal(format!("{call} is not an aggregate function")));
        };
        for argument in &mut function.params.args {
            self.replace(argument);
        }
        if let Some(filter) = &mut function.params.filter {
            self.replace(filter);
        }
        for order in &mut function.params.order_by {
            self.replace(&mut order.expr);
        }
        Ok(Expr::AggregateFunction(function))
    }

    fn replace(&mut self, expr: &mut Expr) {
        if !matches!(expr, Expr::Literal(..)) {
            let at = self.column(expr.clone());
            *expr = col(format!("b{at}"));
        }
    }

    /// The plan that makes the columns of the rows of `input`.
    pub fn over(self, input: &LogicalPlan) -> Result<LogicalPlan> {
        LogicalPlanBuilder::from(input.clone()).project(self.exprs)?.build()
    }
}
