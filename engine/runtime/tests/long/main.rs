//! A long run over steady input: state, checkpoint and memory are as large at the end as after the first part.
//!
//! How much more than what lives may lie there: blocks are merged 16 of a kind into one of the next, so a store has at most 16 of
//! each of its few tiers; a bucket of blocks is written anew once it holds twice its living rows and 1,024 dead ones. So rows are
//! the same in every part of a run, blocks and bytes go up and down within a factor, and neither has a trend.
//!
//! `ENGINE_LONG_EPOCHS` is the number of epochs, 1,200 if it is not set; 10,000 for the whole proof. `ENGINE_LONG_ONLY` is a part of
//! the names of the shapes to run, all if it is not set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod drive;
mod meter;
mod shapes;

use drive::{Long, Quarter};
use meter::Meter;
use shapes::{SHAPES, Shape, table};

#[global_allocator]
static METER: Meter = Meter;

/// Commits that a checkpoint keeps: `retain_epochs`.
const RECORDS: u64 = 100;

fn report(shapes: &[Shape], quarters: &[Quarter]) -> String {
    let mut text = String::new();
    for (number, shape) in shapes.iter().enumerate() {
        let cell = |quarter: &Quarter| {
            let (state, files) = (quarter.state[number], quarter.files[number]);
            format!("{:>5} rows {:>4} blocks {:>7} bytes {files:>2} files", state.rows, state.blocks, state.bytes)
        };
        let cells: Vec<String> = quarters.iter().map(cell).collect();
        text += &format!("{:<24} {}\n", table(shape), cells.join(" | "));
    }
    for Quarter { stored, records, file_bytes, allocated, took, .. } in quarters {
        text += &format!(
            "checkpoint: {} blocks of {} bytes, {records} records, {file_bytes} bytes of keys and values; {allocated} bytes allocated; {took:?}\n",
            stored.0, stored.1
        );
    }
    text
}

/// What is more at the end than it may be, given what it was after the first part.
///
/// The memory of a short run is not at its level yet: by quarters of 300 epochs 13.4, 16.1, 17.6, 18.8 MB, of 1,000 epochs
/// 19.8, 18.1, 19.2, 18.8.
fn growth(shapes: &[Shape], epochs: u64, before: &Quarter, after: &Quarter) -> Vec<String> {
    let mut grown = Vec::new();
    let mut check = |what: String, before: u64, after: u64, percent: u64, slack: u64| {
        if after > before * percent / 100 + slack {
            grown.push(format!("{what}: {before} became {after}"));
        }
    };
    for (number, shape) in shapes.iter().enumerate() {
        let (table, was, is) = (table(shape), before.state[number], after.state[number]);
        check(format!("rows of {table}"), was.rows, is.rows, 110, 4);
        check(format!("blocks of {table}"), was.blocks, is.blocks, 130, 16);
        check(format!("bytes of {table}"), was.bytes, is.bytes, 130, 16 << 10);
        check(format!("open files of {table}"), before.files[number] as u64, after.files[number] as u64, 100, 1);
    }
    check("blocks in the checkpoint".to_string(), before.stored.0, after.stored.0, 150, 64);
    check("bytes in the checkpoint".to_string(), before.stored.1, after.stored.1, 150, 64 << 10);
    check("bytes of keys and values in the checkpoint".to_string(), before.file_bytes, after.file_bytes, 150, 2 << 20);
    let percent = if epochs < 4_000 { 130 } else { 110 };
    check("memory".to_string(), before.allocated as u64, after.allocated as u64, percent, 1 << 20);
    grown
}

#[test]
fn all_shapes_in_one_job_stay_flat() {
    let epochs = std::env::var("ENGINE_LONG_EPOCHS").map_or(1_200, |text| text.parse().unwrap());
    let only = std::env::var("ENGINE_LONG_ONLY").unwrap_or_default();
    let shapes: Vec<Shape> = SHAPES.iter().copied().filter(|(name, ..)| name.contains(&only)).collect();
    let mut long = Long::open(&shapes);
    let quarters = long.quarters(epochs);
    let text = report(&shapes, &quarters);
    println!("{text}{} epochs", long.epochs());
    let (before, after) = (&quarters[1], &quarters[3]);
    let grown = growth(&shapes, epochs, before, after);
    assert!(grown.is_empty(), "{text}\n{}", grown.join("\n"));
    assert!(after.late > 0, "no row was late");
    for quarter in &quarters[1..] {
        assert_eq!(quarter.records, RECORDS);
        for shape in &shapes {
            assert!(quarter.written.get(&table(shape)).is_some_and(|rows| *rows > 0), "{} wrote nothing", table(shape));
        }
    }
    for (table, left) in long.left() {
        // The last two events and clicks, and in a join that replaces its rows the four pairs of them; one more in an aggregate over those.
        assert!(left.rows <= 9, "{table} keeps {} rows after everything was closed", left.rows);
    }
}
