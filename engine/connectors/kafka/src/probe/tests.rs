//! The one number that is taken out of a text of librdkafka's.

use super::*;

#[test]
fn the_end_is_read_out_of_librdkafkas_text() {
    let text = "Partition log truncation detected at offset 1000 (leader epoch 3): broker end offset is 990 (offset leader epoch 3). \
                Reset to INVALID.: Local: Partition log truncation detected (broker 1)";
    assert_eq!(end_in(text), Some(990));
    let none =
        "No epoch found less or equal to offset 7 (leader epoch 1): broker end offset is -1 (offset leader epoch -1).";
    assert_eq!(end_in(none), None);
    assert_eq!(
        end_in("fetch failed due to requested offset not available on the broker: Broker: Offset out of range"),
        None
    );
}
