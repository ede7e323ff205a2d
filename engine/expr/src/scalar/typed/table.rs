//! Which function takes which types, and what its NULL means in ANSI mode.

use super::Fault;
use super::alike::{Alike, arrays, contained, element, key};
use super::guard::{
    Guard, divisor, element_place, fits_bigint, index, is_zero_place, place_of_argument, seconds, unique_keys,
};
use super::input::Input::{
    self, Any, Array, Bytes, Day, DayOnly, Double, Flag, Instant, InstantOnly, InstantOrClock, Int, Long,
    LongBytesOrText, Map, NumberOnly, SmallInt, Text, TextBytesOrArray, TextOnly, TextOrBytes, TextOrTexts, TextOrTime,
    TextTimeOrNumber, WholeOnly,
};

/// Functions that take the same.
pub struct Row {
    /// Their names.
    pub names: &'static [&'static str],
    /// What each argument may be; the last stands for all that follow.
    pub inputs: &'static [Input],
    /// What NULL means, if it comes of arguments that are not.
    pub fault: Option<Fault>,
    /// What a row's arguments must be in ANSI mode.
    pub guard: Option<Guard>,
    /// What the types of the arguments must be to each other.
    pub alike: Option<Alike>,
}

impl Row {
    const fn guarded(self, guard: Guard) -> Row {
        Row { guard: Some(guard), ..self }
    }

    const fn alike(self, alike: Alike) -> Row {
        Row { alike: Some(alike), ..self }
    }
}

const fn takes(names: &'static [&'static str], inputs: &'static [Input]) -> Row {
    Row { names, inputs, fault: None, guard: None, alike: None }
}

const fn must(
    names: &'static [&'static str],
    inputs: &'static [Input],
    condition: &'static str,
    help: &'static str,
) -> Row {
    Row { names, inputs, fault: Some(Fault { condition, help }), guard: None, alike: None }
}

const UNPARSED: &str = "try_to_timestamp and try_to_date give NULL instead";
const OUT_OF_BOUNDS: &str = "there is no such date; check the parts with WHERE, or use try_make_timestamp";

