//! Functions of which Spark says what types they take: what else comes is cast as Spark casts it unasked, or refused.
//!
//! DataFusion's own casts would write a timestamp as `2024-01-01T00:00:00Z`, or refuse a number where Spark takes its text.

mod alike;
mod guard;
mod input;
mod table;
mod unasked;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast, is_null, nullif};
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::common::{ScalarValue, plan_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
};

use self::alike::Alike;
use self::guard::Guard;
use self::input::Input;
use self::table::ROWS;
use self::unasked::{clock_instants, unasked};
use super::text::to_text;
use crate::by_name::equal_by_name;
use crate::display::type_name;
use crate::refusal::{UNEXPECTED_INPUT_TYPE, refused};
use crate::row_fault::RowFault;

/// What a NULL that comes of values means in ANSI mode: Spark's name of the error, and what to write instead.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    condition: &'static str,
    help: &'static str,
}

/// A function with the types that it takes.
pub struct Typed {
    name: String,
    inner: Arc<ScalarUDF>,
    inputs: &'static [Input],
    fault: Option<Fault>,
    guard: Option<Guard>,
    alike: Option<Alike>,
    ansi: bool,
    signature: Signature,
}

equal_by_name!(Typed);

/// The functions of a session, by `find`, with the types that they take.
pub fn functions(ansi: bool, find: impl Fn(&str) -> Option<Arc<ScalarUDF>>) -> Vec<ScalarUDF> {
    let named = ROWS.iter().flat_map(|row| row.names.iter().map(move |name| (*name, row)));
    let typed = named.filter_map(|(name, row)| {
        let inner = find(name)?;
        let signature =
            Signature::one_of(vec![TypeSignature::VariadicAny, TypeSignature::Nullary], inner.signature().volatility);
        let fault = row.fault.filter(|_| ansi);
        let guard = row.guard.filter(|_| ansi);
        Some(Typed {
            name: name.to_string(),
            inner,
            inputs: row.inputs,
            fault,
            guard,
            alike: row.alike,
            ansi,
            signature,
        })
    });
    typed.map(ScalarUDF::new_from_impl).collect()
}

impl Typed {
    fn input(&self, at: usize) -> Input {
        self.inputs.get(at).or(self.inputs.last()).copied().unwrap_or(Input::Any)
    }

    /// The type that an argument is read as.
    fn target(&self, at: usize, kind: &DataType, is_constant: bool) -> Result<DataType> {
        self.input(at).target(kind, is_constant).ok_or_else(|| {
            let error = plan_datafusion_err!(
                "argument {} of {} is {}, not {}",
                at + 1,
                self.name,
                self.input(at).described(),
                type_name(kind)
            );
            let help = format!("cast it, such as {}", self.input(at).example());
            refused(error, UNEXPECTED_INPUT_TYPE, &help)
        })
    }

    /// That the types of a call's arguments are those that Spark takes.
    ///
    /// # Errors
    /// If one is not.
    pub fn check(&self, kinds: &[DataType]) -> Result<()> {
        kinds.iter().enumerate().try_for_each(|(at, kind)| self.target(at, kind, false).map(|_| ()))?;
        match self.alike.and_then(|alike| alike(kinds)) {
            None => Ok(()),
            Some(what) => {
                let kinds = kinds.iter().map(type_name).collect::<Vec<_>>().join(", ");
                let error = plan_datafusion_err!("{}({kinds}): {what}", self.name);
                Err(refused(error, UNEXPECTED_INPUT_TYPE, "cast one of them to the type of the other"))
            }
        }
    }

    /// True if there are rows for which a call with arguments of these types is an error.
    pub fn can_fail(&self, kinds: &[DataType]) -> bool {
        let is_read = |(at, kind): (usize, &DataType)| {
            self.target(at, kind, true).is_ok_and(|target| target != *kind && !super::read::is_text(&target))
        };
        self.fault.is_some() || self.guard.is_some() || self.ansi && kinds.iter().enumerate().any(is_read)
    }

    /// The arguments' fields as Spark reads them, and as the function takes them.
    fn fields(&self, given: &[FieldRef]) -> Result<[Vec<FieldRef>; 2]> {
        let read = given.iter().enumerate().map(|(at, field)| {
            let target = self.target(at, field.data_type(), true)?;
            Ok(match target == *field.data_type() {
                true => Arc::clone(field),
                false => Arc::new(field.as_ref().clone().with_data_type(target).with_nullable(true)),
            })
        });
        let read = read.collect::<Result<Vec<FieldRef>>>()?;
        let taken = fields_with_udf(&read, self.inner.as_ref())?;
        Ok([read, taken])
    }

