//! Tables and columns as `\d` lists them, types in the job file's names.

use arrow::datatypes::Schema;
use connector::TableInfo;
use query::type_name;

use crate::show::Side::{Left, Right};
use crate::show::{bytes, count, table};

/// The tables of a warehouse. Why one is damaged is said when it is asked for.
pub fn list_tables(tables: &[TableInfo]) -> Vec<String> {
    let dash = || "-".to_owned();
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|table| {
            if table.damage.is_some() {
                return vec![table.name.clone(), "damaged".to_owned(), dash(), dash(), dash(), dash()];
            }
            vec![
                table.name.clone(),
                table.rows.map_or_else(dash, count),
                count(table.files),
                bytes(table.bytes),
                table.version.to_string(),
                table.epoch.map_or_else(dash, |epoch| epoch.to_string()),
            ]
        })
        .collect();
    let columns =
        [("table", Left), ("rows", Right), ("files", Right), ("size", Right), ("version", Right), ("epoch", Right)];
    table(&columns, &rows)
}

/// The columns of one table.
pub fn list_columns(schema: &Schema) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        schema.fields().iter().map(|field| vec![field.name().clone(), type_name(field.data_type())]).collect();
    table(&[("column", Left), ("type", Left)], &rows)
}
