//! Spark's functions that DataFusion lacks or spells otherwise.

mod arrays;
mod base64;
mod batch_time;
mod columns;
pub mod conditions;
mod csv;
pub mod fields_of;
mod hash;
mod instant_text;
mod json;
mod lambdas;
mod lists;
mod nth_field;
mod numbers;
mod pattern;
pub(crate) mod read;
mod regular;
mod round;
pub mod seconds;
mod simple;
mod strings;
pub(crate) mod text;
mod time;
pub mod time_windows;
mod to_number;
pub mod to_timestamp;
mod units;
pub mod window;

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

use crate::clock::BatchClock;
pub use json::schema::parse as parse_schema;

/// The functions of the crate datafusion-spark that were found to give what Spark gives; the others are written here or are
/// DataFusion's own.
const FROM_DATAFUSION_SPARK: &[&str] = &[
    "abs",
    "array",
    "array_repeat",
    "ascii",
    "base64",
    "bin",
    "bit_count",
    "bit_get",
    "bitmap_bit_position",
    "bitmap_bucket_number",
    "bitmap_count",
    "bitwise_not",
    "ceil",
    "char",
    "concat_ws",
    "crc32",
    "csc",
    "elt",
    "expm1",
    "floor",
    "format_string",
    "hex",
    "hypot",
    "is_valid_utf8",
    "length",
    "luhn_check",
    "make_dt_interval",
    "make_interval",
    "make_valid_utf8",
    "map_from_arrays",
    "map_from_entries",
    "monthname",
    "negative",
    "parse_url",
    "pow",
    "quote",
    "rint",
    "sec",
    "sha1",
    "sha2",
    "shiftleft",
    "shiftright",
    "shiftrightunsigned",
    "slice",
    "soundex",
    "str_to_map",
    "try_parse_url",
    "try_url_decode",
    "unbase64",
    "unhex",
    "url_decode",
    "url_encode",
    "width_bucket",
    "xxhash64",
];

/// Makes Spark's functions known to a session that plans streams.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register(context: &SessionContext, clock: &BatchClock) -> Result<()> {
    register_batch(context)?;
    context.register_udf(ScalarUDF::new_from_impl(batch_time::BatchTime::new(clock.clone())));
    context.register_udf(ScalarUDF::new_from_impl(batch_time::BatchTime::date(clock.clone())));
    Ok(())
}

/// Makes those of Spark's functions known that also mean something outside a stream: for `engine sql`.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register_batch(context: &SessionContext) -> Result<()> {
    for function in datafusion_spark::all_default_scalar_functions() {
        if FROM_DATAFUSION_SPARK.contains(&function.name()) {
            context.register_udf(function.as_ref().clone());
        }
    }
    for function in own() {
        context.register_udf(function);
    }
    context.register_udf(ScalarUDF::new_from_impl(window::WindowFunction::default()));
    context.register_udf(time_windows::session_window());
    context.register_udf(time_windows::window_time_function());
    for function in lambdas::functions() {
        context.register_higher_order_function(function.into());
    }
    for function in crate::aggregate::aggregates() {
        context.register_udaf(function);
    }
    Ok(())
}

/// The scalar functions that are written here.
fn own() -> Vec<ScalarUDF> {
    let simple = [
        time::functions(),
        strings::functions(),
        regular::functions(),
        round::functions(),
        numbers::functions(),
        lists::functions(),
        arrays::functions(),
        csv::functions(),
        conditions::functions(),
        json::functions(),
        hash::functions(),
        units::functions(),
    ];
    let mut all: Vec<ScalarUDF> = simple.into_iter().flatten().map(simple::Simple::into_udf).collect();
    all.push(ScalarUDF::new_from_impl(json::FromJson::default()));
    all.push(ScalarUDF::new_from_impl(csv::FromCsv::default()));
    all.push(ScalarUDF::new_from_impl(fields_of::FieldOf::default()));
    all.push(ScalarUDF::new_from_impl(nth_field::NthField::default()));
    all.push(ScalarUDF::new_from_impl(arrays::NamedZip::default()));
    all.extend([false, true].map(|is_trying| ScalarUDF::new_from_impl(to_number::ToNumber::new(is_trying))));
    all
}
