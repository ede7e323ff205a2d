//! The options of `from_json`, `to_json`, `from_csv` and `to_csv`: `map('dateFormat', 'dd/MM/yyyy')`.

use arrow::array::{Array, ArrayRef, AsArray};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

use super::super::pattern::Pattern;
use super::super::text::to_text;
use crate::row_fault::RowFault;

/// The column of a schema that keeps the text of a row that did not fit, if the options name none.
pub const CORRUPT: &str = "_corrupt_record";

/// What is asked for, with Spark's defaults.
pub struct Options {
    /// `'a'` is a text in JSON.
    pub single_quotes: bool,
    /// `{a: 1}` has a name.
    pub unquoted_names: bool,
    /// `01` is a number.
    pub leading_zeros: bool,
    /// NaN and Infinity are numbers.
    pub non_numeric: bool,
    /// A backslash may stand before any letter.
    pub any_backslash: bool,
    /// `/* … */` and `// …` are passed over.
    pub comments: bool,
    /// What is no JSON fails.
    pub fails_fast: bool,
    /// The column that keeps the text of a row that did not fit.
    pub corrupt: String,
    /// Fields that are NULL are left out.
    pub ignores_nulls: bool,
    /// How a date is written and read.
    pub date: Option<Pattern>,
    /// How a timestamp is written and read.
    pub timestamp: Option<Pattern>,
    /// What parts fields of a line.
    pub separator: char,
    /// What texts stand in.
    pub quote: char,
    /// What stands for NULL.
    pub null_value: String,
    /// Every field stands in quotes.
    pub quotes_all: bool,
    /// A TINYINT may be written as a byte, up to 255.
    pub has_bytes: bool,
    /// Blanks at both ends of a field are left out; as the function does if nothing is said.
    pub trims: (Option<bool>, Option<bool>),
}

impl Default for Options {
    fn default() -> Options {
        Options {
            single_quotes: true,
            unquoted_names: false,
            leading_zeros: false,
            non_numeric: true,
            any_backslash: false,
            comments: false,
            fails_fast: false,
            corrupt: CORRUPT.to_string(),
            ignores_nulls: true,
            date: None,
            timestamp: None,
            separator: ',',
            quote: '"',
            null_value: String::new(),
            quotes_all: false,
            has_bytes: true,
            trims: (None, None),
        }
    }
}

impl Options {
    /// Those of an argument, which is a map that is the same for every row; without one the usual ones.
    ///
    /// # Errors
    /// If it is no such map, or asks for what is not built.
    pub fn of(argument: Option<&ColumnarValue>) -> Result<Options> {
        let mut options = Options::default();
        let Some(argument) = argument else { return Ok(options) };
        let given: ArrayRef = match argument {
            ColumnarValue::Array(values) => values.clone(),
            ColumnarValue::Scalar(value) => value.to_array()?,
        };
        let Some(map) = given.as_map_opt() else { return exec_err!("options are a map of texts, map('key', 'value')") };
        if map.is_empty() || map.is_null(0) {
            return Ok(options);
        }
        let texts = to_text(&given)?;
        if texts.iter().any(|text| text != Some(texts.value(0))) {
            return exec_err!("options must be a constant map, map('key', 'value')");
        }
        let entries = map.value(0);
        let (keys, values) = (to_text(entries.column(0))?, to_text(entries.column(1))?);
        for (key, value) in keys.iter().zip(&values) {
            options.take(key.unwrap_or_default(), value.unwrap_or_default())?;
        }
        Ok(options)
    }

    fn take(&mut self, key: &str, value: &str) -> Result<()> {
        let flag = || match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => exec_err!("the option {key} is true or false, not '{value}'"),
        };
        let letter = || {
            let mut letters = value.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => Ok(letter),
                (Some('\\'), Some('t')) => Ok('\t'),
                _ => exec_err!("the option {key} is one letter, not '{value}'"),
            }
        };
        let pattern =
            || Pattern::parse(value).map(Some).map_err(|what| exec_datafusion_err!("{key} '{value}': {what}"));
        match key.to_ascii_lowercase().as_str() {
            "allowsinglequotes" => self.single_quotes = flag()?,
            "allowunquotedfieldnames" => self.unquoted_names = flag()?,
            "allownumericleadingzeros" => self.leading_zeros = flag()?,
            "allownonnumericnumbers" => self.non_numeric = flag()?,
            "allowbackslashescapinganycharacter" => self.any_backslash = flag()?,
            "allowcomments" => self.comments = flag()?,
            "mode" => match value.to_ascii_uppercase().as_str() {
                "PERMISSIVE" => self.fails_fast = false,
                "FAILFAST" => self.fails_fast = true,
                _ => return exec_err!("the mode is PERMISSIVE or FAILFAST, not {value}"),
            },
            "columnnameofcorruptrecord" => self.corrupt = value.to_string(),
            "ignorenullfields" => self.ignores_nulls = flag()?,
            "dateformat" => self.date = pattern()?,
            "timestampformat" => self.timestamp = pattern()?,
            "sep" | "delimiter" => self.separator = letter()?,
            "quote" => self.quote = letter()?,
            "nullvalue" => self.null_value = value.to_string(),
            "quoteall" => self.quotes_all = flag()?,
            "ignoreleadingwhitespace" => self.trims.0 = Some(flag()?),
            "ignoretrailingwhitespace" => self.trims.1 = Some(flag()?),
            "timezone" if matches!(value, "UTC" | "Z" | "GMT") => {}
            // What these would change is not done here; what is no option of Spark's changes nothing there either.
            "timezone"
            | "locale"
            | "pretty"
            | "sortkeys"
            | "primitivesasstring"
            | "prefersdecimal"
            | "multiline"
            | "escape"
            | "comment"
            | "emptyvalue"
            | "nanvalue"
            | "positiveinf"
            | "negativeinf"
            | "encoding"
            | "charset"
            | "linesep"
            | "timestampntzformat"
            | "escapequotes"
            | "chartoescapequoteescaping"
            | "dropfieldifallnull"
            | "allowunquotedcontrolchars" => {
                return exec_err!("the option {key} is not built; leave it out");
            }
            _ => {}
        }
        Ok(())
    }

    /// That a row fits, if the first that does not is to fail.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self, text: Option<&str>, is_corrupt: bool) -> Result<()> {
        match text {
            Some(text) if self.fails_fast && is_corrupt => Err(RowFault {
                condition: "MALFORMED_RECORD_IN_PARSING",
                message: format!("'{text}' does not fit the schema; the mode PERMISSIVE gives NULL instead"),
            }
            .into()),
            _ => Ok(()),
        }
    }
}
