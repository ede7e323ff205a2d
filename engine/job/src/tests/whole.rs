//! Files without problems, and what comes out of them.

use epoch::WatermarkScope;

use super::stand_in::Settings;
use super::*;

const SMALL: &str = include_str!("whole/small.toml");
const LARGE: &str = include_str!("whole/large.toml");
const ECOMMERCE: &str = include_str!("../../../../jobs/ecommerce.toml");

fn set(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn good(text: &str, overrides: &[(&str, &str)]) -> Job {
    parse("job.toml", text, &set(overrides), &variable).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(text: &str, overrides: &[(&str, &str)]) -> String {
    parse("job.toml", text, &set(overrides), &variable).unwrap_err().render(false)
}

#[test]
fn the_smallest_job_takes_the_defaults() {
    let job = good(SMALL, &[]);
    assert_eq!(job.trigger, Trigger::Asap);
    assert_eq!((job.state_memory_bytes, job.retain_epochs), (256 * 1024 * 1024, 100));
    let held = (job.unpublished_bytes_max, job.unpublished_age_max, job.free_bytes_min);
    assert_eq!(held, (4 << 30, Duration::from_secs(86_400), 64 << 20));
    let source = &job.sources["events"];
    assert_eq!((source.connector.as_str(), source.records_per_epoch_max), ("kafka", None));
    let Settings { brokers, topic, ends, verify, options } = settings(&job, "events");
    assert_eq!((brokers.as_str(), topic.as_str(), *ends, *verify), ("localhost:9092", "t", false, true));
    assert!(options.is_empty());
    assert_eq!((source.format, source.on_error), (Format::Json, OnError::DeadLetter));
    let watermark = source.watermark.as_ref().unwrap();
    assert_eq!(watermark.policy.delay_us, 90 * 60 * 1_000_000);
    assert_eq!(watermark.policy.idle_timeout_us, Some(60 * 1_000_000));
    assert_eq!((watermark.policy.scope, watermark.future_limit_us), (WatermarkScope::Partition, None));
    let expected = Column { name: "at".into(), field: "at".into(), data_type: DataType::Timestamp, required: false };
    assert_eq!(source.schema, [expected]);
    assert_eq!((job.tables[0].mode, job.tables[0].late), (OutputMode::Append, Late::Drop));
}

#[test]
fn every_key_arrives() {
    let job = good(LARGE, &[]);
    assert_eq!(job.name, "large-job_2");
    assert_eq!(job.trigger, Trigger::Interval(Duration::from_millis(500)));
    assert_eq!((job.checkpoint.as_str(), job.warehouse.as_str()), ("/data/check points", "s3://bucket/prefix"));
    assert_eq!((job.state_memory_bytes, job.retain_epochs), (1 << 30, 7));
    let held = (job.unpublished_bytes_max, job.unpublished_age_max, job.free_bytes_min);
    assert_eq!(held, (5 << 20, Duration::from_secs(90), 0));
    let source = &job.sources["orders"];
    let Settings { brokers, topic, ends, verify, options } = settings(&job, "orders");
    assert_eq!((brokers.as_str(), topic.as_str(), *ends, *verify), ("kafka:9092,[::1]:9093", "a.b", true, false));
    assert_eq!((source.records_per_epoch_max, source.on_error), (Some(1000), OnError::Fail));
    let options: Vec<(&str, &str)> = options.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let expected = [
        ("fetch.wait.max.ms", "a whole number"),
        ("group.id", "mine"),
        ("sasl.password", SECRET),
        ("security.protocol", "SASL_SSL"),
        ("socket.keepalive.enable", "true or false"),
    ];
    assert_eq!(options, expected);
    let policy = &source.watermark.as_ref().unwrap().policy;
    assert_eq!((policy.delay_us, policy.idle_timeout_us, policy.scope), (0, None, WatermarkScope::Source));
    assert_eq!(source.watermark.as_ref().unwrap().future_limit_us, Some(86_400_000_000));
    assert_eq!(source.schema[0].field, "when it was");
    assert!(source.schema[0].required);
    let names: Vec<&str> = job.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["gold.second", "bronze.first", "gold.a_third"], "the order of the file");
    assert_eq!((job.tables[0].mode, job.tables[0].late), (OutputMode::Update, Late::Table));
    assert_eq!(job.tables[1].mode, OutputMode::Complete);
    assert_eq!(job.sources["raw"].schema[0].data_type, DataType::Binary);
}

#[test]
fn reading_may_end() {
    assert!(!good(LARGE, &[]).ends(), "the other source does not end");
    assert!(good(LARGE, &[("source.raw.ends", "true")]).ends());
}

#[test]
fn overrides_lie_over_the_file() {
    let job = good(
        LARGE,
        &[
            ("job.trigger", "once"),
            ("job.trigger", "asap"),
            ("job.retain_epochs", "9"),
            ("source.orders.topic", "b"),
            ("source.orders.kafka.\"security.protocol\"", "PLAINTEXT"),
            ("source.orders.kafka.fetch.wait.max.ms", "70"),
            ("source.orders.kafka.client.id", "me"),
            ("source.orders.watermark.delay", "\"1 hour\""),
            ("source.orders.schema.more", "array<int>"),
            ("source.raw.brokers", "${HOST}:1"),
            ("table.gold.second.mode", "append"),
            ("table.gold.second.sql", "SELECT 2"),
        ],
    );
    assert_eq!((job.trigger, job.retain_epochs), (Trigger::Asap, 9));
    let source = &job.sources["orders"];
    let Settings { topic, options, .. } = settings(&job, "orders");
    assert_eq!(topic, "b");
    assert_eq!(options["security.protocol"], "PLAINTEXT");
    assert_eq!(options["fetch.wait.max.ms"], "a whole number");
    assert_eq!(options["client.id"], "me");
    assert_eq!(source.watermark.as_ref().unwrap().policy.delay_us, 3_600_000_000);
    assert_eq!(source.schema.last().unwrap().data_type, DataType::Array(Box::new(DataType::Int)));
    assert_eq!(settings(&job, "raw").brokers, "kafka:1");
    let names: Vec<&str> = job.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["gold.second", "bronze.first", "gold.a_third"], "an override moves no table");
    assert_eq!((job.tables[0].mode, job.tables[0].sql.as_str()), (OutputMode::Append, "SELECT 2"));
}

