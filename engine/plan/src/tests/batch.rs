//! The five window tables of the main job against DataFusion's batch SQL over the same rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use futures::executor::block_on;

use super::engine::{MINUTE, SECOND, doubles, front, lines, rows, run, texts, times};
use super::schemas::{ecommerce, position, table};

const START: i64 = 1_700_000_000 * SECOND;

/// A small generator with a fixed seed (xorshift): the same rows on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Events of one lane and epoch: two minutes of event time, up to two minutes out of order.
fn events(schema: &arrow::datatypes::SchemaRef, epoch: i64, dice: &mut Dice) -> RecordBatch {
    let count = 150;
    let pick = |dice: &mut Dice, from: &[&'static str]| from[dice.below(from.len() as u64) as usize];
    let mut columns: Vec<Vec<Option<&str>>> = vec![Vec::new(); 5];
    let (mut instants, mut amounts) = (Vec::new(), Vec::new());
    for _ in 0..count {
        instants.push(START + epoch * 2 * MINUTE + dice.below(4 * 60 * 1_000) as i64 * 1_000);
        columns[0].push(Some(pick(dice, &["page_view", "purchase", "search"])));
        columns[1].push(Some(pick(dice, &["user_1", "user_2", "user_3", "user_4"])));
        columns[2].push(Some(pick(dice, &["s1", "s2", "s3"])));
        columns[3].push(Some(pick(dice, &["mobile", "desktop"])).filter(|_| dice.below(9) > 0));
        columns[4].push(Some(pick(dice, &["Paris", "Rome"])));
        amounts.push(
            columns[0].last().unwrap().filter(|kind| *kind == "purchase").map(|_| dice.below(4_000) as f64 / 4.0),
        );
    }
    let names = ["event_type", "user_id", "session_id", "device", "location"];
    let mut given = vec![("event_time", times(&instants)), ("total_amount", doubles(&amounts))];
    given.extend(names.into_iter().zip(columns.iter().map(|column| texts(column))));
    rows(schema, given)
}

fn query(tables: Vec<(&str, RecordBatch)>, sql: &str) -> Vec<String> {
    let context = SessionContext::new_with_config(crate::session_config());
    for (name, rows) in tables {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    let batches = block_on(::batch::rows(&context, sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut all: Vec<String> = batches.iter().flat_map(lines).collect();
    all.sort();
    all
}

#[test]
fn the_five_window_tables_equal_batch_sql_over_the_same_rows() {
    let (_, graph) = ecommerce();
    let bronze = table(&graph, "bronze.raw_events");
    let schema = &graph.sources["events"].schema;
    let mut dice = Dice(42);
    let epochs: Vec<(Vec<RecordBatch>, Option<i64>)> = (0..60)
        .map(|epoch| {
            let lanes = (0..3).map(|_| events(schema, epoch, &mut dice)).collect();
            (lanes, (epoch > 0).then(|| START + (epoch * 2 - 3) * MINUTE))
        })
        .collect();
    let pipeline = front(&graph, position(&graph, "bronze.raw_events"));
    let all: Vec<RecordBatch> =
        epochs.iter().flat_map(|(lanes, _)| lanes).map(|rows| pipeline.run(rows).unwrap().rows).collect();
    let all = concat_batches(&bronze.schema, &all).unwrap();
    let cases = [
        ("gold.event_counts", "SELECT * FROM out",
         "SELECT w, w + INTERVAL '1' MINUTE, event_type, count(*), count(DISTINCT user_id)
          FROM (SELECT *, date_bin(INTERVAL '1' MINUTE, event_time) AS w FROM bronze) GROUP BY 1, 2, 3"),
        ("gold.user_activity",
         "SELECT window_start, window_end, user_id, event_count, array_sort(event_types), first_event, last_event FROM out",
         "SELECT w, w + INTERVAL '5' MINUTE, user_id, count(*), array_sort(array_agg(event_type)), min(event_time), max(event_time)
          FROM (SELECT *, date_bin(INTERVAL '1' MINUTE, event_time) - k AS w
                FROM bronze CROSS JOIN (VALUES (INTERVAL '0' MINUTE), (INTERVAL '1' MINUTE), (INTERVAL '2' MINUTE), (INTERVAL '3' MINUTE), (INTERVAL '4' MINUTE)) AS back(k)) GROUP BY 1, 2, 3"),
        ("gold.purchase_metrics", "SELECT * FROM out",
         "SELECT w, w + INTERVAL '10' MINUTE, count(*), sum(total_amount), avg(total_amount), max(total_amount), min(total_amount), count(DISTINCT user_id)
          FROM (SELECT *, date_bin(INTERVAL '10' MINUTE, event_time) AS w FROM bronze WHERE event_type = 'purchase') GROUP BY 1, 2"),
        ("gold.session_metrics",
         "SELECT window_start, session_id, events_in_session, array_sort(session_events), session_start, session_end, session_duration_seconds FROM out",
         "SELECT w, session_id, count(*), array_sort(array_agg(event_type)), min(event_time), max(event_time),
                 CAST(floor(date_part('epoch', max(event_time))) - floor(date_part('epoch', min(event_time))) AS BIGINT)
          FROM (SELECT *, date_bin(INTERVAL '5' MINUTE, event_time) AS w FROM bronze) GROUP BY 1, 2"),
        ("gold.device_stats",
         "SELECT get_field(\"window\", 'start'), get_field(\"window\", 'end'), device, location, event_count, unique_users, unique_sessions FROM out",
         "SELECT w, w + INTERVAL '10' MINUTE, device, location, count(*), count(DISTINCT user_id), count(DISTINCT session_id)
          FROM (SELECT *, date_bin(INTERVAL '10' MINUTE, event_time) AS w FROM bronze) GROUP BY 1, 2, 3, 4"),
    ];
    for (name, shown, oracle) in cases {
        let streamed = query(vec![("out", run(&graph, position(&graph, name), &epochs))], &shown.replace('"', "`"));
        let batch = query(vec![("bronze", all.clone())], oracle);
        assert!(batch.len() > 10, "{name}");
        assert_eq!(streamed, batch, "{name}");
    }
}

#[test]
fn a_condition_above_an_outer_join_stays_there_although_both_sides_have_the_column() {
    // DataFusion's rule FilterPushdown moves it to the other side's `id`, and the row is emitted.
    let context = crate::session(crate::session_config());
    let side = "(SELECT id, g FROM (VALUES (1, NULL)) AS t(id, g) WHERE id > 0)";
    let sql = format!(
        "SELECT coalesce(l.id, 0) + r.id AS id FROM {side} l RIGHT JOIN {side} r ON l.g = r.g WHERE l.id IS NOT NULL OR r.id > 5"
    );
    let rows = block_on(::batch::rows(&context, &sql)).unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}
