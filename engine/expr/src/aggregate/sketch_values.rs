//! `hll_sketch_agg`, `hll_union_agg`, `theta_sketch_agg`, `theta_union_agg`, `theta_intersection_agg`: sketches as BINARY.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::scalar::ScalarValue;
use datasketches::hash::value::{canonical_float, raw_bytes};
use datasketches::hll::HllSketch;
use datasketches::theta::{CompactThetaSketch, ThetaSketch, ThetaSketchBuilder};

use super::aggregate_def::constant;
use super::folds::{Fold, Folding};
use crate::display::type_name;
use crate::sketches::{
    Counted, LOG_SIZE, add_to_hll, common_theta, counted, counted_type, empty_hll, read_hll, read_theta, united_hll,
    united_theta, write_hll, write_theta,
};

/// All of them.
pub fn sketch_values() -> Vec<AggregateUDF> {
    vec![
        Folding {
            name: "hll_sketch_agg",
            arity: (1, 2),
            takes: |kinds| values("hll_sketch_agg", kinds),
            gives: |_| Ok(DataType::Binary),
            fold: |args| Ok(Hll { log_size: log_size("hll_sketch_agg", args, 4..=21)?, of: Of::Values }),
        }
        .into_udaf(),
        Folding {
            name: "hll_union_agg",
            arity: (1, 2),
            takes: |kinds| sketches("hll_union_agg", kinds),
            gives: |_| Ok(DataType::Binary),
            fold: |args| {
                let allows_sizes = matches!(constant(args, 1), Some(ScalarValue::Boolean(Some(true))));
                Ok(Hll { log_size: LOG_SIZE, of: Of::Sketches { allows_sizes } })
            },
        }
        .into_udaf(),
        Folding {
            name: "theta_sketch_agg",
            arity: (1, 2),
            takes: |kinds| values("theta_sketch_agg", kinds),
            gives: |_| Ok(DataType::Binary),
            fold: |args| Ok(Theta { log_size: log_size("theta_sketch_agg", args, 4..=26)?, is_of_values: true }),
        }
        .into_udaf(),
        Folding {
            name: "theta_union_agg",
            arity: (1, 2),
            takes: |kinds| sketches("theta_union_agg", kinds),
            gives: |_| Ok(DataType::Binary),
            fold: |args| Ok(Theta { log_size: log_size("theta_union_agg", args, 4..=26)?, is_of_values: false }),
        }
        .into_udaf(),
        Folding {
            name: "theta_intersection_agg",
            arity: (1, 1),
            takes: |kinds| sketches("theta_intersection_agg", kinds),
            gives: |_| Ok(DataType::Binary),
            fold: |_| Ok(Common),
        }
        .into_udaf(),
    ]
}

fn values(name: &str, kinds: &[DataType]) -> Result<Vec<DataType>> {
    let first = counted_type(name, &kinds[0])?;
    Ok(std::iter::once(first).chain(kinds.iter().skip(1).map(|_| DataType::Int64)).collect())
}

fn sketches(name: &str, kinds: &[DataType]) -> Result<Vec<DataType>> {
    match &kinds[0] {
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary | DataType::Null => {
            Ok(std::iter::once(DataType::Binary).chain(kinds.iter().skip(1).cloned()).collect())
        }
        kind => plan_err!("{name} takes sketches, which are BINARY, not {}", type_name(kind)),
    }
}

fn log_size(name: &str, args: &AccumulatorArgs<'_>, allowed: std::ops::RangeInclusive<u8>) -> Result<u8> {
    if args.exprs.len() < 2 {
        return Ok(LOG_SIZE);
    }
    let given = constant(args, 1).and_then(|value| value.cast_to(&DataType::UInt8).ok());
    match given {
        Some(ScalarValue::UInt8(Some(size))) if allowed.contains(&size) => Ok(size),
        _ => plan_err!("the size of {name} is a constant from {} to {}", allowed.start(), allowed.end()),
    }
}

fn binaries(written: Vec<Option<Vec<u8>>>) -> ArrayRef {
    Arc::new(written.iter().map(Option::as_deref).collect::<BinaryArray>())
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Values,
    Sketches { allows_sizes: bool },
}

#[derive(Debug, Clone)]
struct Hll {
    log_size: u8,
    of: Of,
}

impl Hll {
    fn unite(&self, state: &mut Option<HllSketch>, other: HllSketch) -> Result<()> {
        let allows_sizes = matches!(self.of, Of::Sketches { allows_sizes: true });
        *state = Some(match state.take() {
            None => other,
            Some(before) => united_hll(&before, &other, allows_sizes)?,
        });
        Ok(())
    }
}

/// A sketch, which has no text of its own.
struct Kept(Option<HllSketch>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HllSketch").field("estimate", &self.0.as_ref().map(HllSketch::estimate)).finish()
    }
}

impl Fold for Hll {
    type State = Kept;

    fn empty(&self) -> Result<Kept> {
        Ok(Kept(None))
    }

    fn add(&self, Kept(state): &mut Kept, columns: &[ArrayRef], row: usize) -> Result<()> {
        match self.of {
            Of::Values => {
                let sketch = match state {
                    Some(sketch) => sketch,
                    None => state.insert(empty_hll(self.log_size)?),
                };
                if let Some(value) = counted(&columns[0], row) {
                    add_to_hll(sketch, &value);
                }
                Ok(())
            }
            Of::Sketches { .. } => self.unite(state, read_hll(columns[0].as_binary::<i32>().value(row))?),
        }
    }

