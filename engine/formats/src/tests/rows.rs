//! Random schemas, rows that fit them, and ways to write a row.

use job::{Column, DataType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A column type that arrow-json reads the same way as we.
pub(super) fn data_type(depth: u32) -> BoxedStrategy<DataType> {
    let leaf = prop_oneof![
        1 => Just(DataType::Boolean),
        1 => Just(DataType::Int),
        1 => Just(DataType::BigInt),
        1 => Just(DataType::Float),
        1 => Just(DataType::Double),
        1 => Just(DataType::Decimal(12, 3)),
        4 => Just(DataType::String),
        1 => Just(DataType::Date),
        2 => Just(DataType::Timestamp),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || data_type(depth - 1);
    prop_oneof![
        5 => leaf,
        1 => inner().prop_map(|element| DataType::Array(Box::new(element))),
        1 => inner().prop_map(|value| DataType::Map(Box::new(value))),
        1 => prop::collection::btree_map(name(), inner(), 1..4).prop_map(|members| DataType::Struct(members.into_iter().collect())),
    ]
    .boxed()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-e]{1,3}", "[a-z_]{8,20}", Just("gr\u{f6}\u{df}e \"x\"\n".to_owned())]
}

pub(super) fn schema() -> impl Strategy<Value = Vec<Column>> {
    prop::collection::btree_map(name(), data_type(2), 1..8)
        .prop_map(|columns| columns.iter().map(|(name, data_type)| super::column(name, data_type.clone())).collect())
}

/// A value of the type, null now and then.
pub(super) fn value(data_type: &DataType) -> BoxedStrategy<Value> {
    let some = match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        DataType::Int => any::<i32>().prop_map(Value::from).boxed(),
        DataType::BigInt => any::<i64>().prop_map(Value::from).boxed(),
        DataType::Float => any::<f32>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from).boxed(),
        DataType::Double => any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from).boxed(),
        DataType::Decimal(..) => (-999_999_999_i64..=999_999_999, 0_u32..=3)
            .prop_map(|(units, places)| json!(units as f64 / 10_f64.powi(places as i32)))
            .boxed(),
        DataType::String => {
            prop_oneof!["[a-z ]{0,20}", "\\PC{0,12}", "[\u{0}-\u{1f}\"\\\\/x]{0,10}"].prop_map(Value::from).boxed()
        }
        DataType::Date => instant().prop_map(|text| Value::from(&text[..10])).boxed(),
        DataType::Timestamp => instant().prop_map(Value::from).boxed(),
        DataType::Array(element) => prop::collection::vec(value(element), 0..4).prop_map(Value::from).boxed(),
        DataType::Map(inner) => prop::collection::btree_map("[a-c]{0,3}", value(inner), 0..4)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            .boxed(),
        DataType::Struct(members) => object(members.clone()).prop_map(Value::Object).boxed(),
        DataType::Binary => unreachable!("arrow-json reads hex"),
    };
    prop_oneof![8 => some, 1 => Just(Value::Null)].boxed()
}

fn instant() -> impl Strategy<Value = String> {
    let zone = prop::sample::select(vec!["Z", "+00:00", "+05:30", "-08:00", ""]);
    (0_i64..4_000_000_000_000_000, zone, prop::sample::select(vec!["", "%.3f", "%.6f", "%.9f"])).prop_map(
        |(us, zone, fraction)| {
            let local = chrono::DateTime::from_timestamp_micros(us).unwrap();
            format!("{}{zone}", local.format(&format!("%Y-%m-%dT%H:%M:%S{fraction}")))
        },
    )
}

/// An object with some of the members, and some keys of its own.
fn object(members: Vec<(String, DataType)>) -> BoxedStrategy<Map<String, Value>> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, data_type)| {
            prop::option::weighted(0.8, value(&data_type)).prop_map(move |value| (name.clone(), value))
        })
        .collect();
    (members, prop::option::weighted(0.3, any_value()))
        .prop_map(|(members, unknown)| {
            let unknown = unknown.map(|value| ("unknown key".to_owned(), value));
            members.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(unknown).collect()
        })
        .boxed()
}

/// Any JSON value.
pub(super) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from),
        (-100_i32..100).prop_map(|x| Value::from(f64::from(x) / 4.0)),
        "\\PC{0,8}".prop_map(Value::from),
        instant().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A schema and records that fit it, each written in a way of its own.
pub(super) fn schema_and_records() -> impl Strategy<Value = (Vec<Column>, Vec<String>)> {
    schema().prop_flat_map(|columns| {
        let members: Vec<_> = columns.iter().map(|column| (column.field.clone(), column.data_type.clone())).collect();
        let records = prop::collection::vec((object(members), any::<u64>()), 0..20);
        let records = records.prop_map(|records| {
            records.into_iter().map(|(record, style)| written(&Value::Object(record), &mut Style(style))).collect()
        });
        (Just(columns), records)
    })
}

/// A source of free choices in writing JSON.
pub(super) struct Style(pub(super) u64);

impl Style {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn space(&mut self) -> &'static str {
        ["", "", "", " ", "\n\t", "\r\n  "][self.below(6) as usize]
    }
}

/// The value as JSON, with keys in any order, any white space, and characters escaped at will.
pub(super) fn written(value: &Value, style: &mut Style) -> String {
    let text = match value {
        Value::String(text) => quoted(text, style),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| written(item, style)).collect();
            format!("[{}{}]", items.join(","), style.space())
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            for last in (1..members.len()).rev() {
                members.swap(last, style.below(last as u64 + 1) as usize);
            }
            let members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| {
                    format!("{}{}{}:{}", style.space(), quoted(key, style), style.space(), written(value, style))
                })
                .collect();
            format!("{{{}{}}}", members.join(","), style.space())
        }
        scalar => scalar.to_string(),
    };
    format!("{}{text}{}", style.space(), style.space())
}

fn quoted(text: &str, style: &mut Style) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' if style.below(2) == 0 => out.push_str("\\n"),
            '/' if style.below(2) == 0 => out.push_str("\\/"),
            '\0'..' ' => out.push_str(&format!("\\u{:04x}", character as u32)),
            // Not past U+20000: arrow-json 59 reads the pairs of those wrong (d87e dc00 as U+1F800).
            ..'\u{20000}' if style.below(8) == 0 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
