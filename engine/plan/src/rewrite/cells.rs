//! The cells of VALUES, marked so that DataFusion does not give them types before Spark's are known.

use datafusion::sql::sqlparser::ast::{Expr, SetExpr};
use expr::scalar::cells::{CELL, CELLS};

use super::calls::{call, name_of};

/// Marks the cells of every VALUES of a query's body; those of the queries inside of it are marked when these are visited.
pub fn mark(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => {
            let mut rows: Vec<&mut Vec<Expr>> = values.rows.iter_mut().map(|row| &mut row.content).collect();
            let Some((first, others)) = rows.split_first_mut() else { return };
            if first.first().is_some_and(is_marked) || others.iter().any(|row| row.len() != first.len()) {
                return;
            }
            for (at, cell) in first.iter_mut().enumerate() {
                let column = std::iter::once(cell.clone()).chain(others.iter().map(|row| row[at].clone()));
                *cell = call(CELLS, column.collect());
            }
            for cell in others.iter_mut().flat_map(|row| row.iter_mut()) {
                *cell = call(CELL, vec![cell.clone()]);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            mark(left);
            mark(right);
        }
        _ => {}
    }
}

fn is_marked(cell: &Expr) -> bool {
    matches!(cell, Expr::Function(function) if name_of(function) == CELLS)
}
