//! Operations on intervals: sums, differences, multiples, parts, and how often one goes into another.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, IntervalMonthDayNanoArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit,
};
use datafusion::common::{internal_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::intervals::{of_raw, raw};
use crate::interval::fields::IntervalType;
use crate::row_fault::RowFault;
use crate::typing::decimals::Operation;
use crate::typing::meeting::{is_number, is_whole};
use crate::typing::missing::Missing;

const CALENDAR: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// The type of an operation of which at least one operand is an interval, if there is such an operation.
pub fn result_type(operation: Operation, left: &DataType, right: &DataType) -> Option<DataType> {
    let is_interval = |kind: &DataType| kind == &CALENDAR || IntervalType::of_data_type(kind).is_some();
    match operation {
        Operation::Add | Operation::Subtract if left == right && is_interval(left) => Some(left.clone()),
        Operation::Multiply if is_interval(left) && is_number(right) => Some(left.clone()),
        Operation::Multiply if is_number(left) && is_interval(right) => Some(right.clone()),
        Operation::Divide if is_interval(left) && is_number(right) => Some(left.clone()),
        Operation::IntegerDivide if left == right && IntervalType::of_data_type(left).is_some() => {
            Some(DataType::Int64)
        }
        _ => None,
    }
}

/// The operation on two expressions.
pub fn computed(operation: Operation, missing: Missing, left: Expr, right: Expr) -> Expr {
    ScalarUDF::new_from_impl(IntervalArithmetic::new(operation, missing)).call(vec![left, right])
}

/// An operation on an interval and an interval or a number.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct IntervalArithmetic {
    operation: Operation,
    missing: Missing,
    signature: Signature,
}

/// Why there is no result.
enum NoResult {
    TooLong,
    DivisorZero,
}

impl IntervalArithmetic {
    fn new(operation: Operation, missing: Missing) -> IntervalArithmetic {
        IntervalArithmetic { operation, missing, signature: Signature::any(2, Volatility::Immutable) }
    }

    /// True if there are values for which it is an error.
    pub fn can_fail(&self) -> bool {
        self.missing != Missing::Null
    }

    fn sign(&self) -> &'static str {
        match self.operation {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
            Operation::IntegerDivide => "DIV",
            _ => "/",
        }
    }

    /// An interval that is too long is an error by all rules; one that is divided by zero, too.
    fn known<T>(&self, value: std::result::Result<T, NoResult>) -> Result<Option<T>> {
        match (value, self.missing) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(_), Missing::Null) => Ok(None),
            (Err(NoResult::DivisorZero), _) => Err(RowFault::interval_divided().into()),
            (Err(NoResult::TooLong), _) => Err(RowFault::overflow("interval").into()),
        }
    }

    fn pairs(
        &self,
        left: &Int64Array,
        right: &Int64Array,
        op: impl Fn(i128, i128) -> std::result::Result<i128, NoResult>,
        is_of_months: bool,
    ) -> Result<Int64Array> {
        let rows = left.iter().zip(right).map(|(left, right)| {
            let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
            self.known(op(left.into(), right.into()).and_then(|value| in_range(value, is_of_months)))
        });
        rows.collect()
    }

    fn of_intervals(&self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let is_of_months = matches!(left.data_type(), DataType::Interval(_));
        let (left_raw, right_raw) = (raw(left)?, raw(right)?);
        match self.operation {
            Operation::IntegerDivide => {
                let op = |left: i128, right: i128| left.checked_div(right).ok_or(NoResult::DivisorZero);
                Ok(Arc::new(self.pairs(&left_raw, &right_raw, op, false)?))
            }
            operation => {
                let sign = if operation == Operation::Subtract { -1 } else { 1 };
                let sums = self.pairs(&left_raw, &right_raw, |left, right| Ok(left + sign * right), is_of_months)?;
                of_raw(&sums, left.data_type())
            }
        }
    }

    /// Multiples and parts, rounded half up.
    fn by_number(&self, interval: &ArrayRef, number: &ArrayRef) -> Result<ArrayRef> {
        let is_of_months = matches!(interval.data_type(), DataType::Interval(_));
        let divides = self.operation == Operation::Divide;
        let values = raw(interval)?;
        let computed = match number.data_type() {
            kind if is_whole(kind) => {
                let number = cast(number, &DataType::Int64)?;
                let op = |value: i128, by: i128| if divides { divided(value, by) } else { Ok(value * by) };
                self.pairs(&values, number.as_primitive::<Int64Type>(), op, is_of_months)?
            }
            DataType::Decimal128(_, scale) => {
                let unit = 10_i128.pow(scale.unsigned_abs().into());
                let rows = values.iter().zip(number.as_primitive::<Decimal128Type>()).map(|(value, by)| {
                    let (Some(value), Some(by)) = (value.map(i128::from), by) else { return Ok(None) };
                    let exact = match divides {
                        true => value.checked_mul(unit).ok_or(NoResult::TooLong).and_then(|all| divided(all, by)),
                        false => value.checked_mul(by).ok_or(NoResult::TooLong).and_then(|all| divided(all, unit)),
                    };
                    self.known(exact.and_then(|value| in_range(value, is_of_months)))
                });
                rows.collect::<Result<Int64Array>>()?
            }
            _ => {
                let number = cast(number, &DataType::Float64)?;
                let rows = values.iter().zip(number.as_primitive::<Float64Type>()).map(|(value, by)| {
                    let (Some(value), Some(by)) = (value, by) else { return Ok(None) };
                    self.known(of_double(value as f64, by, divides).and_then(|value| in_range(value, is_of_months)))
                });
                rows.collect::<Result<Int64Array>>()?
            }
        };
        of_raw(&computed, interval.data_type())
    }

    fn calendars(&self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let (left, right) =
            (left.as_primitive::<IntervalMonthDayNanoType>(), right.as_primitive::<IntervalMonthDayNanoType>());
        let sign = if self.operation == Operation::Subtract { -1 } else { 1 };
        let rows = left.iter().zip(right).map(|(left, right)| {
            let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
            let sum = |left: i64, right: i64| i128::from(left) + sign * i128::from(right);
            self.known(calendar(
                sum(left.months.into(), right.months.into()),
                sum(left.days.into(), right.days.into()),
                sum(left.nanoseconds, right.nanoseconds),
            ))
        });
        Ok(Arc::new(rows.collect::<Result<IntervalMonthDayNanoArray>>()?))
    }

    /// Multiples and parts of months, days and microseconds; what is left of a day goes to the microseconds, of a month nothing is.
    fn calendar_by_number(&self, interval: &ArrayRef, number: &ArrayRef) -> Result<ArrayRef> {
        let divides = self.operation == Operation::Divide;
        let number = cast(number, &DataType::Float64)?;
        let values = interval.as_primitive::<IntervalMonthDayNanoType>().iter();
        let rows = values.zip(number.as_primitive::<Float64Type>()).map(|(value, by)| {
            let (Some(value), Some(by)) = (value, by) else { return Ok(None) };
            if divides && by == 0.0 {
                return self.known(Err(NoResult::DivisorZero));
            }
            let of = |part: f64| if divides { part / by } else { part * by };
            let months = of(value.months.into());
            let days = of(value.days.into());
            let us = of((value.nanoseconds / 1000) as f64) + 86_400e6 * (days - days.trunc());
            self.known(calendar(months.trunc() as i128, days.trunc() as i128, us.round() as i128 * 1000))
        });
        Ok(Arc::new(rows.collect::<Result<IntervalMonthDayNanoArray>>()?))
    }
}

