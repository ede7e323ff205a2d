//! Spark's functions that DataFusion lacks or spells otherwise.

pub mod arithmetic;
mod arrays;
mod base32;
pub(crate) mod base64;
mod batch_time;
pub mod beside_text;
pub(crate) mod casting;
pub mod ceil_floor;
pub mod cells;
mod ciphers;
mod civil;
mod clock_text;
pub mod clock_time;
mod coding;
pub mod conditions;
mod csv;
mod cutting;
mod empty_map;
pub mod fallible;
pub mod fields_of;
mod formatted;
mod hash;
mod inferred;
pub(crate) mod instant_text;
pub mod interval_arithmetic;
mod interval_text;
pub mod intervals;
pub(crate) mod json;
mod lambdas;
mod list_values;
mod lists;
mod nth_field;
mod number_format;
pub mod number_text;
mod numbers;
pub mod one_value;
pub mod opaque;
mod options;
mod pad;
mod pattern;
mod randoms;
pub(crate) mod read;
mod regular;
mod result_types;
mod round;
mod schema_of;
pub mod seconds;
mod sequence;
mod shaped;
mod simple;
mod sketch_values;
mod strict_math;
mod strings;
pub(crate) mod text;
mod text_forms;
mod time;
mod time_bucket;
pub mod time_text;
pub mod time_windows;
mod title;
mod to_char;
mod to_number;
pub mod to_timestamp;
pub mod typed;
mod units;
pub mod variants;
pub mod vectors;
pub mod window;
pub mod wrapping;
mod xml;
mod year_month;

use datafusion::logical_expr::{HigherOrderUDF, ScalarUDF};

use crate::clock::BatchClock;
pub use json::schema::parse as parse_schema;
pub use json::to_json;

/// The functions of the crate datafusion-spark that were found to give what Spark gives; the others are written here or are
/// DataFusion's own.
const FROM_DATAFUSION_SPARK: &[&str] = &[
    "abs",
    "array",
    "ascii",
    "bin",
    "bit_count",
    "bit_get",
    "bitmap_bit_position",
    "bitmap_bucket_number",
    "bitmap_count",
    "bitwise_not",
    "concat_ws",
    "crc32",
    "csc",
    "elt",
    "expm1",
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
    "unhex",
    "url_decode",
    "url_encode",
    "width_bucket",
    "xxhash64",
];

/// All scalar functions, to be registered over DataFusion's own.
pub(crate) fn functions() -> Vec<ScalarUDF> {
    let theirs = datafusion_spark::all_default_scalar_functions().into_iter();
    let theirs = theirs.filter(|function| FROM_DATAFUSION_SPARK.contains(&function.name()));
    let mut all: Vec<ScalarUDF> = theirs.map(|function| function.as_ref().clone()).collect();
    all.extend(written_here());
    all.push(ScalarUDF::new_from_impl(window::WindowFunction::default()));
    all.push(time_windows::session_window());
    all.push(time_windows::window_time_function());
    all
}

/// Those that are otherwise in a session by Spark's types.
pub(crate) fn by_spark() -> Vec<ScalarUDF> {
    strict_math::functions().into_iter().chain(time::by_spark()).map(simple::Simple::into_udf).collect()
}

/// The function of a name.
pub(crate) fn named(name: &str) -> Option<ScalarUDF> {
    functions().into_iter().find(|function| function.name() == name)
}

/// The functions that take a lambda.
pub(crate) fn with_lambda() -> Vec<HigherOrderUDF> {
    lambdas::functions()
}

/// `now()`, `current_date()`, `current_time()` and their other names, by this clock.
pub(crate) fn of_clock(clock: &BatchClock) -> [ScalarUDF; 3] {
    use batch_time::BatchTime;
    [BatchTime::new(clock.clone()), BatchTime::date(clock.clone()), BatchTime::time(clock.clone())]
        .map(ScalarUDF::new_from_impl)
}

/// The scalar functions that are written here.
fn written_here() -> Vec<ScalarUDF> {
    let simple = [
        time::functions(),
        strings::functions(),
        pad::functions(),
        cutting::functions(),
        text_forms::functions(),
        formatted::functions(),
        regular::functions(),
        round::functions(),
        numbers::functions(),
        lists::functions(),
        list_values::functions(),
        sequence::functions(),
        arrays::functions(),
        csv::functions(),
        conditions::functions(),
        json::functions(),
        hash::functions(),
        units::functions(),
        variants::functions(),
        empty_map::functions(),
        ciphers::functions(),
        coding::functions(),
        year_month::functions(),
        schema_of::functions(),
        sketch_values::functions(),
        time_bucket::functions(),
        vectors::functions(),
        xml::functions(),
        clock_time::functions(),
    ];
    let mut all: Vec<ScalarUDF> = simple.into_iter().flatten().map(simple::Simple::into_udf).collect();
    all.extend(
        [variants::typed(), to_char::functions(), xml::typed()].into_iter().flatten().map(shaped::Shaped::into_udf),
    );
    all.push(ScalarUDF::new_from_impl(json::FromJson::default()));
    all.push(ScalarUDF::new_from_impl(csv::FromCsv::default()));
    all.push(ScalarUDF::new_from_impl(fields_of::FieldOf::default()));
    all.push(ScalarUDF::new_from_impl(nth_field::NthField::default()));
    all.push(ScalarUDF::new_from_impl(arrays::NamedZip::default()));
    all.extend(randoms::functions());
    all.extend(ceil_floor::functions());
    all.extend(cells::functions());
    all.extend(intervals::functions());
    all.extend(arithmetic::unary::functions());
    all.extend([false, true].map(|is_trying| ScalarUDF::new_from_impl(to_number::ToNumber::new(is_trying))));
    all
}
