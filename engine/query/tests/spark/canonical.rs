//! The one text that a value has, and the names of types, as the recorder writes them (README.md).

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Field, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::util::display::array_value_to_string;
use expr::variant::is_variant;
use parquet_variant::Variant;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// A column's type as Spark's `simpleString` has it; Arrow's name where Spark has no such type.
pub fn type_name(field: &Field) -> String {
    match field.data_type() {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".to_owned(),
        DataType::Interval(IntervalUnit::YearMonth) => interval_name(field, "year to month"),
        DataType::Interval(IntervalUnit::MonthDayNano) => "interval".to_owned(),
        DataType::Duration(TimeUnit::Microsecond) => interval_name(field, "day to second"),
        DataType::Time64(_) => "time(6)".to_owned(),
        DataType::Dictionary(_, values) => type_name(&Field::new("", values.as_ref().clone(), true)),
        DataType::List(item) | DataType::LargeList(item) => format!("array<{}>", type_name(item)),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => format!("map<{},{}>", type_name(&pair[0]), type_name(&pair[1])),
            other => other.to_string(),
        },
        kind if is_variant(kind) => "variant".to_owned(),
        DataType::Struct(members) => {
            let named = |member: &_| format!("{}:{}", Field::name(member), type_name(member));
            format!("struct<{}>", members.iter().map(|member| named(member)).collect::<Vec<_>>().join(","))
        }
        other => format!("{other}").to_lowercase(),
    }
}

/// The fields of an interval stand in the metadata of its column, if it has not all of its kind.
fn interval_name(field: &Field, all: &str) -> String {
    format!("interval {}", field.metadata().get("spark.interval").map_or(all, String::as_str))
}

/// The text of one value.
pub fn text(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) || matches!(column.data_type(), DataType::Null) {
        return "NULL".to_owned();
    }
    match column.data_type() {
        DataType::List(_) => list(&column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&column.as_list::<i64>().value(row)),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let pair = |at| format!("{}: {}", text(entries.column(0), at), text(entries.column(1), at));
            format!("{{{}}}", (0..entries.len()).map(pair).collect::<Vec<_>>().join(", "))
        }
        kind if is_variant(kind) => {
            let parts = column.as_struct();
            let [names, value] = [0, 1].map(|at| parts.column(at).as_binary::<i32>().value(row));
            let mut out = String::new();
            variant(&Variant::try_new(names, value).expect("bytes of a variant"), &mut out);
            out
        }
        DataType::Struct(_) => {
            let members = column.as_struct().columns().iter();
            format!("({})", members.map(|member| text(member, row)).collect::<Vec<_>>().join(", "))
        }
        _ => plain(column, row),
    }
}

/// A variant as Python's client of Spark writes it: letters beyond ASCII escaped, decimals with all their digits.
fn variant(value: &Variant<'_, '_>, out: &mut String) {
    match value {
        Variant::Null => out.push_str("null"),
        Variant::BooleanTrue => out.push_str("true"),
        Variant::BooleanFalse => out.push_str("false"),
        Variant::String(text) => json_text(text, out),
        Variant::ShortString(text) => json_text(text.as_str(), out),
        Variant::Float(number) => out.push_str(&double(f64::from(*number), format!("{number:?}"))),
        Variant::Double(number) => out.push_str(&double(*number, format!("{number:?}"))),
        Variant::Decimal4(number) => out.push_str(&decimal(i128::from(number.integer()), number.scale())),
        Variant::Decimal8(number) => out.push_str(&decimal(i128::from(number.integer()), number.scale())),
        Variant::Decimal16(number) => out.push_str(&decimal(number.integer(), number.scale())),
        Variant::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                variant(&item, out);
            }
            out.push(']');
        }
        Variant::Object(members) => {
            out.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                json_text(name, out);
                out.push(':');
                variant(&member, out);
            }
            out.push('}');
        }
        whole => out.push_str(&whole.as_int64().map_or_else(|| format!("{whole:?}"), |number| number.to_string())),
    }
}

fn decimal(digits: i128, scale: u8) -> String {
    let one = arrow::array::Decimal128Array::from(vec![digits]).with_data_type(DataType::Decimal128(38, scale as i8));
    one.value_as_string(0)
}

fn json_text(text: &str, out: &mut String) {
    let mut units = [0; 2];
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            ' '..='~' => out.push(letter),
            _ => letter.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out.push('"');
}

fn list(items: &ArrayRef) -> String {
    format!("[{}]", (0..items.len()).map(|at| text(items, at)).collect::<Vec<_>>().join(", "))
}

fn plain(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            double(f64::from(value), format!("{value:?}"))
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            double(value, format!("{value:?}"))
        }
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => column.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::Utf8 => quoted(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => quoted(column.as_string::<i64>().value(row)),
        DataType::Utf8View => quoted(column.as_string_view().value(row)),
        DataType::Binary => hexadecimal(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hexadecimal(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => hexadecimal(column.as_binary_view().value(row)),
        DataType::Date32 => date(i64::from(column.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            column.as_primitive::<IntervalYearMonthType>().value(row).to_string()
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            column.as_primitive::<DurationMicrosecondType>().value(row).to_string()
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
            format!("{}m {}d {}us", value.months, value.days, value.nanoseconds / 1000)
        }
        DataType::Dictionary(_, values) => {
            cast(column, values).map_or_else(|error| error.to_string(), |plain| text(&plain, row))
        }
        DataType::Time64(unit) => {
            let nanos =
                cast(column, &DataType::Int64).map_or(0, |numbers| numbers.as_primitive::<Int64Type>().value(row));
            time(nanos * if *unit == TimeUnit::Nanosecond { 1 } else { 1000 })
        }
        _ => array_value_to_string(column, row).unwrap_or_else(|error| error.to_string()),
    }
}

fn double(value: f64, finite: String) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ => finite,
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("X'{}'", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
}

/// A day of any year: the calendar of the libraries ends earlier than Spark's.
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

fn timestamp(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(MICROS_OF_DAY), micros.rem_euclid(MICROS_OF_DAY));
    format!("{} {}.{:06}", date(days), clock(rest / 1_000_000), rest % 1_000_000)
}

fn time(nanos: i64) -> String {
    format!("{}.{:09}", clock(nanos / 1_000_000_000), nanos % 1_000_000_000)
}

fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[test]
fn days_and_instants_of_any_year_have_a_text() {
    assert_eq!([0, -1, 19_782, -719_162].map(date), ["1970-01-01", "1969-12-31", "2024-02-29", "0001-01-01"]);
    assert_eq!([-719_528, -719_529, 2_932_897].map(date), ["0000-01-01", "-0001-12-31", "10000-01-01"]);
    assert_eq!(timestamp(-500_000), "1969-12-31 23:59:59.500000");
    assert_eq!(timestamp(i64::MAX), "294247-01-10 04:00:54.775807");
    assert_eq!(time(45_296_789_000_000), "12:34:56.789000000");
}

#[test]
fn texts_and_numbers_lose_nothing() {
    assert_eq!([quoted("it's"), quoted("a\\b")], ["'it\\'s'", "'a\\\\b'"]);
    assert_eq!(hexadecimal(&[0, 0xC3]), "X'00C3'");
    let written = |value: f64| double(value, format!("{value:?}"));
    assert_eq!(
        [0.1, -0.0, 1e16, 1e-5, 1e15, f64::NAN].map(written),
        ["0.1", "-0.0", "1e16", "1e-5", "1000000000000000.0", "NaN"]
    );
    assert_eq!(written(f64::NEG_INFINITY), "-Infinity");
}
