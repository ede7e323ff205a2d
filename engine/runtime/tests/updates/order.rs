//! What depends on the order of rows goes by epoch, split and offset, however many lanes read: a plain list is the oracle.

use std::collections::BTreeMap;

use testkit::MemoryRecord;

use crate::{Dice, lines, open};

const JOB: &str = r#"
[job]
name = "order"
checkpoint = "checkpoint"
warehouse = "warehouse"

[source.events]
connector = "kafka"
brokers = "localhost:9092"
topic = "events"
starting_offsets = "earliest"
schema = { k = "string", n = "bigint" }

[table.gold.lists]
mode = "update"
sql = "SELECT k, array_join(collect_list(CAST(n AS STRING)), '-') AS all, first(n) AS first, last(n) AS last FROM events GROUP BY k"
"#;

#[test]
fn lists_and_first_and_last_do_not_depend_on_the_number_of_cores() {
    for lanes in [1, 2, 3, 4, 7] {
        let (mut run, mut dice, mut expected) = (open(JOB, lanes), Dice(5), BTreeMap::<&str, Vec<i64>>::new());
        let mut number = 0;
        for epoch in 0..24 {
            for partition in 0..5 {
                for _ in 0..dice.below(4) {
                    let key = ["a", "b", "c"][usize::try_from(dice.below(3)).unwrap()];
                    number += 1;
                    let record = MemoryRecord::of(format!(r#"{{"k":"{key}","n":{number}}}"#));
                    run.append("events", partition, [record]).unwrap();
                    expected.entry(key).or_default().push(number);
                }
            }
            run.step().unwrap_or_else(|error| panic!("epoch {epoch}: {error}"));
            if epoch % 7 == 6 {
                run.restart().unwrap();
            }
        }
        let line = |(key, numbers): (&&str, &Vec<i64>)| {
            let all: Vec<String> = numbers.iter().map(i64::to_string).collect();
            format!("{key} {} {} {}", all.join("-"), numbers[0], numbers[numbers.len() - 1])
        };
        let expected: Vec<String> = expected.iter().map(line).collect();
        assert_eq!(lines(&run.rows("gold.lists").unwrap()), expected, "{lanes} lanes");
    }
}
