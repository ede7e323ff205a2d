//! `ceil` and `floor`, with a number of digits too. The type is Spark's: BIGINT of whole numbers and doubles, a decimal of a decimal and
//! wherever digits are asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::read::{Kind, is_text, read_as, to_double};
use crate::by_name::equal_by_name;
use crate::display::type_name;

/// The most digits of a decimal.
const DIGITS_MAX: i32 = 38;

/// Both of them.
pub fn functions() -> Vec<ScalarUDF> {
    let of = |name, aliases: &[&str], is_up| {
        let forms = vec![TypeSignature::Any(1), TypeSignature::Any(2)];
        let signature = Signature::one_of(forms, Volatility::Immutable);
        let aliases = aliases.iter().map(ToString::to_string).collect();
        ScalarUDF::new_from_impl(Rounding { name, aliases, is_up, signature })
    };
    vec![of("ceil", &["ceiling"], true), of("floor", &[], false)]
}

struct Rounding {
    name: &'static str,
    aliases: Vec<String>,
    is_up: bool,
    signature: Signature,
}

equal_by_name!(Rounding);

/// The decimal in which a value of a type is rounded to digits: as wide as any value of the type.
fn as_decimal(kind: &DataType) -> Result<(u8, i8)> {
    Ok(match kind {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        kind if kind.is_integer() => (20, 0),
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        DataType::Float32 => (14, 7),
        DataType::Float64 => (30, 15),
        kind if is_text(kind) => (38, 18),
        DataType::Null => (38, 18),
        other => return plan_err!("a number is needed, not {}", type_name(other)),
    })
}

/// The type of a decimal that is rounded to so many digits: the part before the point may have one digit more.
pub fn rounded_type(precision: u8, scale: i8, digits: i32) -> DataType {
    let whole = i32::from(precision) - i32::from(scale) + 1;
    let (precision, scale) = match digits {
        digits if digits < 0 => (whole.max(1 - digits), 0),
        digits => (whole + digits.min(i32::from(scale)), digits.min(i32::from(scale))),
    };
    DataType::Decimal128(precision.min(DIGITS_MAX) as u8, scale as i8)
}

impl Rounding {
    fn gives(&self, kind: &DataType, digits: Option<i32>) -> Result<DataType> {
        Ok(match (kind, digits) {
            (DataType::Decimal128(_, 0), None) => kind.clone(),
            (DataType::Decimal128(precision, scale), None) => rounded_type(*precision, *scale, 0),
            (_, None) => as_decimal(kind).map(|_| DataType::Int64)?,
            (_, Some(digits)) => {
                let (precision, scale) = as_decimal(kind)?;
                rounded_type(precision, scale, digits)
            }
        })
    }

    /// A whole number to the next multiple of a unit.
    fn to_multiple(&self, value: i128, unit: i128) -> Option<i128> {
        let down = value.div_euclid(unit);
        let is_between = value.rem_euclid(unit) != 0;
        down.checked_add(i128::from(self.is_up && is_between))?.checked_mul(unit)
    }

    fn of_decimals(&self, values: &Decimal128Array, scale: i8, digits: i32, gives: &DataType) -> Result<ArrayRef> {
        let DataType::Decimal128(precision, to_scale) = gives else { return internal_err!("no decimal") };
        let cut = (i32::from(scale) - digits).max(0);
        let unit = 10_i128.checked_pow(cut.unsigned_abs());
        let shift = 10_i128.checked_pow((i32::from(scale) - i32::from(*to_scale)).unsigned_abs());
        let rounded = values.iter().map(|value| match (unit, shift) {
            (Some(unit), Some(shift)) => Some(self.to_multiple(value?, unit)? / shift),
            // More digits than any number has: only which side of zero counts, and the next multiple is too large.
            _ => value.filter(|value| *value == 0 || (*value < 0) == self.is_up).map(|_| 0),
        });
        let most = 10_i128.checked_pow(u32::from(*precision)).unwrap_or(i128::MAX);
        let fitting = rounded.map(|value| value.filter(|value| value.unsigned_abs() < most.unsigned_abs()));
        Ok(Arc::new(fitting.collect::<Decimal128Array>().with_precision_and_scale(*precision, *to_scale)?))
    }
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{} needs its arguments to know its type", self.name)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let digits = match arguments.scalar_arguments.get(1) {
            None => None,
            Some(digits) => match digits.map(|digits| digits.cast_to(&DataType::Int32)) {
                Some(Ok(ScalarValue::Int32(Some(digits)))) => Some(digits),
                _ => return plan_err!("the digits of {} must be a constant whole number", self.name),
            },
        };
        let kind = self.gives(arguments.arg_fields[0].data_type(), digits)?;
        Ok(Arc::new(Field::new(self.name, kind, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        let gives = arguments.return_field.data_type();
        let digits = match arguments.args.get(1) {
            Some(ColumnarValue::Scalar(digits)) => match digits.cast_to(&DataType::Int32)? {
                ScalarValue::Int32(Some(digits)) => digits,
                other => return internal_err!("{} to {other} digits", self.name),
            },
            Some(ColumnarValue::Array(_)) => return internal_err!("{} to digits by row", self.name),
            None => 0,
        };
        let result: ArrayRef = match (values.data_type(), gives) {
            (DataType::Decimal128(_, scale), DataType::Decimal128(..)) => {
                self.of_decimals(values.as_primitive::<Decimal128Type>(), *scale, digits, gives)?
            }
            (kind, DataType::Decimal128(..)) => {
                let (precision, scale) = as_decimal(kind)?;
                let source = if is_text(kind) { read_as(&values, Kind::Text)? } else { Arc::clone(&values) };
                let decimals = cast(&source, &DataType::Decimal128(precision, scale))?;
                self.of_decimals(decimals.as_primitive::<Decimal128Type>(), scale, digits, gives)?
            }
            (kind, _) if kind.is_integer() => cast(&values, &DataType::Int64)?,
            _ => {
                let doubles: Float64Array = to_double(&values)?;
                let round = |value: f64| if self.is_up { value.ceil() as i64 } else { value.floor() as i64 };
                Arc::new(doubles.iter().map(|value| value.map(round)).collect::<Int64Array>())
            }
        };
        Ok(ColumnarValue::Array(result))
    }
}
