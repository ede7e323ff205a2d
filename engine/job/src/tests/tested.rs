//! Static tables, bounds of state and tests in a job file without problems.

use std::collections::BTreeMap;

use epoch::Step;
use serde_json::{Value, json};

use super::*;

const TESTED: &str = include_str!("whole/tested.toml");

fn job() -> Job {
    parse("job.toml", TESTED, &[], &variable).unwrap_or_else(|problems| panic!("{problems}"))
}

fn named(rows: &[Value]) -> Vec<TestRow> {
    rows.iter().map(|row| TestRow::Named(row.as_object().unwrap().clone())).collect()
}

#[test]
fn keys_of_job_and_table_arrive() {
    let job = job();
    assert_eq!((job.watermark_policy, job.no_data_epochs), (WatermarkPolicyKind::Max, false));
    let keys = Some(vec!["at".to_owned(), "amount".to_owned()]);
    let expected = Deduplicate { keys, within_us: Some(90_000_000), ever: false };
    assert_eq!(job.tables[0].deduplicate, Some(expected));
    assert_eq!(job.tables[0].state_ttl, Some(StateTtl::Unbounded));
    assert_eq!(job.tables[1].deduplicate, Some(Deduplicate { keys: None, within_us: None, ever: true }));
    assert_eq!(job.tables[1].state_ttl, Some(StateTtl::After(7 * 86_400_000_000)));
}

#[test]
fn a_job_without_the_keys_takes_the_defaults() {
    let job = parse("job.toml", include_str!("whole/small.toml"), &[], &variable).unwrap();
    assert_eq!((job.watermark_policy, job.no_data_epochs), (WatermarkPolicyKind::Min, true));
    assert!(job.statics.is_empty() && job.tests.is_empty());
    assert_eq!((job.tables[0].deduplicate.clone(), job.tables[0].state_ttl), (None, None));
}

#[test]
fn static_tables_arrive() {
    let column = Column { name: "id".into(), field: "product id".into(), data_type: DataType::BigInt, required: false };
    let products = StaticTable {
        name: "Products".into(),
        path: "s3://bucket/products".into(),
        format: Some(StaticFormat::Csv),
        refresh: Refresh::Every(3_600_000_000),
        schema: vec![column],
        header: false,
        delimiter: b'\t',
        path_span: job().statics["Products"].path_span.clone(),
    };
    let sizes = StaticTable {
        name: "sizes".into(),
        path: "sizes".into(),
        format: None,
        refresh: Refresh::OnChange,
        schema: Vec::new(),
        header: true,
        delimiter: b',',
        path_span: job().statics["sizes"].path_span.clone(),
    };
    assert_eq!(job().statics, BTreeMap::from([("Products".to_owned(), products), ("sizes".to_owned(), sizes)]));
}

#[test]
fn records_are_what_lies_in_the_topic() {
    let step = &job().tests[0].steps[0];
    let records = &step.input["events"];
    let first: Value = serde_json::from_str(&records[0].value).unwrap();
    assert_eq!(first, json!({ "time": "2026-01-01T00:00:00Z", "amount": 1.5, "tags": ["a", "b"] }));
    assert_eq!((records[0].partition, &records[0].key, records[0].timestamp_us), (0, &None, None));
    let second: Value = serde_json::from_str(&records[1].value).unwrap();
    assert_eq!(second, json!({ "amount": "NaN", "tags": null }));
    assert_eq!((records[1].partition, records[1].key.as_deref(), records[1].timestamp_us), (3, Some("k"), Some(1)));
    assert_eq!(records[2].value, "{\"time\": broken");
    assert_eq!((records[3].value.as_str(), records[3].partition), ("\"x\"", 1));
    assert_eq!(step.input["lines"][0].value, "one line");
}

#[test]
fn steps_arrive() {
    let job = job();
    let [first, second] = &job.tests[0].steps[..] else { panic!("{:?}", job.tests[0]) };
    assert_eq!((first.time_us, first.restart, first.ordered), (Some(1_767_225_601_000_000), false, true));
    assert_eq!(first.kill, Some(KillPoint { step: Step::Stage, after: true }));
    assert_eq!(first.statics["sizes"], [json!({ "name": "small", "cm": 10 }).as_object().unwrap().clone()]);
    let expected = BTreeMap::from([
        ("gold.a".to_owned(), named(&[json!({ "amount": 1.5 }), json!({ "amount": null })])),
        ("gold.a__late".to_owned(), Vec::new()),
        ("rejected.events".to_owned(), named(&[json!({}), json!({})])),
    ]);
    assert_eq!(first.expect, expected);
    let listed = TestRow::Listed(vec![Value::Null, json!(1), json!("x")]);
    assert_eq!(first.expect_new, BTreeMap::from([("gold.b".to_owned(), vec![listed])]));
    assert!(second.restart && second.empty_epoch && second.input.is_empty());
    assert_eq!(second.expect_late, BTreeMap::from([("gold.a".to_owned(), 2)]));
    let watermarks = [("events".to_owned(), None), ("gold.a".to_owned(), Some(15_000_000))];
    assert_eq!(second.expect_watermark, BTreeMap::from(watermarks));
    let state = ExpectedState { rows: Some(3), updated: None, late: Some(0) };
    assert_eq!(second.expect_state, BTreeMap::from([("gold.a".to_owned(), state)]));
    assert_eq!(second.expect_error.as_deref(), Some("too bad"));
    assert_eq!((job.tests[1].steps.len(), job.tests[1].expect_error.as_deref()), (0, Some("no watermark")));
    assert_eq!(&TESTED[job.tests[0].place.clone()], "all of it");
    assert_eq!(&TESTED[second.place.clone()], "[[test.step]]");
}

#[test]
fn static_tables_can_be_set_from_the_command_line_but_not_made() {
    let set = |key: &str, value: &str| parse("job.toml", TESTED, &[(key.to_owned(), value.to_owned())], &variable);
    assert_eq!(set("static.sizes.refresh", "never").unwrap().statics["sizes"].refresh, Refresh::Never);
    let shown = set("static.size.refresh", "never").unwrap_err().render(false);
    assert!(shown.contains("write `sizes` in place of `size`"), "{shown}");
}
