//! The main job, its file unchanged: every table against DuckDB's replay of the recorded epochs and watermarks.

use std::process::Command;

use serde_json::{Value, json};

use crate::kafka::{Topic, event};
use crate::oracle::{Oracle, assert_books, assert_same, numbers, python};
use crate::run::{Job, KEEP_ALL};
use crate::shop::{self, Sent};

/// Reads the topic with a client that is not ours and prints, for each offset, what Python's JSON makes of the value.
const READ_TOPIC: &str = r#"
import datetime, json, sys
from confluent_kafka import Consumer, TopicPartition
brokers, topic = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "oracle", "enable.auto.commit": False, "enable.partition.eof": True})
partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
open_ends = set(partitions)
rows = []
while open_ends:
    message = consumer.poll(10)
    if message.error():
        open_ends.discard(message.partition())
        continue
    fields = None
    try:
        fields = json.loads(message.value().decode())
        fields["timestamp"] = round(datetime.datetime.fromisoformat(fields["timestamp"]).replace(tzinfo=datetime.timezone.utc).timestamp() * 1e6)
    except ValueError:
        pass
    rows.append([message.partition(), message.offset(), message.key().hex(), message.timestamp()[1] * 1000, json.dumps(fields)])
json.dump(rows, sys.stdout)
"#;

const FIELDS: [&str; 26] = [
    "event_id",
    "event_type",
    "user_id",
    "event_time",
    "device",
    "location",
    "session_id",
    "login_method",
    "success",
    "page",
    "referrer",
    "duration_seconds",
    "item_id",
    "category",
    "position",
    "order_id",
    "items",
    "quantities",
    "total_amount",
    "currency",
    "payment_method",
    "quantity",
    "price",
    "search_query",
    "results_count",
    "clicked_position",
];

fn kind(column: &str) -> &'static str {
    match column {
        "event_time" | "_timestamp" => "timestamp[us, tz=UTC]",
        "success" => "bool",
        "duration_seconds" | "position" | "quantity" | "results_count" | "clicked_position" | "_partition" => "int32",
        "items" => "list<element: string>",
        "quantities" => "list<element: int32>",
        "total_amount" | "price" => "double",
        "_key" => "binary",
        "_offset" => "int64",
        _ => "string",
    }
}

#[test]
fn the_main_job_equals_a_replay_of_its_epochs() {
    let topic = Topic::new("shop", 6);
    let sent = shop::send(&topic, 36_000, 11);
    let job = Job::ecommerce(&topic, 3_000);
    job.run().succeeded();
    let commits = job.commits();
    assert!(commits.len() >= 12, "only {} epochs", commits.len());
    assert!(
        commits.iter().all(|commit| epoch::offsets::span(&commit.plan) <= 3_000 + 6),
        "max_offsets_per_trigger is not respected"
    );
    assert_books(&commits);
    assert!(shop::assert_replay(&job) > 0, "no row was late");
    assert_bronze(&job, &topic, sent);
    assert_silver(&job);
}

#[test]
fn epochs_spread_over_lanes_equal_a_replay_as_well() {
    let topic = Topic::new("shop-lanes", 12);
    let sent = shop::send(&topic, 120_000, 12);
    let job = Job::ecommerce(&topic, 40_000);
    job.run().succeeded();
    let commits = job.commits();
    let cores = std::thread::available_parallelism().unwrap().get() as u32;
    assert!(commits.iter().any(|commit| commit.plan.lanes == cores.min(16)), "no epoch was spread over lanes");
    assert_books(&commits);
    shop::assert_replay(&job);
    let rows = job.sql("SELECT count(*) AS n FROM bronze.raw_events");
    assert_eq!(rows[0]["n"].as_u64(), Some(sent.events - sent.malformed));
}

