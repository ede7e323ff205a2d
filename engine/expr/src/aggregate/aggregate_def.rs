//! An aggregate function as it is defined here: a name, types, and a way to make a grouped accumulator.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, TypeSignature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;
use datafusion::scalar::ScalarValue;

use super::single::{Groups, Single};
use crate::by_name::equal_by_name;

/// An aggregate function of our own.
pub trait AggregateDef: Send + Sync + 'static {
    /// Its grouped accumulator.
    type Accumulator: Groups + std::fmt::Debug;

    /// Its name.
    fn name(&self) -> &'static str;

    /// Its other names.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Fewest and most arguments.
    fn arity(&self) -> (usize, usize);

    /// What the arguments are converted to.
    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        Ok(kinds.to_vec())
    }

    /// The type of the result.
    fn return_type(&self, kinds: &[DataType]) -> Result<DataType>;

    /// The types of the state's columns.
    fn state_types(&self, kinds: &[DataType], result: &DataType) -> Vec<DataType>;

    /// Columns of the state that stand behind those, and that states of older engines have not got.
    fn later_state_fields(&self, result: &DataType) -> Vec<Field> {
        let _ = result;
        Vec::new()
    }

    /// A fresh accumulator.
    fn accumulator(&self, args: &AccumulatorArgs<'_>) -> Result<Self::Accumulator>;

    /// The value of a group without rows.
    fn default_value(&self, result: &DataType) -> Result<ScalarValue> {
        ScalarValue::try_from(result)
    }

    /// The function that takes over when the call has an ORDER BY of its own.
    fn ordered(&self) -> Option<Arc<AggregateUDF>> {
        None
    }
}

/// The function, to be registered.
pub fn into_udaf<F: AggregateDef>(function: F) -> AggregateUDF {
    let aliases = function.aliases().iter().map(ToString::to_string).collect();
    let signature = Signature::new(TypeSignature::UserDefined, Volatility::Immutable);
    AggregateUDF::new_from_impl(Function { signature, aliases, inner: function })
}

/// A constant argument of a call.
pub fn constant(args: &AccumulatorArgs<'_>, at: usize) -> Option<ScalarValue> {
    args.exprs.get(at)?.downcast_ref::<Literal>().map(|literal| literal.value().clone())
}

/// The types of a call's arguments.
pub fn kinds(args: &AccumulatorArgs<'_>) -> Vec<DataType> {
    args.expr_fields.iter().map(|field| field.data_type().clone()).collect()
}

struct Function<F> {
    signature: Signature,
    aliases: Vec<String>,
    inner: F,
}

equal_by_name!(Function<F>, F: AggregateDef);

impl<F: AggregateDef> AggregateUDFImpl for Function<F> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = self.inner.arity();
        if !(least..=most).contains(&kinds.len()) {
            return plan_err!("{} takes {least} to {most} arguments, not {}", self.inner.name(), kinds.len());
        }
        self.inner.coerce_types(kinds)
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        self.inner.return_type(kinds)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        let kinds: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
        let field = Field::new(self.inner.name(), self.inner.return_type(&kinds)?, self.is_nullable());
        // One of the values is what they are, an interval with the same fields, too.
        Ok(Arc::new(match fields.first() {
            Some(first)
                if first.data_type() == field.data_type()
                    && crate::aggregate::inputs::is_interval(first.data_type()) =>
            {
                field.with_metadata(first.metadata().clone())
            }
            _ => field,
        }))
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(kind)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if let (Some(ordered), false) = (self.inner.ordered(), args.ordering_fields.is_empty()) {
            return ordered.state_fields(args);
        }
        let kinds: Vec<DataType> = args.input_fields.iter().map(|field| field.data_type().clone()).collect();
        let parts = self.inner.state_types(&kinds, args.return_field.data_type()).into_iter().enumerate();
        let parts = parts.map(|(at, kind)| Field::new(format!("part_{at}"), kind, true));
        Ok(parts.chain(self.inner.later_state_fields(args.return_field.data_type())).map(Arc::new).collect())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.inner.ordered() {
            Some(ordered) if !args.order_bys.is_empty() => ordered.accumulator(args),
            _ => Ok(Box::new(Single::new(self.inner.accumulator(&args)?))),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.inner.ordered() {
            Some(ordered) if !args.order_bys.is_empty() => ordered.groups_accumulator_supported(args),
            _ => true,
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.inner.ordered() {
            Some(ordered) if !args.order_bys.is_empty() => ordered.create_groups_accumulator(args),
            _ => Ok(Box::new(self.inner.accumulator(&args)?)),
        }
    }

    fn supports_null_handling_clause(&self) -> bool {
        true
    }
}
