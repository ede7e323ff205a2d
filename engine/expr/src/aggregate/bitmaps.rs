//! `bitmap_construct_agg(position)`, `bitmap_or_agg(bitmap)`, `bitmap_and_agg(bitmap)`: bitmaps of 4,096 bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::AggregateUDF;

use super::folds::{Fold, Folding};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// The bytes of a bitmap.
const BYTES: usize = 4096;

/// All of them.
pub fn bitmaps() -> Vec<AggregateUDF> {
    let of_bitmaps = |name, how| Folding {
        name,
        arity: (1, 1),
        takes: |kinds| match &kinds[0] {
            DataType::Binary | DataType::BinaryView | DataType::LargeBinary | DataType::Null => {
                Ok(vec![DataType::Binary])
            }
            kind => plan_err!("a bitmap is a BINARY, not {}; see bitmap_construct_agg", type_name(kind)),
        },
        gives: |_| Ok(DataType::Binary),
        fold: how,
    };
    vec![
        Folding {
            name: "bitmap_construct_agg",
            arity: (1, 1),
            takes: |kinds| match &kinds[0] {
                kind if kind.is_integer() || kind == &DataType::Null => Ok(vec![DataType::Int64]),
                kind => plan_err!("bitmap_construct_agg takes bitmap_bit_position(x), not {}", type_name(kind)),
            },
            gives: |_| Ok(DataType::Binary),
            fold: |_| Ok(Bitmap(How::Construct)),
        }
        .into_udaf(),
        of_bitmaps("bitmap_or_agg", |_| Ok(Bitmap(How::Or))).into_udaf(),
        of_bitmaps("bitmap_and_agg", |_| Ok(Bitmap(How::And))).into_udaf(),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Construct,
    Or,
    And,
}

#[derive(Debug, Clone)]
struct Bitmap(How);

impl Bitmap {
    fn with(&self, state: &mut [u8], bytes: &[u8]) {
        for (at, byte) in state.iter_mut().enumerate() {
            let other = bytes.get(at).copied().unwrap_or(0);
            match self.0 {
                How::And => *byte &= other,
                _ => *byte |= other,
            }
        }
    }
}

impl Fold for Bitmap {
    type State = Vec<u8>;

    fn empty(&self) -> Result<Vec<u8>> {
        Ok(vec![if self.0 == How::And { 0xFF } else { 0 }; BYTES])
    }

    fn add(&self, state: &mut Vec<u8>, columns: &[ArrayRef], row: usize) -> Result<()> {
        if self.0 != How::Construct {
            self.with(state, columns[0].as_binary::<i32>().value(row));
            return Ok(());
        }
        let position = columns[0].as_primitive::<Int64Type>().value(row);
        match usize::try_from(position) {
            Ok(position) if position < BYTES * 8 => state[position / 8] |= 1 << (position % 8),
            _ => {
                let message = format!("a bitmap has the positions 0 to {}, not {position}", BYTES * 8 - 1);
                return Err(RowFault { condition: "INVALID_BITMAP_POSITION", message }.into());
            }
        }
        Ok(())
    }

    fn write(&self, state: &Vec<u8>) -> Vec<u8> {
        state.clone()
    }

    fn merge(&self, state: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
        self.with(state, bytes);
        Ok(())
    }

    fn finish(&self, states: Vec<Vec<u8>>) -> Result<ArrayRef> {
        Ok(Arc::new(BinaryArray::from_iter_values(states)))
    }

    fn heap_bytes(&self, state: &Vec<u8>) -> usize {
        state.capacity()
    }
}
