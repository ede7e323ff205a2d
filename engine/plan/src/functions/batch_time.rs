//! `current_timestamp`, `now()`: the batch time of the epoch.

use std::any::Any;
use std::hash::{Hash, Hasher};

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use operators::aggregate::instant;

use crate::session::BatchClock;

/// The function. It is volatile to the planner, which would otherwise put the time of planning in its place.
#[derive(Debug)]
pub struct BatchTime {
    signature: Signature,
    aliases: Vec<String>,
    clock: BatchClock,
}

impl BatchTime {
    /// The function reading this clock.
    pub fn new(clock: BatchClock) -> Self {
        BatchTime { signature: Signature::nullary(Volatility::Volatile), aliases: vec!["current_timestamp".to_string()], clock }
    }
}

impl PartialEq for BatchTime {
    fn eq(&self, other: &Self) -> bool {
        self.type_id() == other.type_id()
    }
}

impl Eq for BatchTime {}

impl Hash for BatchTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        "now".hash(state);
    }
}

impl ScalarUDFImpl for BatchTime {
    fn name(&self) -> &str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let time = ScalarValue::TimestampMicrosecond(Some(self.clock.get()), Some("UTC".into()));
        Ok(ColumnarValue::Scalar(time))
    }
}
