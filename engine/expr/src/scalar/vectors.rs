//! Functions of vectors, which are arrays of floats: norm, product, distance, likeness.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, ListArray, PrimitiveArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::read::Kind;
use super::simple::{Body, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let with_degree =
        |name, gives, body| Simple { name, aliases: &[], count: (1, 2), kinds: &[Kind::Any], gives, body };
    let of_two = |name, body: Body| Simple {
        name,
        aliases: &[],
        count: (2, 2),
        kinds: &[Kind::Any],
        gives: |types| {
            check(&types[0])?;
            check(&types[1])?;
            Ok(DataType::Float32)
        },
        body,
    };
    vec![
        with_degree(
            "vector_norm",
            |types| check(&types[0]).map(|()| DataType::Float32),
            |args| {
                let norms = each(args, |vector, degree| norm(vector, degree).map(Some))?;
                Ok(Arc::new(norms.into_iter().collect::<Float32Array>()))
            },
        ),
        with_degree(
            "vector_normalize",
            |types| check(&types[0]).map(|()| vector()),
            |args| {
                let normal = each(args, |vector, degree| {
                    let norm = norm(vector, degree)?;
                    Ok((norm != 0.0)
                        .then(|| vector.iter().map(|part| part.map(|part| part / norm)).collect::<Vec<_>>()))
                })?;
                vectors(normal)
            },
        ),
        of_two("vector_inner_product", |args| pairs(args, |pairs| Some(sum(pairs, |a, b| a * b)))),
        of_two("vector_l2_distance", |args| pairs(args, |pairs| Some(sum(pairs, |a, b| (a - b) * (a - b)).sqrt()))),
        of_two("vector_cosine_similarity", |args| {
            pairs(args, |pairs| {
                let length = sum(pairs, |a, _| a * a).sqrt() * sum(pairs, |_, b| b * b).sqrt();
                (length != 0.0).then(|| sum(pairs, |a, b| a * b) / length)
            })
        }),
    ]
}

/// The type of a vector.
pub fn vector() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Float32, true)))
}

/// Refuses what is no vector.
///
/// # Errors
/// If it is none.
pub fn check(kind: &DataType) -> Result<()> {
    match kind {
        DataType::List(field) if field.data_type() == &DataType::Float32 => Ok(()),
        kind => plan_err!("a vector is an array<float>, not {}; cast it to ARRAY<FLOAT>", type_name(kind)),
    }
}

/// A column of vectors.
///
/// # Errors
/// Never in practice.
pub fn vectors(rows: Vec<Option<Vec<Option<f32>>>>) -> Result<ArrayRef> {
    let nulls = NullBuffer::from_iter(rows.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
    let parts: Float32Array = rows.into_iter().flatten().flatten().collect();
    let field = Arc::new(Field::new_list_field(DataType::Float32, true));
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(parts), Some(nulls))?))
}

fn each<T>(
    args: &[ArrayRef],
    change: impl Fn(&PrimitiveArray<Float32Type>, f32) -> Result<Option<T>>,
) -> Result<Vec<Option<T>>> {
    let lists = args[0].as_list::<i32>();
    let degrees = args.get(1).map(|degrees| cast(degrees, &DataType::Float32)).transpose()?;
    let degrees = degrees.as_ref().map(|degrees| degrees.as_primitive::<Float32Type>());
    let one = |row: usize| {
        if lists.is_null(row) || degrees.is_some_and(|degrees| degrees.is_null(row)) {
            return Ok(None);
        }
        let degree = degrees.map_or(2.0, |degrees| degrees.value(row));
        let vector = lists.value(row);
        let vector = vector.as_primitive::<Float32Type>();
        if vector.null_count() > 0 { Ok(None) } else { change(vector, degree) }
    };
    (0..lists.len()).map(one).collect()
}

/// The norm of a degree: 1 (sum), 2 (length) or infinity (the largest part).
fn norm(vector: &PrimitiveArray<Float32Type>, degree: f32) -> Result<f32> {
    let parts = vector.values().iter().map(|part| f64::from(*part).abs());
    Ok(match degree {
        1.0 => parts.sum::<f64>() as f32,
        2.0 => parts.map(|part| part * part).sum::<f64>().sqrt() as f32,
        f32::INFINITY => parts.fold(0.0, f64::max) as f32,
        other => {
            let message = format!("a norm has the degree 1.0, 2.0 or infinity, not {other}");
            return Err(RowFault { condition: "INVALID_VECTOR_NORM_DEGREE", message }.into());
        }
    })
}

fn sum(pairs: &[(f32, f32)], part: impl Fn(f64, f64) -> f64) -> f64 {
    pairs.iter().map(|(left, right)| part(f64::from(*left), f64::from(*right))).sum()
}

fn pairs(args: &[ArrayRef], reduce: impl Fn(&[(f32, f32)]) -> Option<f64>) -> Result<ArrayRef> {
    let (left, right) = (args[0].as_list::<i32>(), args[1].as_list::<i32>());
    let one = |row: usize| {
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        let (left, right) = (left.value(row), right.value(row));
        let (left, right) = (left.as_primitive::<Float32Type>(), right.as_primitive::<Float32Type>());
        if left.len() != right.len() {
            let message = format!("the vectors have {} and {} parts; they must have as many", left.len(), right.len());
            return Err(RowFault { condition: "VECTOR_DIMENSION_MISMATCH", message }.into());
        }
        if left.null_count() + right.null_count() > 0 {
            return Ok(None);
        }
        let pairs: Vec<(f32, f32)> = left.values().iter().copied().zip(right.values().iter().copied()).collect();
        Ok(reduce(&pairs).map(|value| value as f32))
    };
    Ok(Arc::new((0..left.len()).map(one).collect::<Result<Float32Array>>()?))
}
