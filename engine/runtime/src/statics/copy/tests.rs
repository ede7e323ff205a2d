//! Copies of static tables in the checkpoint: the same rows again, for one version only; and what is said of a damaged one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use epoch::{Commit, CommitId};
use state::{Checkpoint, CheckpointSettings, StateChanges};

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

/// The commit of an epoch that saw a version of the static table.
fn commit(epoch: u64, version: &str) -> Commit {
    let mut commit = Commit::bare(CommitId::new(EpochId(epoch), epoch + 7));
    commit.plan.statics = [("products".to_string(), version.to_string())].into();
    commit
}

fn with_copy(at: BlockKey, copy: Vec<u8>) -> StateChanges {
    StateChanges { puts: vec![(at, copy)], ..StateChanges::default() }
}

#[test]
fn a_restart_reads_the_copy_of_the_version_that_the_commit_names() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    let (rows, key) = (rows("files:1", &[Some(1)]), block_key("products", EpochId(0)));
    let copy = encode("products", &rows).unwrap();
    let first = commit(0, &rows.version);
    checkpoint.commit(&first, with_copy(key, copy.clone())).unwrap();
    assert_eq!(restore(&checkpoint, "products", &rows.version).unwrap(), Some(rows));
    assert_eq!(restore(&checkpoint, "products", "files:0").unwrap(), None);
    assert_eq!(restore(&checkpoint, "other", "files:0").unwrap(), None);
    let cut = copy[..copy.len() / 2].to_vec();
    let folder = tempfile::tempdir().unwrap();
    let damaged = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    damaged.commit(&first, with_copy(key, cut)).unwrap();
    let text = restore(&damaged, "products", "files:1").unwrap_err().to_string();
    assert!(text.contains("static table products") && text.contains("checkpoint"), "{text}");
}

/// Commits on record can be run again: what they saw must be there, also where the epoch that brought it is older.
#[test]
fn a_copy_is_kept_until_another_one_came_before_all_epochs_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    let keys = [0, 3].map(|epoch| block_key("products", EpochId(epoch)));
    let versions = ["files:1", "files:1", "files:1", "files:2", "files:2"];
    for (epoch, version) in (0..).zip(versions) {
        let at = block_key("products", EpochId(epoch));
        let changes = match keys.contains(&at) {
            true => with_copy(at, encode("products", &rows(version, &[Some(1)])).unwrap()),
            false => StateChanges::default(),
        };
        checkpoint.commit(&commit(epoch, version), changes).unwrap();
    }
    for (oldest, expected) in [(0, &[][..]), (2, &[]), (3, &keys[..1]), (4, &keys[..1]), (900, &keys[..1])] {
        assert_eq!(superseded(&checkpoint, "products", EpochId(oldest)).unwrap(), expected, "{oldest}");
    }
    assert_eq!(superseded(&checkpoint, "other", EpochId(900)).unwrap(), []);
    for version in ["files:1", "files:2"] {
        assert_eq!(restore(&checkpoint, "products", version).unwrap().unwrap().version, version);
    }
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
