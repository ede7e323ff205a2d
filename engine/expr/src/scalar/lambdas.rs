//! Spark's functions that take a lambda of several arguments; those of one argument are DataFusion's own.

mod aggregate;
mod arrays;
mod elements;
mod maps;
mod sort;
mod with_lambda;

use datafusion::logical_expr::HigherOrderUDF;

use with_lambda::WithLambda;

/// All of them, to be registered.
pub fn functions() -> Vec<HigherOrderUDF> {
    let with_one = arrays::functions().into_iter().chain(maps::functions()).chain([sort::array_sort()]);
    let mut all: Vec<HigherOrderUDF> = with_one.map(WithLambda::into_udf).collect();
    all.push(aggregate::aggregate());
    all
}
