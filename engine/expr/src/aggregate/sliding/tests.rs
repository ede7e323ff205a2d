//! Rows that come into a frame and leave it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::Float64Type;

use super::*;

/// A function that cannot take a row out: the product of its rows, none of no rows.
#[derive(Debug, Default)]
struct Product(Option<f64>);

impl Accumulator for Product {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Float64Type>().iter().flatten();
        self.0 = values.fold(self.0, |product, value| Some(product.unwrap_or(1.0) * value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.0))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

fn column(values: &[f64]) -> Vec<ArrayRef> {
    vec![Arc::new(Float64Array::from(values.to_vec()))]
}

#[test]
fn each_frame_is_computed_over_its_own_rows() {
    let mut frame = Sliding::new(|| Ok(Box::new(Product::default())));
    let value = |frame: &mut Sliding| match frame.evaluate().unwrap() {
        ScalarValue::Float64(value) => value,
        other => panic!("{other}"),
    };
    assert_eq!(value(&mut frame), None);
    frame.update_batch(&column(&[f64::NAN, 2.0])).unwrap();
    assert!(value(&mut frame).unwrap().is_nan());
    frame.update_batch(&column(&[3.0])).unwrap();
    frame.retract_batch(&column(&[f64::NAN])).unwrap();
    assert_eq!(value(&mut frame), Some(6.0));
    assert_eq!(value(&mut frame), Some(6.0), "it may be asked again");
    frame.retract_batch(&column(&[2.0, 3.0])).unwrap();
    assert_eq!(value(&mut frame), None, "all rows have left");
    frame.update_batch(&column(&[5.0])).unwrap();
    assert_eq!(value(&mut frame), Some(5.0));
    assert!(frame.retract_batch(&column(&[5.0, 6.0])).is_err());
}
