//! One row a key, whatever the operator before has forgotten; held against a map.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use epoch::EpochId;
use state::KeyPartitioning;

use super::NewestSpec;
use crate::change::Sign;
use crate::epoch_time::EpochTime;
use crate::memory_blocks::MemoryBlocks;
use crate::operator::{Bound, Operator, OperatorSpec};
use crate::stored::Stored;

type Row = (Option<&'static str>, i64);

fn schema() -> SchemaRef {
    let fields = [("c0", DataType::Utf8), ("c1", DataType::Int64)];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

fn spec() -> Arc<NewestSpec> {
    Arc::new(NewestSpec {
        name: "gold.t/newest".to_string(),
        schema: schema(),
        keys: 1,
        key_names: vec!["user".to_string()],
    })
}

fn batch(rows: &[Row]) -> RecordBatch {
    let keys: StringArray = rows.iter().map(|(key, _)| *key).collect();
    let values: Int64Array = rows.iter().map(|(_, value)| Some(*value)).collect();
    RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(values)]).unwrap()
}

/// The operator with its checkpoint, and the table that its changes make.
struct Bed {
    operator: Box<dyn Operator>,
    blocks: MemoryBlocks,
    epoch: u64,
    table: Vec<(Option<String>, i64)>,
}

impl Bed {
    fn new() -> Bed {
        let operator = spec().open(Stored::default()).unwrap();
        Bed { operator, blocks: MemoryBlocks::default(), epoch: 0, table: Vec::new() }
    }

    fn restart(&mut self) {
        self.operator = spec().open(self.blocks.stored(&*spec(), None, Arc::default())).unwrap();
    }

    /// Runs an epoch; returns how many rows it retracted and added. A row that is retracted must stand in the table.
    fn epoch(&mut self, retracted: &[Row], added: &[Row]) -> (usize, usize) {
        let time = EpochTime { epoch: EpochId(self.epoch), batch_time_us: 0, watermark_us: None, late_us: None };
        self.epoch += 1;
        let mut lane = spec().lane(KeyPartitioning::default()).unwrap();
        lane.push(0, Sign::Retract, &batch(retracted), &time).unwrap();
        lane.push(0, Sign::Add, &batch(added), &time).unwrap();
        self.operator.absorb(&time, lane.finish().unwrap(), 0).unwrap();
        let tasks = self.operator.tasks(&time).unwrap();
        let (mut gone, mut came) = (0, 0);
        for change in tasks.into_iter().flat_map(|task| self.operator.run(task, &time, &self.blocks).unwrap()) {
            let keys = change.rows.column(0).as_string::<i32>();
            let values = change.rows.column(1).as_primitive::<Int64Type>();
            for (key, value) in keys.iter().zip(values.values()) {
                let row = (key.map(str::to_string), *value);
                match change.sign {
                    Sign::Add => {
                        came += 1;
                        self.table.push(row);
                    }
                    _ => {
                        gone += 1;
                        let at = self.table.iter().position(|other| *other == row);
                        self.table.remove(at.unwrap_or_else(|| panic!("retracts {row:?}, which does not stand")));
                    }
                }
            }
        }
        let changes = self.operator.prepare_commit(&time, &self.blocks).unwrap();
        self.blocks.apply(&changes);
        self.operator.committed();
        self.table.sort();
        (gone, came)
    }
}

#[test]
fn a_key_that_comes_back_takes_the_place_of_its_row() {
    let mut bed = Bed::new();
    assert_eq!(bed.epoch(&[], &[(Some("ann"), 57), (Some("bob"), 1), (None, 3)]), (0, 3));
    bed.restart();
    // The operator before has forgotten `ann`: it retracts nothing, or something that was never there.
    assert_eq!(bed.epoch(&[], &[(Some("ann"), 1)]), (1, 1));
    assert_eq!(bed.epoch(&[(Some("bob"), 99)], &[(Some("bob"), 2)]), (1, 1));
    assert_eq!(bed.epoch(&[], &[(Some("bob"), 2)]), (0, 0), "a row that stays as it is is not emitted again");
    assert_eq!(bed.epoch(&[(None, 3), (Some("never"), 0)], &[]), (1, 0), "a group without rows any more");
    bed.restart();
    assert_eq!(bed.table, [(Some("ann".to_string()), 1), (Some("bob".to_string()), 2)]);
    assert_eq!(bed.operator.count_rows(&bed.blocks).unwrap(), 2);
    assert!(
        bed.operator
            .tasks(&EpochTime { epoch: EpochId(9), batch_time_us: 0, watermark_us: None, late_us: None })
            .unwrap()
            .is_empty()
    );
}

