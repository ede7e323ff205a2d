//! Which log lines a filter lets through.
use super::*;

#[test]
fn a_level_is_for_the_engine_and_a_filter_for_everybody() {
    assert!(directives("debug").starts_with("warn,engine=debug,runtime=debug"));
    assert_eq!(directives("warn,rdkafka=trace"), "warn,rdkafka=trace");
    assert!(EnvFilter::try_new(directives("info")).is_ok());
}
