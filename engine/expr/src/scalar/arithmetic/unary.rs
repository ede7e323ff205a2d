//! `-x` and `abs(x)` of numbers and intervals: the smallest number of a type has no counterpart, which is an error, or the number itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, FieldRef, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    TimeUnit,
};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::typing::meeting::{is_number, is_text};

/// The function that stands for a minus before anything but a constant.
pub const NEGATIVE: &str = "__negative";

/// The function that stands for `abs`.
pub const ABSOLUTE: &str = "__absolute";

/// Both functions, as they are registered: with errors.
pub fn functions() -> Vec<ScalarUDF> {
    [false, true].map(|is_absolute| ScalarUDF::new_from_impl(Unary::new(is_absolute, true))).into()
}

/// A change of a number's sign.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Unary {
    is_absolute: bool,
    ansi: bool,
    signature: Signature,
}

impl Unary {
    /// `abs`, or a minus; `ansi`: what has no result is an error.
    pub fn new(is_absolute: bool, ansi: bool) -> Unary {
        Unary { is_absolute, ansi, signature: Signature::any(1, Volatility::Immutable) }
    }

    /// The function that stands under this name.
    pub fn of_function(name: &str, ansi: bool) -> Option<Unary> {
        [(NEGATIVE, false), (ABSOLUTE, true)]
            .into_iter()
            .find(|(own, _)| *own == name)
            .map(|(_, is_absolute)| Unary::new(is_absolute, ansi))
    }

    /// True of `abs`.
    pub fn is_absolute(&self) -> bool {
        self.is_absolute
    }

    /// True if there are values of a type for which it is an error.
    pub fn can_fail(&self, kind: &DataType) -> bool {
        self.ansi && !matches!(kind, DataType::Float32 | DataType::Float64 | DataType::Decimal128(..))
    }

    fn shown(&self, argument: &str) -> String {
        if self.is_absolute { format!("abs({argument})") } else { format!("(- {argument})") }
    }

    fn whole<T: ArrowPrimitiveType>(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let numbers = values.as_primitive::<T>();
        let zero = T::Native::ZERO;
        let is_kept = |value: T::Native| self.is_absolute && !value.is_lt(zero);
        if !self.ansi {
            return Ok(Arc::new(
                numbers.unary::<_, T>(|value| if is_kept(value) { value } else { value.neg_wrapping() }),
            ));
        }
        let changed = numbers
            .try_unary::<_, T, _>(|value| if is_kept(value) { Ok(value) } else { value.neg_checked() })
            .map_err(|_| RowFault::overflow(&type_name(&T::DATA_TYPE)))?;
        Ok(Arc::new(changed.with_data_type(values.data_type().clone())))
    }

    fn of(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let is_absolute = self.is_absolute;
        Ok(match values.data_type() {
            DataType::Int8 => self.whole::<Int8Type>(values)?,
            DataType::Int16 => self.whole::<Int16Type>(values)?,
            DataType::Int32 => self.whole::<Int32Type>(values)?,
            DataType::Int64 => self.whole::<Int64Type>(values)?,
            DataType::Interval(IntervalUnit::YearMonth) => self.whole::<IntervalYearMonthType>(values)?,
            DataType::Duration(TimeUnit::Microsecond) => self.whole::<DurationMicrosecondType>(values)?,
            DataType::Interval(IntervalUnit::MonthDayNano) => self.calendar(values)?,
            DataType::Float32 => {
                let change = |value: f32| if is_absolute { value.abs() } else { -value };
                Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(change))
            }
            DataType::Decimal128(..) => {
                let change = |value: i128| if is_absolute { value.abs() } else { -value };
                let changed = values.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(change);
                Arc::new(changed.with_data_type(values.data_type().clone()))
            }
            _ => {
                let doubles = cast(values, &DataType::Float64)?;
                let change = |value: f64| if is_absolute { value.abs() } else { -value };
                Arc::new(doubles.as_primitive::<Float64Type>().unary::<_, Float64Type>(change))
            }
        })
    }

    fn calendar(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let values = values.as_primitive::<IntervalMonthDayNanoType>();
        let negated = values.try_unary::<_, IntervalMonthDayNanoType, RowFault>(|value| {
            let parts = value.months.checked_neg().zip(value.days.checked_neg()).zip(value.nanoseconds.checked_neg());
            let ((months, days), nanoseconds) = parts.ok_or_else(|| RowFault::overflow("interval"))?;
            Ok(IntervalMonthDayNano { months, days, nanoseconds })
        })?;
        Ok(Arc::new(negated))
    }
}

impl ScalarUDFImpl for Unary {
    fn name(&self) -> &str {
        if self.is_absolute { ABSOLUTE } else { NEGATIVE }
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(self.shown(&args.first().map(ToString::to_string).unwrap_or_default()))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(self.shown(&args.first().map(|arg| arg.schema_name().to_string()).unwrap_or_default()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match &kinds[0] {
            kind if is_number(kind) => Ok(kind.clone()),
            kind @ (DataType::Interval(IntervalUnit::YearMonth) | DataType::Duration(TimeUnit::Microsecond)) => {
                Ok(kind.clone())
            }
            kind @ DataType::Interval(IntervalUnit::MonthDayNano) if !self.is_absolute => Ok(kind.clone()),
            kind if is_text(kind) || kind == &DataType::Null => Ok(DataType::Float64),
            // DataFusion's own numbers, until they have Spark's types.
            kind if kind.is_numeric() => Ok(kind.clone()),
            kind => plan_err!("{} takes a number or an interval, not {}", self.shown("x"), type_name(kind)),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let field = &arguments.arg_fields[0];
        let kind = self.return_type(std::slice::from_ref(field.data_type()))?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(kind)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        Ok(ColumnarValue::Array(self.of(&arguments.args[0].to_array(rows)?)?))
    }
}
