//! What is shown of an epoch, and what happens when nobody reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn progress() -> EpochProgress {
    let table = |name: &str, written, late, rejected| TableProgress {
        name: name.to_owned(),
        written,
        late,
        rejected,
        ..TableProgress::default()
    };
    EpochProgress {
        job: "shop".to_owned(),
        epoch: 7,
        duration_ms: 500,
        rows_read: 20_000,
        rows_per_second: 40_000.0,
        rejected: 3,
        late: 2,
        watermark_us: Some(1_000_000),
        lag: 1234,
        tables: vec![table("bronze.raw", 19_997, 0, 3), table("gold.counts", 0, 2, 0)],
        ..EpochProgress::default()
    }
}

/// Takes nothing, as a pipe without a reader.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_says_what_an_epoch_did() {
    assert_eq!(
        epoch_line(&progress()),
        "epoch 7: 20,000 records in 500 ms (40,000/s), lag 1,234, watermark 1970-01-01 00:00:01, rejected 3, late 2; rows: bronze.raw 19,997"
    );
}

#[test]
fn live_lines_add_up_over_the_run() {
    let mut live = Live::default();
    live.lines(&progress());
    let lines = live.lines(&progress());
    assert_eq!(lines[0], "shop: 40,000 records read, 40,000 records/s, 500 ms an epoch");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&lines[2]), ["bronze.raw", "7", "39,994", "39,994", "1,234", "1970-01-01", "00:00:01", "6", "0"]);
    assert_eq!(words(&lines[3]), ["gold.counts", "7", "0", "0", "1,234", "1970-01-01", "00:00:01", "0", "4"]);
    assert_eq!(lines.len(), 4, "headings and two tables");
}

#[test]
fn json_goes_out_line_by_line() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut out = Vec::new();
    {
        let mut json = Json::new(&mut out, Arc::clone(&stop));
        json.epoch(&progress());
        json.epoch(&progress());
    }
    let text = String::from_utf8(out).unwrap();
    let objects: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["batchId"], 7);
    assert_eq!(objects[0]["numInputRows"], 20_000);
    assert!(!stop.load(Ordering::SeqCst));
}

#[test]
fn without_a_reader_the_job_is_stopped_in_order() {
    let stop = Arc::new(AtomicBool::new(false));
    Json::new(Gone, Arc::clone(&stop)).epoch(&progress());
    assert!(stop.load(Ordering::SeqCst));
}
