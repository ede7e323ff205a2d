//! Functions of TIME: a time of day, in nanoseconds since midnight.

mod made;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, StringArray, Time64NanosecondArray};
use arrow::datatypes::{DataType, Int64Type, Time64NanosecondType};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub use super::clock_text::clock;
use super::clock_text::{HOUR, MICRO, MINUTE, SECOND, clocks, parse_clock};
use super::pattern::Pattern;
use super::read::{Kind, read_as, texts};
use super::result_types::whole_type;
use super::simple::{Body, Gives, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// All of them.
pub fn functions() -> Vec<Simple> {
    let mut all = made::functions();
    all.extend(read());
    all.extend(cut());
    all
}

fn read() -> Vec<Simple> {
    let of_text =
        |name, body| Simple { name, aliases: &[], count: (1, 2), kinds: &[Kind::Text], gives: |_| Ok(clock()), body };
    vec![of_text("to_time", |args| to_time(args, false)), of_text("try_to_time", |args| to_time(args, true))]
}

fn to_time(args: &[ArrayRef], is_trying: bool) -> Result<ArrayRef> {
    let mut known: Option<(&str, Pattern)> = None;
    let mut all = Vec::with_capacity(args[0].len());
    for (row, text) in texts(&args[0]).iter().enumerate() {
        let pattern = args.get(1).map(texts);
        let (Some(text), false) = (text, pattern.is_some_and(|patterns| patterns.is_null(row))) else {
            all.push(None);
            continue;
        };
        let found = match pattern.map(|patterns| patterns.value(row)) {
            None => parse_clock(text),
            Some(pattern) => {
                if known.as_ref().is_none_or(|(other, _)| *other != pattern) {
                    known = Some((pattern, Pattern::parse(pattern).map_err(|what| unreadable(text, &what))?));
                }
                let us = known.as_ref().and_then(|(_, pattern)| pattern.read(text));
                us.map(|us| us.rem_euclid(24 * HOUR / MICRO) * MICRO)
            }
        };
        if found.is_none() && !is_trying {
            return Err(unreadable(text, "it is not of that form").into());
        }
        all.push(found);
    }
    Ok(Arc::new(Time64NanosecondArray::from(all)))
}

fn unreadable(text: &str, what: &str) -> RowFault {
    let message = format!("'{text}' is no time: {what}; try_to_time gives NULL instead");
    RowFault { condition: "CANNOT_PARSE_TIME", message }
}

/// Refuses what is no TIME. A NULL may be one.
fn needed(name: &str, kind: &DataType) -> Result<()> {
    match kind {
        DataType::Time64(_) | DataType::Null => Ok(()),
        kind => {
            plan_err!("{name} takes a TIME, not {}; make one with to_time(text) or CAST(x AS TIME)", type_name(kind))
        }
    }
}

fn cut() -> Vec<Simple> {
    vec![
        Simple {
            name: "time_trunc",
            aliases: &[],
            count: (2, 2),
            kinds: &[Kind::Text, Kind::Any],
            gives: |types| needed("time_trunc", &types[1]).map(|()| clock()),
            body: |args| {
                let units = units(texts(&args[0]), "time_trunc")?;
                let times = clocks(&args[1])?;
                let cut = units.into_iter().zip(&times).map(|(unit, time)| Some(time? - time? % unit?));
                Ok(Arc::new(cut.collect::<Time64NanosecondArray>()))
            },
        },
        Simple {
            name: "time_diff",
            aliases: &[],
            count: (3, 3),
            kinds: &[Kind::Text, Kind::Any, Kind::Any],
            gives: |types| {
                needed("time_diff", &types[1])?;
                needed("time_diff", &types[2])?;
                whole_type(types)
            },
            body: |args| {
                let units = units(texts(&args[0]), "time_diff")?;
                let (from, until) = (clocks(&args[1])?, clocks(&args[2])?);
                let passed = units.into_iter().zip(from.iter().zip(&until));
                Ok(Arc::new(passed.map(|(unit, (from, until))| Some((until? - from?) / unit?)).collect::<Int64Array>()))
            },
        },
        part_of("time_to_micros", whole_type, |args| {
            let times = clocks(&args[0])?;
            Ok(Arc::new(times.unary::<_, Int64Type>(|time| time / MICRO)))
        }),
        part_of("time_to_millis", whole_type, |args| {
            let times = clocks(&args[0])?;
            Ok(Arc::new(times.unary::<_, Int64Type>(|time| time / MICRO / 1000)))
        }),
        part_of(
            "time_to_seconds",
            |_| Ok(DataType::Decimal128(14, 6)),
            |args| {
                let times = clocks(&args[0])?;
                let micros = times.iter().map(|time| time.map(|time| i128::from(time / MICRO)));
                Ok(Arc::new(micros.collect::<Decimal128Array>().with_precision_and_scale(14, 6)?))
            },
        ),
    ]
}

fn part_of(name: &'static str, gives: Gives, body: Body) -> Simple {
    Simple { name, aliases: &[], count: (1, 1), kinds: &[Kind::Any], gives, body }
}

/// The nanoseconds of each unit; NULL is none.
fn units(names: &StringArray, function: &str) -> Result<Vec<Option<i64>>> {
    let one = |name: Option<&str>| match name.map(str::to_uppercase).as_deref() {
        None => Ok(None),
        Some("HOUR") => Ok(Some(HOUR)),
        Some("MINUTE") => Ok(Some(MINUTE)),
        Some("SECOND") => Ok(Some(SECOND)),
        Some("MILLISECOND") => Ok(Some(1000 * MICRO)),
        Some("MICROSECOND") => Ok(Some(MICRO)),
        Some(other) => {
            let message = format!("{function} knows HOUR, MINUTE, SECOND, MILLISECOND and MICROSECOND, not '{other}'");
            Err(RowFault { condition: "INVALID_PARAMETER_VALUE.TIME_UNIT", message }.into())
        }
    };
    names.iter().map(one).collect()
}

/// `CAST(x AS TIME)` of a text, an instant or another TIME, and `CAST(time AS number)`, which is its seconds.
pub fn cast_time(expr: Expr, target: &DataType, is_trying: bool) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(CastTime { signature, target: target.clone(), is_trying }).call(vec![expr])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CastTime {
    signature: Signature,
    target: DataType,
    is_trying: bool,
}

impl ScalarUDFImpl for CastTime {
    fn name(&self) -> &str {
        if self.is_trying { "try_cast_time" } else { "cast_time" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match (&kinds[0], &self.target) {
            (kind, DataType::Time64(_)) if kind.is_numeric() || kind == &DataType::Boolean => {
                plan_err!("{} cannot be cast to time; use time_from_seconds or time_from_micros", type_name(kind))
            }
            _ => Ok(self.target.clone()),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        Ok(ColumnarValue::Array(match (values.data_type(), &self.target) {
            (DataType::Time64(_), target) if target.is_numeric() => self.number(&clocks(&values)?)?,
            (DataType::Time64(_) | DataType::Null, _) => Arc::new(clocks(&values)?),
            (DataType::Timestamp(..), _) => {
                let us = read_as(&values, Kind::Instant)?;
                let us = us.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
                Arc::new(us.unary::<_, Time64NanosecondType>(|us| us.rem_euclid(24 * HOUR / MICRO) * MICRO))
            }
            _ => self.parsed(&values)?,
        }))
    }
}

impl CastTime {
    fn parsed(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let values = read_as(values, Kind::Text)?;
        let parsed = texts(&values).iter().map(|text| match text.map(|text| (text, parse_clock(text))) {
            None => Ok(None),
            Some((text, None)) if !self.is_trying => {
                let message = format!("'{text}' cannot be cast to TIME; TRY_CAST gives NULL instead");
                Err(RowFault { condition: "CAST_INVALID_INPUT", message }.into())
            }
            Some((_, time)) => Ok(time),
        });
        Ok(Arc::new(parsed.collect::<Result<Time64NanosecondArray>>()?))
    }

    /// Whole seconds; of a type that has a point also what is less.
    fn number(&self, times: &Time64NanosecondArray) -> Result<ArrayRef> {
        if !self.target.is_integer() {
            let nanos = times.iter().map(|time| time.map(i128::from)).collect::<Decimal128Array>();
            let nanos: ArrayRef = Arc::new(nanos.with_precision_and_scale(18, 9)?);
            return Ok(arrow::compute::cast(&nanos, &self.target)?);
        }
        let seconds: ArrayRef = Arc::new(times.unary::<_, Int64Type>(|time| time / SECOND));
        let cast = arrow::compute::cast(&seconds, &self.target)?;
        let is_lost = !self.is_trying && (0..cast.len()).any(|row| cast.is_null(row) && seconds.is_valid(row));
        if is_lost {
            let message = format!("a time has too many seconds for {}; cast it to INT", type_name(&self.target));
            return Err(RowFault { condition: "CAST_OVERFLOW", message }.into());
        }
        Ok(cast)
    }
}
