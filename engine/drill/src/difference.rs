//! Two runs' tables, compared as multisets of rows.

use std::cmp::Ordering;

use crate::rows::{RowKey, Rows, Tables};

/// Sums whose parts were grouped otherwise differ by less: a double holds 16 digits, and millions of additions cost seven at most.
const RELATIVE_MAX: f64 = 1e-9;
/// Rows shown of each side.
const SHOWN: usize = 5;

/// Every difference of `ours` from the undisturbed run's tables; `None` if there is none.
pub fn between(undisturbed: &Tables, ours: &Tables) -> Option<String> {
    let mut differences = Vec::new();
    for (name, expected) in &undisturbed.by_name {
        match ours.by_name.get(name) {
            Some(rows) => differences.extend(of_table(name, expected, rows)),
            None => differences.push(format!("{name} is missing")),
        }
    }
    let extra = ours.by_name.keys().filter(|name| !undisturbed.by_name.contains_key(*name));
    differences.extend(extra.map(|name| format!("{name} is there, which the undisturbed run does not have")));
    (!differences.is_empty()).then(|| differences.join("\n"))
}

fn of_table(name: &str, expected: &Rows, ours: &Rows) -> Option<String> {
    let (missing, extra) = one_sided(&expected.keys, &ours.keys);
    if missing.is_empty() && extra.is_empty() {
        return None;
    }
    let mut text = format!(
        "{name}: {} rows, {} undisturbed; {} missing, {} that should not be there",
        ours.keys.len(),
        expected.keys.len(),
        missing.len(),
        extra.len()
    );
    missing.iter().take(SHOWN).for_each(|key| text.push_str(&format!("\n  missing: {}", expected.show(key))));
    extra.iter().take(SHOWN).for_each(|key| text.push_str(&format!("\n  extra:   {}", ours.show(key))));
    Some(text)
}

/// Rows of either side that have no partner on the other. Both sides are sorted.
pub fn one_sided<'a>(left: &'a [RowKey], right: &'a [RowKey]) -> (Vec<&'a RowKey>, Vec<&'a RowKey>) {
    // Both are walked side by side, so a pair out of order would be taken for two differences.
    debug_assert!([left, right].iter().all(|keys| keys.is_sorted_by(|a, b| a.order(b).is_le())), "rows out of order");
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) if are_equal(one, other) => Ordering::Equal,
            (Some(one), Some(other)) => one.order(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (only_left, only_right),
        };
        if order.is_le() {
            only_left.extend(left.next().filter(|_| order.is_lt()));
        }
        if order.is_ge() {
            only_right.extend(right.next().filter(|_| order.is_gt()));
        }
    }
}

fn are_equal(one: &RowKey, other: &RowKey) -> bool {
    let close = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a - b).abs() <= RELATIVE_MAX * a.abs().max(b.abs());
    one.digest == other.digest
        && one.floats.len() == other.floats.len()
        && one.floats.iter().zip(&other.floats).all(|(a, b)| close(*a, *b))
}
