//! The keys of static tables.

use super::key::Key;
use super::key::Part::{Static, StaticOptions};
use super::key::Without::{Default, Means, Required};

/// All of them.
pub(super) const KEYS: &[Key] = &[
    Key::new(
        Static,
        "path",
        "string",
        Required,
        "Where the rows lie: a file, a folder of files or the folder of a Delta table, local or `s3://bucket/prefix`. Keys \
         for S3 come from the environment, as for the warehouse.",
        "path = \"data/products.csv\"",
    ),
    Key::new(
        Static,
        "format",
        "\"delta\", \"parquet\", \"csv\" or \"json\"",
        Means("what is there: a folder with `_delta_log` is Delta, else the ending of the file names says it"),
        "How the rows are written. `json`: one JSON object a line.",
        "format = \"csv\"",
    ),
    Key::new(
        Static,
        "refresh",
        "\"never\", \"on_change\" or duration",
        Default("\"on_change\""),
        "When the rows are read again. `on_change`: in the first epoch that finds other files or another version. A \
         duration: the same, but looked for no more often than that. `never`: the rows of the first epoch stay.",
        "refresh = \"10 minutes\"",
    ),
    Key::new(
        Static,
        "schema",
        "section",
        Means("the columns that are there, their types as the files say or as they look"),
        "The columns wanted, written as for a source; `field` is a column's name in the file.",
        "[static.products.schema]\nproduct_id = \"string\"",
    ),
    Key::new(
        Static,
        "options",
        "section",
        Means("commas, with the names of the columns in the first line"),
        "How a CSV file is written.",
        "[static.products.options]\ndelimiter = \";\"",
    ),
    Key::new(
        StaticOptions,
        "header",
        "true or false",
        Default("true"),
        "`true`: the first line of each file names the columns. `false`: it is a row; the columns are those of the schema, \
         in order, or without one `column_1`, `column_2` and so on.",
        "header = false",
    ),
    Key::new(
        StaticOptions,
        "delimiter",
        "string",
        Default("\",\""),
        "The sign between two values, one character.",
        "delimiter = \";\"",
    ),
];
