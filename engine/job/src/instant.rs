//! Points in time.

use chrono::DateTime;

use crate::keys::wrong_type;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, Value};

/// Microseconds since 1970 UTC: a string or a date of TOML, with its zone.
pub fn read_us(node: &Node, name: &str, example: &str, problems: &mut Problems) -> Option<i64> {
    let (written, place) = match &node.value {
        Value::Text(text) => (text.value.clone(), text.content.clone()),
        Value::Datetime(datetime) => (datetime.to_string(), node.span.clone()),
        _ => {
            wrong_type(node, name, "a time in quotes", format!("write {example}"), problems);
            return None;
        }
    };
    match DateTime::parse_from_rfc3339(written.trim()) {
        Ok(time) => Some(time.timestamp_micros()),
        Err(_) => {
            let with_zone = DateTime::parse_from_rfc3339(&format!("{}Z", written.trim())).is_ok();
            let label = if with_zone { "the time zone is missing" } else { "not a time with date and zone" };
            let help = "write it as 2026-01-01T00:00:00Z (UTC) or 2026-01-01T01:00:00+01:00";
            problems.push(Problem::new(place, "this is not a point in time").label(label).help(help));
            None
        }
    }
}
