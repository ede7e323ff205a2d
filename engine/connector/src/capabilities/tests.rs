//! Which tables fit into which sinks.

use super::*;

#[test]
fn a_table_emits_what_its_sink_can_take() {
    let files = Capabilities { append: true, replace_buckets: true, ..Capabilities::default() };
    let database = Capabilities { append: true, upsert: true, delete: true, ..Capabilities::default() };
    let topic = Capabilities { append: true, ..Capabilities::default() };
    for (sink, update) in [(files, Some(Emission::ReplaceBuckets)), (database, Some(Emission::Upsert)), (topic, None)] {
        assert_eq!(sink.emission(OutputMode::Append), Some(Emission::Append));
        assert_eq!(sink.emission(OutputMode::Update), update);
        assert_eq!(sink.emission(OutputMode::Complete), update);
    }
    assert_eq!(Capabilities::default().emission(OutputMode::Append), None);
}
