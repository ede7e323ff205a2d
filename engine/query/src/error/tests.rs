//! What is said of errors as DataFusion words them.

use datafusion::common::Column;

use super::*;

fn tables() -> Vec<TableInfo> {
    let name = "gold.counts".to_owned();
    vec![TableInfo { name, version: 3, epoch: None, rows: Some(2), files: 1, bytes: 10, damage: None }]
}

#[test]
fn a_table_that_is_not_there_comes_with_those_that_are() {
    for text in ["table 'datafusion.gold.cuonts' not found", "table 'gold.cuonts' not found"] {
        let error = DataFusionError::Plan(text.to_owned());
        let expected = "there is no table gold.cuonts\n  the tables are gold.counts".to_owned();
        assert_eq!(QueryError::of(&error, &tables()), QueryError::WrongInput(expected));
    }
    let none = QueryError::unknown_table("x", &[]).to_string();
    assert!(none.contains("run a job first"), "{none}");
}

#[test]
fn a_column_that_is_not_there_comes_with_those_that_are() {
    let error = SchemaError::FieldNotFound {
        field: Box::new(Column::from_name("n")),
        valid_fields: vec![Column::from_name("a"), Column::from_name("b")],
    };
    let error = DataFusionError::SchemaError(Box::new(error), Box::new(None));
    let expected = "there is no column n\n  the columns are a, b".to_owned();
    assert_eq!(QueryError::of(&error, &[]), QueryError::WrongInput(expected));
}

#[test]
fn what_breaks_while_running_is_no_fault_of_the_query() {
    let error = DataFusionError::Execution("the disk is gone".to_owned());
    assert!(matches!(QueryError::of(&error, &[]), QueryError::Failed(text) if text.contains("the disk is gone")));
}
