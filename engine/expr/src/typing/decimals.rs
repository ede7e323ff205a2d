//! Precision and scale of decimals as Spark has them (`DecimalPrecision`, `DecimalType`), with
//! `spark.sql.decimalOperations.allowPrecisionLoss` on.

use arrow::datatypes::DataType;

/// Most digits of a decimal.
pub const PRECISION_MAX: u8 = 38;

/// Digits after the point that a result keeps when it has too many digits before it.
const SCALE_KEPT: i32 = 6;

/// Digits, and how many of them stand after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// All of them, 1 to 38.
    pub precision: u8,
    /// Those after the point.
    pub scale: i8,
}

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `pmod(a, b)`: what is left, never below zero.
    PositiveRemainder,
    /// `DIV`, a BIGINT.
    IntegerDivide,
}

impl Digits {
    /// As a type.
    pub fn data_type(self) -> DataType {
        DataType::Decimal128(self.precision, self.scale)
    }

    /// The decimal that holds all values of a type of whole numbers, or that a decimal type is.
    pub fn of(kind: &DataType) -> Option<Digits> {
        let whole = |precision| Some(Digits { precision, scale: 0 });
        match kind {
            DataType::Decimal128(precision, scale) => Some(Digits { precision: *precision, scale: *scale }),
            DataType::Int8 => whole(3),
            DataType::Int16 => whole(5),
            DataType::Int32 => whole(10),
            DataType::Int64 => whole(20),
            _ => None,
        }
    }

    /// The smallest decimal that holds a whole constant.
    pub fn of_constant(value: i64) -> Digits {
        let digits = value.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
        Digits { precision: digits as u8, scale: 0 }
    }

    /// The type in which all values of both can be told apart, digits before the point first (`widerDecimalType`).
    pub fn wider(self, other: Digits) -> Digits {
        let scale = i32::from(self.scale.max(other.scale));
        let before = self.before_point().max(other.before_point());
        match before + scale <= i32::from(PRECISION_MAX) {
            true => of(before + scale, scale),
            false => of(i32::from(PRECISION_MAX), (i32::from(PRECISION_MAX) - before).max(0)),
        }
    }

    /// The type of a result.
    pub fn result(self, operation: Operation, other: Digits) -> Digits {
        let (left, right) = (i32::from(self.scale), i32::from(other.scale));
        let scale = left.max(right);
        match operation {
            Operation::Add | Operation::Subtract => {
                let before = self.before_point().max(other.before_point());
                adjusted(before + scale + 1, scale)
            }
            Operation::Multiply => adjusted(i32::from(self.precision) + i32::from(other.precision) + 1, left + right),
            Operation::Divide => {
                let scale = SCALE_KEPT.max(left + i32::from(other.precision) + 1);
                adjusted(self.before_point() + right + scale, scale)
            }
            Operation::Remainder | Operation::PositiveRemainder => {
                adjusted(self.before_point().min(other.before_point()) + scale, scale)
            }
            Operation::IntegerDivide => of((self.before_point() + right).max(1), 0),
        }
    }

    fn before_point(self) -> i32 {
        i32::from(self.precision) - i32::from(self.scale)
    }
}

/// `DecimalType.adjustPrecisionScale`: of too many digits those after the point go, down to six.
fn adjusted(precision: i32, scale: i32) -> Digits {
    if precision <= i32::from(PRECISION_MAX) {
        return of(precision, scale);
    }
    let before = precision - scale;
    of(i32::from(PRECISION_MAX), (i32::from(PRECISION_MAX) - before).max(scale.min(SCALE_KEPT)))
}

fn of(precision: i32, scale: i32) -> Digits {
    let clamped = |digits: i32| digits.clamp(0, i32::from(PRECISION_MAX)) as u8;
    Digits { precision: clamped(precision).max(1), scale: clamped(scale) as i8 }
}

#[cfg(test)]
mod tests;
