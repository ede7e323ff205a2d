//! Casts from, to and between intervals, and their parts. What a function has to know of a type's fields stands in the function itself.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, Field, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
};
use datafusion::common::{ScalarValue, plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub use super::interval_text::{interval_texts, raw};
use super::read::is_text;
use super::text::to_text;
use crate::display::type_name;
use crate::interval::fields::{IntervalField, IntervalType};
use crate::interval::parse_calendar;
use crate::row_fault::RowFault;
use crate::typing::meeting::is_whole;

/// `__interval('day to second', x)`: a cast to an interval.
pub const INTERVAL: &str = "__interval";

/// `__try_interval('day to second', x)`: the same, NULL where there is none.
pub const TRY_INTERVAL: &str = "__try_interval";

/// The type that the first argument of [`INTERVAL`] names for calendar intervals.
pub const CALENDAR: &str = "interval";

/// `__extract('day', x)`: a part of a time or of an interval, whichever it is.
pub const EXTRACT: &str = "__extract";

/// The functions that a query's rewrite writes.
pub fn functions() -> Vec<ScalarUDF> {
    [(Step::Named, false), (Step::Named, true), (Step::Extract, false)]
        .map(|(step, is_trying)| ScalarUDF::new_from_impl(IntervalCast::new(step, is_trying)))
        .into()
}

/// An expression over an interval, or one that gives one.
pub fn step(step: Step, is_trying: bool, args: Vec<Expr>) -> Expr {
    ScalarUDF::new_from_impl(IntervalCast::new(step, is_trying)).call(args)
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A cast to the type that the first argument names.
    Named,
    /// A cast of an interval of this type to a number of its shortest field.
    Number(IntervalType, DataType),
    /// The text of an interval of this type.
    Text(IntervalType),
    /// What the first argument names of the second; it has become another function before it is computed.
    Extract,
    /// One field of an interval.
    Part(IntervalField),
    /// -1, 0 or 1, as a double.
    Sign,
    /// The interval itself, with these fields.
    Fields(IntervalType),
}

/// The function of a step.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct IntervalCast {
    step: Step,
    is_trying: bool,
    signature: Signature,
}

impl IntervalCast {
    fn new(step: Step, is_trying: bool) -> IntervalCast {
        IntervalCast { step, is_trying, signature: Signature::variadic_any(Volatility::Immutable) }
    }

    /// True if there are values for which it is an error.
    pub fn can_fail(&self) -> bool {
        !self.is_trying && matches!(self.step, Step::Named | Step::Number(..))
    }

    /// A value, or the error that there is none.
    fn known<T>(&self, value: Option<T>, text: impl FnOnce() -> String, kind: &str) -> Result<Option<T>> {
        match value {
            None if !self.is_trying => Err(RowFault::invalid_cast(&text(), kind).into()),
            value => Ok(value),
        }
    }

