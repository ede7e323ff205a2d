//! The tables of jobs/ecommerce.toml: names and types as promised.

use expr::display::type_name;

use super::engine::{plan, plan_one};
use crate::explain::explain;
use crate::{Graph, NodeKind, TablePlan};

const JOB: &str = include_str!("../../../../jobs/ecommerce.toml");

pub fn ecommerce() -> (job::Job, Graph) {
    let job = job::parse("jobs/ecommerce.toml", JOB, &[], &|_| None, job::Connectors::new(&[&kafka::KafkaConnector]))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let graph = plan(&job).unwrap_or_else(|problems| panic!("{problems:?}"));
    (job, graph)
}

pub fn position(graph: &Graph, name: &str) -> usize {
    graph.tables.iter().position(|table| table.name == name).unwrap()
}

pub fn table<'a>(graph: &'a Graph, name: &str) -> &'a TablePlan {
    graph.tables.iter().find(|table| table.name == name).unwrap()
}

fn columns(table: &TablePlan) -> String {
    table
        .schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), type_name(field.data_type())))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn the_tables_have_the_promised_columns() {
    let (_, graph) = ecommerce();
    let wanted = [
        (
            "silver.order_items",
            "order_id string, user_id string, event_time timestamp, item_id string, quantity int, currency string, payment_method string",
        ),
        (
            "gold.event_counts",
            "window_start timestamp, window_end timestamp, event_type string, event_count bigint, unique_users bigint",
        ),
        (
            "gold.user_activity",
            "window_start timestamp, window_end timestamp, user_id string, event_count bigint, event_types array<string>, first_event timestamp, last_event timestamp",
        ),
        (
            "gold.purchase_metrics",
            "window_start timestamp, window_end timestamp, total_orders bigint, total_revenue double, avg_order_value double, max_order_value double, min_order_value double, unique_buyers bigint",
        ),
        (
            "gold.session_metrics",
            "window_start timestamp, session_id string, events_in_session bigint, session_events array<string>, session_start timestamp, session_end timestamp, session_duration_seconds bigint",
        ),
        (
            "gold.device_stats",
            "window struct<start:timestamp,end:timestamp>, device string, location string, event_count bigint, unique_users bigint, unique_sessions bigint",
        ),
    ];
    for (name, columns_wanted) in wanted {
        assert_eq!(columns(table(&graph, name)), columns_wanted, "{name}");
    }
    let bronze = columns(table(&graph, "bronze.raw_events"));
    assert!(
        bronze.starts_with("event_id string, event_type string, user_id string, event_time timestamp, device string"),
        "{bronze}"
    );
    assert!(
        bronze.ends_with("_key binary, _topic string, _partition int, _offset bigint, _timestamp timestamp"),
        "{bronze}"
    );
    assert_eq!(table(&graph, "bronze.raw_events").schema.fields().len(), 26 + 5);
    assert_eq!(graph.tables.len(), 7);
    assert!(graph.tables[1..].iter().all(|table| table.inputs == ["bronze.raw_events"]));
}

#[test]
fn explanations_and_fingerprints_speak_of_what_the_user_wrote() {
    let (job, graph) = ecommerce();
    let mut text = explain(&job, &graph);
    for node in &graph.nodes {
        if let NodeKind::Operator(operator) = &node.kind {
            text.push_str(&operator.spec.fingerprint().unwrap().join("\n"));
        }
    }
    for inner in ["Int64(", "b0", "b1", "c0", "c1", "raw_events.", "__"] {
        assert!(!text.contains(inner), "{inner} in {text}");
    }
    for wanted in ["count(*)", "key user_id", "keys device, location", "approx_count_distinct(session_id)"] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
}

/// A checkpoint of before holds the condition as it is without the optimizer.
#[test]
fn a_condition_in_a_fingerprint_is_not_the_optimized_one() {
    let sql = "SELECT a.total, b.quantity FROM events a LEFT JOIN events b ON a.user_id = b.user_id
               AND a.price > 1.5 AND coalesce(a.total, 0) > 2
               AND b.event_time BETWEEN a.event_time AND a.event_time + INTERVAL 1 MINUTE";
    let (graph, _) = plan_one("append", sql).unwrap_or_else(|problems| panic!("{problems:?}"));
    let operators = graph.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Operator(operator) => Some(operator.spec.fingerprint().unwrap().join("\n")),
        _ => None,
    });
    let text = operators.collect::<Vec<_>>().join("\n");
    let condition = text.lines().find(|line| line.contains("left rows only if")).unwrap_or_else(|| panic!("{text}"));
    assert!(
        condition.contains("coalesce(") && condition.contains("price@") && !condition.contains("__"),
        "{condition}"
    );
}