fn calendar(months: i128, days: i128, nanoseconds: i128) -> std::result::Result<IntervalMonthDayNano, NoResult> {
    let parts = (i32::try_from(months), i32::try_from(days), i64::try_from(nanoseconds));
    let (Ok(months), Ok(days), Ok(nanoseconds)) = parts else { return Err(NoResult::TooLong) };
    Ok(IntervalMonthDayNano { months, days, nanoseconds })
}

fn in_range(value: i128, is_of_months: bool) -> std::result::Result<i64, NoResult> {
    let fitting = match is_of_months {
        true => i32::try_from(value).ok().map(i64::from),
        false => i64::try_from(value).ok(),
    };
    fitting.ok_or(NoResult::TooLong)
}

/// Rounded half up, away from zero.
fn divided(value: i128, by: i128) -> std::result::Result<i128, NoResult> {
    if by == 0 {
        return Err(NoResult::DivisorZero);
    }
    let (quotient, rest) = (value / by, value % by);
    let is_up = rest.unsigned_abs() * 2 >= by.unsigned_abs();
    Ok(if is_up { quotient + value.signum() * by.signum() } else { quotient })
}

fn of_double(value: f64, by: f64, divides: bool) -> std::result::Result<i128, NoResult> {
    if divides && by == 0.0 {
        return Err(NoResult::DivisorZero);
    }
    let exact = if divides { value / by } else { value * by };
    if exact.is_finite() { Ok((exact + 0.5).floor() as i128) } else { Err(NoResult::TooLong) }
}

impl ScalarUDFImpl for IntervalArithmetic {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "__interval_add",
            Operation::Subtract => "__interval_subtract",
            Operation::Multiply => "__interval_multiply",
            Operation::IntegerDivide => "__interval_integer_divide",
            _ => "__interval_divide",
        }
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.iter().map(ToString::to_string).collect::<Vec<_>>().join(&format!(" {} ", self.sign())))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(&format!(" {} ", self.sign())))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        let kind = kinds.first().zip(kinds.get(1)).and_then(|(left, right)| result_type(self.operation, left, right));
        kind.ok_or_else(|| plan_datafusion_err!("there is no such operation on intervals"))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let fields = arguments.arg_fields;
        let kinds: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
        let kind = self.return_type(&kinds)?;
        let all = IntervalType::of_field(&fields[0]).zip(IntervalType::of_field(&fields[1]));
        Ok(Arc::new(match (all, self.operation) {
            (Some((left, right)), Operation::Add | Operation::Subtract) => left.with(right).field(self.name(), true),
            _ => arrow::datatypes::Field::new(self.name(), kind, true),
        }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [left, right] = arguments.args.as_slice() else { return internal_err!("two operands") };
        let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
        let (interval, number) = if is_number(left.data_type()) { (&right, &left) } else { (&left, &right) };
        let is_calendar = interval.data_type() == &CALENDAR;
        let computed = match (self.operation, is_calendar) {
            (Operation::Multiply | Operation::Divide, true) => self.calendar_by_number(interval, number)?,
            (Operation::Multiply | Operation::Divide, false) => self.by_number(interval, number)?,
            (_, true) => self.calendars(&left, &right)?,
            (_, false) => self.of_intervals(&left, &right)?,
        };
        Ok(ColumnarValue::Array(computed))
    }
}

/// The type of a time that is moved, before the operation has its own form.
pub fn moved_type(left: &DataType, right: &DataType) -> Option<DataType> {
    let is_clock =
        |kind: &DataType| matches!(kind, DataType::Duration(_) | DataType::Interval(IntervalUnit::YearMonth));
    let is_point = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_));
    match (is_point(left), is_point(right)) {
        (true, false) if is_clock(right) => Some(left.clone()),
        (false, true) if is_clock(left) => Some(right.clone()),
        _ => None,
    }
}