/// Every record is in bronze or among the rejects, and bronze holds what Python reads in it.
fn assert_bronze(job: &Job, topic: &Topic, sent: Sent) {
    let output = Command::new(python()).args(["-c", READ_TOPIC, &topic.brokers, &topic.name]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records: Vec<Vec<Value>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(records.len() as u64, sent.events);
    let schema =
        [("partition", "int"), ("offset", "bigint"), ("key", "string"), ("timestamp", "bigint"), ("fields", "string")];
    let oracle =
        || Oracle::over(&job.warehouse, &["bronze.raw_events", "rejected.events"]).with("sent", &schema, &records);
    let place = "_topic = (SELECT min(_topic) FROM bronze.raw_events)";
    let fields: Vec<String> = FIELDS
        .iter()
        .map(|field| match *field {
            "event_time" => "epoch_us(event_time) AS event_time".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let sent_fields: Vec<String> = FIELDS
        .iter()
        .map(|field| {
            let (name, kind) = match *field {
                "event_time" => ("timestamp", "BIGINT"),
                "success" => ("success", "BOOLEAN"),
                "items" => ("items", "VARCHAR[]"),
                "quantities" => ("quantities", "INTEGER[]"),
                "total_amount" | "price" => (*field, "DOUBLE"),
                "duration_seconds" | "position" | "quantity" | "results_count" | "clicked_position" => {
                    (*field, "INTEGER")
                }
                other => (other, "VARCHAR"),
            };
            if kind == "VARCHAR" {
                format!("fields->>'$.{name}'")
            } else {
                format!("CAST(fields->'$.{name}' AS {kind})")
            }
        })
        .collect();
    let answers = oracle().ask_all(&[
        ("ours", &format!("SELECT _partition, _offset, hex(_key), epoch_us(_timestamp), {} FROM bronze.raw_events WHERE {place}", fields.join(", "))),
        (
            "theirs",
            &format!(
                "SELECT s.partition, s.\"offset\", upper(s.key), s.timestamp, {} FROM sent s LEFT JOIN rejected.events r ON r.partition = s.partition AND r.\"offset\" = s.\"offset\" WHERE r.partition IS NULL",
                sent_fields.join(", ")
            ),
        ),
        ("rejected", "SELECT count(*), count(DISTINCT (partition, \"offset\")) FROM rejected.events"),
        ("without a reason", "SELECT count(*) FROM rejected.events WHERE reason = ''"),
        ("repeated", "SELECT count(*) - count(DISTINCT event_id) FROM bronze.raw_events"),
        ("both", "SELECT count(*) FROM rejected.events r JOIN bronze.raw_events b ON b._partition = r.partition AND b._offset = r.\"offset\""),
    ]);
    let [ours, theirs, rejected, nameless, repeated, both] = &answers[..] else { panic!("six answers") };
    assert_same("bronze.raw_events", ours.clone(), theirs.clone());
    assert_eq!(rejected[0], [json!(sent.malformed), json!(sent.malformed)]);
    assert_eq!((numbers(nameless), numbers(both)), (vec![0], vec![0]));
    assert_eq!(numbers(repeated), [sent.duplicates as i64]);
    let columns = FIELDS.into_iter().chain(["_key", "_topic", "_partition", "_offset", "_timestamp"]);
    let expected: Vec<[&str; 2]> = columns.map(|column| [column, kind(column)]).collect();
    assert_eq!(oracle().schemas()["bronze.raw_events"], json!(expected));
}

/// One row for each item of each purchase, duplicates included.
fn assert_silver(job: &Job) {
    let answers = Oracle::over(&job.warehouse, &["bronze.raw_events", "silver.order_items"]).ask_all(&[
        ("ours", "SELECT order_id, user_id, epoch_us(event_time), item_id, quantity, currency, payment_method FROM silver.order_items"),
        (
            "theirs",
            "SELECT order_id, user_id, epoch_us(event_time), unnest(items), unnest(quantities), currency, payment_method FROM bronze.raw_events WHERE event_type = 'purchase'",
        ),
    ]);
    let [ours, theirs] = &answers[..] else { panic!("two answers") };
    assert_same("silver.order_items", ours.clone(), theirs.clone());
}

/// The order inside an epoch is partition, offset, whatever the number of lanes; epochs follow each other.
#[test]
fn collected_lists_go_by_epoch_partition_and_offset() {
    let topic = Topic::new("order", 5);
    let tables = format!(
        "{KEEP_ALL}[table.gold.lists]\nsql = \"SELECT window.start AS window_start, key, collect_list(id) AS ids FROM events GROUP BY window(moment, '1 minute'), key\"\n"
    );
    let job = Job::new(
        &topic,
        "max_offsets_per_trigger = 100\nwatermark = { column = \"moment\", delay = \"1 minute\" }\n",
        &tables,
    );
    for partition in 0..5 {
        topic.send(
            partition,
            (0..120).map(|n| event((partition * 1000 + n) as usize, ["a", "b"][n as usize % 2], n as usize, 1)),
        );
    }
    // Closes the first minute.
    for partition in 0..5 {
        topic.send(partition, [event(9_999, "end", 600, 1)]);
    }
    job.run().succeeded();
    let theirs =
        "SELECT time // 60000000 * 60000000, key, list(id ORDER BY epoch, partition, _offset)
         FROM (SELECT *, epoch_us(moment) AS time FROM bronze.everything) b JOIN epochs e ON b._partition = e.partition AND b._offset >= e.first AND b._offset < e.until
         WHERE id <> 9999 GROUP BY ALL";
    let commits = job.commits();
    assert!(commits.len() >= 6, "{} epochs", commits.len());
    let answers = Oracle::over(&job.warehouse, &["bronze.everything", "gold.lists"])
        .with_epochs(&commits)
        .ask_all(&[("ours", "SELECT epoch_us(window_start), key, ids FROM gold.lists"), ("theirs", theirs)]);
    assert_same("gold.lists", answers[0].clone(), answers[1].clone());
}
