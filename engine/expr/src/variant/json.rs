//! The JSON of a VARIANT.

use std::fmt::Write;

use chrono::DateTime;

use super::item::Item;
use crate::scalar::json::parse::{array, object, quote};
use crate::scalar::number_text::{double_text, float_text};

/// A decimal without zeros at its end.
pub(crate) fn plain_decimal(mut digits: i128, mut scale: u8) -> (i128, u8) {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    (digits, scale)
}

/// The digits of a decimal with its point.
pub(crate) fn decimal_text(digits: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    let sign = if digits < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// An instant as JSON has it: the microseconds that it has, and the zone.
fn time_text(us: i64, zone: &str) -> String {
    let Some(time) = DateTime::from_timestamp_micros(us) else { return us.to_string() };
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let fraction = us.rem_euclid(1_000_000);
    if fraction > 0 {
        let _ = write!(text, ".{}", format!("{fraction:06}").trim_end_matches('0'));
    }
    text + zone
}

fn day_text(day: i32) -> String {
    let day = day.checked_add(719_163).and_then(chrono::NaiveDate::from_num_days_from_ce_opt);
    day.map_or_else(String::new, |day| day.to_string())
}

/// The text of a value that is not nested, as CAST(… AS STRING) writes it; of a nested one its JSON; of `null` none.
pub fn text_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Null => return None,
        Item::Text(text) => text.clone(),
        Item::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Item::Day(day) => day_text(*day),
        Item::Instant(us) | Item::LocalInstant(us) => time_text(*us, ""),
        Item::Float(number) => float_text(*number),
        Item::Double(number) => double_text(*number),
        other => other.json(),
    })
}

impl Item {
    /// Its JSON, without blanks.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// Writes its JSON.
    pub fn write_json(&self, out: &mut String) {
        let finite = |is_finite: bool, text: String, out: &mut String| {
            if is_finite { out.push_str(&text) } else { quote(&text, out) }
        };
        match self {
            Item::Null => out.push_str("null"),
            Item::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Item::Whole(number) => {
                let _ = write!(out, "{number}");
            }
            Item::Float(number) => finite(number.is_finite(), float_text(*number), out),
            Item::Double(number) => finite(number.is_finite(), double_text(*number), out),
            Item::Decimal(digits, scale) => {
                let (digits, scale) = plain_decimal(*digits, *scale);
                out.push_str(&decimal_text(digits, scale));
            }
            Item::Text(text) => quote(text, out),
            Item::Bytes(bytes) => quote(&crate::scalar::base64::encode(bytes), out),
            Item::Day(day) => quote(&day_text(*day), out),
            Item::Instant(us) => quote(&time_text(*us, "+00:00"), out),
            Item::LocalInstant(us) => quote(&time_text(*us, ""), out),
            Item::Array(items) => array(items, out, Item::write_json),
            Item::Object(members) => object(members, out, Item::write_json),
        }
    }
}
