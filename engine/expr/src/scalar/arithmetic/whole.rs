//! Arithmetic of whole numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray};
use arrow::compute::{binary, try_binary};
use arrow::datatypes::{DataType, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use datafusion::common::internal_err;
use datafusion::error::Result;

use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::typing::decimals::Operation;

/// The result of two columns of one type. Without `ansi` it wraps around, and is NULL where the divisor is zero.
///
/// # Errors
/// With `ansi`, if a row has no result.
pub fn compute(operation: Operation, ansi: bool, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    match left.data_type() {
        DataType::Int8 => of::<Int8Type>(operation, ansi, left, right),
        DataType::Int16 => of::<Int16Type>(operation, ansi, left, right),
        DataType::Int32 => of::<Int32Type>(operation, ansi, left, right),
        DataType::Int64 => of::<Int64Type>(operation, ansi, left, right),
        other => internal_err!("{other} is no whole number"),
    }
}

/// An operation that may have no result.
type Checked<N> = fn(N, N) -> std::result::Result<N, ArrowError>;

fn of<T: ArrowPrimitiveType>(operation: Operation, ansi: bool, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left, right) = (left.as_primitive::<T>(), right.as_primitive::<T>());
    let checked = |op: Checked<T::Native>| -> Result<ArrayRef> {
        match try_binary::<_, _, _, T>(left, right, op) {
            Ok(computed) => Ok(Arc::new(computed)),
            Err(ArrowError::DivideByZero) => Err(RowFault::divisor_zero(operation).into()),
            Err(_) => Err(RowFault::overflow(&type_name(&T::DATA_TYPE)).into()),
        }
    };
    let wrapping = |op: fn(T::Native, T::Native) -> T::Native| -> Result<ArrayRef> {
        Ok(Arc::new(binary::<_, _, _, T>(left, right, op)?))
    };
    match (operation, ansi) {
        (Operation::Add, true) => checked(ArrowNativeTypeOp::add_checked),
        (Operation::Subtract, true) => checked(ArrowNativeTypeOp::sub_checked),
        (Operation::Multiply, true) => checked(ArrowNativeTypeOp::mul_checked),
        (Operation::Add, false) => wrapping(ArrowNativeTypeOp::add_wrapping),
        (Operation::Subtract, false) => wrapping(ArrowNativeTypeOp::sub_wrapping),
        (Operation::Multiply, false) => wrapping(ArrowNativeTypeOp::mul_wrapping),
        (Operation::Remainder | Operation::Divide, true) => checked(|left, right| match right.is_zero() {
            true => Err(ArrowError::DivideByZero),
            // The smallest number by -1 has no quotient, but a remainder.
            false => Ok(left.mod_wrapping(right)),
        }),
        (Operation::Remainder | Operation::Divide, false) => {
            let zero = T::Native::ZERO;
            let pairs = left.iter().zip(right.iter());
            let rest = pairs.map(|(left, right)| Some(left?.mod_wrapping(right.filter(|right| *right != zero)?)));
            Ok(Arc::new(rest.collect::<arrow::array::PrimitiveArray<T>>()))
        }
    }
}
