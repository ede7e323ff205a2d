//! Copies of static tables in the checkpoint: the same rows again, for one version only; and what is said of a damaged one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use state::{Checkpoint, CheckpointSettings};

use super::*;

fn rows(version: &str, ids: &[Option<i64>]) -> StaticRows {
    let widths = Float64Array::from(vec![1.5; ids.len()]);
    let size =
        StructArray::from(vec![(Arc::new(Field::new("w", DataType::Float64, true)), Arc::new(widths) as ArrayRef)]);
    let tags = ListArray::from_iter_primitive::<Int64Type, _, _>(ids.iter().map(|id| Some(vec![*id, None])));
    let names = StringArray::from_iter(ids.iter().map(|id| id.map(|id| format!("row {id}"))));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("name", Arc::new(names)),
        ("size", Arc::new(size)),
        ("tags", Arc::new(tags)),
    ];
    StaticRows {
        version: version.to_string(),
        batch: RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap(),
    }
}

#[test]
fn a_copy_gives_the_same_rows_and_their_version() {
    for ids in [&[Some(1), None][..], &[]] {
        let rows = rows("files:1", ids);
        let copy = encode("products", &rows).unwrap();
        assert_eq!(encode("products", &rows).unwrap(), copy, "byte for byte");
        assert_eq!(read(&copy).unwrap(), (rows.version, rows.batch));
        for cut in [0, 1, copy.len() / 2] {
            assert!(read(&copy[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn a_copy_has_its_own_place_for_each_table_and_epoch() {
    let keys = [("a", 1), ("a", 2), ("b", 1)].map(|(name, epoch)| block_key(name, EpochId(epoch)));
    assert_eq!(keys[0].operator, OperatorId::of("static/a"));
    assert!(keys[0].operator == keys[1].operator && keys[0] != keys[1] && keys[0].operator != keys[2].operator);
}

#[test]
fn a_restart_reads_the_copy_of_the_version_that_the_plan_names() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    let (rows, key) = (rows("files:1", &[Some(1)]), block_key("products", EpochId(0)));
    let copy = encode("products", &rows).unwrap();
    let plan = epoch::Plan {
        format: epoch::record::FORMAT,
        epoch: EpochId(0),
        batch_time_us: 0,
        watermark_us: None,
        late_watermark_us: None,
        lanes: 1,
        sources: Default::default(),
        times: std::collections::BTreeMap::new(),
        statics: [("products".to_string(), rows.version.clone())].into(),
        clocks: Default::default(),
    };
    checkpoint.write_plan_with(&plan, vec![(key, copy.clone())]).unwrap();
    assert_eq!(restore(&checkpoint, "products", &rows.version).unwrap(), Some(rows));
    assert_eq!(restore(&checkpoint, "products", "files:0").unwrap(), None);
    assert_eq!(restore(&checkpoint, "other", "files:0").unwrap(), None);
    assert_eq!(superseded(&checkpoint, "products", EpochId(0)).unwrap(), []);
    assert_eq!(superseded(&checkpoint, "products", EpochId(4)).unwrap(), [key]);
    let cut = copy[..copy.len() / 2].to_vec();
    let folder = tempfile::tempdir().unwrap();
    let damaged = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    damaged.write_plan_with(&plan, vec![(key, cut)]).unwrap();
    let text = restore(&damaged, "products", "files:1").unwrap_err().to_string();
    assert!(text.contains("static table products") && text.contains("checkpoint"), "{text}");
}

#[test]
fn rows_that_are_too_many_to_copy_are_refused_with_what_to_do() {
    let rows = rows("files:1", &[Some(1)]);
    let bytes = encode("products", &rows).unwrap().len();
    assert!(encode_within("products", &rows, bytes).is_ok());
    let error = encode_within("products", &rows, bytes - 1).unwrap_err();
    assert!(matches!(&error, StaticError::TooLarge(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("static table products") && text.contains("Delta") && text.contains("never"), "{text}");
}
