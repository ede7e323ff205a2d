//! `+`, `-`, `*`, `/`, `%`, `DIV` and `pmod` of numbers as Spark computes them: nothing wraps around, nothing is rounded in silence.

mod decimal;
pub mod unary;
mod whole;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::common::{DFSchema, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::typing::decimals::{Digits, Operation};
use crate::typing::meeting::{common_type, is_float, is_number, is_text, is_whole};
use crate::typing::missing::Missing;
use decimal::NoResult;

use super::interval_arithmetic::{moved_type, result_type};

/// An operation on two numbers, whatever their types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Arithmetic {
    operation: Operation,
    missing: Missing,
    signature: Signature,
}

impl Arithmetic {
    /// The operation; `ansi`: what has no result is an error.
    pub fn new(operation: Operation, ansi: bool) -> Arithmetic {
        Arithmetic::with(operation, Missing::of(ansi))
    }

    /// The operation, and what it gives where it has no result.
    pub fn with(operation: Operation, missing: Missing) -> Arithmetic {
        Arithmetic { operation, missing, signature: Signature::any(2, Volatility::Immutable) }
    }

    /// The operation that a function is by its name.
    pub fn of_function(name: &str, ansi: bool) -> Option<Arithmetic> {
        let (operation, missing) = match name {
            "mod" => (Operation::Remainder, Missing::of(ansi)),
            "pmod" => (Operation::PositiveRemainder, Missing::of(ansi)),
            "div" => (Operation::IntegerDivide, Missing::of(ansi)),
            "try_add" => (Operation::Add, Missing::Null),
            "try_subtract" => (Operation::Subtract, Missing::Null),
            "try_multiply" => (Operation::Multiply, Missing::Null),
            "try_divide" => (Operation::Divide, Missing::Null),
            "try_mod" => (Operation::Remainder, Missing::Null),
            _ => return None,
        };
        Some(Arithmetic::with(operation, missing))
    }

    /// What it gives where it has no result.
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// True if what has no result is an error.
    pub fn is_ansi(&self) -> bool {
        self.missing == Missing::Error
    }

    /// The operator that DataFusion has for it.
    pub fn operator(&self) -> Operator {
        match self.operation {
            Operation::Add => Operator::Plus,
            Operation::Subtract => Operator::Minus,
            Operation::Multiply => Operator::Multiply,
            Operation::Divide => Operator::Divide,
            Operation::Remainder | Operation::PositiveRemainder => Operator::Modulo,
            Operation::IntegerDivide => Operator::IntegerDivide,
        }
    }

    fn shown(&self, args: &[String]) -> String {
        match (args, self.operation) {
            ([left, right], Operation::PositiveRemainder) => format!("pmod({left},{right})"),
            ([left, right], _) => format!("{left} {} {right}", self.operator()),
            _ => self.operator().to_string(),
        }
    }
}

/// The types in which two operands are computed, and the type of the result.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// Of the left operand.
    pub left: DataType,
    /// Of the right operand.
    pub right: DataType,
    /// Of the result.
    pub result: DataType,
}

/// The types of an operation on numbers, or on texts that are read as numbers; none if an operand is neither.
pub fn typed(operation: Operation, left: &DataType, right: &DataType) -> Option<Typed> {
    let both = |operands: DataType, result: DataType| Typed { left: operands.clone(), right: operands, result };
    let is_operand = |kind: &DataType| is_number(kind) || is_text(kind) || kind == &DataType::Null;
    if !is_operand(left) || !is_operand(right) {
        return None;
    }
    // Two texts, or a text and nothing, are doubles.
    let common = match common_type(left, right)? {
        kind if is_text(&kind) || kind == DataType::Null => DataType::Float64,
        kind => kind,
    };
    if operation == Operation::IntegerDivide {
        return integer_division(left, right, &common);
    }
    if is_float(&common) || is_whole(&common) && operation == Operation::Divide {
        let kind = if operation == Operation::Divide { DataType::Float64 } else { common };
        return Some(both(kind.clone(), kind));
    }
    if is_whole(&common) {
        return Some(both(common.clone(), common));
    }
    let (left, right) = (Digits::of(left).or(Digits::of(&common))?, Digits::of(right).or(Digits::of(&common))?);
    let result = left.result(operation, right).data_type();
    Some(Typed { left: left.data_type(), right: right.data_type(), result })
}

