//! Numbers in a format, against texts that Spark wrote.
use super::Format;

fn written(number: &str, format: &str) -> String {
    let (is_negative, digits) = number.strip_prefix('-').map_or((false, number), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    Format::parse(format).unwrap().write(is_negative, whole, fraction)
}

/// What `to_char` of Spark 4.3 gives.
#[test]
fn numbers_are_written_as_spark_writes_them() {
    let cases = [
        ("0.5", "99.9", " 0.5"),
        ("0.05", "9.99", "0.05"),
        ("0.0", "S9.9", " +.0"),
        ("0", "99", "  "),
        ("0", "0", "0"),
        ("5", "909", "  5"),
        ("0", "99.99", " 0.00"),
        ("5.5", "9", "#"),
        ("5.0", "9", "5"),
        ("-5", "S99", " -5"),
        ("5", "99S", " 5+"),
        ("0", "9S", "+ "),
        ("5", "MI99", "  5"),
        ("-5", "99MI", " 5-"),
        ("5", "999PR", "  5  "),
        ("-5", "999PR", "  <5>"),
        ("-5", "S$99", "-$ 5"),
        ("34", "9,099", "  034"),
        ("34", "0,000", "0,034"),
        ("7", "9G999G999", "        7"),
        ("123", ".99", ".##"),
        ("0.1", ".99", ".10"),
        ("12", "99.", "12 "),
        ("-1.5", "9D9", "1.5"),
        ("99999", "9,999", "# ###"),
        ("-99999", "S9,999", "-# ###"),
        ("99999", "$9,999.99", "$# ###.##"),
        ("-12454.8", "99G999D9S", "12,454.8-"),
    ];
    for (number, format, wanted) in cases {
        assert_eq!(written(number, format), wanted, "{number} as {format}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for (format, number, digits) in
        [("S99,999.9", "-12454.8", -124_548), ("999PR", "-5", -5), ("$99.99", "78.12", 7812)]
    {
        let text = written(number, format);
        assert_eq!(Format::parse(format).unwrap().read(text.trim_start()), Some(digits), "{text}");
    }
}
