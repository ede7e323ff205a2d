//! Rows of the tests, the joins over them, and a join as nested loops.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StructArray, TimestampMicrosecondArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Int64Type, IntervalMonthDayNano, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, binary, lit};
use expr::types::{instant, window_type};

use crate::join::{JoinKind, JoinSide, JoinSpec, Side};
use crate::keyed::EventTime;

pub const SECOND: i64 = 1_000_000;
const WINDOW_US: i64 = 10 * SECOND;

/// A row of either side: key, time in microseconds, a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pub key: Option<i64>,
    pub time: Option<i64>,
    pub value: i64,
}

/// A row with its time in whole seconds, which is its value too.
pub fn at(key: i64, second: i64) -> Row {
    Row { key: Some(key), time: Some(second * SECOND), value: second }
}

/// A row of the result.
pub type Joined = (Option<Row>, Option<Row>);

/// What joins what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum On {
    /// Equal keys.
    Key,
    /// Equal keys and equal windows of 10 seconds.
    Window,
    /// Equal keys, and the right time between so many seconds before and so many after the left time.
    Range(i64, i64),
}

/// A join of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub kind: JoinKind,
    pub on: On,
    /// Rows with a smaller value match nothing, side by side.
    pub least: [Option<i64>; 2],
}

impl Shape {
    pub fn new(kind: JoinKind, on: On) -> Shape {
        Shape { kind, on, least: [None; 2] }
    }

    pub fn may_match(&self, side: Side, row: &Row) -> bool {
        self.least[side as usize].is_none_or(|least| row.value >= least)
    }

    /// True if no part of the row's key is null.
    pub fn has_key(&self, row: &Row) -> bool {
        row.key.is_some() && (self.on != On::Window || row.time.is_some())
    }

    /// True if these rows match.
    pub fn matches(&self, left: &Row, right: &Row) -> bool {
        let condition = match (self.on, left.time, right.time) {
            (On::Key, ..) => true,
            (On::Window, Some(left), Some(right)) => left.div_euclid(WINDOW_US) == right.div_euclid(WINDOW_US),
            (On::Range(before, after), Some(left), Some(right)) => {
                (left - before * SECOND..=left + after * SECOND).contains(&right)
            }
            _ => false,
        };
        let may_match = self.may_match(Side::Left, left) && self.may_match(Side::Right, right);
        condition && may_match && left.key.is_some() && left.key == right.key
    }

    /// The watermark at which nothing that is still to come matches the row. Spark's rule: that of a range ends after it.
    pub fn until(&self, side: Side, row: &Row) -> Option<i64> {
        match (self.on, side) {
            (On::Key, _) => None,
            (On::Window, _) => row.time.map(window_end),
            (On::Range(_, after), Side::Left) => row.time.map(|time| time + after * SECOND + 1),
            (On::Range(before, _), Side::Right) => row.time.map(|time| time + before * SECOND + 1),
        }
    }

    /// What decides that the row is late.
    pub fn late_by(&self, row: &Row) -> Option<i64> {
        match self.on {
            On::Window => row.time.map(window_end),
            _ => row.time,
        }
    }

    pub fn batch(&self, side: Side, rows: &[Row]) -> RecordBatch {
        let instants = |times: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
        };
        let ends: Vec<Option<i64>> = rows.iter().map(|row| row.time.map(window_end)).collect();
        let nulls = NullBuffer::from_iter(ends.iter().map(Option::is_some));
        let starts = instants(ends.iter().map(|end| end.map(|end| end - WINDOW_US)).collect());
        let DataType::Struct(fields) = window_type() else { panic!() };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.value).map(Some).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.key).collect::<Int64Array>()),
            instants(rows.iter().map(|row| row.time).collect()),
            instants(rows.iter().map(|row| self.until(side, row)).collect()),
            Arc::new(StructArray::new(fields, vec![starts, instants(ends)], Some(nulls))),
        ];
        RecordBatch::try_new(schema(side), columns).unwrap()
    }

    fn side(&self, side: Side, is_timed: bool) -> JoinSide {
        let keys = if self.on == On::Window { vec![1, 4] } else { vec![1] };
        let column = if self.on == On::Window { 4 } else { 2 };
        let only_if = self.least[side as usize].map(|least| {
            let value: Arc<dyn PhysicalExpr> = Arc::new(Column::new(schema(side).field(0).name(), 0));
            binary(value, Operator::GtEq, lit(least), &schema(side)).unwrap()
        });
        JoinSide {
            event_time: is_timed.then_some(EventTime { column, required: false }),
            expires: (self.on != On::Key).then_some(3),
            only_if,
            ..JoinSide::new(schema(side), keys)
        }
    }

    /// The join; `timed` says which sides leave late rows out.
    pub fn spec(&self, timed: [bool; 2]) -> JoinSpec {
        let sides = Side::BOTH.map(|side| self.side(side, timed[side as usize]));
        let [left, right] = sides;
        let spec = JoinSpec::new("gold.pairs/join".to_string(), self.kind, left, right).unwrap();
        let spec = match self.on {
            On::Range(before, after) => spec.with_residual(range(before, after), "in range".to_string()).unwrap(),
            _ => spec,
        };
        // The result has the columns that make a row, and `until` in no case.
        let projection: &[usize] = if self.kind.emits_pairs() { &[1, 2, 0, 6, 7, 5] } else { &[1, 2, 0] };
        spec.with_projection(projection).unwrap()
    }
}

