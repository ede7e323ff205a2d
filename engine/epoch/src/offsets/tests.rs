//! Offsets: Spark's way of spreading a limit.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn ranges(sizes: &[(i64, i64)]) -> OffsetRanges {
    let ranges = sizes.iter().map(|(from, until)| OffsetRange { from: *from, until: *until });
    ranges.enumerate().map(|(number, range)| (Split::new("t", i32::try_from(number).unwrap()), range)).collect()
}

fn taken(sizes: &[(i64, i64)], limit: u64) -> Vec<u64> {
    spread_limit(&ranges(sizes), Some(limit)).iter().map(|(_, range)| range.span()).collect()
}

#[test]
fn a_range_that_runs_backwards_holds_nothing() {
    for (from, until, span) in [(5, 9, 4), (5, 5, 0), (9, 5, 0), (0, i64::MAX, i64::MAX as u64)] {
        let range = OffsetRange { from, until };
        assert_eq!((range.span(), range.is_empty()), (span, span == 0));
    }
}

#[test]
fn a_limit_is_spread_as_in_sparks_own_test() {
    // KafkaMicroBatchSourceSuite "maxOffsetsPerTrigger": partitions of 101, 11 and 1 records, limit 10.
    let mut left = [(100, 201), (10, 21), (1, 2)];
    assert_eq!(taken(&left, 10), [8, 1, 1]);
    // The next batch, from where the first one ended: 93, 10 and 0 are left.
    for (range, took) in left.iter_mut().zip([8, 1, 1]) {
        range.0 += took;
    }
    assert_eq!(taken(&left, 10), [9, 1, 0]);
}

#[test]
fn limits_at_the_edges() {
    assert_eq!(taken(&[(0, 4), (0, 6)], 10), [4, 6], "as much as there is");
    assert_eq!(taken(&[(0, 4), (0, 6)], 11), [4, 6], "more than there is");
    assert_eq!(taken(&[(0, 4), (0, 6)], 0), [0, 0], "Spark rounds a share of zero up to zero");
    assert_eq!(taken(&[(0, 4), (0, 6)], 1), [1, 1], "each share is below one");
    assert_eq!(taken(&[(0, 4), (7, 7), (9, 3)], 2), [2, 0, 0], "no backlog, no share");
    assert_eq!(taken(&[(0, i64::MAX), (0, i64::MAX)], 10), [5, 5], "no overflow");
    assert_eq!(taken(&[], 10), Vec::<u64>::new());
    let all = ranges(&[(0, 4), (7, 9)]);
    assert_eq!(spread_limit(&all, None), all);
}

fn any_backlog() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let size = prop_oneof![0i64..4, 0i64..1000, 0i64..1_000_000_000];
    proptest::collection::vec((0i64..1_000_000, size).prop_map(|(from, size)| (from, from + size)), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_partition_starves_and_the_sum_keeps_near_the_limit(sizes in any_backlog(), limit in 1u64..100_000) {
        let spread = spread_limit(&ranges(&sizes), Some(limit));
        let total: u64 = ranges(&sizes).iter().map(|(_, range)| range.span()).sum();
        let sum: u64 = spread.iter().map(|(_, range)| range.span()).sum();
        prop_assert_eq!(spread.len(), sizes.len());
        for ((_, got), (from, until)) in spread.iter().zip(&sizes) {
            prop_assert_eq!(got.from, *from);
            prop_assert!(got.until <= *until, "past what is there");
            prop_assert!(got.span() > 0 || from == until, "a partition with a backlog gets nothing");
        }
        let partitions = sizes.len() as u64;
        prop_assert!(sum < limit + partitions);
        prop_assert!(sum + partitions > limit.min(total), "less than the limit by a record a partition at most");
    }

    #[test]
    fn shares_are_sparks_but_for_the_rounding_of_doubles(sizes in any_backlog(), limit in 0u64..100_000) {
        let total: f64 = sizes.iter().map(|(from, until)| (until - from) as f64).sum();
        prop_assume!((limit as f64) < total);
        for ((_, got), (from, until)) in spread_limit(&ranges(&sizes), Some(limit)).iter().zip(&sizes) {
            // val prorate = limit * (size / total); if (prorate < 1) Math.ceil(prorate) else Math.floor(prorate)
            let prorate = limit as f64 * ((until - from) as f64 / total);
            let spark = if prorate < 1.0 { prorate.ceil() } else { prorate.floor() } as i64;
            let near_whole = (prorate - prorate.round()).abs() < 1e-6;
            let ours = i64::try_from(got.span()).unwrap();
            prop_assert!(ours == spark || near_whole && (ours - spark).abs() == 1, "{ours}, Spark {prorate}");
        }
    }

    #[test]
    fn a_backlog_is_read_to_its_end(sizes in any_backlog(), limit in 1u64..50) {
        // A backlog of at most some hundred records a partition, so that the loop is short.
        let mut left: Vec<(i64, i64)> = sizes.iter().map(|(from, until)| (*from, from + (until - from) % 100)).collect();
        let total: i64 = left.iter().map(|(from, until)| until - from).sum();
        let mut rounds = 0;
        while left.iter().any(|(from, until)| from < until) {
            let took = taken(&left, limit);
            left.iter_mut().zip(took).for_each(|(range, took)| range.0 += i64::try_from(took).unwrap());
            rounds += 1;
            prop_assert!(rounds <= total, "every round takes something");
        }
    }
}
