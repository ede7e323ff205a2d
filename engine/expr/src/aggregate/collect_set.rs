//! `collect_set(x)`: the distinct non-null values in the order in which they were first seen.

use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;

use super::aggregate_def::{AggregateDef, into_udaf, kinds};
use super::distinct::{Distinct, Finish, state_type};

/// The function, to be registered.
pub fn collect_set() -> AggregateUDF {
    into_udaf(CollectSet)
}

struct CollectSet;

impl AggregateDef for CollectSet {
    type Accumulator = Distinct;

    fn name(&self) -> &'static str {
        "collect_set"
    }

    fn arity(&self) -> (usize, usize) {
        (1, 1)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match &kinds[0] {
            DataType::Map(..) => plan_err!("collect_set cannot compare maps"),
            kind => Ok(state_type(std::slice::from_ref(kind))),
        }
    }

    fn state_types(&self, kinds: &[DataType], _: &DataType) -> Vec<DataType> {
        vec![state_type(kinds)]
    }

    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Distinct> {
        Ok(Distinct::new(kinds(args), Finish::List))
    }
}
