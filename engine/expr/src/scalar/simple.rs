//! One way to write a scalar function of Spark's: a name, how its arguments are read, its type, and what it does with columns.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::read::{Kind, read_as};
use crate::by_name::equal_by_name;

/// The type of the result, by the types of the arguments as they were given.
pub type Gives = fn(&[DataType]) -> Result<DataType>;

/// What the function does with its arguments, each a column of as many rows.
pub type Body = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// A scalar function.
pub struct Simple {
    /// Its name in lower case.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// Fewest and most arguments.
    pub count: (usize, usize),
    /// How each argument is read; the last stands for all that follow.
    pub kinds: &'static [Kind],
    /// The type of the result.
    pub gives: Gives,
    /// The function itself.
    pub body: Body,
}

impl Simple {
    /// The function, to be registered.
    pub fn into_udf(self) -> ScalarUDF {
        let counts = (self.count.0.max(1)..=self.count.1.min(8)).map(TypeSignature::Any);
        let mut forms: Vec<TypeSignature> = counts.collect();
        if self.count.0 == 0 {
            forms.push(TypeSignature::Nullary);
        }
        if self.count.1 > 8 {
            forms.push(TypeSignature::VariadicAny);
        }
        let signature = Signature::one_of(forms, Volatility::Immutable);
        let aliases = self.aliases.iter().map(ToString::to_string).collect();
        ScalarUDF::new_from_impl(Function { signature, aliases, inner: self })
    }
}

struct Function {
    signature: Signature,
    aliases: Vec<String>,
    inner: Simple,
}

equal_by_name!(Function);

impl Function {
    fn check_count(&self, count: usize) -> Result<()> {
        let (least, most) = self.inner.count;
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let wanted = match (least, most) {
            (least, most) if least == most => format!("{least}"),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        Err(plan_datafusion_err!("{} takes {wanted} arguments, not {count}", self.inner.name))
    }
}

impl Function {
    /// A number is no time: seconds, milliseconds or days?
    fn check_times(&self, types: &[DataType]) -> Result<()> {
        let last = self.inner.kinds.len().saturating_sub(1);
        let is_wrong = |(at, kind): (usize, &DataType)| {
            matches!(self.inner.kinds.get(at.min(last)), Some(Kind::Instant | Kind::Clock | Kind::Day))
                && kind.is_numeric()
        };
        match types.iter().enumerate().any(is_wrong) {
            false => Ok(()),
            true => plan_err!(
                "{} takes a date or a time, not a number; make one with timestamp_seconds or timestamp_millis",
                self.inner.name
            ),
        }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.inner.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.check_count(types.len())?;
        self.check_times(types)?;
        (self.inner.gives)(types)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let last = self.inner.kinds.len().saturating_sub(1);
        let given = arguments.args.iter().enumerate().map(|(at, value)| {
            let kind = self.inner.kinds.get(at.min(last)).copied().unwrap_or(Kind::Any);
            read_as(&value.to_array(rows)?, kind)
        });
        let mut given = given.collect::<Result<Vec<_>>>()?;
        if given.is_empty() {
            given.push(arrow::array::new_null_array(&DataType::Null, rows));
        }
        Ok(ColumnarValue::Array((self.inner.body)(&given)?))
    }
}
