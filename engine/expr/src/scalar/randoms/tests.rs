//! The generator, against numbers that Spark drew.
use super::Generator;

/// Spark 4.3: `rand(0)`, and `randstr(10, 1)`.
#[test]
fn numbers_are_those_that_spark_draws() {
    assert_eq!(Generator::new(0).next_double(), 0.760_495_375_828_591_5);
    let mut generator = Generator::new(1);
    let places: Vec<u32> = (0..4).map(|_| (generator.next(32) % 62).unsigned_abs()).collect();
    assert_eq!(places, [15, 60, 33, 57], "f, Y, x, V");
}
