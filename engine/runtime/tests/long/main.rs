//! Ten thousand epochs over steady input: the state, the checkpoint and the memory are as large at the end as near the beginning.
//!
//! `ENGINE_LONG_EPOCHS` is the number of epochs of each shape alone, 600 if it is not set; all shapes together always run 10,000.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod drive;
mod meter;
mod shapes;

use drive::{Long, Quarter};
use meter::Meter;
use shapes::{SHAPES, Shape, table};

#[global_allocator]
static METER: Meter = Meter;

fn report(shapes: &[Shape], quarters: &[Quarter]) -> String {
    let mut text = String::new();
    for (number, shape) in shapes.iter().enumerate() {
        let cell = |quarter: &Quarter| {
            let state = quarter.state[number];
            format!(
                "{:>5} rows {:>4} blocks {:>8} bytes {:>3} files",
                state.rows, state.blocks, state.bytes, quarter.files[number]
            )
        };
        let cells: Vec<String> = quarters.iter().map(cell).collect();
        text += &format!("{:<24} {}\n", table(shape), cells.join(" | "));
    }
    for quarter in quarters {
        let Quarter { stored, records, file_bytes, allocated, .. } = quarter;
        text += &format!(
            "stored {stored:?}, {records} records, {file_bytes} bytes of files, {allocated} bytes allocated\n"
        );
    }
    text
}

fn flat(shapes: &[Shape], epochs: u64) {
    let begun = std::time::Instant::now();
    let mut long = Long::open(shapes);
    let quarters = long.quarters(epochs);
    let text = report(shapes, &quarters);
    eprintln!("{text}{} epochs in {:?}", long.epochs(), begun.elapsed());
    for (table, left) in long.left() {
        eprintln!("left of {table}: {left:?}");
    }
}

#[test]
fn all_shapes_in_one_job_stay_flat() {
    let epochs = std::env::var("ENGINE_LONG_EPOCHS").map_or(10_000, |text| text.parse().unwrap());
    flat(SHAPES, epochs);
}
