//! Any aggregate function, but with `DISTINCT` counted as [`super::distinct`] does, doubles added up as [`super::exact_sum`] does, structs and
//! arrays ordered as [`super::extreme_values`] does, and frames that move as [`super::sliding`] does.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunctionParams;
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, StatisticsArgs, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;

use super::distinct::{Distinct, Finish, state_type};
use super::exact_function::{ExactFunction, ExactGroups, ExactOne};
use super::extreme_values::ExtremeValues;
use super::inputs;
use super::single::Single;
use super::sliding::Sliding;

/// The signature of the functions that [`inputs`] lists.
static LISTED: LazyLock<Signature> = LazyLock::new(|| Signature::user_defined(Volatility::Immutable));

/// The function with deterministic `DISTINCT` and exact sums.
pub fn with_distinct(inner: Arc<AggregateUDF>) -> AggregateUDF {
    AggregateUDF::new_from_impl(WithDistinct { inner })
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct WithDistinct {
    inner: Arc<AggregateUDF>,
}

/// The arguments of an accumulator, owned so that one can be made for each group.
struct OwnedArgs {
    function: Arc<AggregateUDF>,
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    is_distinct: bool,
    name: String,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl OwnedArgs {
    fn of(function: &Arc<AggregateUDF>, args: &AccumulatorArgs<'_>, is_distinct: bool) -> OwnedArgs {
        OwnedArgs {
            function: Arc::clone(function),
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            is_distinct,
            name: args.name.to_string(),
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }

    fn args(&self) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &[],
            is_reversed: false,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        }
    }
}

impl WithDistinct {
    /// An order of its own matters to lists only, and must be that of the values. DISTINCT changes nothing for one of the values.
    fn is_ours(&self, is_distinct: bool, has_order: bool) -> bool {
        let of_one = ["min", "max", "first_value", "last_value", "any_value", "approx_count_distinct"];
        is_distinct && (!has_order || self.is_list()) && !of_one.contains(&self.inner.name())
    }

    /// The extremes of values that have others inside, if the function is one.
    fn nested_extreme(&self, arguments: &[FieldRef]) -> Result<Option<ExtremeValues>> {
        match (self.inner.name(), arguments.first().map(|argument| argument.data_type())) {
            (name @ ("min" | "max"), Some(kind @ (DataType::Struct(_) | DataType::List(_)))) => {
                Ok(Some(ExtremeValues::new(kind.clone(), name == "max")?))
            }
            _ => Ok(None),
        }
    }

    /// True if DataFusion's accumulator takes rows out again without a trace.
    fn takes_out(&self, args: &AccumulatorArgs<'_>) -> bool {
        let kind = args.expr_fields.first().map(|argument| argument.data_type());
        match self.inner.name() {
            "count" | "bit_xor" => true,
            "sum" => kind.is_some_and(DataType::is_integer),
            "min" | "max" => kind.is_some_and(|kind| !kind.is_nested() && !kind.is_floating()),
            _ => false,
        }
    }

    fn is_total(&self) -> bool {
        matches!(self.inner.name(), "sum" | "avg" | "try_sum")
    }

    fn is_list(&self) -> bool {
        self.inner.name() == "array_agg"
    }

    /// What computes the function without DISTINCT, if it is one of the sum of doubles.
    fn exact(&self, arguments: &[FieldRef]) -> Option<ExactFunction> {
        ExactFunction::of(self.inner.name(), arguments.first().map(|argument| argument.data_type()))
    }

    /// Values in the order in which they were first seen, or sorted as the call says.
    fn list(&self, args: &AccumulatorArgs<'_>) -> Result<Finish> {
        match (args.order_bys, args.exprs) {
            ([], _) => Ok(Finish::List),
            ([term], [value]) if term.expr.to_string() == value.to_string() => Ok(Finish::Sorted(term.options)),
            _ => plan_err!("with DISTINCT, ORDER BY must be by the value itself: array_agg(DISTINCT x ORDER BY x)"),
        }
    }

    fn distinct(&self, args: &AccumulatorArgs<'_>) -> Result<Distinct> {
        let kinds: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        if self.inner.name() == "count" {
            return Ok(Distinct::new(kinds, Finish::Count));
        }
        if self.is_list() {
            return Ok(Distinct::new(kinds, self.list(args)?));
        }
        let owned = Arc::new(OwnedArgs::of(&self.inner, args, false));
        let exact = self.exact(args.expr_fields);
        let make = move || -> Result<Box<dyn GroupsAccumulator>> {
            if let Some(function) = exact {
                return Ok(Box::new(ExactGroups::new(function)));
            }
            if owned.function.groups_accumulator_supported(owned.args()) {
                return owned.function.create_groups_accumulator(owned.args());
            }
            let owned = Arc::clone(&owned);
            Ok(Box::new(GroupsAccumulatorAdapter::new(move || owned.function.accumulator(owned.args()))))
        };
        Ok(Distinct::new(kinds, Finish::Other(Box::new(make))))
    }
}

impl AggregateUDFImpl for WithDistinct {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.schema_name(params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.human_display(params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.inner.display_name(params)
    }

    fn signature(&self) -> &Signature {
        if inputs::is_listed(self.inner.name()) { &LISTED } else { self.inner.signature() }
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match kinds {
            [kind] if self.is_total() && inputs::is_interval(kind) => Ok(kind.clone()),
            _ => self.inner.return_type(kinds),
        }
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        match fields {
            [field] if self.is_total() && inputs::is_interval(field.data_type()) => {
                // A sum has the fields of its intervals, an average all of them.
                let all = Field::new(self.name(), field.data_type().clone(), true);
                let is_average = self.name() == "avg";
                Ok(Arc::new(if is_average { all } else { all.with_metadata(field.metadata().clone()) }))
            }
            _ => self.inner.return_field(fields),
        }
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if self.is_ours(args.is_distinct, !args.ordering_fields.is_empty()) {
            let kinds: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
            return Ok(vec![Arc::new(Field::new("distinct", state_type(&kinds), true))]);
        }
        match self.exact(args.input_fields) {
            Some(function) => Ok(function.state_fields()),
            None => self.inner.state_fields(args),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if self.is_ours(args.is_distinct, !args.order_bys.is_empty()) {
            return Ok(Box::new(Single::new(self.distinct(&args)?)));
        }
        if let Some(values) = self.nested_extreme(args.expr_fields)? {
            return Ok(Box::new(Single::new(values)));
        }
        match self.exact(args.expr_fields) {
            Some(function) => Ok(Box::new(ExactOne::new(function))),
            None => self.inner.accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.is_ours(args.is_distinct, !args.order_bys.is_empty())
            || self.exact(args.expr_fields).is_some()
            || self.nested_extreme(args.expr_fields).is_ok_and(|values| values.is_some())
            || self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        if self.is_ours(args.is_distinct, !args.order_bys.is_empty()) {
            return Ok(Box::new(self.distinct(&args)?));
        }
        if let Some(values) = self.nested_extreme(args.expr_fields)? {
            return Ok(Box::new(values));
        }
        match self.exact(args.expr_fields) {
            Some(function) => Ok(Box::new(ExactGroups::new(function))),
            None => self.inner.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if let Some(function) = self.exact(args.expr_fields).filter(|_| !args.is_distinct) {
            return Ok(Box::new(ExactOne::new(function)));
        }
        let (this, owned) = (self.clone(), OwnedArgs::of(&self.inner, &args, args.is_distinct));
        if !args.is_distinct && self.takes_out(&args) {
            let accumulator = self.inner.inner().create_sliding_accumulator(args)?;
            // A sum of our own has the name of DataFusion's, but takes no row out.
            if accumulator.supports_retract_batch() {
                return Ok(accumulator);
            }
        }
        Ok(Box::new(Sliding::new(move || this.accumulator(owned.args()))))
    }

    fn with_beneficial_ordering(self: Arc<Self>, beneficial: bool) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let changed = Arc::clone(self.inner.inner()).with_beneficial_ordering(beneficial)?;
        Ok(changed.map(|inner| {
            let inner = Arc::new(AggregateUDF::new_from_shared_impl(inner));
            Arc::new(WithDistinct { inner }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.inner.simplify()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        if !inputs::is_listed(self.inner.name()) {
            return self.inner.coerce_types(kinds);
        }
        let taken = inputs::taken(self.inner.name(), kinds)?;
        match taken.as_slice() {
            [kind] if self.is_total() && inputs::is_interval(kind) => Ok(taken),
            _ => {
                let fields: Vec<FieldRef> =
                    taken.into_iter().map(|kind| Arc::new(Field::new("argument", kind, true))).collect();
                let coerced = fields_with_udf(&fields, self.inner.as_ref())?;
                Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
            }
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(kind)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.inner.supports_within_group_clause()
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        match self.inner.name() {
            // Files do not say whether there is a NaN among their numbers.
            "min" | "max" if !statistics.return_type.is_floating() => self.inner.value_from_stats(statistics),
            _ => None,
        }
    }
}
