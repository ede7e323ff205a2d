//! `uniform(low, high, seed)` and `randstr(length, seed)`, by the generator that Spark has. They give other values each time a row is
//! computed, so no stream may call them; `engine sql` may.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::display::type_name;

/// Both.
pub fn functions() -> Vec<ScalarUDF> {
    let with = |name, counts: [usize; 2]| {
        let forms = counts.map(TypeSignature::Any).to_vec();
        ScalarUDF::new_from_impl(Random { name, signature: Signature::one_of(forms, Volatility::Volatile) })
    };
    vec![with("uniform", [2, 3]), with("randstr", [1, 2])]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Random {
    name: &'static str,
    signature: Signature,
}

impl Random {
    fn numbers(&self, arguments: &ScalarFunctionArgs, kind: &DataType) -> Result<ArrayRef> {
        let ends =
            arguments.args[..2].iter().map(|end| Ok(cast(&end.to_array(arguments.number_rows)?, &DataType::Float64)?));
        let ends = ends.collect::<Result<Vec<ArrayRef>>>()?;
        let (low, high) = (ends[0].as_primitive::<Float64Type>(), ends[1].as_primitive::<Float64Type>());
        let mut generator = Generator::new(seed(arguments.args.get(2), arguments.number_rows)?);
        let drawn = low.iter().zip(high).map(|(low, high)| {
            let share = generator.next_double();
            let value = low? + share * (high? - low?);
            Some(if kind.is_integer() { value.trunc() } else { value })
        });
        let drawn: ArrayRef = Arc::new(drawn.collect::<Float64Array>());
        Ok(cast(&drawn, kind)?)
    }

    fn texts(&self, arguments: &ScalarFunctionArgs) -> Result<ArrayRef> {
        const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let lengths = cast(&arguments.args[0].to_array(arguments.number_rows)?, &DataType::Int64)?;
        let mut generator = Generator::new(seed(arguments.args.get(1), arguments.number_rows)?);
        let one = |length: Option<i64>| match length.map(usize::try_from) {
            None => Ok(None),
            Some(Ok(length)) if length <= 1 << 20 => {
                let letters =
                    (0..length).map(|_| char::from(LETTERS[(generator.next(32) % 62).unsigned_abs() as usize]));
                Ok(Some(letters.collect::<String>()))
            }
            _ => plan_err!("the length of randstr is from 0 to {}", 1 << 20),
        };
        Ok(Arc::new(lengths.as_primitive::<Int64Type>().iter().map(one).collect::<Result<StringArray>>()?))
    }
}

impl ScalarUDFImpl for Random {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        if self.name == "randstr" {
            return match &kinds[0] {
                kind if kind.is_integer() => Ok(DataType::Utf8),
                kind => plan_err!("the length of randstr is a whole number, not {}", type_name(kind)),
            };
        }
        match (&kinds[0], &kinds[1]) {
            (DataType::Null, _) | (_, DataType::Null) => Ok(DataType::Float64),
            (left, right) if !left.is_numeric() || !right.is_numeric() => {
                plan_err!("uniform takes two numbers, not {} and {}", type_name(left), type_name(right))
            }
            (left, right) if left.is_integer() && right.is_integer() => {
                Ok(if left.primitive_width() >= right.primitive_width() { left.clone() } else { right.clone() })
            }
            (kind @ DataType::Float64, _) | (_, kind @ DataType::Float64) => Ok(kind.clone()),
            (kind @ DataType::Float32, _) | (_, kind @ DataType::Float32) => Ok(kind.clone()),
            (kind @ DataType::Decimal128(..), _) | (_, kind) => Ok(kind.clone()),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let kinds: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name, self.return_type(&kinds)?, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let kind = arguments.return_type().clone();
        Ok(ColumnarValue::Array(match self.name {
            "uniform" => self.numbers(&arguments, &kind)?,
            "randstr" => self.texts(&arguments)?,
            other => return internal_err!("no function {other}"),
        }))
    }
}

/// The seed of a call, or one drawn by chance.
fn seed(given: Option<&ColumnarValue>, rows: usize) -> Result<i64> {
    let Some(given) = given else { return Ok(RandomState::new().hash_one(0) as i64) };
    let column = cast(&given.to_array(rows.max(1))?, &DataType::Int64)?;
    let column = column.as_primitive::<Int64Type>();
    Ok(if column.is_empty() || column.is_null(0) { 0 } else { column.value(0) })
}

/// Spark's XORShiftRandom.
struct Generator(i64);

impl Generator {
    fn new(seed: i64) -> Generator {
        let bytes = seed.to_be_bytes();
        let low = hashed(&bytes, 0x3c07_4a61);
        let high = hashed(&bytes, low);
        Generator(i64::from(high as i32) << 32 | i64::from(low))
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.0 ^= self.0 << 21;
        self.0 ^= (self.0 as u64 >> 35) as i64;
        self.0 ^= self.0 << 4;
        (self.0 & ((1_i64 << bits) - 1)) as i32
    }

    fn next_double(&mut self) -> f64 {
        let (high, low) = (i64::from(self.next(26)), i64::from(self.next(27)));
        ((high << 27) + low) as f64 / (1_i64 << 53) as f64
    }
}

/// Murmur3 of 32 bits.
fn hashed(bytes: &[u8; 8], seed: u32) -> u32 {
    let mut hash = seed;
    for word in bytes.chunks_exact(4) {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        hash ^= word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    hash ^= 8;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests;