fn window_end(time: i64) -> i64 {
    (time.div_euclid(WINDOW_US) + 1) * WINDOW_US
}

/// The value stands before the key, so that the state has another order than the input.
pub fn schema(side: Side) -> SchemaRef {
    let name = |column: &str| format!("{}_{column}", side.name());
    Arc::new(Schema::new(vec![
        Field::new(name("value"), DataType::Int64, false),
        Field::new(name("key"), DataType::Int64, true),
        Field::new(name("time"), instant(), true),
        Field::new(name("until"), instant(), true),
        Field::new(name("window"), window_type(), true),
    ]))
}

/// `right_time BETWEEN left_time - before AND left_time + after`.
fn range(before: i64, after: i64) -> Arc<dyn PhysicalExpr> {
    let fields: Vec<_> = Side::BOTH.iter().flat_map(|side| schema(*side).fields().to_vec()).collect();
    let both = Schema::new(fields);
    let column = |name: &str| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new_with_schema(name, &both).unwrap()) };
    let interval = |seconds: i64| {
        lit(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, seconds * 1_000_000_000))))
    };
    let (left, right) = (column("left_time"), column("right_time"));
    let from = binary(Arc::clone(&left), Operator::Minus, interval(before), &both).unwrap();
    let until = binary(left, Operator::Plus, interval(after), &both).unwrap();
    let low = binary(Arc::clone(&right), Operator::GtEq, from, &both).unwrap();
    binary(low, Operator::And, binary(right, Operator::LtEq, until, &both).unwrap(), &both).unwrap()
}

/// The rows of a result.
pub fn joined(rows: &RecordBatch) -> Vec<Joined> {
    let left = side_rows(rows, 0);
    let right = if rows.num_columns() > 3 { side_rows(rows, 3) } else { vec![None; rows.num_rows()] };
    left.into_iter().zip(right).collect()
}

fn side_rows(rows: &RecordBatch, first: usize) -> Vec<Option<Row>> {
    let number = |column: usize, row: usize| {
        let column = rows.column(first + column);
        column.is_valid(row).then(|| match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row),
            _ => column.as_primitive::<TimestampMicrosecondType>().value(row),
        })
    };
    let row = |row| {
        let all_null = (0..3).all(|column| number(column, row).is_none());
        assert!(all_null || number(2, row).is_some(), "a null row has no values");
        number(2, row).map(|value| Row { key: number(0, row), time: number(1, row), value })
    };
    (0..rows.num_rows()).map(row).collect()
}

/// The result of a batch join.
pub fn nested_loops(shape: &Shape, left: &[Row], right: &[Row]) -> Vec<Joined> {
    let matches = |one: &Row, other: &Row| shape.matches(one, other);
    let pairs = || {
        left.iter()
            .flat_map(|one| right.iter().filter(|other| matches(one, other)).map(|other| (Some(*one), Some(*other))))
    };
    let lonely_left =
        || left.iter().filter(|one| !right.iter().any(|other| matches(one, other))).map(|one| (Some(*one), None));
    let lonely_right =
        right.iter().filter(|other| !left.iter().any(|one| matches(one, other))).map(|other| (None, Some(*other)));
    let mut all: Vec<Joined> = match shape.kind {
        JoinKind::Inner => pairs().collect(),
        JoinKind::Left => pairs().chain(lonely_left()).collect(),
        JoinKind::Right => pairs().chain(lonely_right).collect(),
        JoinKind::Full => pairs().chain(lonely_left()).chain(lonely_right).collect(),
        JoinKind::LeftAnti => lonely_left().collect(),
        JoinKind::LeftSemi => left
            .iter()
            .filter(|one| right.iter().any(|other| matches(one, other)))
            .map(|one| (Some(*one), None))
            .collect(),
    };
    all.sort_unstable();
    all
}
