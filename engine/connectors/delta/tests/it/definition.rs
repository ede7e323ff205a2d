//! Tables come to be once, whoever creates them and whatever fails, and take added columns only.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connector::{AsOf, SinkError, register_tables};
use delta::{Table, Warehouse};
use epoch::EpochId;
use futures::StreamExt;
use object_store::ObjectStore;
use storage::faults::{Fault, Operation, Rule};

use crate::fixture::{
    NAME, added, artifact, at, faulty, newest, open, owner, publish, schema, stage, stage_batch, try_open,
};

fn with(fields: &[Field]) -> SchemaRef {
    Arc::new(Schema::new(
        schema().fields().iter().map(|field| field.as_ref().clone()).chain(fields.iter().cloned()).collect::<Vec<_>>(),
    ))
}

async fn refusal(warehouse: &Warehouse, columns: Vec<Field>) -> String {
    match Table::open(warehouse, NAME, Arc::new(Schema::new(columns)), "shop", "1a2b").await {
        Err(SinkError::Refused(text)) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_creators_make_one_table() {
    for _ in 0..5 {
        let (warehouse, _) = faulty();
        let opened = futures::future::join_all((0..8).map(|_| {
            let warehouse = warehouse.clone();
            tokio::spawn(async move {
                // Who comes second is told to try again: a job is then opened anew.
                for _ in 0..10 {
                    match try_open(&warehouse, NAME, schema(), ("shop", "1a2b")).await {
                        Err(SinkError::Unavailable(_)) => {}
                        opened => return at(&opened.unwrap()).await,
                    }
                }
                panic!("the table is there, and could not be opened")
            })
        }))
        .await;
        for position in opened {
            assert_eq!(position.unwrap(), (0, None));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_survives_a_lost_answer_and_a_failing_store() {
    for fault in [Fault::ApplyThenFail, Fault::Fail] {
        for operation in [Operation::Put, Operation::Get, Operation::List] {
            let (warehouse, store) = faulty();
            // A table that is made is known without reading it: only one that is there is read.
            if operation == Operation::Get {
                open(&warehouse).await;
            }
            store.add(Rule::next(operation, "", fault));
            let opened = try_open(&warehouse, NAME, schema(), ("shop", "1a2b")).await;
            assert_eq!((store.fired(), store.left()), (1, 0), "{operation:?} {fault:?}");
            assert_eq!(at(&opened.unwrap()).await, (0, None), "{operation:?} {fault:?}");
        }
    }
    let (warehouse, store) = faulty();
    store.add(Rule::next(Operation::Put, "", Fault::Fail).times(1000));
    let opened = try_open(&warehouse, NAME, schema(), ("shop", "1a2b")).await;
    assert!(matches!(opened, Err(SinkError::Unavailable(_))), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_changes_nothing_and_shows_the_columns_that_will_be() {
    let (warehouse, store) = faulty();
    let table = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await.unwrap();
    assert_eq!(at(&table).await, (0, None));
    assert!(store.list(None).next().await.is_none(), "nothing was made");
    assert!(Table::find(&warehouse, NAME, "shop", "1a2b").await.unwrap().is_none());
    table.define(owner()).await.unwrap();
    table.define(owner()).await.unwrap();
    assert_eq!(at(&table).await, (0, None));
    publish(&table, 0, &added(&[&stage(&table, 0, 0, &[(1, 10)]).await])).await.unwrap();

    let wider = with(&[Field::new("label", DataType::Utf8, true)]);
    let table = Table::open(&warehouse, NAME, Arc::clone(&wider), "shop", "1a2b").await.unwrap();
    assert_eq!((table.schema(), at(&table).await), (&wider, (1, Some(EpochId(0)))));
    let found = Table::find(&warehouse, NAME, "shop", "1a2b").await.unwrap().unwrap();
    assert_eq!((found.schema(), at(&found).await), (&schema(), (1, Some(EpochId(0)))), "as it is");
    // What an earlier run committed comes before the new columns.
    publish(&table, 1, &added(&[&stage(&found, 1, 0, &[(2, 20)]).await])).await.unwrap();
    table.define(owner()).await.unwrap();
    table.define(owner()).await.unwrap();
    assert_eq!(at(&table).await, (3, Some(EpochId(1))));
    assert_eq!(newest(&warehouse).await, [(1, 10), (2, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn added_columns_are_added_and_old_rows_have_null_there() {
    let (warehouse, store) = faulty();
    let table = open(&warehouse).await;
    let old = stage(&table, 0, 0, &[(1, 10)]).await;
    publish(&table, 0, &added(&[&old])).await.unwrap();
    let wider = with(&[Field::new("label", DataType::Utf8View, false)]);
    // The answer to the change of the columns is lost, too.
    store.add(Rule::next(Operation::Put, "_delta_log", Fault::ApplyThenFail));
    let table = try_open(&warehouse, NAME, Arc::clone(&wider), ("shop", "1a2b")).await.unwrap();
    assert_eq!(store.left(), 0);
    assert_eq!(at(&table).await, (2, Some(EpochId(0))));
    assert_eq!(table.schema().field(2).data_type(), &DataType::Utf8);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["x"])),
        Arc::new(Int64Array::from(vec![2])),
        Arc::new(Int64Array::from(vec![20])),
    ];
    let batch = RecordBatch::try_from_iter(["label", "key", "value"].into_iter().zip(columns)).unwrap();
    let new = stage_batch(&table, artifact(1, 0), None, batch).await.unwrap();
    assert_eq!(publish(&table, 1, &added(&[&new])).await.unwrap(), 3);
    let context = datafusion::prelude::SessionContext::new();
    register_tables(&context, &warehouse, AsOf::Latest).await.unwrap();
    let shown = batch::rows(&context, "SELECT key, value, label FROM gold.counts ORDER BY key").await.unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&shown).unwrap().to_string();
    assert!(shown.contains("| 1   | 10    |       |") && shown.contains("| 2   | 20    | x     |"), "{shown}");
    // The same columns in another order are the same table.
    assert_eq!(at(&try_open(&warehouse, NAME, wider, ("shop", "1a2b")).await.unwrap()).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_change_is_refused_and_says_which_column() {
    let (warehouse, _) = faulty();
    open(&warehouse).await;
    let (key, value) = (Field::new("key", DataType::Int64, true), Field::new("value", DataType::Utf8, true));
    let text = refusal(&warehouse, vec![key.clone()]).await;
    assert!(text.contains("table gold.counts") && text.contains("`value`"), "{text}");
    let text = refusal(&warehouse, vec![key, value]).await;
    assert!(text.contains("`value` is Int64 in the table and Utf8 in the query"), "{text}");
    assert_eq!(newest(&warehouse).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_data_and_names_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    open(&warehouse).await;
    std::fs::write(folder.path().join("gold/counts/_delta_log/00000000000000000000.json"), "{\"metaData\":").unwrap();
    let opened = Table::open(&warehouse, NAME, schema(), "shop", "1a2b").await;
    assert!(matches!(&opened, Err(SinkError::Data(text)) if text.as_str().contains("gold.counts")), "{opened:?}");
}
