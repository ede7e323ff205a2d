//! A scalar function whose type depends on constants among its arguments, such as a schema or a format.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::read::{Kind, read_as};
use crate::by_name::equal_by_name;

/// What is known of the arguments while a query is planned.
pub struct Asked<'a> {
    /// Their types.
    pub kinds: Vec<DataType>,
    constants: &'a [Option<&'a ScalarValue>],
}

impl Asked<'_> {
    /// The constant at a place; none if there is no argument, or it is not constant.
    pub fn constant(&self, at: usize) -> Option<&ScalarValue> {
        self.constants.get(at).copied().flatten()
    }

    /// The constant text at a place.
    pub fn text(&self, at: usize) -> Option<&str> {
        match self.constant(at)? {
            ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
                Some(text)
            }
            _ => None,
        }
    }
}

/// What the function does with its arguments, each a column of as many rows, and the type that it gives.
pub type Body = fn(&[ArrayRef], &DataType) -> Result<ArrayRef>;

/// A scalar function.
pub struct Shaped {
    /// Its name in lower case.
    pub name: &'static str,
    /// Fewest and most arguments, at most 8.
    pub count: (usize, usize),
    /// How each argument is read; the last stands for all that follow.
    pub kinds: &'static [Kind],
    /// The type of the result.
    pub gives: fn(&Asked<'_>) -> Result<DataType>,
    /// The function itself.
    pub body: Body,
}

impl Shaped {
    /// The function, to be registered.
    pub fn into_udf(self) -> ScalarUDF {
        let (least, most) = self.count;
        let mut forms: Vec<TypeSignature> = (least.max(1)..=most).map(TypeSignature::Any).collect();
        if least == 0 {
            forms.push(TypeSignature::Nullary);
        }
        ScalarUDF::new_from_impl(Function { signature: Signature::one_of(forms, Volatility::Immutable), inner: self })
    }
}

struct Function {
    signature: Signature,
    inner: Shaped,
}

impl Function {
    fn name(&self) -> &str {
        self.inner.name
    }
}

equal_by_name!(Function);

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.inner.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("{} needs its constants to know its type", self.inner.name)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let kinds: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        if !(self.inner.count.0..=self.inner.count.1).contains(&kinds.len()) {
            let (least, most) = self.inner.count;
            return plan_err!("{} takes {least} to {most} arguments, not {}", self.inner.name, kinds.len());
        }
        let asked = Asked { kinds, constants: arguments.scalar_arguments };
        Ok(Arc::new(Field::new(self.inner.name, (self.inner.gives)(&asked)?, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let last = self.inner.kinds.len().saturating_sub(1);
        let given = arguments.args.iter().enumerate().map(|(at, value)| {
            let kind = self.inner.kinds.get(at.min(last)).copied().unwrap_or(Kind::Any);
            read_as(&value.to_array(arguments.number_rows)?, kind)
        });
        let given = given.collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array((self.inner.body)(&given, arguments.return_type())?))
    }
}
