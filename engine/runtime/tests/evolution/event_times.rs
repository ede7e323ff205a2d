//! A source whose event time is computed by another expression: refused where state stands on that time, taken over where it does not.

use testkit::{MemoryOptions, MemoryRecord, MemoryRun};

use crate::rows;

const WINDOWS: &str = "[table.gold.t]\nsql = \"SELECT window.start AS start, count(*) AS n FROM events GROUP BY window(event_time, '1 minute')\"";
const SESSIONS: &str = "[table.gold.t]\nsql = \"SELECT session_window.start AS start, count(*) AS n FROM events GROUP BY session_window(event_time, '1 minute')\"";
const COUNTS: &str = "[table.gold.t]\nmode = \"update\"\nsql = \"SELECT k, count(*) AS n FROM events GROUP BY k\"";
const ROWS: &str = "[table.gold.t]\nsql = \"SELECT event_time, count_of FROM events\"";

fn job(event_time: &str, function: &str, table: &str) -> job::Job {
    let text = format!(
        "[job]\nname = \"shop\"\ncheckpoint = \"checkpoint\"\nwarehouse = \"warehouse\"\nansi = true\n\
         [function.of_ms]\narguments = {{ n = \"bigint\" }}\nexpression = \"{function}\"\n\
         [source.events]\nconnector = \"kafka\"\nbrokers = \"localhost:9092\"\ntopic = \"events\"\n\
         watermark = {{ column = \"event_time\", delay = \"1 minute\" }}\n\
         [source.events.schema]\nk = \"string\"\nms = \"bigint\"\nevent_time = {{ expression = \"{event_time}\" }}\n\
         count_of = {{ expression = \"length(k)\" }}\n{table}\n"
    );
    job::parse("shop.toml", &text, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn event(ms: i64) -> MemoryRecord {
    MemoryRecord::of(format!(r#"{{"k":"a","ms":{ms}}}"#))
}

/// What a job says that is begun with other expressions on the checkpoint of one with `timestamp_millis(ms)`.
fn evolved(table: &str, event_time: &str, function: &str) -> Result<Vec<String>, String> {
    let before = job("of_ms(ms)", "timestamp_millis(n)", table);
    let mut run = MemoryRun::open(before, &MemoryOptions::default()).unwrap();
    run.append("events", 0, [event(0), event(1_000)]).unwrap();
    run.run_all().unwrap();
    run.restart_as(job(event_time, function, table)).map_err(|error| error.to_string())?;
    run.append("events", 0, [event(600_000)]).unwrap();
    run.run_all().unwrap();
    Ok(rows(&mut run, "gold.t"))
}

#[test]
fn state_that_stands_on_a_computed_event_time_is_that_of_its_expression() {
    for table in [WINDOWS, SESSIONS] {
        let refused = evolved(table, "timestamp_seconds(ms)", "timestamp_millis(n)").unwrap_err();
        assert!(refused.contains("timestamp_seconds") && refused.contains("timestamp_millis"), "{refused}");
        let refused = evolved(table, "of_ms(ms)", "timestamp_micros(n)").unwrap_err();
        assert!(refused.contains("timestamp_micros") && refused.contains("timestamp_millis"), "{refused}");
        // The same, written otherwise.
        assert_eq!(evolved(table, "timestamp_millis( ms )", "timestamp_millis(n)").unwrap().len(), 1);
    }
}

#[test]
fn state_and_rows_that_do_not_stand_on_the_time_are_gone_on_with() {
    assert_eq!(evolved(COUNTS, "timestamp_seconds(ms)", "timestamp_millis(n)").unwrap(), ["a 3"]);
    let rows = evolved(ROWS, "timestamp_seconds(ms)", "timestamp_millis(n)").unwrap();
    assert_eq!(rows, ["1970-01-01T00:00:00Z 1", "1970-01-01T00:00:01Z 1", "1970-01-07T22:40:00Z 1"]);
}
