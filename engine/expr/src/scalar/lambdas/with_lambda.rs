//! A function of values and one lambda: its signature, its types and its call.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array, new_empty_array};
use arrow::compute::{cast, take_arrays};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{internal_err, plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::elements::list_of;
use crate::by_name::equal_by_name;
use crate::display::type_name;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};

/// A function of values and one lambda.
pub struct WithLambda {
    /// Its name in lower case.
    pub name: &'static str,
    /// What each value must be, before the lambda.
    pub values: &'static [Shape],
    /// The types of the lambda's arguments, by those of the values.
    pub parameters: fn(&[DataType]) -> Result<Vec<DataType>>,
    /// The type of the result, by the types of the values and of what the lambda gives.
    pub gives: fn(&[DataType], &DataType) -> Result<DataType>,
    /// The function itself.
    pub body: fn(&Call<'_>) -> Result<ArrayRef>,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An array.
    List,
    /// A map.
    Map,
}

/// A call with its values, each a column of as many rows.
pub struct Call<'a> {
    /// The values.
    pub values: Vec<ArrayRef>,
    /// The type of the result.
    pub gives: DataType,
    parameters: Vec<DataType>,
    lambda: &'a LambdaArgument,
    lambda_gives: DataType,
}

impl Call<'_> {
    /// What the lambda gives for these arguments, of which each belongs to one row of the values.
    pub fn run(&self, arguments: &[ArrayRef], rows: Vec<u32>) -> Result<ArrayRef> {
        run(self.lambda, arguments, &self.parameters, rows, &self.lambda_gives)
    }
}

/// Computes a lambda over columns of arguments; the other columns that it reads are those of `rows`.
pub(super) fn run(
    lambda: &LambdaArgument,
    arguments: &[ArrayRef],
    kinds: &[DataType],
    rows: Vec<u32>,
    gives: &DataType,
) -> Result<ArrayRef> {
    if rows.is_empty() {
        return Ok(new_empty_array(gives));
    }
    let count = rows.len();
    let rows = UInt32Array::from(rows);
    let of_kind = arguments.iter().zip(kinds).map(|(argument, kind)| match argument.data_type() == kind {
        true => Ok(Arc::clone(argument)),
        false => cast(argument, kind),
    });
    let arguments = of_kind.collect::<std::result::Result<Vec<_>, _>>()?;
    let given: Vec<_> = arguments.iter().map(|argument| || Ok(Arc::clone(argument))).collect();
    let given: Vec<&dyn Fn() -> Result<ArrayRef>> = given.iter().map(|argument| argument as _).collect();
    let found = lambda.evaluate(&given, |captured| Ok(take_arrays(captured, &rows, None)?))?.into_array(count)?;
    Ok(if found.data_type() == gives { found } else { cast(&found, gives)? })
}

/// Refuses a lambda that gives no condition.
pub fn condition(name: &str, gives: &DataType) -> Result<()> {
    match gives {
        DataType::Boolean | DataType::Null => Ok(()),
        other => {
            Err(of_lambda(plan_datafusion_err!("the lambda of {name} must give a boolean, not {}", type_name(other))))
        }
    }
}

/// An error in what a lambda gives.
pub(super) fn of_lambda(error: DataFusionError) -> DataFusionError {
    refused(error, UNEXPECTED_INPUT_TYPE, "change what the lambda gives")
}

pub(super) fn nullable(kind: DataType) -> FieldRef {
    Arc::new(Field::new("", kind, true))
}

impl WithLambda {
    /// The function as DataFusion takes it.
    pub fn into_udf(self) -> HigherOrderUDF {
        let arguments = self.values.iter().map(|_| ValueOrLambda::Value(())).chain([ValueOrLambda::Lambda(())]);
        let signature = HigherOrderSignature::exact(arguments.collect(), Volatility::Immutable);
        HigherOrderUDF::new_from_impl(Function { signature, inner: self })
    }
}

struct Function {
    signature: HigherOrderSignature,
    inner: WithLambda,
}

equal_by_name!(Function);

/// The types of the values among arguments.
fn value_types<L>(fields: &[ValueOrLambda<FieldRef, L>]) -> Vec<DataType> {
    let values = fields.iter().filter_map(|field| match field {
        ValueOrLambda::Value(field) => Some(field.data_type().clone()),
        ValueOrLambda::Lambda(_) => None,
    });
    values.collect()
}

impl HigherOrderUDFImpl for Function {
    fn name(&self) -> &str {
        self.inner.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.inner.name;
        let coerced = kinds.iter().zip(self.inner.values).map(|(kind, shape)| match (kind, shape) {
            (DataType::List(_), Shape::List) | (DataType::Map(..), Shape::Map) => Ok(kind.clone()),
            (DataType::Null, Shape::List) => Ok(list_of(&DataType::Null)),
            (other, Shape::List) => plan_err!("{name} takes an array, not {}", type_name(other)),
            (other, Shape::Map) => plan_err!("{name} takes a map, not {}", type_name(other)),
        });
        coerced.collect()
    }

    fn lambda_parameters(
        &self,
        _: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let parameters = (self.inner.parameters)(&value_types(fields))?;
        Ok(LambdaParametersProgress::Complete(vec![parameters.into_iter().map(nullable).collect()]))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let Some(ValueOrLambda::Lambda(lambda)) = args.arg_fields.last() else {
            return plan_err!("{} takes a lambda, such as x -> x + 1", self.inner.name);
        };
        Ok(nullable((self.inner.gives)(&value_types(args.arg_fields), lambda.data_type())?))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let kinds = value_types(&args.arg_fields);
        let (Some(ValueOrLambda::Lambda(lambda)), Some(ValueOrLambda::Lambda(field))) =
            (args.args.last(), args.arg_fields.last())
        else {
            return internal_err!("{} without a lambda", self.inner.name);
        };
        let values = args.args.iter().filter_map(|argument| match argument {
            ValueOrLambda::Value(value) => Some(value.to_array(args.number_rows)),
            ValueOrLambda::Lambda(_) => None,
        });
        let call = Call {
            values: values.collect::<Result<_>>()?,
            gives: args.return_field.data_type().clone(),
            parameters: (self.inner.parameters)(&kinds)?,
            lambda,
            lambda_gives: field.data_type().clone(),
        };
        Ok(ColumnarValue::Array((self.inner.body)(&call)?))
    }
}
