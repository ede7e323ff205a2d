//! Doubles and floats as texts.

/// A double as Java writes it: `1.0`, `1.0E10`, `1.5E-5`, `NaN`, `Infinity`.
pub fn double_text(value: f64) -> String {
    if value.abs() == f64::from_bits(1) {
        // One digit would do, Java writes two at least.
        return if value < 0.0 { "-4.9E-324" } else { "4.9E-324" }.to_string();
    }
    java_text(value.is_nan(), value.is_infinite(), value < 0.0, value.abs(), format!("{value:?}"), format!("{value:e}"))
}

/// A float as Java writes it.
pub fn float_text(value: f32) -> String {
    if value.abs() == f32::from_bits(1) {
        return if value < 0.0 { "-1.4E-45" } else { "1.4E-45" }.to_string();
    }
    let magnitude = f64::from(value.abs());
    java_text(value.is_nan(), value.is_infinite(), value < 0.0, magnitude, format!("{value:?}"), format!("{value:e}"))
}

fn java_text(
    is_nan: bool,
    is_infinite: bool,
    is_negative: bool,
    magnitude: f64,
    plain: String,
    scientific: String,
) -> String {
    if is_nan {
        return "NaN".to_string();
    }
    if is_infinite {
        return if is_negative { "-Infinity" } else { "Infinity" }.to_string();
    }
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return plain;
    }
    match scientific.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => scientific,
    }
}
