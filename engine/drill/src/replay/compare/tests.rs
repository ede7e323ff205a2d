//! What a replay says of rows that were written by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::*;

fn rows(numbers: &[i64]) -> Rows {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(numbers.to_vec()))]).unwrap();
    Rows::of("gold.t", vec![batch], &BTreeSet::new())
}

#[test]
fn the_same_rows_in_another_order_came_out_the_same() {
    assert_eq!(between(&rows(&[1, 2, 2]), &rows(&[2, 1, 2]), None, None), CameOut::Same { rows: 3, note: None });
    let note = Some("from epoch 3 on".to_owned());
    assert_eq!(
        between(&rows(&[]), &rows(&[]), note.clone(), Some("doubt".to_owned())),
        CameOut::Same { rows: 0, note }
    );
}

#[test]
fn what_came_out_otherwise_is_said_in_the_words_of_a_replay() {
    let (note, doubt) = (Some("note".to_owned()), Some("doubt".to_owned()));
    let CameOut::Otherwise(lines) = between(&rows(&[1, 2, 3]), &rows(&[1, 2, 2]), note, doubt) else {
        panic!("they differ")
    };
    let expected = [
        "3 rows lie in the warehouse, 3 came out; 1 lie there only, 1 came out only",
        "there only: n=2",
        "out only:   n=3",
        "note",
        "doubt",
    ];
    assert_eq!(lines, expected);
}
