//! Which tables fit into which sinks.

use super::*;

#[test]
fn a_table_is_written_as_its_sink_can_take_it() {
    let database = Capabilities { append: true, upsert: true, delete: true, ..Capabilities::default() };
    let topic = Capabilities { append: true, ..Capabilities::default() };
    for (sink, update) in
        [(Capabilities::FILES, Some(WriteMode::ReplaceBuckets)), (database, Some(WriteMode::Upsert)), (topic, None)]
    {
        assert_eq!(sink.write_mode(OutputMode::Append, true), Some(WriteMode::Append));
        assert_eq!(sink.write_mode(OutputMode::Update, true), update);
        assert_eq!(sink.write_mode(OutputMode::Complete, true), update);
        assert_eq!(sink.write_mode(OutputMode::Update, false), Some(WriteMode::Append), "rows that never change");
    }
    assert_eq!(Capabilities::default().write_mode(OutputMode::Append, false), None);
}
