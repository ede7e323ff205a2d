//! `vector_sum(vector)` and `vector_avg(vector)`: part by part.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float32Type;
use datafusion::error::Result;
use datafusion::logical_expr::AggregateUDF;

use super::folds::{Fold, Folding};
use crate::row_fault::RowFault;
use crate::scalar::vectors::{check, vector, vectors};

/// Both.
pub fn vector_totals() -> Vec<AggregateUDF> {
    let named = |name, fold| Folding {
        name,
        arity: (1, 1),
        takes: |kinds| check(&kinds[0]).map(|()| kinds.to_vec()),
        gives: |_| Ok(vector()),
        fold,
    };
    vec![
        named("vector_sum", |_| Ok(Total { is_mean: false })).into_udaf(),
        named("vector_avg", |_| Ok(Total { is_mean: true })).into_udaf(),
    ]
}

#[derive(Debug, Clone)]
struct Total {
    is_mean: bool,
}

/// The number of vectors, and the sum of each part; a part is exact while it has fewer than 2^29 floats of like size.
type Sums = (u64, Vec<f64>);

fn added(state: &mut Sums, count: u64, parts: impl ExactSizeIterator<Item = f64>) -> Result<()> {
    if state.0 == 0 {
        state.1 = vec![0.0; parts.len()];
    }
    if state.1.len() != parts.len() {
        let message = format!("the vectors have {} and {} parts; they must have as many", state.1.len(), parts.len());
        return Err(RowFault { condition: "VECTOR_DIMENSION_MISMATCH", message }.into());
    }
    state.0 += count;
    state.1.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    Ok(())
}

impl Fold for Total {
    type State = Sums;

    fn empty(&self) -> Result<Sums> {
        Ok((0, Vec::new()))
    }

    fn add(&self, state: &mut Sums, columns: &[ArrayRef], row: usize) -> Result<()> {
        let parts = columns[0].as_list::<i32>().value(row);
        let parts = parts.as_primitive::<Float32Type>();
        if parts.null_count() > 0 {
            return Ok(());
        }
        added(state, 1, parts.values().iter().map(|part| f64::from(*part)))
    }

    fn write(&self, state: &Sums) -> Vec<u8> {
        let parts = state.1.iter().flat_map(|sum| sum.to_le_bytes());
        state.0.to_le_bytes().into_iter().chain(parts).collect()
    }

    fn merge(&self, state: &mut Sums, bytes: &[u8]) -> Result<()> {
        let word = |chunk: &[u8]| chunk.try_into().unwrap_or([0; 8]);
        let mut words = bytes.chunks_exact(8).map(word);
        match words.next().map(u64::from_le_bytes) {
            Some(count) if count > 0 => added(state, count, words.map(f64::from_le_bytes)),
            _ => Ok(()),
        }
    }

    fn finish(&self, states: Vec<Sums>) -> Result<ArrayRef> {
        let one = |(count, sums): Sums| {
            let by = if self.is_mean { count as f64 } else { 1.0 };
            (count > 0).then(|| sums.into_iter().map(|sum| Some((sum / by) as f32)).collect())
        };
        vectors(states.into_iter().map(one).collect())
    }

    fn heap_bytes(&self, state: &Sums) -> usize {
        state.1.capacity() * size_of::<f64>()
    }
}