#[test]
fn problems_of_overrides_name_the_override() {
    let shown = bad(
        SMALL,
        &[
            ("job.trigger", "5 secods"),
            ("source.evnts.topic", "x"),
            ("job.nmae", "x"),
            ("table.gold.counts.mode", "update"),
            ("job.name.first", "x"),
            ("", "x"),
            ("source.events.brokers", "${NOT_THERE}"),
        ],
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    let expected = include_str!("whole/overrides.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/whole/overrides.txt");
        fs::write(path, &shown).unwrap();
    }
    assert_eq!(shown, expected);
}

#[test]
fn a_problem_found_later_points_into_the_sql() {
    let job = good(ECOMMERCE, &[]);
    let table = job.tables.iter().find(|table| table.name == "gold.event_counts").unwrap();
    let mut problems = Problems::new("jobs/ecommerce.toml", ECOMMERCE);
    let span = problems.source().sql_span(table, 5, 30);
    assert_eq!(&ECOMMERCE[span.clone()], "user_id");
    let problem = Problem::new(span, "there is no column `user_id`").label("not in `bronze.raw_events`");
    problems.push(problem.help("write `user`").code("UNRESOLVED_COLUMN.WITH_SUGGESTION"));
    let line = ECOMMERCE.lines().position(|line| line.contains("approx_count_distinct(user_id)")).unwrap() + 1;
    let expected = format!(
        "\
error[UNRESOLVED_COLUMN.WITH_SUGGESTION]: there is no column `user_id`
  --> jobs/ecommerce.toml:{line}:30
   |
{line} |        approx_count_distinct(user_id) AS unique_users
   |                              ^^^^^^^ not in `bronze.raw_events`
   |
   = help: write `user`

1 problem
"
    );
    assert_eq!(problems.render(false), expected);
}

#[test]
fn the_ecommerce_job_is_the_one_asked_for() {
    let job = good(ECOMMERCE, &[]);
    assert_eq!((job.checkpoint.as_str(), job.warehouse.as_str()), ("checkpoints/ecommerce", "warehouse"));
    assert_eq!(job.trigger, Trigger::Interval(Duration::from_secs(5)));
    let source = &job.sources["events"];
    assert_eq!(settings(&job, "events").topic, "streaming-events");
    assert_eq!(source.records_per_epoch_max, Some(200_000));
    // The fields of the generator that this job reads (seed 1), sorted.
    let mut fields: Vec<&str> = source.schema.iter().map(|column| column.field.as_str()).collect();
    fields.sort_unstable();
    let expected = "category clicked_position currency device duration_seconds event_id event_type item_id items location \
                    login_method order_id page payment_method position price quantities quantity referrer \
                    results_count search_query session_id success timestamp total_amount user_id";
    assert_eq!(fields.join(" "), expected);
    assert_eq!(fields.len(), 26);
    let names: Vec<&str> = job.tables.iter().map(|table| table.name.as_str()).collect();
    let expected = [
        "bronze.raw_events",
        "silver.order_items",
        "gold.event_counts",
        "gold.user_activity",
        "gold.purchase_metrics",
        "gold.session_metrics",
        "gold.device_stats",
    ];
    assert_eq!(names, expected);
    assert!(job.tables.iter().all(|table| table.mode == OutputMode::Append));
}

#[test]
fn the_sql_of_a_file_with_other_problems_can_be_checked_all_the_same() {
    for (from, to, readable) in [
        ("trigger = \"500ms\"", "triger = \"500ms\"", true),
        ("on_error = \"fail\"", "on_error = \"failed\"", true),
        ("late = \"table\"", "late = \"tabl\"", true),
        ("amount = \"decimal(10,2)\"", "amount = \"decimal(99,2)\"", false),
        ("sql = 'SELECT 1'", "", false),
        ("trigger = \"500ms\"", "trigger = 500ms", false),
        ("[table.bronze.first]", "[table.gold.Second]", false),
        ("[table.bronze.first]", "[table.first]", false),
    ] {
        assert!(LARGE.contains(from), "{from}");
        let (job, problems) = inspect("job.toml", &LARGE.replacen(from, to, 1), &[], &variable, stand_in::ONE);
        assert!(!problems.is_empty(), "{to}");
        assert_eq!(job.is_some(), readable, "{to}: {problems}");
    }
    let (job, problems) = inspect("job.toml", LARGE, &[], &variable, stand_in::ONE);
    assert!(job.is_some() && problems.is_empty());
}
