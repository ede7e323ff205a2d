//! Numbers, instants and UUIDs against the standard library and known dates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn numbers_are_written_as_the_standard_library_writes_them() {
    for value in [0, 1, 9, 10, 99, 100, 12_345, u32::MAX] {
        assert_eq!(text(|out| number(out, value)), value.to_string());
        assert_eq!(text(|out| hex::<8>(out, u64::from(value))), format!("{value:08x}"));
    }
    assert_eq!(text(|out| padded::<6>(out, 42)), "000042");
    assert_eq!(text(|out| cents(out, 12_305)), "123.05");
    assert_eq!(text(|out| cents(out, 7)), "0.07");
}

#[test]
fn instants_cross_leap_days_years_and_1970() {
    // Seconds taken from `date -u -d … +%s`.
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00"),
        (951_782_399, "2000-02-28T23:59:59"),
        (951_782_400, "2000-02-29T00:00:00"),
        (1_709_164_800, "2024-02-29T00:00:00"),
        (1_767_225_599, "2025-12-31T23:59:59"),
        (1_767_225_600, "2026-01-01T00:00:00"),
        (4_107_542_399, "2100-02-28T23:59:59"),
        (4_107_542_400, "2100-03-01T00:00:00"),
        (-1, "1969-12-31T23:59:59"),
    ] {
        assert_eq!(text(|out| instant(out, seconds * 1_000_000 + 7)), format!("{expected}.000007+00:00"));
    }
}

#[test]
fn uuids_have_version_and_variant_of_a_random_one() {
    let uuid = text(|out| uuid(out, u64::MAX, u64::MAX));
    assert_eq!(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
