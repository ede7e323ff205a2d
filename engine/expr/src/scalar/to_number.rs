//! `to_number(text, format)` and `try_to_number`: a text as the decimal that a format such as `'$99,999.99'` describes.

use std::sync::Arc;

use arrow::array::{Array, Decimal128Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::number_format::Format;
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
