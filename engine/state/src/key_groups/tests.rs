//! Tests: groups are ranges of hashes, and ranges of groups have one size.

use super::*;

#[test]
fn groups_are_ranges_of_hashes() {
    assert_eq!(key_group(0), 0);
    assert_eq!(key_group((1 << 56) - 1), 0);
    assert_eq!(key_group(1 << 56), 1);
    assert_eq!(key_group(u64::MAX), KEY_GROUPS - 1);
}

#[test]
fn ranges_of_groups_follow_each_other_and_have_one_size() {
    for parts in [1, 8, 16, 64, 256] {
        let ranges: Vec<u16> = (0..KEY_GROUPS).map(|group| range_of(group, KEY_GROUPS, parts)).collect();
        assert!(ranges.is_sorted());
        for part in 0..parts {
            let size = ranges.iter().filter(|range| **range == part).count();
            assert_eq!(size, usize::from(KEY_GROUPS / parts), "range {part} of {parts}");
        }
    }
}

#[test]
#[should_panic(expected = "256 groups are not 7 ranges")]
fn groups_are_not_parted_unevenly() {
    range_of(0, KEY_GROUPS, 7);
}