/// All of them.
pub const ROWS: &[Row] = &[
    // Texts.
    takes(
        &["lower", "upper", "initcap", "ascii", "quote", "url_encode", "try_url_decode", "url_decode", "unhex"],
        &[Text],
    ),
    takes(&["soundex", "mask"], &[TextOnly]),
    takes(&["concat_ws"], &[Text, TextOrTexts]),
    takes(&["is_valid_utf8"], &[TextOrBytes]),
    takes(&["trim", "btrim", "ltrim", "rtrim", "translate", "replace", "find_in_set"], &[Text]),
    takes(&["bit_length", "octet_length", "length", "char_length", "character_length"], &[TextOrBytes]),
    takes(&["startswith", "endswith", "contains", "split_part"], &[Text, Text, Int]),
    takes(&["instr"], &[Text, Text, Int, Int]),
    takes(&["repeat", "right"], &[Text, Int]),
    takes(&["left", "substring", "substr"], &[TextOrBytes, Int, Int]),
    takes(&["locate", "position", "substring_index"], &[Text, Text, Int]),
    takes(&["levenshtein"], &[Text, Text, Int]),
    takes(&["reverse"], &[TextBytesOrArray]),
    takes(&["lpad", "rpad"], &[TextOrBytes, Int, TextOrBytes]),
    takes(&["overlay"], &[TextOrBytes, TextOrBytes, Int, Int]),
    takes(&["rlike", "regexp_like", "regexp", "regexp_count", "regexp_substr"], &[Text]),
    takes(&["regexp_instr", "regexp_extract", "regexp_extract_all", "split"], &[Text, Text, Int]),
    takes(&["regexp_replace"], &[Text, Text, Text, Int]),
    takes(&["get_json_object", "json_array_length", "json_object_keys"], &[TextOnly]),
    takes(&["parse_url", "try_parse_url"], &[Text]),
    takes(&["str_to_map", "luhn_check", "make_valid_utf8"], &[Text]),
    takes(&["unbase64"], &[Text]),
    must(&["__to_bytes"], &[Text], "CONVERSION_INVALID_INPUT", "try_to_binary gives NULL instead"),
    takes(&["elt"], &[Int, Text]).guarded(place_of_argument),
    takes(&["md5", "sha", "sha1", "crc32", "base64"], &[Bytes]),
    takes(&["sha2"], &[Bytes, Int]),
    takes(&["encode"], &[Text, Text]),
    takes(&["space", "factorial"], &[Int]),
    takes(&["char", "chr", "bin"], &[Long]),
    takes(&["conv"], &[Text, Int, Int]),
    takes(&["hex"], &[LongBytesOrText]),
    // Numbers.
    takes(
        &["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "cot", "csc", "sec", "sin", "sinh", "tan"],
        &[Double],
    ),
    takes(&["tanh", "degrees", "radians", "exp", "expm1", "ln", "log", "log10", "log1p", "log2"], &[Double]),
    takes(&["sqrt", "cbrt", "rint", "atan2", "hypot", "pow", "power"], &[Double]),
    takes(&["mod", "pmod"], &[Any]).guarded(divisor),
    must(
        &["round", "bround"],
        &[Any, Int],
        "ARITHMETIC_OVERFLOW",
        "the result is too large for the type; cast the number to a wider one",
    ),
    must(
        &["ceil", "ceiling", "floor"],
        &[Any, Int],
        "NUMERIC_VALUE_OUT_OF_RANGE",
        "the result is too large; cast the number to DECIMAL, or check it with WHERE",
    )
    .guarded(fits_bigint),
    // Times.
    takes(&["year", "quarter", "month", "week", "weekofyear", "day", "dayofmonth", "dayofyear"], &[Day]),
    takes(&["dayofweek", "weekday", "yearofweek", "last_day", "monthname"], &[Day]),
    takes(&["hour", "minute", "second", "second_with_fraction"], &[InstantOrClock]),
    takes(&["date_format"], &[InstantOrClock, Text]),
    takes(&["date_trunc"], &[Text, Instant]),
    takes(&["trunc"], &[Day, Text]),
    takes(&["datediff", "date_diff"], &[Day, Day]),
    takes(&["months_between"], &[Instant, Instant, Flag]),
    takes(&["from_unixtime"], &[Long, Text]),
    takes(&["unix_seconds", "unix_millis", "unix_micros"], &[InstantOnly]),
    takes(&["unix_date"], &[DayOnly]),
    takes(&["timestamp_seconds"], &[NumberOnly]).guarded(seconds),
    must(
        &["timestamp_millis", "timestamp_micros"],
        &[WholeOnly],
        "DATETIME_OVERFLOW",
        "the result is too far from 1970; check the number with WHERE",
    ),
    takes(&["date_from_unix_date"], &[Int]),
    must(
        &["add_months"],
        &[Day, Int],
        "ARITHMETIC_OVERFLOW",
        "the result is no date; check the number of months with WHERE",
    ),
    takes(&["date_add", "dateadd", "date_sub"], &[Day, SmallInt]),
    must(
        &["next_day"],
        &[Day, Text],
        "ILLEGAL_DAY_OF_WEEK",
        "a day of the week is MON, MONDAY, TUE, …; check it with WHERE",
    ),
    must(&["make_date"], &[Int], "DATETIME_FIELD_OUT_OF_BOUNDS", OUT_OF_BOUNDS),
    must(
        &["make_timestamp", "make_timestamp_ltz"],
        &[Int, Int, Int, Int, Int, Any, Text],
        "DATETIME_FIELD_OUT_OF_BOUNDS",
        OUT_OF_BOUNDS,
    ),
    must(&["to_timestamp", "to_timestamp_ltz"], &[TextTimeOrNumber, Text], "CANNOT_PARSE_TIMESTAMP", UNPARSED),
    must(&["to_date"], &[TextOrTime, Text], "CANNOT_PARSE_TIMESTAMP", UNPARSED),
    must(&["unix_timestamp", "to_unix_timestamp"], &[TextOrTime, Text], "CANNOT_PARSE_TIMESTAMP", UNPARSED),
    takes(&["try_to_timestamp"], &[TextTimeOrNumber, Text]),
    takes(&["try_to_date"], &[TextOrTime, Text]),
    must(
        &["from_utc_timestamp", "to_utc_timestamp"],
        &[Instant, Text],
        "INVALID_TIMEZONE",
        "a time zone is one of the IANA database such as 'Europe/Paris', or an offset such as '+02:00'",
    ),
    must(
        &["convert_timezone"],
        &[Any],
        "INVALID_TIMEZONE",
        "a time zone is one of the IANA database such as 'Europe/Paris', or an offset such as '+02:00'",
    ),
    // Collections.
    takes(&["map_keys", "map_values", "map_entries"], &[Map]),
    takes(&["array_distinct", "array_compact", "array_max", "array_min", "array_size", "array_sort"], &[Array]),
    takes(&["sort_array"], &[Array, Flag]),
    takes(&["array_join"], &[Array, Text, Text]),
    takes(&["slice"], &[Array, Int, Int]),
    takes(&["array_repeat"], &[Any, Int]),
    takes(&["element_at"], &[Any]).guarded(element_place),
    takes(&["try_element_at"], &[Any]).guarded(is_zero_place),
    takes(&["item_at"], &[Any]).guarded(index),
    takes(&["map_concat"], &[Any]).guarded(unique_keys),
    takes(&["array_position", "array_remove", "array_append"], &[Array, Any]).alike(element),
    takes(&["array_contains"], &[Array, Any]).alike(contained),
    takes(&["list_push_front"], &[Any, Array]),
    takes(&["array_union", "array_except", "array_intersect", "arrays_overlap"], &[Array, Array]).alike(arrays),
    takes(&["map_contains_key"], &[Map, Any]).alike(key),
];
