//! One side of a join: what the plan says of it, and the columns of its state.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::physical_expr::PhysicalExpr;

use crate::condition::Condition;
use crate::keyed::EventTime;

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Port 0.
    Left,
    /// Port 1.
    Right,
}

impl Side {
    /// Both sides, in the order in which an epoch takes them.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The side that it is joined with.
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Side::Left => "left",
            Side::Right => "right",
        }
    }
}

/// What the plan says of one side.
#[derive(Debug, Clone)]
pub struct JoinSide {
    /// Schema of the rows that come in.
    pub input: SchemaRef,
    /// Key columns; those at equal places of the two sides must be equal. Their types are the same.
    pub keys: Vec<usize>,
    /// What decides that a row is late; `None` if no row is.
    pub event_time: Option<EventTime>,
    /// Column (timestamp, microseconds) with the watermark at which no row that is still to come on the other side can
    /// match this one; a null stays. `None`: rows stay.
    pub expires: Option<usize>,
    /// Column (timestamp, microseconds) with the epoch time at which the row is evicted, matched or not; a null stays.
    pub expires_at_batch_time: Option<usize>,
    /// How long after it came a row is evicted, by the epochs' time, microseconds: [`JoinSide::expires_at_batch_time`] is set from it,
    /// whatever the input has there. `None`: the input says when.
    pub time_to_live_us: Option<i64>,
    /// A condition over this side's columns: a row for which it is not true matches nothing.
    pub only_if: Option<Arc<dyn PhysicalExpr>>,
    /// How the condition reads in fingerprints, where it was optimized: `None` if as it stands.
    pub only_if_words: Option<String>,
}

impl JoinSide {
    /// A side without times and conditions.
    pub fn new(input: SchemaRef, keys: Vec<usize>) -> JoinSide {
        JoinSide {
            input,
            keys,
            event_time: None,
            expires: None,
            expires_at_batch_time: None,
            time_to_live_us: None,
            only_if: None,
            only_if_words: None,
        }
    }
}

/// A column of one side.
pub(super) type SideColumn = (Side, usize);

/// What one side keeps, and how.
#[derive(Debug)]
pub(super) struct SidePlan {
    pub(super) side: JoinSide,
    pub(super) only_if: Option<Condition>,
    /// Input columns in the order of the state: keys first.
    layout: Vec<usize>,
    /// Where each input column stands in the state.
    pub(super) stored_at: Vec<usize>,
    pub(super) stored: SchemaRef,
}

impl SidePlan {
    pub(super) fn new(side: JoinSide) -> Result<SidePlan, String> {
        let fields = side.input.fields();
        let times = side.expires.iter().chain(&side.expires_at_batch_time);
        for column in side.keys.iter().chain(times.clone()).chain(side.event_time.iter().map(|time| &time.column)) {
            if *column >= fields.len() {
                return Err(format!("column {column} of {}", fields.len()));
            }
        }
        if let Some(column) = times.clone().find(|column| !is_instant(fields[**column].data_type())) {
            return Err(format!("rows expire at {}, which is not a timestamp", fields[*column].name()));
        }
        let others = (0..fields.len()).filter(|column| !side.keys.contains(column));
        let layout: Vec<usize> = side.keys.iter().copied().chain(others).collect();
        let place = |column: usize| layout.iter().position(|other| *other == column).unwrap_or_default();
        let stored_at = (0..fields.len()).map(place).collect();
        let stored = Arc::new(side.input.project(&layout).map_err(|error| error.to_string())?);
        let only_if = side.only_if.clone().map(|condition| Condition::new(condition, fields));
        let only_if = only_if.transpose().map_err(|error| error.to_string())?;
        Ok(SidePlan { side, only_if, layout, stored_at, stored })
    }

    pub(super) fn layout(&self) -> &[usize] {
        &self.layout
    }

    pub(super) fn key_field(&self, place: usize) -> &Field {
        self.side.input.field(self.side.keys[place])
    }

    /// When its rows are evicted, in words that stand in fingerprints too; `None` if they stay.
    pub(super) fn expiry(&self) -> Option<String> {
        let name = |column: usize| self.side.input.field(column).name();
        let watermark = self.side.expires.map(|column| format!("the watermark reaches {}", name(column)));
        let time = self.side.expires_at_batch_time.map(|column| format!("the epoch's time reaches {}", name(column)));
        let both: Vec<String> = watermark.into_iter().chain(time).collect();
        (!both.is_empty()).then(|| both.join(" or "))
    }

    /// Its part of the fingerprint. The words are part of every checkpoint: never change them.
    pub(super) fn fingerprint(&self, side: Side) -> Vec<String> {
        let name = side.name();
        let keys = (0..self.side.keys.len()).map(|place| {
            let field = self.key_field(place);
            format!("{name} key {} {}", field.name(), field.data_type())
        });
        let fields = self.side.input.fields().iter().enumerate();
        let columns = fields
            .filter(|(column, _)| !self.side.keys.contains(column))
            .map(|(_, field)| format!("{name} column {} {}", field.name(), field.data_type()));
        let expiry = self.expiry().map(|expiry| format!("{name} rows go when {expiry}"));
        let words = |condition: &Condition| self.side.only_if_words.clone().unwrap_or_else(|| condition.to_string());
        let only_if = self.only_if.as_ref().map(|condition| format!("{name} rows only if {}", words(condition)));
        keys.chain(columns).chain(expiry).chain(only_if).collect()
    }
}

fn is_instant(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _))
}