    fn to_interval(&self, kind: IntervalType, values: &ArrayRef) -> Result<ArrayRef> {
        let named = format!("interval {}", kind.words());
        let numbers: Int64Array = match values.data_type() {
            from if is_text(from) => {
                let read = to_text(values)?;
                let read = read.iter().map(|text| match text {
                    Some(text) => self.known(kind.parse_value(text), || text.to_string(), &named),
                    None => Ok(None),
                });
                read.collect::<Result<_>>()?
            }
            from if IntervalType::of_data_type(from).is_some_and(|from| from.widest() == kind.widest()) => {
                raw(values)?.unary(|value| kind.cut(value))
            }
            from if is_whole(from) => {
                let count = cast(values, &DataType::Int64)?;
                let scaled = count.as_primitive::<Int64Type>().iter().map(|count| match count {
                    Some(count) => self.known(
                        in_range(kind, i128::from(count) * i128::from(kind.to.length())),
                        || count.to_string(),
                        &named,
                    ),
                    None => Ok(None),
                });
                scaled.collect::<Result<_>>()?
            }
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(scale.unsigned_abs().into());
                let scaled = values.as_primitive::<Decimal128Type>().iter().map(|value| match value {
                    Some(value) => {
                        let scaled = value.checked_mul(i128::from(kind.to.length())).map(|all| half_up(all, unit));
                        self.known(scaled.and_then(|value| in_range(kind, value)), || value.to_string(), &named)
                    }
                    None => Ok(None),
                });
                scaled.collect::<Result<_>>()?
            }
            DataType::Null => Int64Array::new_null(values.len()),
            other => return plan_err!("{} is no {named}", type_name(other)),
        };
        of_raw(&numbers, &kind.data_type())
    }

    fn to_number(&self, from: IntervalType, to: &DataType, values: &ArrayRef) -> Result<ArrayRef> {
        let raw = raw(values)?;
        let length = from.to.length();
        let exact: ArrayRef = match to {
            DataType::Decimal128(..) if from.to == IntervalField::Second => Arc::new(
                raw.iter().map(|us| us.map(i128::from)).collect::<Decimal128Array>().with_precision_and_scale(38, 6)?,
            ),
            _ => Arc::new(raw.unary::<_, Int64Type>(|value| value / length)),
        };
        let options = arrow::compute::CastOptions { safe: true, ..Default::default() };
        let number = arrow::compute::cast_with_options(&exact, to, &options)?;
        if number.null_count() > exact.null_count() && !self.is_trying {
            return Err(RowFault::overflow(&type_name(to)).into());
        }
        Ok(number)
    }

    fn part(&self, field: IntervalField, values: &ArrayRef) -> Result<ArrayRef> {
        let kind = part_type(field);
        let parts: Int64Array = match values.data_type() {
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                values.as_primitive::<IntervalMonthDayNanoType>().unary(|value| calendar_part(field, value))
            }
            _ => raw(values)?.unary(|value| match field {
                IntervalField::Month => value % 12,
                IntervalField::Hour => value % IntervalField::Day.length() / field.length(),
                IntervalField::Minute => value % IntervalField::Hour.length() / field.length(),
                IntervalField::Second => value % IntervalField::Minute.length(),
                _ => value / field.length(),
            }),
        };
        Ok(match kind {
            DataType::Decimal128(precision, scale) => Arc::new(
                parts
                    .iter()
                    .map(|us| us.map(i128::from))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(precision, scale)?,
            ),
            kind => cast(&parts, &kind)?,
        })
    }

    fn calendar(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let read = to_text(values)?;
        let read = read.iter().map(|text| parse_calendar(text?).ok());
        Ok(Arc::new(read.collect::<arrow::array::IntervalMonthDayNanoArray>()))
    }
}

fn half_up(value: i128, unit: i128) -> i128 {
    let (quotient, rest) = (value / unit, value % unit);
    if rest.abs() * 2 >= unit { quotient + value.signum() } else { quotient }
}

fn in_range(kind: IntervalType, value: i128) -> Option<i64> {
    match kind.is_of_months() {
        true => i32::try_from(value).ok().map(i64::from),
        false => i64::try_from(value).ok(),
    }
}

/// Intervals of months or microseconds.
pub fn of_raw(values: &Int64Array, kind: &DataType) -> Result<ArrayRef> {
    Ok(match kind {
        DataType::Interval(_) => Arc::new(values.unary::<_, IntervalYearMonthType>(|months| months as i32)),
        _ => Arc::new(values.unary::<_, DurationMicrosecondType>(|us| us)),
    })
}

fn calendar_part(field: IntervalField, value: IntervalMonthDayNano) -> i64 {
    let us = value.nanoseconds / 1000;
    match field {
        IntervalField::Year => i64::from(value.months / 12),
        IntervalField::Month => i64::from(value.months % 12),
        IntervalField::Day => i64::from(value.days),
        IntervalField::Hour => us / field.length(),
        IntervalField::Minute => us % IntervalField::Hour.length() / field.length(),
        IntervalField::Second => us % IntervalField::Minute.length(),
    }
}

