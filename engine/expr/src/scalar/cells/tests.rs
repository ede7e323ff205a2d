//! What becomes of the cells of VALUES.
#![allow(clippy::unwrap_used, reason = "tests")]

use datafusion::logical_expr::{Cast, lit};

use super::*;

#[test]
fn casts_of_the_builder_go_and_those_of_the_user_stay() {
    let [cells, cell] = <[ScalarUDF; 2]>::try_from(functions()).unwrap();
    let users = Expr::Cast(Cast::new(Box::new(lit(1_i64)), DataType::Int8));
    let first = cells.call(vec![users.clone(), lit(2_i64)]);
    let second = Expr::Cast(Cast::new(Box::new(cell.call(vec![lit(2_i64)])), DataType::Int64));
    assert_eq!(written(first), users);
    assert_eq!(written(second), lit(2_i64));
    assert_eq!(written(users.clone()), users);
}

#[test]
fn a_column_without_a_common_type_is_refused_with_its_types() {
    let cells = Cells::new(true);
    assert_eq!(cells.return_type(&[DataType::Int32, DataType::Null, DataType::Int64]).unwrap(), DataType::Int64);
    let error = cells.return_type(&[DataType::Int32, DataType::Date32]).unwrap_err().to_string();
    assert!(error.contains("int and date"), "{error}");
}
