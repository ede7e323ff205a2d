//! `to_number(text, format)` and `try_to_number`: a text as the decimal that a format such as `'$99,999.99'` describes.

use std::sync::Arc;

use arrow::array::{Array, Decimal128Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::read::{Kind, read_as, texts};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToNumber {
    signature: Signature,
    is_trying: bool,
}

impl ToNumber {
    /// `to_number`, which fails on a text of another form, or `try_to_number`, which gives NULL for it.
    pub fn new(is_trying: bool) -> ToNumber {
        ToNumber { signature: Signature::any(2, Volatility::Immutable), is_trying }
    }
}

impl ScalarUDFImpl for ToNumber {
    fn name(&self) -> &str {
        if self.is_trying { "try_to_number" } else { "to_number" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("to_number needs its format to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(Some(ScalarValue::Utf8(Some(text)))) = arguments.scalar_arguments.get(1) else {
            return plan_err!("the format of {} must be a constant text such as '999.99'", self.name());
        };
        let Some(format) = Format::parse(text) else {
            return plan_err!(
                "'{text}' is no format of numbers: it has 0 or 9 for digits, ',' or G, '.' or D, and '$', S, MI or PR at an end"
            );
        };
        Ok(Arc::new(Field::new(self.name(), format.kind(), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))) = &arguments.args[1] else {
            return internal_err!("to_number without a format");
        };
        let Some(format) = Format::parse(text) else { return internal_err!("to_number without a format") };
        let values = read_as(&arguments.args[0].to_array(arguments.number_rows)?, Kind::Text)?;
        let values = texts(&values);
        let mut found = Vec::with_capacity(values.len());
        for value in values.iter() {
            let number = value.and_then(|value| format.read(value));
            if let (Some(value), None, false) = (value, number, self.is_trying) {
                return exec_err!("to_number: '{value}' is not of the form '{text}'; try_to_number gives NULL for it");
            }
            found.push(number);
        }
        Ok(ColumnarValue::Array(Arc::new(Decimal128Array::from(found).with_data_type(format.kind()))))
    }
}

/// Where a sign may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `S`: a plus or a minus, or none.
    Any,
    /// `MI`: a minus or a blank, or none.
    Minus,
}

/// A format, taken apart.
#[derive(Debug, Default)]
struct Format {
    before: Option<Sign>,
    has_dollar: bool,
    /// The digits of each group before the point, and whether there must be as many.
    groups: Vec<(usize, bool)>,
    has_point: bool,
    decimals: usize,
    after: Option<Sign>,
    has_brackets: bool,
}

impl Format {
    fn parse(text: &str) -> Option<Format> {
        let mut format = Format::default();
        let mut rest = text.to_ascii_uppercase();
        if let Some(inner) = rest.strip_suffix("PR") {
            format.has_brackets = true;
            rest = inner.to_string();
        } else if let Some(inner) = rest.strip_suffix("MI") {
            format.after = Some(Sign::Minus);
            rest = inner.to_string();
        } else if let Some(inner) = rest.strip_suffix('S') {
            format.after = Some(Sign::Any);
            rest = inner.to_string();
        }
        if format.after.is_none() && !format.has_brackets {
            for (word, sign) in [("MI", Sign::Minus), ("S", Sign::Any)] {
                if let Some(inner) = rest.strip_prefix(word) {
                    format.before = Some(sign);
                    rest = inner.to_string();
                    break;
                }
            }
        }
        if let Some(inner) = rest.strip_prefix('$') {
            format.has_dollar = true;
            rest = inner.to_string();
        }
        let (whole, part) = match rest.split_once(['.', 'D']) {
            Some((whole, part)) => (whole, Some(part)),
            None => (rest.as_str(), None),
        };
        let is_digits = |text: &str| text.chars().all(|letter| matches!(letter, '0' | '9'));
        let groups: Vec<&str> = whole.split([',', 'G']).collect();
        let part = part.unwrap_or_default();
        let digits = groups.iter().map(|group| group.len()).sum::<usize>() + part.len();
        let is_right = groups.iter().all(|group| is_digits(group) && (!group.is_empty() || groups.len() == 1));
        if !is_right || !is_digits(part) || !(1..=38).contains(&digits) {
            return None;
        }
        format.groups = groups.iter().map(|group| (group.len(), group.starts_with('0'))).collect();
        format.has_point = rest.contains(['.', 'D']);
        format.decimals = part.len();
        Some(format)
    }

    fn kind(&self) -> DataType {
        let digits = self.groups.iter().map(|(count, _)| count).sum::<usize>() + self.decimals;
        DataType::Decimal128(digits as u8, self.decimals as i8)
    }

    /// The number that a text is, in units of its last decimal.
    fn read(&self, text: &str) -> Option<i128> {
        let mut rest = text;
        let mut is_negative = false;
        if self.has_brackets
            && let Some(inner) = rest.strip_prefix('<')
        {
            rest = inner.strip_suffix('>')?;
            is_negative = true;
        }
        if let Some(sign) = self.before {
            let first = rest.chars().next();
            is_negative |= first == Some('-');
            if first.is_some_and(|letter| is_sign(sign, letter)) {
                rest = &rest[1..];
            }
        }
        if let Some(sign) = self.after {
            let last = rest.chars().next_back();
            is_negative |= last == Some('-');
            if last.is_some_and(|letter| is_sign(sign, letter)) {
                rest = &rest[..rest.len() - 1];
            }
        }
        if self.has_dollar {
            rest = rest.strip_prefix('$')?;
        }
        let number = self.digits(rest)?;
        Some(if is_negative { -number } else { number })
    }

    fn digits(&self, text: &str) -> Option<i128> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        if text.contains('.') && !self.has_point || part.len() > self.decimals {
            return None;
        }
        let found: Vec<&str> = whole.split(',').collect();
        // Groups that the text does not have are those in front.
        let missing = self.groups.len().checked_sub(found.len())?;
        let given = std::iter::repeat_n("", missing).chain(found);
        let fits = |((count, is_exact), digits): (&(usize, bool), &str)| match is_exact {
            true => digits.len() == *count,
            false => digits.len() <= *count,
        };
        let has_digits = whole.len() + part.len() > 0;
        let digits: String = whole.chars().filter(|letter| *letter != ',').chain(part.chars()).collect();
        if !has_digits || !self.groups.iter().zip(given).all(fits) || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let filled = format!("{digits}{}", "0".repeat(self.decimals - part.len()));
        filled.parse().ok()
    }
}

fn is_sign(sign: Sign, letter: char) -> bool {
    match sign {
        Sign::Any => matches!(letter, '+' | '-'),
        Sign::Minus => matches!(letter, '-' | ' '),
    }
}