    /// In ANSI mode a NULL that comes of values is an error, if the function says so.
    fn checked(&self, given: &[ColumnarValue], result: &ColumnarValue, rows: usize) -> Result<()> {
        let Some(fault) = self.fault else { return Ok(()) };
        if matches!(result, ColumnarValue::Array(values) if values.null_count() == 0) {
            return Ok(());
        }
        let result = result.to_array(rows)?;
        let given = given.iter().map(|value| value.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let is_at_fault = |row: &usize| result.is_null(*row) && given.iter().all(|argument| is_value(argument, *row));
        match (0..result.len()).find(is_at_fault) {
            None => Ok(()),
            Some(row) => Err(RowFault::without_value(fault.condition, &self.called(&given, row), fault.help).into()),
        }
    }

    /// The result with NULL where an argument that decides about it is NULL.
    fn decided(&self, given: &[ColumnarValue], result: ColumnarValue, rows: usize) -> Result<ColumnarValue> {
        let mut result = result;
        for (_, value) in given.iter().enumerate().filter(|(at, _)| self.input(*at).is_decisive()) {
            let is_null = match value {
                ColumnarValue::Scalar(value) if !value.is_null() => continue,
                ColumnarValue::Array(values) if values.logical_null_count() == 0 => continue,
                value => is_null(value.to_array(rows)?.as_ref())?,
            };
            result = ColumnarValue::Array(nullif(&result.to_array(rows)?, &is_null)?);
        }
        Ok(result)
    }

    /// A call as it would be written with the arguments of a row.
    fn called(&self, given: &[ArrayRef], row: usize) -> String {
        let written = given.iter().map(|argument| match to_text(&argument.slice(row, 1)) {
            Ok(text) if super::read::is_text(argument.data_type()) => format!("'{}'", text.value(0)),
            Ok(text) => text.value(0).to_string(),
            Err(_) => "…".to_string(),
        });
        // The rewrite of a query has a name of its own for what takes bytes.
        let name = if self.name == "__to_bytes" { "to_binary" } else { &self.name };
        format!("{name}({})", written.collect::<Vec<_>>().join(", "))
    }
}

impl ScalarUDFImpl for Typed {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal(format!("{} is asked for its field", self.name)))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let constants = arguments.scalar_arguments;
        let [read, taken] = self.fields(arguments.arg_fields)?;
        let constants: Vec<Option<ScalarValue>> = constants
            .iter()
            .zip(read.iter().zip(&taken))
            .map(|(constant, (read, taken))| {
                let values = constant.as_ref()?.to_array().ok()?;
                let values = unasked(&values, read.data_type(), false).ok()?;
                ScalarValue::try_from_array(&cast(&values, taken.data_type()).ok()?, 0).ok()
            })
            .collect();
        let constants: Vec<Option<&ScalarValue>> = constants.iter().map(Option::as_ref).collect();
        let field =
            self.inner.return_field_from_args(ReturnFieldArgs { arg_fields: &taken, scalar_arguments: &constants })?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [read, taken] = self.fields(&arguments.arg_fields)?;
        let of_spark = arguments.args.iter().zip(&read).enumerate().map(|(at, (value, field))| {
            match self.input(at) == Input::InstantOrClock && super::read::is_text(&value.data_type()) {
                true => Ok(ColumnarValue::Array(clock_instants(&value.to_array(rows)?, self.ansi)?)),
                false => as_spark(value, field, self.ansi),
            }
        });
        let of_spark = of_spark.collect::<Result<Vec<_>>>()?;
        let args = of_spark.iter().zip(&taken).map(|(value, field)| match value.data_type() == *field.data_type() {
            true => Ok(value.clone()),
            false => value.cast_to(field.data_type(), None),
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        if let Some(guard) = self.guard {
            guard(&args.iter().map(|value| value.to_array(rows)).collect::<Result<Vec<_>>>()?)?;
        }
        let result = self.inner.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields: taken,
            return_field: Arc::clone(&arguments.return_field),
            number_rows: rows,
            config_options: Arc::clone(&arguments.config_options),
        })?;
        let result = self.decided(&of_spark, result, rows)?;
        let promised = arguments.return_field.data_type();
        let result = if result.data_type() == *promised { result } else { result.cast_to(promised, None)? };
        self.checked(&of_spark, &result, rows)?;
        Ok(result)
    }
}

/// True for what is not NULL, and no number without a value: what comes of that may be NULL.
fn is_value(argument: &ArrayRef, row: usize) -> bool {
    let is_finite = || match argument.data_type() {
        DataType::Float64 => argument.as_primitive::<Float64Type>().value(row).is_finite(),
        _ => true,
    };
    argument.data_type() != &DataType::Null && argument.is_valid(row) && is_finite()
}

/// A value as Spark reads it for a field; a constant stays one.
fn as_spark(value: &ColumnarValue, field: &FieldRef, ansi: bool) -> Result<ColumnarValue> {
    if value.data_type() == *field.data_type() {
        return Ok(value.clone());
    }
    Ok(match value {
        ColumnarValue::Array(values) => ColumnarValue::Array(unasked(values, field.data_type(), ansi)?),
        ColumnarValue::Scalar(value) => {
            let values = unasked(&value.to_array()?, field.data_type(), ansi)?;
            ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?)
        }
    })
}
