//! Columns of a source that SQL computes, and how its times are written.

use crate::keys::Keys;
use crate::model::{ComputedColumn, DataType, SqlText, TimeForm, TimeUnit};
use crate::problem::{Problem, Problems};
use crate::tree::Text;

/// The keys of a column that only one of a source has.
pub(super) const KEYS: [&str; 4] = ["unit", "format", "time_zone", "expression"];

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Seconds),
    ("ms", TimeUnit::Milliseconds),
    ("us", TimeUnit::Microseconds),
    ("ns", TimeUnit::Nanoseconds),
];

/// A column that is computed; `after` columns of the record stand before it.
pub(super) fn column(
    name: &str,
    keys: &Keys<'_>,
    after: usize,
    required: bool,
    problems: &mut Problems,
) -> ComputedColumn {
    for other in ["type", "field", "unit", "format", "time_zone"] {
        let Some(entry) = keys.entry(other) else { continue };
        let help = match other {
            "type" => format!("take it away; for a certain type write {name} = {{ expression = \"CAST(… AS …)\" }}"),
            "field" => "take it away, and name the field in the expression".to_owned(),
            _ => "take it away, and convert in the expression: timestamp_millis(n), to_timestamp(text, pattern)"
                .to_owned(),
        };
        problems.push(
            Problem::new(entry.name_span.clone(), format!("`{other}` beside `expression`"))
                .label("the column is computed, not read")
                .help(help),
        );
    }
    let expression = keys.text("expression", problems).map(sql_text).unwrap_or_default();
    if expression.text.is_empty() {
        problems.blur();
    }
    ComputedColumn { name: name.to_owned(), expression, after, required }
}

/// How the times of a column are written, if the file says it.
pub(super) fn time_form(keys: &Keys<'_>, data_type: &DataType, problems: &mut Problems) -> Option<TimeForm> {
    for name in ["unit", "format", "time_zone"] {
        if let (Some(entry), true) = (keys.entry(name), *data_type != DataType::Timestamp) {
            problems.push(
                Problem::new(entry.name_span.clone(), format!("`{name}` is for timestamps"))
                    .label("the column has another type")
                    .help("write type = \"timestamp\", or take this away"),
            );
        }
    }
    let given = |name: &str, problems: &mut Problems| {
        if keys.has(name) { keys.text(name, problems).map(sql_text) } else { None }
    };
    let form = TimeForm {
        unit: if keys.has("unit") { keys.choice("unit", &UNITS, problems) } else { None },
        format: given("format", problems),
        time_zone: given("time_zone", problems).filter(|zone| zone.text != "UTC"),
    };
    (form != TimeForm::default()).then_some(form)
}

/// A text of the file that is SQL, or speaks of times as SQL does.
pub(super) fn sql_text(text: &Text) -> SqlText {
    SqlText { text: text.value.clone(), span: text.content.clone() }
}
