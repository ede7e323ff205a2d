//! A VARIANT of JSON.

use super::item::Item;
use crate::scalar::json::lenient::parse;
use crate::scalar::json::options::Options;
use crate::scalar::json::parse::Value;

/// Most digits of a decimal.
const DIGITS_MAX: usize = 38;

/// JSON as it is written down: what `from_json` allows beside it, `parse_json` does not.
fn strict() -> Options {
    Options { single_quotes: false, non_numeric: false, ..Options::default() }
}

/// The value of a JSON text (what stands behind it does not matter, as in Spark), or what is wrong with it.
///
/// # Errors
/// If the text is no JSON, or an object has a member twice.
pub fn item_of_json(text: &str) -> Result<Item, String> {
    let value = parse(text, &strict()).ok_or("it is no JSON")?;
    item_of(&value)
}

/// The value of a JSON value.
///
/// # Errors
/// If an object has a member twice.
pub fn item_of(value: &Value) -> Result<Item, String> {
    Ok(match value {
        Value::Null => Item::Null,
        Value::Flag(flag) => Item::Flag(*flag),
        Value::Number(text) => number(text),
        Value::Text(text) => Item::Text(text.clone()),
        Value::Array(items) => Item::Array(items.iter().map(item_of).collect::<Result<_, _>>()?),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), item_of(value)?)));
            let object = Item::object(members.collect::<Result<_, String>>()?);
            if let Item::Object(members) = &object
                && let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0)
            {
                return Err(format!("the member `{}` stands twice in an object", pair[0].0));
            }
            object
        }
    })
}

/// A whole number, else a decimal if its digits fit, else a double.
fn number(text: &str) -> Item {
    if let Ok(number) = text.parse::<i64>() {
        return Item::Whole(number);
    }
    let as_double = || Item::Double(text.parse().unwrap_or(f64::NAN));
    if text.contains(['e', 'E']) {
        return as_double();
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('-').trim_start_matches('0').len();
    if significant > DIGITS_MAX || fraction.len() > DIGITS_MAX {
        return as_double();
    }
    digits.parse().map_or_else(|_| as_double(), |digits| Item::Decimal(digits, fraction.len() as u8))
}
