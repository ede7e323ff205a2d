//! Rows for which a query has no value, told apart from the others.

use arrow::array::RecordBatch;

use crate::error::OperatorError;

/// What came of rows.
#[derive(Debug)]
pub struct Sifted<T> {
    /// What was made of those that there is a value for, in order.
    pub made: Vec<T>,
    /// The others: their places, and what is wrong with each.
    pub faulty: Vec<(usize, String)>,
}

/// What `run` makes of rows. If it fails because of a row, half by half, until the rows at fault stand alone; likewise if what it
/// makes would be more text than a column can hold. A row alone is computed as it would be in a table of one row, so that what a
/// condition keeps from it is kept from it.
///
/// # Errors
/// Those of `run` that are not about a row.
pub fn sift<T>(
    rows: &RecordBatch,
    run: &dyn Fn(&RecordBatch) -> Result<T, OperatorError>,
) -> Result<Sifted<T>, OperatorError> {
    let mut sifted = Sifted { made: Vec::new(), faulty: Vec::new() };
    part(rows, 0, run, &mut sifted)?;
    Ok(sifted)
}

fn part<T>(
    rows: &RecordBatch,
    first: usize,
    run: &dyn Fn(&RecordBatch) -> Result<T, OperatorError>,
    sifted: &mut Sifted<T>,
) -> Result<(), OperatorError> {
    match run(rows) {
        Ok(made) => sifted.made.push(made),
        Err(OperatorError::Row(what)) if rows.num_rows() == 1 => sifted.faulty.push((first, what)),
        Err(OperatorError::Row(_) | OperatorError::TooLong(_)) if rows.num_rows() > 1 => {
            let half = rows.num_rows() / 2;
            part(&rows.slice(0, half), first, run, sifted)?;
            part(&rows.slice(half, rows.num_rows() - half), first + half, run, sifted)?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
