//! Queries of the Nexmark benchmark whose join is bounded on one side only: they ended with an Arrow error at the first record.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use testkit::MemoryRecord;

use crate::{Dice, answer, lines, open};

const HEAD: &str = r#"
[job]
name = "nexmark"
checkpoint = "checkpoint"
warehouse = "warehouse"

[source.auction]
connector = "kafka"
brokers = "localhost:9092"
topic = "auction"
starting_offsets = "earliest"
watermark = { column = "date_time", delay = "10 hours" }
schema = { id = "bigint", seller = "bigint", category = "bigint", date_time = "timestamp", expires = "timestamp" }

[source.bid]
connector = "kafka"
brokers = "localhost:9092"
topic = "bid"
starting_offsets = "earliest"
watermark = { column = "date_time", delay = "10 hours" }
schema = { auction = "bigint", bidder = "bigint", price = "bigint", date_time = "timestamp" }
"#;

const JOIN: &str = "auction a JOIN bid b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires";

/// Tables with their queries, over the join.
fn queries() -> [(&'static str, String); 4] {
    [
        // The average of the closing prices of a category.
        (
            "gold.categories",
            format!(
                "SELECT category, avg(closing) AS mean FROM (SELECT max(b.price) AS closing, a.category FROM {JOIN} GROUP BY a.id, a.category) q GROUP BY category"
            ),
        ),
        // The best bid of an auction.
        (
            "gold.winners",
            format!(
                "SELECT id, bidder, price FROM (SELECT a.id, b.bidder, b.price, row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.bidder) AS place FROM {JOIN}) q WHERE place <= 1"
            ),
        ),
        // The average of a seller's last three closing prices.
        (
            "gold.sellers",
            format!(
                "SELECT id, seller, avg(closing) OVER (PARTITION BY seller ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS mean FROM (SELECT a.id, a.seller, max(b.price) AS closing FROM {JOIN} GROUP BY a.id, a.seller) q"
            ),
        ),
        // The join itself.
        ("gold.pairs", format!("SELECT a.id AS id, b.bidder AS bidder FROM {JOIN}")),
    ]
}

fn job() -> String {
    let table = |(name, sql): (&str, String)| {
        format!("\n[table.{name}]\nmode = \"update\"\nstate_ttl = \"unbounded\"\nsql = \"{sql}\"\n")
    };
    HEAD.to_string() + &queries().into_iter().map(table).collect::<String>()
}

fn time(minute: i64) -> String {
    format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

fn batch(columns: &[&str], rows: &[Vec<i64>]) -> RecordBatch {
    let column = |at: usize| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row[at]))) };
    RecordBatch::try_from_iter(columns.iter().enumerate().map(|(at, name)| (*name, column(at)))).unwrap()
}

#[test]
fn a_join_that_is_bounded_on_one_side_runs_below_an_aggregate_a_best_row_and_a_moving_average() {
    for lanes in [1, 2] {
        let (mut run, mut dice) = (open(&job(), lanes), Dice(5));
        let (mut auctions, mut bids): (Vec<Vec<i64>>, Vec<Vec<i64>>) = (Vec::new(), Vec::new());
        for epoch in 0..40_i64 {
            let opens = epoch * 5;
            let auction = vec![epoch, dice.below(4), dice.below(3), opens, opens + 5 + dice.below(30)];
            let [id, seller, category, begins, ends] = auction[..] else { panic!("five columns") };
            run.append(
                "auction",
                (epoch % 2) as u16,
                [MemoryRecord::of(format!(
                    r#"{{"id":{id},"seller":{seller},"category":{category},"date_time":"{}","expires":"{}"}}"#,
                    time(begins),
                    time(ends)
                ))],
            )
            .unwrap();
            auctions.push(auction);
            for number in 0..6 {
                // Some for auctions to come, some too early or too late.
                let bid = vec![
                    (epoch - 3 + dice.below(6)).max(0),
                    epoch * 6 + number,
                    dice.below(1_000),
                    (opens - 10 + dice.below(25)).max(0),
                ];
                let [auction, bidder, price, minute] = bid[..] else { panic!("four columns") };
                run.append(
                    "bid",
                    (number % 3) as u16,
                    [MemoryRecord::of(format!(
                        r#"{{"auction":{auction},"bidder":{bidder},"price":{price},"date_time":"{}"}}"#,
                        time(minute)
                    ))],
                )
                .unwrap();
                bids.push(bid);
            }
            run.step().unwrap_or_else(|error| panic!("epoch {epoch}: {error}"));
            if epoch % 13 == 12 {
                run.restart().unwrap();
            }
        }
        let tables = [
            ("auction", batch(&["id", "seller", "category", "date_time", "expires"], &auctions)),
            ("bid", batch(&["auction", "bidder", "price", "date_time"], &bids)),
        ];
        for (table, sql) in queries() {
            let expected = answer(&sql, &tables);
            assert!(expected.len() > 2, "{table}: {expected:?}");
            assert_eq!(lines(&run.rows(table).unwrap()), expected, "{table} on {lanes} lanes");
        }
    }
}
