//! A function over a frame that moves: `OVER (… ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)`.
//!
//! Most of DataFusion's accumulators cannot take a row out again, and the job stops when the frame first moves; those of variances can, but
//! what is left of the row (a NaN, the rounding of a large number) stays in all later frames. So the rows of the frame are kept, and the
//! function is computed over them anew for each: a frame of n rows costs n steps a row.

use std::fmt::{Debug, Formatter};

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::scalar::ScalarValue;

/// Makes an accumulator of the function.
type Make = Box<dyn Fn() -> Result<Box<dyn Accumulator>> + Send + Sync>;

/// The rows of a frame.
pub struct Sliding {
    make: Make,
    /// The columns of the rows that came in, those that have left the frame first.
    columns: Vec<ArrayRef>,
    /// Rows that have left.
    left: usize,
}

impl Debug for Sliding {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sliding({} rows)", self.rows())
    }
}

impl Sliding {
    /// A frame without rows, over which the accumulators that `make` gives are run.
    pub fn new(make: impl Fn() -> Result<Box<dyn Accumulator>> + Send + Sync + 'static) -> Sliding {
        Sliding { make: Box::new(make), columns: Vec::new(), left: 0 }
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len()) - self.left
    }

    fn filled(&self) -> Result<Box<dyn Accumulator>> {
        let mut accumulator = (self.make)()?;
        if self.rows() > 0 {
            let rows: Vec<ArrayRef> = self.columns.iter().map(|column| column.slice(self.left, self.rows())).collect();
            accumulator.update_batch(&rows)?;
        }
        Ok(accumulator)
    }
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.rows();
        if rows == 0 {
            (self.columns, self.left) = (values.to_vec(), 0);
            return Ok(());
        }
        // What has left is not copied.
        let joined = self.columns.iter().zip(values);
        let joined = joined.map(|(own, new)| concat(&[own.slice(self.left, rows).as_ref(), new.as_ref()]));
        self.columns = joined.collect::<std::result::Result<_, _>>()?;
        self.left = 0;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let count = values.first().map_or(0, |values| values.len());
        if count > self.rows() {
            return internal_err!("{count} rows leave a frame of {}", self.rows());
        }
        self.left += count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.filled()?.evaluate()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.columns.iter().map(|column| column.get_array_memory_size()).sum::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.filled()?.state()
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("the rows of a frame are not merged from states")
    }
}

#[cfg(test)]
mod tests;