    fn write(&self, Kept(state): &Kept) -> Vec<u8> {
        state.as_ref().map(write_hll).unwrap_or_default()
    }

    fn merge(&self, Kept(state): &mut Kept, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() { Ok(()) } else { self.unite(state, read_hll(bytes)?) }
    }

    fn finish(&self, states: Vec<Kept>) -> Result<ArrayRef> {
        let written = states.into_iter().map(|Kept(state)| match state {
            Some(sketch) => Ok(Some(write_hll(&sketch))),
            None => Ok(Some(write_hll(&empty_hll(self.log_size)?))),
        });
        Ok(binaries(written.collect::<Result<_>>()?))
    }

    fn heap_bytes(&self, Kept(state): &Kept) -> usize {
        state.as_ref().map_or(0, HllSketch::estimated_size)
    }
}

#[derive(Debug, Clone)]
struct Theta {
    log_size: u8,
    is_of_values: bool,
}

/// What was counted here, and what sketches have counted.
#[derive(Debug)]
struct Both {
    counted: ThetaSketch,
    read: Option<CompactThetaSketch>,
}

impl Theta {
    fn unite(&self, state: &mut Both, other: CompactThetaSketch) -> Result<()> {
        state.read = Some(match state.read.take() {
            None => other,
            Some(before) => united_theta(&before, &other, self.log_size)?,
        });
        Ok(())
    }

    fn united(&self, state: &Both) -> Vec<u8> {
        let counted = state.counted.compact(true);
        let united = match &state.read {
            None => counted,
            Some(read) if counted.is_empty() => read.clone(),
            // Sketches of another seed are refused when they are read.
            Some(read) => united_theta(&counted, read, self.log_size).unwrap_or(counted),
        };
        write_theta(&united)
    }
}

impl Fold for Theta {
    type State = Both;

    fn empty(&self) -> Result<Both> {
        let built = ThetaSketchBuilder::default().lg_k(self.log_size).build();
        let counted = built.map_err(|error| datafusion::common::exec_datafusion_err!("a theta sketch: {error}"))?;
        Ok(Both { counted, read: None })
    }

    fn add(&self, state: &mut Both, columns: &[ArrayRef], row: usize) -> Result<()> {
        if !self.is_of_values {
            return self.unite(state, read_theta(columns[0].as_binary::<i32>().value(row))?);
        }
        match counted(&columns[0], row) {
            Some(Counted::Whole(number)) => state.counted.update(number),
            Some(Counted::Double(number)) => state.counted.update(canonical_float::from_f64(number)),
            Some(Counted::Bytes(bytes)) => state.counted.update(raw_bytes::from_slice(bytes)),
            None => {}
        }
        Ok(())
    }

    fn write(&self, state: &Both) -> Vec<u8> {
        self.united(state)
    }

    fn merge(&self, state: &mut Both, bytes: &[u8]) -> Result<()> {
        self.unite(state, read_theta(bytes)?)
    }

    fn finish(&self, states: Vec<Both>) -> Result<ArrayRef> {
        Ok(binaries(states.iter().map(|state| Some(self.united(state))).collect()))
    }

    fn heap_bytes(&self, state: &Both) -> usize {
        state.counted.estimated_size() + state.read.as_ref().map_or(0, CompactThetaSketch::estimated_size)
    }
}

/// What all sketches have counted.
#[derive(Debug, Clone)]
struct Common;

impl Common {
    fn with(state: &mut Option<CompactThetaSketch>, other: CompactThetaSketch) -> Result<()> {
        *state = Some(match state.take() {
            None => other,
            Some(before) => common_theta(&before, &other)?,
        });
        Ok(())
    }
}

impl Fold for Common {
    type State = Option<CompactThetaSketch>;

    fn empty(&self) -> Result<Option<CompactThetaSketch>> {
        Ok(None)
    }

    fn add(&self, state: &mut Option<CompactThetaSketch>, columns: &[ArrayRef], row: usize) -> Result<()> {
        Common::with(state, read_theta(columns[0].as_binary::<i32>().value(row))?)
    }

    fn write(&self, state: &Option<CompactThetaSketch>) -> Vec<u8> {
        state.as_ref().map(write_theta).unwrap_or_default()
    }

    fn merge(&self, state: &mut Option<CompactThetaSketch>, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() { Ok(()) } else { Common::with(state, read_theta(bytes)?) }
    }

    fn finish(&self, states: Vec<Option<CompactThetaSketch>>) -> Result<ArrayRef> {
        let nothing = write_theta(&(Theta { log_size: LOG_SIZE, is_of_values: true }).empty()?.counted.compact(true));
        let written =
            states.into_iter().map(|state| Some(state.map_or_else(|| nothing.clone(), |state| write_theta(&state))));
        Ok(binaries(written.collect()))
    }

    fn heap_bytes(&self, state: &Option<CompactThetaSketch>) -> usize {
        state.as_ref().map_or(0, CompactThetaSketch::estimated_size)
    }
}
