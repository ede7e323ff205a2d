//! Records that cannot be read: each one kept with its bytes, its place and a reason, and the good ones between them all there.

use rdkafka::producer::{BaseRecord, Producer};
use serde_json::{Value, json};

use crate::kafka::{PATIENCE, Topic, brokers, event, send_one, unique};
use crate::oracle::{Oracle, assert_books, assert_same, numbers};
use crate::run::{Job, KEEP_ALL};

const SCHEMA: &str = r#"
id = { type = "bigint", required = true }
moment = "timestamp"
amount = "int"
price = "double"
ok = "boolean"
day = "date"
cost = "decimal(5,2)"
tags = "array<string>"
place = "struct<lat:double,name:string>"
sizes = "map<string,int>"
"#;

/// Fields that do not fit their column: the record gets one of them after its id. With the field that the reason must name.
const WRONG_FIELDS: [(&str, &str); 22] = [
    (r#""amount":"many""#, "amount"),
    (r#""amount":3000000000"#, "amount"),
    (r#""amount":true"#, "amount"),
    (r#""amount":{"n":1}"#, "amount"),
    (r#""price":"cheap""#, "price"),
    (r#""price":[1.5]"#, "price"),
    (r#""ok":"perhaps""#, "ok"),
    (r#""ok":17"#, "ok"),
    (r#""moment":"yesterday""#, "moment"),
    (r#""moment":true"#, "moment"),
    (r#""moment":"2200-01-01T00:00:00Z""#, ""),
    (r#""day":"2026-13-01""#, "day"),
    (r#""day":[]"#, "day"),
    (r#""cost":123456.78"#, "cost"),
    (r#""cost":"dear""#, "cost"),
    (r#""tags":"red""#, "tags"),
    (r#""tags":{"a":1}"#, "tags"),
    (r#""place":[1]"#, "place"),
    (r#""place":{"lat":"north"}"#, "place.lat"),
    (r#""place":{"lat":{}}"#, "place.lat"),
    (r#""sizes":{"a":"big"}"#, "sizes"),
    (r#""sizes":7"#, "sizes"),
];

/// Records that are wrong as a whole, and what the reason must name.
fn wrong_records(n: usize) -> Vec<(Vec<u8>, &'static str)> {
    let text = |text: String| text.into_bytes();
    vec![
        (text(r#"{"key":"no id"}"#.into()), "id"),
        (text(r#"{"id":null}"#.into()), "id"),
        (text(r#"{"id":"seven"}"#.into()), "id"),
        (text(format!(r#"{{"id":{n}{}}}"#, "0".repeat(30))), "id"),
        (text(format!(r#"{{"id":{n},"price":{}}}"#, "9".repeat(5_000))), ""),
        (text(format!(r#"{{"id":{n},"moment":"2026"#)), ""),
        (text(format!(r#"{{"id":{n}}}}}]"#)), ""),
        (text(format!(r#"{{"id":{n}}}{{"id":{n}}}"#)), ""),
        (text("connection reset by peer".into()), ""),
        (Vec::new(), ""),
        (text("[]".into()), ""),
        (text("42".into()), ""),
        (text("null".into()), ""),
        (text(r#""text""#.into()), ""),
        (vec![0; 12], ""),
        ([br#"{"id":1,"tags":[""#.as_slice(), &[0xff, 0xfe], br#""]}"#].concat(), ""),
        (text(format!(r#"{{"id":{n},"other":{}}}"#, "[".repeat(2_000))), ""),
        (text(format!(r#"{{"id":{n},"other":{}{}}}"#, "[".repeat(200), "]".repeat(200))), ""),
    ]
}

/// What was sent: the value, none for a tombstone, and what the reason must name, none for a good record.
type Sent = Vec<(Option<Vec<u8>>, Option<&'static str>)>;

fn records() -> Sent {
    let mut sent: Sent = Vec::new();
    for n in 1..25 {
        let wrong_fields = WRONG_FIELDS
            .iter()
            .map(|(field, named)| (Some(format!(r#"{{"id":{n},{field}}}"#).into_bytes()), Some(*named)));
        let wrong_records = wrong_records(n).into_iter().map(|(value, named)| (Some(value), Some(named)));
        let tombstones = [(None, Some("tombstone"))];
        for wrong in wrong_fields.chain(wrong_records).chain(tombstones) {
            let id = 1_000_000 + sent.len();
            sent.push((Some(event(id, "good", sent.len() % 1_000, 1).into_bytes()), None));
            sent.push(wrong);
        }
    }
    // 17 MiB in one value: past the limit of a record.
    sent.push((Some(format!(r#"{{"id":1,"other":"{}"}}"#, "x".repeat(17 << 20)).into_bytes()), Some("")));
    sent.push((Some(event(2_000_000, "good", 999, 1).into_bytes()), None));
    sent
}

fn send(topic: &Topic, sent: &Sent) {
    let settings = [("message.max.bytes", "20000000"), ("compression.type", "zstd"), ("linger.ms", "20")];
    let producer = topic.producer(&settings);
    for (number, (value, _)) in sent.iter().enumerate() {
        let record = BaseRecord::<(), [u8]>::to(&topic.name).partition((number % 2) as i32);
        send_one(
            &producer,
            match value {
                Some(value) => record.payload(value),
                None => record,
            },
        );
    }
    producer.flush(PATIENCE).unwrap();
}

#[test]
fn a_thousand_malformed_records_of_every_kind_are_kept_and_cost_the_others_nothing() {
    let topic = Topic::at(&brokers(), unique("rejects"), 2, &[("max.message.bytes", "20000000")]);
    let sent = records();
    let wrong = sent.iter().filter(|(_, named)| named.is_some()).count();
    assert!(wrong >= 984, "{wrong}");
    send(&topic, &sent);
    let source = "max_offsets_per_trigger = 300\nwatermark = { column = \"moment\", delay = \"1 day\", future_limit = \"1 day\" }\n";
    let job = Job::with_schema(&topic, source, SCHEMA, KEEP_ALL);
    job.run().succeeded();
    assert_books(&job.commits());
    let answers = Oracle::over(&job.warehouse, &["bronze.everything", "rejected.events"]).ask_all(&[
        ("good", "SELECT id, _partition, _offset FROM bronze.everything"),
        (
            "rejected",
            "SELECT partition, \"offset\", CASE WHEN octet_length(value) > 1000000 THEN 'bytes ' || octet_length(value) ELSE lower(hex(value)) END FROM rejected.events",
        ),
        ("reasons", "SELECT partition, \"offset\", reason FROM rejected.events"),
        ("columns", "SELECT count(*) FROM rejected.events WHERE topic IS NULL OR timestamp IS NULL OR epoch IS NULL OR coalesce(reason, '') = ''"),
    ]);
    let place = |number: usize| (number % 2, number / 2);
    let hex = |value: &Vec<u8>| match value.len() {
        0..=1_000_000 => json!(value.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        length => json!(format!("bytes {length}")),
    };
    let mut good = Vec::new();
    let mut rejected = Vec::new();
    for (number, (value, named)) in sent.iter().enumerate() {
        let (partition, offset) = place(number);
        match (named, value) {
            (None, Some(value)) => {
                let id = serde_json::from_slice::<Value>(value).unwrap()["id"].clone();
                good.push(vec![id, json!(partition), json!(offset)]);
            }
            _ => rejected.push(vec![json!(partition), json!(offset), value.as_ref().map_or(Value::Null, hex)]),
        }
    }
    assert_same("good records", answers[0].clone(), good);
    assert_same("rejected.events", answers[1].clone(), rejected);
    assert_eq!(numbers(&answers[3]), [0]);
    for row in &answers[2] {
        let number = row[1].as_u64().unwrap() as usize * 2 + row[0].as_u64().unwrap() as usize;
        let (value, named) = &sent[number];
        let reason = row[2].as_str().unwrap();
        let shown = value.as_deref().map(|value| String::from_utf8_lossy(&value[..value.len().min(80)]).into_owned());
        assert!(reason.contains(named.unwrap()), "{shown:?} is rejected with the reason: {reason}");
    }
}

#[test]
fn dropped_records_are_counted_and_leave_no_table() {
    let topic = Topic::new("dropped", 1);
    topic.send(0, ["one".to_owned(), event(1, "a", 0, 1), "two".to_owned(), event(2, "a", 1, 1)]);
    let job = Job::new(&topic, "on_error = \"drop\"\n", KEEP_ALL);
    job.run().succeeded();
    let rows = job.sql("SELECT id FROM bronze.everything ORDER BY id");
    assert_eq!(rows, [json!({"id": 1}), json!({"id": 2})]);
    assert!(!std::path::Path::new(&job.warehouse).join("rejected").exists());
    let counts = job.commits()[0].tables["bronze.everything"].counts;
    assert_eq!((counts.read, counts.emitted, counts.rejected), (4, 2, 2));
}

#[test]
fn on_error_fail_names_the_record_and_shows_nothing_of_its_epoch() {
    let topic = Topic::new("failing", 1);
    topic.send(0, (0..5).map(|id| event(id, "a", id, 1)));
    let job = Job::new(&topic, "on_error = \"fail\"\n", KEEP_ALL);
    job.run().succeeded();
    topic.send(0, [event(5, "a", 5, 1), r#"{"id":6,"amount":"many"}"#.to_owned(), event(7, "a", 7, 1)]);
    for _ in 0..2 {
        let error = job.run().failed();
        for part in [topic.name.as_str(), "[0]", "offset 6", "amount", "dead_letter"] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert_eq!(job.sql("SELECT count(*) AS n FROM bronze.everything")[0]["n"], 5);
    }
    // The remedy that the text names.
    job.set("source.events.on_error", "dead_letter").run().succeeded();
}

/// A sum has no row that could be put aside, so somebody has to change the query, and must know of which group it is.
#[test]
fn a_sum_that_overflows_stops_the_job_and_names_table_epoch_and_group() {
    let topic = Topic::new("overflow", 1);
    topic.send(0, [event(1, "a", 1, i64::MAX), event(2, "b", 2, 5), event(3, "a", 3, 1)]);
    let totals =
        "[table.gold.totals]\nmode = \"update\"\nsql = \"SELECT key, sum(amount) AS total FROM events GROUP BY key\"\n";
    let said = Job::new(&topic, "", totals).run().failed();
    let wanted =
        "table gold.totals, epoch 0: the group (a): [ARITHMETIC_OVERFLOW] the sum is too large for bigint; use try_sum";
    assert!(said.contains(wanted), "{said}");
}
