//! `array_agg(x)`: Spark's other name of `collect_list`; with an ORDER BY of its own the values stand in that order.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature,
};
use datafusion::scalar::ScalarValue;

use super::collect_list::collect_list;

/// The function; `ordered` (DataFusion's) takes over for calls with an ORDER BY.
pub fn array_agg(ordered: Arc<AggregateUDF>) -> AggregateUDF {
    AggregateUDF::new_from_impl(ArrayAgg { ordered, plain: Arc::new(collect_list()) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayAgg {
    ordered: Arc<AggregateUDF>,
    plain: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for ArrayAgg {
    fn name(&self) -> &str {
        self.ordered.name()
    }

    fn aliases(&self) -> &[String] {
        self.ordered.aliases()
    }

    fn signature(&self) -> &Signature {
        self.ordered.signature()
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        self.plain.return_type(kinds)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if args.ordering_fields.is_empty() { self.plain.state_fields(args) } else { self.ordered.state_fields(args) }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match args.order_bys.is_empty() {
            true => self.plain.accumulator(args),
            // No nulls, as in every list of Spark.
            false => self.ordered.accumulator(AccumulatorArgs { ignore_nulls: true, ..args }),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        args.order_bys.is_empty()
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        self.plain.create_groups_accumulator(args)
    }

    fn with_beneficial_ordering(self: Arc<Self>, beneficial: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let changed = Arc::clone(self.ordered.inner()).with_beneficial_ordering(beneficial)?;
        Ok(changed.map(|ordered| {
            let ordered = Arc::new(AggregateUDF::new_from_shared_impl(ordered));
            Arc::new(ArrayAgg { ordered, plain: Arc::clone(&self.plain) }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.ordered.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::NotSupported
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        self.plain.default_value(kind)
    }

    fn supports_null_handling_clause(&self) -> bool {
        true
    }
}