fn part_type(field: IntervalField) -> DataType {
    match field {
        IntervalField::Year | IntervalField::Day => DataType::Int32,
        IntervalField::Second => DataType::Decimal128(8, 6),
        _ => DataType::Int8,
    }
}

fn named(value: Option<&ScalarValue>) -> Result<Option<IntervalType>> {
    match value {
        Some(ScalarValue::Utf8(Some(words))) if words == CALENDAR => Ok(None),
        Some(ScalarValue::Utf8(Some(words))) => IntervalType::parse(words)
            .map(Some)
            .ok_or_else(|| plan_datafusion_err!("INTERVAL {words} is no type; write YEAR TO MONTH or DAY TO SECOND")),
        _ => plan_err!("an interval's fields are constants"),
    }
}

impl ScalarUDFImpl for IntervalCast {
    fn name(&self) -> &str {
        match (&self.step, self.is_trying) {
            (Step::Named, false) => INTERVAL,
            (Step::Named, true) => TRY_INTERVAL,
            (Step::Number(..), _) => "__interval_number",
            (Step::Text(_), _) => "__interval_text",
            (Step::Part(_), _) => "__interval_part",
            (Step::Extract, _) => EXTRACT,
            (Step::Sign, _) => "__interval_sign",
            (Step::Fields(_), _) => "__interval_fields",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        if let (Step::Named, [Expr::Literal(ScalarValue::Utf8(Some(words)), _), Expr::Literal(value, _)]) =
            (&self.step, args)
            && let ScalarValue::Utf8(Some(digits)) = value
        {
            return Ok(format!("INTERVAL '{digits}' {}", words.to_uppercase()));
        }
        Ok(args.last().map(|arg| arg.schema_name().to_string()).unwrap_or_default())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(match &self.step {
            Step::Number(_, kind) => kind.clone(),
            Step::Text(_) => DataType::Utf8,
            Step::Part(field) => part_type(*field),
            Step::Sign => DataType::Float64,
            Step::Extract => DataType::Int32,
            Step::Fields(kind) => kind.data_type(),
            Step::Named => kinds.last().cloned().unwrap_or(DataType::Null),
        })
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let kinds: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(match &self.step {
            Step::Named => match named(arguments.scalar_arguments.first().copied().flatten())? {
                Some(kind) => kind.field(self.name(), true),
                None => Field::new(self.name(), DataType::Interval(IntervalUnit::MonthDayNano), true),
            },
            Step::Fields(kind) => kind.field(self.name(), true),
            _ => Field::new(self.name(), self.return_type(&kinds)?, true),
        }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(last) = arguments.args.last() else { return plan_err!("{} takes an interval", self.name()) };
        let values = last.to_array(arguments.number_rows)?;
        Ok(ColumnarValue::Array(match &self.step {
            Step::Named => match IntervalType::of_field(&arguments.return_field) {
                Some(kind) => self.to_interval(kind, &values)?,
                None => self.calendar(&values)?,
            },
            Step::Number(from, to) => self.to_number(*from, to, &values)?,
            Step::Text(kind) => {
                let written =
                    raw(&values)?.iter().map(|value| value.map(|value| kind.text(value))).collect::<StringArray>();
                Arc::new(written)
            }
            Step::Part(field) => self.part(*field, &values)?,
            Step::Sign => Arc::new(raw(&values)?.unary::<_, Float64Type>(|value| value.signum() as f64)),
            Step::Fields(_) => values,
            Step::Extract => return plan_err!("{EXTRACT} stands for another function"),
        }))
    }
}

/// A column of intervals as texts, with the fields that it has; none if it holds something else.
pub fn column_texts(field: &Field, values: &ArrayRef) -> Option<StringArray> {
    match (IntervalType::of_field(field), values.data_type()) {
        (Some(kind), _) => Some(raw(values).ok()?.iter().map(|value| value.map(|value| kind.text(value))).collect()),
        (None, DataType::Interval(IntervalUnit::MonthDayNano)) => interval_texts(values).ok(),
        _ => None,
    }
}
