//! Arithmetic of whole numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::compute::{binary, cast, try_binary};
use arrow::datatypes::{DataType, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::common::internal_err;
use datafusion::error::Result;

use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::typing::decimals::Operation;
use crate::typing::missing::Missing;

/// The result of two columns of one type. Where it wraps around, it is NULL if the divisor is zero.
///
/// # Errors
/// If a row has no result, and that is an error.
pub fn compute(operation: Operation, missing: Missing, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    match left.data_type() {
        // Spark computes these as INT.
        kind @ (DataType::Int8 | DataType::Int16) if operation == Operation::PositiveRemainder => {
            let (left, right) = (cast(left, &DataType::Int32)?, cast(right, &DataType::Int32)?);
            Ok(cast(&of::<Int32Type>(operation, missing, &left, &right)?, kind)?)
        }
        DataType::Int8 => of::<Int8Type>(operation, missing, left, right),
        DataType::Int16 => of::<Int16Type>(operation, missing, left, right),
        DataType::Int32 => of::<Int32Type>(operation, missing, left, right),
        DataType::Int64 => of::<Int64Type>(operation, missing, left, right),
        other => internal_err!("{other} is no whole number"),
    }
}

/// An operation that may have no result.
type Checked<N> = fn(N, N) -> std::result::Result<N, ArrowError>;

fn of<T: ArrowPrimitiveType>(
    operation: Operation,
    missing: Missing,
    left: &ArrayRef,
    right: &ArrayRef,
) -> Result<ArrayRef> {
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    let exact = checked::<T>(operation);
    match (missing, wrapping::<T>(operation)) {
        (Missing::Error, _) => match try_binary::<_, _, _, T>(left, right, exact) {
            Ok(computed) => Ok(Arc::new(computed)),
            Err(ArrowError::DivideByZero) => Err(RowFault::divisor_zero(operation).into()),
            Err(_) => Err(RowFault::overflow(&type_name(&T::DATA_TYPE)).into()),
        },
        (Missing::Wraps, Some(op)) => Ok(Arc::new(binary::<_, _, _, T>(left, right, op)?)),
        (Missing::Wraps, None) => {
            let zero = T::Native::ZERO;
            let pairs = left.iter().zip(right.iter());
            let rests = pairs.map(|(left, right)| {
                let (left, right) = (left?, right.filter(|right| *right != zero)?);
                Some(exact(left, right).unwrap_or_else(|_| left.div_wrapping(right)))
            });
            Ok(Arc::new(rests.collect::<PrimitiveArray<T>>()))
        }
        (Missing::Null, _) => {
            let pairs = left.iter().zip(right.iter());
            Ok(Arc::new(pairs.map(|(left, right)| exact(left?, right?).ok()).collect::<PrimitiveArray<T>>()))
        }
    }
}

type Wrapping<N> = fn(N, N) -> N;

/// What wraps around; none for what divides.
fn wrapping<T: ArrowPrimitiveType>(operation: Operation) -> Option<Wrapping<T::Native>> {
    match operation {
        Operation::Add => Some(ArrowNativeTypeOp::add_wrapping),
        Operation::Subtract => Some(ArrowNativeTypeOp::sub_wrapping),
        Operation::Multiply => Some(ArrowNativeTypeOp::mul_wrapping),
        _ => None,
    }
}

fn checked<T: ArrowPrimitiveType>(operation: Operation) -> Checked<T::Native> {
    match operation {
        Operation::Add => ArrowNativeTypeOp::add_checked,
        Operation::Subtract => ArrowNativeTypeOp::sub_checked,
        Operation::Multiply => ArrowNativeTypeOp::mul_checked,
        Operation::IntegerDivide => ArrowNativeTypeOp::div_checked,
        // The smallest number by -1 has no quotient, but a remainder.
        Operation::Remainder | Operation::Divide => |left, right| match right.is_zero() {
            true => Err(ArrowError::DivideByZero),
            false => Ok(left.mod_wrapping(right)),
        },
        Operation::PositiveRemainder => |left, right| {
            if right.is_zero() {
                return Err(ArrowError::DivideByZero);
            }
            let rest = left.mod_wrapping(right);
            let is_below = rest.is_lt(T::Native::ZERO);
            Ok(if is_below { rest.add_wrapping(right).mod_wrapping(right) } else { rest })
        },
    }
}
