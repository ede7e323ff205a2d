//! `aggregate(array, start, (total, x) -> …[, total -> …])`, also called `reduce`: element by element, all rows at once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::elements::{at, element_of, list_of, spans};
use super::with_lambda::{nullable, run};
use crate::display::type_name;

/// The function, to be registered.
pub fn aggregate() -> HigherOrderUDF {
    let signature = HigherOrderSignature::user_defined(Volatility::Immutable);
    HigherOrderUDF::new_from_impl(Aggregate { signature, aliases: vec!["reduce".to_string()] })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Aggregate {
    signature: HigherOrderSignature,
    aliases: Vec<String>,
}

/// How often the type of the total is looked for before it is taken as it is.
const STEPS: usize = 4;

/// The array and the start, then what the lambdas give.
type Parts<'a, L> = (&'a FieldRef, &'a FieldRef, &'a [ValueOrLambda<FieldRef, L>]);

fn parts<L>(fields: &[ValueOrLambda<FieldRef, L>]) -> Result<Parts<'_, L>> {
    match fields {
        [ValueOrLambda::Value(list), ValueOrLambda::Value(start), lambdas @ ..]
            if (1..=2).contains(&lambdas.len())
                && lambdas.iter().all(|lambda| matches!(lambda, ValueOrLambda::Lambda(_))) =>
        {
            Ok((list, start, lambdas))
        }
        _ => plan_err!("aggregate takes an array, a start and a lambda: aggregate(items, 0, (total, x) -> total + x)"),
    }
}

/// The type of the total: that of the start, made as wide as what the lambda gives. A start that is a decimal says itself how wide.
fn total_type(start: &DataType, merged: &DataType) -> Result<DataType> {
    let wider = match (start, merged) {
        (DataType::Decimal128(..), merged) if merged.is_numeric() && !merged.is_floating() => start.clone(),
        (start, DataType::Decimal128(_, scale)) if start.is_integer() => DataType::Decimal128(38, *scale),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (start, merged) if start.equals_datatype(merged) => start.clone(),
        (start, merged) => match type_union_resolution(&[start.clone(), merged.clone()]) {
            Some(wider) if is_text(merged) == is_text(start) => wider,
            _ => {
                let (start, merged) = (type_name(start), type_name(merged));
                return plan_err!(
                    "the start of aggregate is {start}, and the lambda gives {merged}: CAST the start to {merged}"
                );
            }
        },
    };
    Ok(with_nulls(&wider))
}

fn is_text(kind: &DataType) -> bool {
    crate::scalar::read::is_text(kind)
}

/// The type with nulls wherever there can be some, so that two of one kind are the same type.
fn with_nulls(kind: &DataType) -> DataType {
    let of = |field: &Field| field.clone().with_data_type(with_nulls(field.data_type())).with_nullable(true);
    match kind {
        DataType::List(element) => DataType::List(Arc::new(of(element))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| of(field)).collect::<Fields>()),
        other => other.clone(),
    }
}

impl HigherOrderUDFImpl for Aggregate {
    fn name(&self) -> &str {
        "aggregate"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        match kinds {
            [DataType::List(_), _] => Ok(kinds.to_vec()),
            [DataType::Null, start] => Ok(vec![list_of(&DataType::Null), start.clone()]),
            [other, _] => plan_err!("aggregate takes an array, not {}", type_name(other)),
            _ => plan_err!("aggregate takes an array, a start, and one or two lambdas"),
        }
    }

