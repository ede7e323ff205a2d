//! `current_timestamp`, `now()`, `current_date`, `current_time`: the batch time of the epoch, its day, and its time of day.

use std::hash::{Hash, Hasher};

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::clock_text::{MICRO, clock};
use crate::clock::BatchClock;
use crate::types::instant;

const DAY_US: i64 = 86_400_000_000;

/// The function. It is volatile to the planner, which would otherwise put the time of planning in its place.
#[derive(Debug)]
pub struct BatchTime {
    signature: Signature,
    name: &'static str,
    aliases: Vec<String>,
    clock: BatchClock,
}

impl BatchTime {
    /// `now()`, reading this clock.
    pub fn new(clock: BatchClock) -> Self {
        Self::named("now", "current_timestamp", clock)
    }

    /// `current_date()`, reading this clock: the day in UTC.
    pub fn date(clock: BatchClock) -> Self {
        Self::named("current_date", "today", clock)
    }

    /// `current_time()`, reading this clock: the time of day in UTC. (An argument is the number of digits behind the second that are
    /// shown, and that changes nothing below the six of the clock.)
    pub fn time(clock: BatchClock) -> Self {
        let forms = vec![TypeSignature::Nullary, TypeSignature::Any(1)];
        let signature = Signature::one_of(forms, Volatility::Volatile);
        BatchTime { signature, ..Self::named("current_time", "", clock) }
    }

    fn named(name: &'static str, alias: &str, clock: BatchClock) -> Self {
        let signature = Signature::nullary(Volatility::Volatile);
        let aliases = Some(alias).filter(|alias| !alias.is_empty()).into_iter().map(ToString::to_string).collect();
        BatchTime { signature, name, aliases, clock }
    }
}

impl PartialEq for BatchTime {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for BatchTime {}

impl Hash for BatchTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for BatchTime {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.name {
            "now" => instant(),
            "current_time" => clock(),
            _ => DataType::Date32,
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let time_us = self.clock.get();
        Ok(ColumnarValue::Scalar(match self.name {
            "now" => ScalarValue::TimestampMicrosecond(Some(time_us), Some("UTC".into())),
            "current_time" => ScalarValue::Time64Nanosecond(Some(time_us.rem_euclid(DAY_US) * MICRO)),
            _ => ScalarValue::Date32(i32::try_from(time_us.div_euclid(DAY_US)).ok()),
        }))
    }
}