#[test]
fn random_changes_leave_one_row_a_key() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let (mut bed, mut model, mut random) = (Bed::new(), BTreeMap::new(), 7_u64);
    let mut next = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % most
    };
    for epoch in 0..300 {
        let (mut retracted, mut added) = (Vec::new(), Vec::new());
        for name in names {
            match next(5) {
                0 => {
                    retracted.push((Some(name), next(3) as i64));
                    model.remove(name);
                }
                1 | 2 => {
                    let value = next(4) as i64;
                    retracted.extend((next(2) == 0).then_some((Some(name), 77)));
                    added.push((Some(name), value));
                    model.insert(name, value);
                }
                _ => {}
            }
        }
        bed.epoch(&retracted, &added);
        let expected: Vec<_> = model.iter().map(|(name, value)| (Some((*name).to_string()), *value)).collect();
        assert_eq!(bed.table, expected, "epoch {epoch}");
        if epoch % 11 == 0 {
            bed.restart();
        }
    }
}

#[test]
fn it_says_what_it_keeps() {
    assert_eq!(spec().bound(), Bound::Table("the newest row of each (user)".to_string()));
    assert_eq!(spec().fingerprint().unwrap(), ["newest key Utf8", "newest column Int64"]);
    assert!(spec().describe().contains("newest row of each (user)"));
}

/// The rows of all keys that an epoch touched in a shard were put together, whatever they held.
#[test]
fn fault_large_rows_take_the_place_of_others_in_parts() {
    let schema: SchemaRef =
        Arc::new(Schema::new(vec![Field::new("c0", DataType::Int64, true), Field::new("c1", DataType::Utf8, true)]));
    let spec = || Arc::new(NewestSpec { schema: Arc::clone(&schema), ..NewestSpec::clone(&spec()) });
    // Keys of one shard.
    let numbers: ArrayRef = Arc::new((0..1_000).map(Some).collect::<Int64Array>());
    let hashes = crate::keyed::hash::stable_hashes(&[numbers], 1_000).unwrap();
    let shard = |key: i64| crate::keyed::shard_of(hashes[key as usize], KeyPartitioning::KeyGroups);
    let keys: Vec<i64> = (0..1_000).filter(|key| shard(*key) == shard(0)).take(4).collect();
    assert_eq!(keys.len(), 4);
    let (mut operator, mut blocks) = (spec().open(Stored::default()).unwrap(), MemoryBlocks::default());
    for (epoch, letter) in [(0, "x"), (1, "y")] {
        let time = EpochTime { epoch: EpochId(epoch), batch_time_us: 0, watermark_us: None, late_us: None };
        let mut lane = spec().lane(KeyPartitioning::KeyGroups).unwrap();
        for key in &keys {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(Int64Array::from(vec![*key])),
                Arc::new(StringArray::from(vec![letter.repeat(40 << 20)])),
            ];
            let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            lane.push(0, Sign::Add, &rows, &time).unwrap();
        }
        operator.absorb(&time, lane.finish().unwrap(), 0).unwrap();
        let tasks = operator.tasks(&time).unwrap();
        let mut seen = Vec::new();
        for change in tasks.into_iter().flat_map(|task| operator.run(task, &time, &blocks).unwrap()) {
            let bytes = crate::cut::batch_bytes(&change.rows);
            assert!(bytes <= crate::cut::PART_BYTES, "{bytes} bytes in one batch");
            let of_change = change.rows.column(0).as_primitive::<Int64Type>().values();
            seen.extend(of_change.iter().map(|key| (*key, change.sign == Sign::Add)));
        }
        seen.sort_unstable();
        let expected = keys.iter().flat_map(|key| [(*key, false), (*key, true)]);
        assert_eq!(seen, expected.filter(|(_, is_added)| epoch == 1 || *is_added).collect::<Vec<_>>());
        let changes = operator.prepare_commit(&time, &blocks).unwrap();
        blocks.apply(&changes);
        operator.committed();
    }
}