/// `DIV` is of whole numbers and decimals.
fn integer_division(left: &DataType, right: &DataType, common: &DataType) -> Option<Typed> {
    let result = DataType::Int64;
    if is_whole(common) || left == &DataType::Null && right == &DataType::Null {
        return Some(Typed { left: result.clone(), right: result.clone(), result });
    }
    let (left, right) = (Digits::of(left).or(Digits::of(common))?, Digits::of(right).or(Digits::of(common))?);
    Some(Typed { left: left.data_type(), right: right.data_type(), result })
}

impl ScalarUDFImpl for Arithmetic {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "__add",
            Operation::Subtract => "__subtract",
            Operation::Multiply => "__multiply",
            Operation::Divide => "__divide",
            Operation::Remainder => "__remainder",
            Operation::PositiveRemainder => "__positive_remainder",
            Operation::IntegerDivide => "__integer_divide",
        }
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(self.shown(&args.iter().map(ToString::to_string).collect::<Vec<_>>()))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(self.shown(&args.iter().map(|arg| arg.schema_name().to_string()).collect::<Vec<_>>()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else { return Err(plan_datafusion_err!("{} takes two operands", self.operator())) };
        let own = typed(self.operation, left, right).map(|typed| typed.result);
        let own = own.or_else(|| moved_type(left, right)).or_else(|| result_type(self.operation, left, right));
        match own {
            Some(kind) => Ok(kind),
            None => BinaryTypeCoercer::new(left, &self.operator(), right).get_result_type().map_err(|_| {
                let (left, right) = (type_name(left), type_name(right));
                plan_datafusion_err!("{left} {} {right}: there is no such operation", self.operator())
            }),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [left, right] = &arguments.args[..] else {
            return Err(plan_datafusion_err!("{} takes two operands", self.operator()));
        };
        let typed = typed(self.operation, &left.data_type(), &right.data_type())
            .ok_or_else(|| plan_datafusion_err!("{} is computed of numbers only", self.operator()))?;
        let read = |value: &ColumnarValue, kind: &DataType| -> Result<ArrayRef> {
            Ok(cast(&value.cast_to(kind, None)?.to_array(rows)?, kind)?)
        };
        let (left, right) = (read(left, &typed.left)?, read(right, &typed.right)?);
        Ok(ColumnarValue::Array(self.compute(&left, &right, &typed)?))
    }
}

impl Arithmetic {
    fn compute(&self, left: &ArrayRef, right: &ArrayRef, typed: &Typed) -> Result<ArrayRef> {
        match &typed.result {
            DataType::Decimal128(..) => self.decimals(left, right, typed),
            DataType::Float64 => self.doubles(left, right),
            DataType::Float32 => {
                let double = |side: &ArrayRef| cast(side, &DataType::Float64);
                Ok(cast(&self.doubles(&double(left)?, &double(right)?)?, &DataType::Float32)?)
            }
            _ if matches!(typed.left, DataType::Decimal128(..)) => self.decimals_whole(left, right, typed),
            _ => whole::compute(self.operation, self.missing, left, right),
        }
    }

    fn doubles(&self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
        let of = |op: fn(f64, f64) -> f64| -> Result<ArrayRef> {
            Ok(Arc::new(arrow::compute::binary::<_, _, _, Float64Type>(left, right, op)?))
        };
        let op: fn(f64, f64) -> f64 = match self.operation {
            Operation::Add => return of(|a, b| a + b),
            Operation::Subtract => return of(|a, b| a - b),
            Operation::Multiply => return of(|a, b| a * b),
            Operation::Divide => |a, b| a / b,
            Operation::Remainder => |a, b| a % b,
            Operation::PositiveRemainder => |a, b| {
                let rest = a % b;
                if rest < 0.0 { (rest + b) % b } else { rest }
            },
            Operation::IntegerDivide => {
                return Err(plan_datafusion_err!("DIV is computed of whole numbers and decimals"));
            }
        };
        let pairs = left.iter().zip(right.iter());
        let computed = pairs.map(|(left, right)| match (left, right) {
            (Some(_), Some(0.0)) if self.is_ansi() => Err(RowFault::divisor_zero(self.operation).into()),
            (Some(_), Some(0.0)) => Ok(None),
            (left, right) => Ok(left.zip(right).map(|(left, right)| op(left, right))),
        });
        Ok(Arc::new(computed.collect::<Result<Float64Array>>()?))
    }

    fn decimals(&self, left: &ArrayRef, right: &ArrayRef, typed: &Typed) -> Result<ArrayRef> {
        let digits = |kind: &DataType| Digits::of(kind).ok_or_else(|| plan_datafusion_err!("{kind} is no decimal"));
        let (left_digits, right_digits, to) = (digits(&typed.left)?, digits(&typed.right)?, digits(&typed.result)?);
        let pairs = left.as_primitive::<Decimal128Type>().iter().zip(right.as_primitive::<Decimal128Type>());
        let computed = pairs.map(|pair| {
            let (Some(left), Some(right)) = pair else { return Ok(None) };
            match decimal::compute(self.operation, (left, left_digits), (right, right_digits), to) {
                Ok(value) => Ok(Some(value)),
                Err(_) if !self.is_ansi() => Ok(None),
                Err(NoResult::DivisorZero) => Err(RowFault::divisor_zero(self.operation).into()),
                Err(NoResult::TooLarge) => Err(RowFault::out_of_range(&type_name(&typed.result)).into()),
            }
        });
        let computed: Decimal128Array = computed.collect::<Result<_>>()?;
        Ok(Arc::new(computed.with_precision_and_scale(to.precision, to.scale)?))
    }
}

impl Arithmetic {
    /// `DIV` of decimals: the low 64 bits of the quotient, as in Spark.
    fn decimals_whole(&self, left: &ArrayRef, right: &ArrayRef, typed: &Typed) -> Result<ArrayRef> {
        let digits = |kind: &DataType| Digits::of(kind).ok_or_else(|| plan_datafusion_err!("{kind} is no decimal"));
        let (left_digits, right_digits) = (digits(&typed.left)?, digits(&typed.right)?);
        let pairs = left.as_primitive::<Decimal128Type>().iter().zip(right.as_primitive::<Decimal128Type>());
        let computed = pairs.map(|pair| match pair {
            (Some(_), Some(0)) if self.is_ansi() => Err(RowFault::divisor_zero(self.operation).into()),
            (Some(left), Some(right)) => Ok(decimal::whole_quotient((left, left_digits), (right, right_digits))),
            _ => Ok(None),
        });
        Ok(Arc::new(computed.collect::<Result<Int64Array>>()?))
    }
}

/// A sum of decimals by their number, rounded half up; none if the type cannot hold it.
pub fn quotient(sum: (i128, Digits), count: i64, to: Digits) -> Option<i128> {
    let count = (i128::from(count), Digits { precision: 20, scale: 0 });
    decimal::compute(Operation::Divide, sum, count, to).ok()
}

/// Plans operators on numbers as [`Arithmetic`]. What has an instant, a day or an interval on one side is DataFusion's.
#[derive(Debug)]
pub struct ArithmeticPlanner {
    /// See [`Arithmetic::new`].
    pub ansi: bool,
}

impl ExprPlanner for ArithmeticPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let operation = match expr.op {
            BinaryOperator::Plus => Operation::Add,
            BinaryOperator::Minus => Operation::Subtract,
            BinaryOperator::Multiply => Operation::Multiply,
            BinaryOperator::Divide => Operation::Divide,
            BinaryOperator::Modulo => Operation::Remainder,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // The type of a field or of a lambda's variable is not known yet, and such an error is told later.
        let kinds = expr.left.get_type(schema).ok().zip(expr.right.get_type(schema).ok());
        if let Some((left, right)) = kinds
            && (left.is_temporal() || right.is_temporal())
            && moved_type(&left, &right).is_none()
            && result_type(operation, &left, &right).is_none()
        {
            return Ok(PlannerResult::Original(expr));
        }
        let function = ScalarUDF::new_from_impl(Arithmetic::new(operation, self.ansi));
        Ok(PlannerResult::Planned(function.call(vec![expr.left, expr.right])))
    }
}

#[cfg(test)]
mod tests;
