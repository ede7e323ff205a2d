//! Cases with one wrong expectation: a harness that does not see it compares nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::case;
use crate::play::{Manner, play_steps, steps};

/// Of each kind of expectation in each case, the last one is made wrong in every way; that very step must fail.
#[test]
fn a_wrong_expectation_is_seen() {
    let mut wrong = 0;
    for case in case::all().into_iter().chain(case::golden()) {
        let Some(steps) = steps(&case) else { continue };
        let last: BTreeMap<&String, usize> =
            steps.iter().enumerate().flat_map(|(at, step)| Some((step.as_object()?.keys().next()?, at))).collect();
        for at in last.into_values() {
            for falsified in falsified(&steps[at]) {
                let mut steps = steps[..=at].to_vec();
                steps[at] = falsified;
                let problem =
                    play_steps(&case, &steps, Manner::AsWritten).expect_err(&format!("{}: {}", case.name, steps[at]));
                assert!(problem.starts_with(&format!("step {} ", at + 1)), "{}: {problem}", case.name);
                wrong += 1;
            }
        }
    }
    assert!(wrong > 200, "{wrong} wrong expectations only");
}

/// The step with something else expected; nothing if it expects nothing.
fn falsified(step: &Value) -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut step = step.clone();
        step[name] = value;
        step
    };
    let (name, value) = step.as_object().unwrap().iter().find(|(name, _)| *name != "ordered").unwrap();
    match (name.as_str(), value) {
        ("check_all" | "check_new" | "check_last", Value::Array(rows)) => {
            let mut more = rows.clone();
            more.push(rows.first().cloned().unwrap_or(json!(["no such row"])));
            let fewer = (!rows.is_empty()).then(|| with(name, json!(rows[1..])));
            let is_ordered = step.get("ordered").is_some() && rows.len() > 1;
            let turned = is_ordered.then(|| with(name, rows.iter().rev().cloned().collect()));
            [with(name, json!(more))].into_iter().chain(fewer).chain(turned).collect()
        }
        ("watermark" | "watermark_used", Value::Number(_)) => vec![with(name, one_more(value))],
        ("event_stats" | "state_rows", Value::Object(metrics)) => {
            let falsify = |metric: &String| {
                let mut metrics = metrics.clone();
                metrics[metric] = one_more(&metrics[metric]);
                with(name, Value::Object(metrics))
            };
            metrics.keys().map(falsify).collect()
        }
        _ => Vec::new(),
    }
}

fn one_more(value: &Value) -> Value {
    match value {
        Value::Array(values) => json!([vec![one_more(&values[0])], values[1..].to_vec()].concat()),
        value => json!(value.as_i64().unwrap() + 1),
    }
}
