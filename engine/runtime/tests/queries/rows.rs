//! Random records: extremes, NULLs, empty and nested values.

use crate::dice::Dice;

/// When the first records are dated: 2026-01-01T00:00:00Z, seconds since 1970.
pub const BEGIN_S: i64 = 1_767_225_600;

/// The columns of the two sources.
pub const SCHEMA: &str = r#"k = "int"
u = "string"
i = "int"
z = "int"
l = "bigint"
d = "double"
f = "float"
m = "decimal(10,2)"
b = "boolean"
s = "string"
x = "binary"
day = "date"
ts = "timestamp"
ai = "array<int>"
texts = "array<string>"
mp = "map<string,int>"
st = "struct<a:int,b:string,c:array<double>>"
"#;

/// The value of a record, dated so many seconds after the beginning.
pub fn record(dice: &mut Dice, second: i64) -> Vec<u8> {
    let mut fields = vec![
        format!(r#""k": {}"#, dice.below(3)),
        format!(r#""u": "{}""#, dice.pick(&["ann", "bob"])),
        format!(r#""ts": {}"#, BEGIN_S + second),
    ];
    let mut add = |dice: &mut Dice, name: &str, values: &[&str]| {
        if dice.percent(80) {
            fields.push(format!(r#""{name}": {}"#, dice.pick(values)));
        }
    };
    add(dice, "i", &["0", "1", "-1", "7", "2147483647", "-2147483648"]);
    add(dice, "z", &["0", "1", "3", "-2"]);
    add(dice, "l", &["0", "5", "-5", "9223372036854775807", "-9223372036854775808", "1767225600"]);
    add(dice, "d", &["0.0", "-0.0", "1.5", "-2.25", "1e308", "-1e308", "1e-300"]);
    add(dice, "f", &["0.0", "1.5", "-0.25", "3e38"]);
    add(dice, "m", &["0", "1.50", "-2.25", "99999999.99", "-99999999.99"]);
    add(dice, "b", &["true", "false"]);
    let texts = [
        r#""""#,
        r#""a""#,
        r#""Spark SQL""#,
        r#""12""#,
        r#"" 7 ""#,
        r#""2026-01-01""#,
        r#""ä€😀""#,
        r#""{\"a\":1}""#,
        r#""%_\\""#,
    ];
    add(dice, "s", &texts);
    add(dice, "x", &[r#""""#, r#""AAE=""#, r#""/w==""#, r#""U3Bhcms=""#]);
    add(dice, "day", &[r#""2026-01-01""#, r#""0001-01-01""#, r#""9999-12-31""#, r#""2024-02-29""#]);
    add(dice, "ai", &["[]", "[1, 2, 3]", "[null]", "[2147483647, null, 0]"]);
    add(dice, "texts", &["[]", r#"["b", "a", null]"#, r#"[""]"#]);
    add(dice, "mp", &["{}", r#"{"a": 1}"#, r#"{"a": null, "b": 2}"#]);
    add(dice, "st", &["{}", r#"{"a": 1, "b": "x", "c": [0.5, null]}"#, r#"{"a": null, "c": []}"#]);
    format!("{{{}}}", fields.join(", ")).into_bytes()
}
