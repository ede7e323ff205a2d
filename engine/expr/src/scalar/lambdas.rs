//! Spark's functions that take a lambda of several arguments; those of one argument are DataFusion's own.

mod aggregate;
mod arrays;
mod maps;
mod sort;

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array, new_empty_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take, take_arrays};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{internal_err, plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use crate::display::type_name;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};

/// All of them, to be registered.
pub fn functions() -> Vec<HigherOrderUDF> {
    let with_one = arrays::functions().into_iter().chain(maps::functions()).chain([sort::array_sort()]);
    let mut all: Vec<HigherOrderUDF> = with_one.map(WithLambda::into_udf).collect();
    all.push(aggregate::aggregate());
    all
}

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
fn run(
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

/// The places of each row's elements or entries; none for a null.
pub fn spans(values: &ArrayRef) -> Result<Vec<Option<Range<usize>>>> {
    let offsets = match values.data_type() {
        DataType::List(_) => values.as_list::<i32>().value_offsets(),
        DataType::Map(..) => values.as_map().value_offsets(),
        other => return internal_err!("an array or a map of {other}"),
    };
    let span = |row: usize| values.is_valid(row).then(|| offsets[row] as usize..offsets[row + 1] as usize);
    Ok((0..values.len()).map(span).collect())
}

/// The elements at these places; none is null.
pub fn at(values: &dyn Array, places: Vec<Option<u32>>) -> Result<ArrayRef> {
    Ok(take(values, &UInt32Array::from(places), None)?)
}

/// Lists of these lengths; none is a null.
pub fn listed(kind: &DataType, elements: ArrayRef, lengths: &[Option<usize>]) -> Result<ArrayRef> {
    let DataType::List(field) = kind else { return internal_err!("a list of {kind}") };
    let nulls = NullBuffer::from_iter(lengths.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, elements, Some(nulls))?))
}

/// An array of these.
pub fn list_of(kind: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind.clone(), true)))
}

/// The type of an array's elements.
pub fn element_of(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::List(field) => Ok(field.data_type().clone()),
        other => plan_err!("an array is needed, not {}", type_name(other)),
    }
}

/// The types of a map's keys and values.
pub fn entry_of(kind: &DataType) -> Result<[DataType; 2]> {
    if let DataType::Map(entries, _) = kind
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok([key.data_type().clone(), value.data_type().clone()]);
    }
    plan_err!("a map is needed, not {}", type_name(kind))
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
fn of_lambda(error: DataFusionError) -> DataFusionError {
    refused(error, UNEXPECTED_INPUT_TYPE, "change what the lambda gives")
}

fn nullable(kind: DataType) -> FieldRef {
    Arc::new(Field::new("", kind, true))
}

impl WithLambda {
    fn into_udf(self) -> HigherOrderUDF {
        let arguments = self.values.iter().map(|_| ValueOrLambda::Value(())).chain([ValueOrLambda::Lambda(())]);
        let signature = HigherOrderSignature::exact(arguments.collect(), Volatility::Immutable);
        HigherOrderUDF::new_from_impl(Function { signature, inner: self })
    }
}

struct Function {
    signature: HigherOrderSignature,
    inner: WithLambda,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.inner.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.inner.name == other.inner.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.name.hash(state);
    }
}

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