    fn lambda_parameters(
        &self,
        step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let (list, start, lambdas) = parts(fields)?;
        let element = nullable(element_of(list.data_type())?);
        let merged = match &lambdas[0] {
            ValueOrLambda::Lambda(Some(merged)) => Some(merged.data_type()),
            _ => None,
        };
        let start = with_nulls(start.data_type());
        let total = merged.map_or(Ok(start.clone()), |merged| total_type(&start, merged))?;
        let is_final = match merged {
            Some(_) if step == 0 => true,
            Some(merged) => step >= STEPS || step == 1 && total == start || total == with_nulls(merged) && step > 1,
            None => false,
        };
        let merge = vec![nullable(total.clone()), element];
        if is_final {
            let finish = (lambdas.len() > 1).then(|| vec![nullable(total)]);
            return Ok(LambdaParametersProgress::Complete([merge].into_iter().chain(finish).collect()));
        }
        let finish = (lambdas.len() > 1).then_some(None);
        Ok(LambdaParametersProgress::Partial([Some(merge)].into_iter().chain(finish).collect()))
    }

    fn coerce_values_for_lambdas(&self, kinds: &[ValueOrLambda<DataType, DataType>]) -> Result<Option<Vec<DataType>>> {
        match kinds {
            [ValueOrLambda::Value(list), ValueOrLambda::Value(start), ValueOrLambda::Lambda(merged), ..] => {
                Ok(Some(vec![list.clone(), total_type(start, merged)?]))
            }
            _ => Ok(None),
        }
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let (_, start, lambdas) = parts(args.arg_fields)?;
        match lambdas {
            [ValueOrLambda::Lambda(merged)] => Ok(nullable(total_type(start.data_type(), merged.data_type())?)),
            [_, ValueOrLambda::Lambda(finished)] => Ok(nullable(finished.data_type().clone())),
            _ => internal_err!("aggregate without a lambda"),
        }
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let (list_field, start_field, lambdas) = parts(&args.arg_fields)?;
        let (
            [ValueOrLambda::Value(list), ValueOrLambda::Value(start), ValueOrLambda::Lambda(merge), finish @ ..],
            ValueOrLambda::Lambda(merged),
        ) = (args.args.as_slice(), &lambdas[0])
        else {
            return internal_err!("aggregate without a lambda");
        };
        let list = list.to_array(args.number_rows)?;
        let total = total_type(start_field.data_type(), merged.data_type())?;
        let kinds = [total.clone(), element_of(list_field.data_type())?];
        let spans = spans(&list)?;
        let mut totals = cast(&start.to_array(args.number_rows)?, &total)?;
        let longest = spans.iter().flatten().map(ExactSizeIterator::len).max().unwrap_or(0);
        for number in 0..longest {
            let rows = (0..spans.len()).filter(|row| spans[*row].as_ref().is_some_and(|span| number < span.len()));
            let rows: Vec<u32> = rows.map(|row| row as u32).collect();
            let places = rows.iter().map(|row| spans[*row as usize].as_ref().map(|span| (span.start + number) as u32));
            let elements = at(list.as_list::<i32>().values(), places.collect())?;
            let before = at(&totals, rows.iter().copied().map(Some).collect())?;
            let found = run(merge, &[before, elements], &kinds, rows.clone(), &total)?;
            totals = replaced(&totals, &rows, &found)?;
        }
        // Nothing is made of a null array.
        let valid: Vec<u32> = (0..spans.len()).filter(|row| spans[*row].is_some()).map(|row| row as u32).collect();
        let kept = at(&totals, valid.iter().copied().map(Some).collect())?;
        let finished = match finish {
            [ValueOrLambda::Lambda(finish)] => {
                run(finish, &[kept], &kinds[..1], valid.clone(), args.return_field.data_type())?
            }
            _ => kept,
        };
        let none = new_null_array(args.return_field.data_type(), spans.len());
        Ok(ColumnarValue::Array(replaced(&none, &valid, &finished)?))
    }
}

/// The column with other values in these rows.
fn replaced(column: &ArrayRef, rows: &[u32], values: &ArrayRef) -> Result<ArrayRef> {
    let mut sources: Vec<(usize, usize)> = (0..column.len()).map(|row| (0, row)).collect();
    rows.iter().enumerate().for_each(|(at, row)| sources[*row as usize] = (1, at));
    Ok(interleave(&[column.as_ref(), values.as_ref()], &sources)?)
}
