//! Numbers, sizes, times and tables as people read them.
use super::*;

#[test]
fn numbers_get_commas() {
    for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (300_000, "300,000"), (1_234_567, "1,234,567")] {
        assert_eq!(count(number), text);
    }
    assert_eq!(counted(1, "table"), "1 table");
    assert_eq!(counted(2, "table"), "2 tables");
    assert_eq!(whole(1234.6), "1,235");
    assert_eq!(whole(f64::NAN), "0");
}

#[test]
fn sizes_have_units() {
    for (size, text) in
        [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (u64::MAX, "16777216.0 TiB")]
    {
        assert_eq!(bytes(size), text);
    }
}

#[test]
fn instants_are_written_in_utc_and_read_back() {
    assert_eq!(instant(0), "1970-01-01 00:00:00");
    assert_eq!(instant(1_795_252_395_123_000), "2026-11-21 09:13:15.123");
    assert_eq!(instant(-1), "1969-12-31 23:59:59.999999");
    assert_eq!(instant(i64::MAX), "9223372036854775807 µs since 1970");
    for us in [0, -1, 1_795_252_395_123_456] {
        assert_eq!(read_instant(&instant(us)), Ok(us));
    }
    assert_eq!(read_instant("2026-11-21T10:13:15+01:00"), Ok(1_795_252_395_000_000));
    assert_eq!(read_instant("2026-11-21T09:13:15Z"), Ok(1_795_252_395_000_000));
    assert!(read_instant("yesterday").is_err_and(|text| text.contains("1970-01-01T00:00:00Z")));
}

#[test]
fn tables_stand_in_columns() {
    let rows = vec![vec!["gold.counts".to_owned(), "7".to_owned()], vec!["a".to_owned(), "1,000".to_owned()]];
    let lines = table(&[("table", Side::Left), ("rows", Side::Right)], &rows);
    assert_eq!(lines, ["  table         rows", "  gold.counts      7", "  a            1,000"]);
    assert_eq!(table(&[("table", Side::Left)], &[]), ["  table"]);
}
