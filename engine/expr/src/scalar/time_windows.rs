//! What `window(…)` and `session_window(…)` become once the planner has read their intervals: functions that compute.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Field, Fields, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::scalar::ScalarValue;

use crate::interval::{Span, day_time_us, parse_span};
use crate::types::{instant, instants, window_type};
use crate::window::WindowSpec;

/// `tumbling_window(time, size_us, slide_us, offset_us)`: the one window of a row; null without a time.
pub const TUMBLING_WINDOW: &str = "tumbling_window";

/// `sliding_windows(time, size_us, slide_us, offset_us)`: all windows of a row, newest first as Spark gives them.
pub const SLIDING_WINDOWS: &str = "sliding_windows";

/// `session_end(time, gap)`: where a session of this row alone ends; null without a time or gap.
pub const SESSION_END: &str = "session_end";

/// `session_window(time, gap)`: a placeholder that the planner takes out of GROUP BY.
pub const SESSION_WINDOW: &str = "session_window";

/// `window_time(window)`: one microsecond before its end.
pub const WINDOW_TIME: &str = "window_time";

/// The window or windows of a time, as an expression that computes.
pub fn windows_of(time: Expr, spec: &WindowSpec) -> Expr {
    let kind = if spec.size_us == spec.slide_us { Kind::Tumbling } else { Kind::Sliding };
    let function = ScalarUDF::new_from_impl(TimeFunction::new(kind));
    function.call(vec![time, lit(spec.size_us), lit(spec.slide_us), lit(spec.offset_us)])
}

/// The window sizes in a call that [`windows_of`] made.
pub fn spec_of(arguments: &[Expr]) -> Option<WindowSpec> {
    let number = |at: usize| match arguments.get(at)? {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    };
    Some(WindowSpec { size_us: number(1)?, slide_us: number(2)?, offset_us: number(3)? })
}

/// The `session_window(…)` call that an expression is, whatever it is called.
pub fn session_call(expr: &Expr) -> Option<&ScalarFunction> {
    match expr {
        Expr::Alias(alias) => session_call(&alias.expr),
        Expr::ScalarFunction(function) if function.func.name() == SESSION_WINDOW => Some(function),
        _ => None,
    }
}

/// Where a session of one row ends, as an expression.
pub fn session_end(time: Expr, gap: Expr) -> Expr {
    ScalarUDF::new_from_impl(TimeFunction::new(Kind::SessionEnd)).call(vec![time, gap])
}

/// The instant that stands for a window: one microsecond before its end (Spark's `window_time`).
pub fn window_time(window: Expr) -> Expr {
    ScalarUDF::new_from_impl(TimeFunction::new(Kind::WindowTime)).call(vec![window])
}

/// The end of a window, as an expression.
pub fn end_of(window: Expr) -> Expr {
    datafusion::functions::core::expr_fn::get_field(window, "end")
}

/// The function behind `window_time(…)` in SQL.
pub fn window_time_function() -> ScalarUDF {
    ScalarUDF::new_from_impl(TimeFunction::new(Kind::WindowTime))
}

/// The function behind `session_window(…)` in SQL.
pub fn session_window() -> ScalarUDF {
    ScalarUDF::new_from_impl(TimeFunction::new(Kind::Session))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Tumbling,
    Sliding,
    SessionEnd,
    Session,
    WindowTime,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeFunction {
    kind: Kind,
    signature: Signature,
}

impl TimeFunction {
    fn new(kind: Kind) -> TimeFunction {
        TimeFunction { kind, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeFunction {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Tumbling => TUMBLING_WINDOW,
            Kind::Sliding => SLIDING_WINDOWS,
            Kind::SessionEnd => SESSION_END,
            Kind::Session => SESSION_WINDOW,
            Kind::WindowTime => WINDOW_TIME,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if self.kind == Kind::WindowTime && !matches!(types, [kind] if *kind == window_type()) {
            return datafusion::common::plan_err!("window_time(…) takes the window of a GROUP BY window(…)");
        }
        Ok(match self.kind {
            Kind::Tumbling | Kind::Session => window_type(),
            Kind::Sliding => DataType::List(window_item()),
            Kind::SessionEnd | Kind::WindowTime => instant(),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        if self.kind == Kind::Session {
            return Err(DataFusionError::Plan("session_window(…) stands in GROUP BY only".to_string()));
        }
        if self.kind == Kind::WindowTime {
            return Ok(ColumnarValue::Array(window_times(&arguments.args[0].to_array(rows)?)?));
        }
        let times = arrow::compute::cast(&arguments.args[0].to_array(rows)?, &instant())?;
        if self.kind == Kind::SessionEnd {
            return Ok(ColumnarValue::Array(session_ends(&times, &arguments.args[1], rows)?));
        }
        let spec = spec_of_values(&arguments.args)?;
        Ok(ColumnarValue::Array(match self.kind {
            Kind::Tumbling => tumbling(&times, &spec),
            _ => sliding(&times, &spec)?,
        }))
    }
}

fn spec_of_values(arguments: &[ColumnarValue]) -> Result<WindowSpec> {
    let number = |at: usize| match &arguments[at] {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(value))) => Ok(*value),
        other => Err(DataFusionError::Internal(format!("a window's size is {other:?}"))),
    };
    Ok(WindowSpec { size_us: number(1)?, slide_us: number(2)?, offset_us: number(3)? })
}

fn window_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(window_type(), true))
}

fn window_fields() -> Fields {
    match window_type() {
        DataType::Struct(fields) => fields,
        _ => Fields::empty(),
    }
}

fn windows(starts: Vec<i64>, size_us: i64, nulls: Option<NullBuffer>) -> StructArray {
    let ends: Vec<i64> = starts.iter().map(|start| start.saturating_add(size_us)).collect();
    let instants = |values: Vec<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::new(values.into(), nulls.clone()).with_timezone("UTC"))
    };
    StructArray::new(window_fields(), vec![instants(starts), instants(ends)], nulls.clone())
}

fn tumbling(times: &ArrayRef, spec: &WindowSpec) -> ArrayRef {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let starts = times.values().iter().map(|time| spec.last_window_of(*time)).collect();
    Arc::new(windows(starts, spec.size_us, times.nulls().cloned()))
}

fn sliding(times: &ArrayRef, spec: &WindowSpec) -> Result<ArrayRef> {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut starts = Vec::new();
    let mut lengths = Vec::with_capacity(times.len());
    for time in times {
        let before = starts.len();
        if let Some(time) = time {
            let mut start = spec.last_window_of(time);
            while start.saturating_add(spec.size_us) > time {
                starts.push(start);
                // No window begins before the first instant there is.
                let Some(earlier) = start.checked_sub(spec.slide_us) else { break };
                start = earlier;
            }
        }
        lengths.push(starts.len() - before);
    }
    let items = windows(starts, spec.size_us, None);
    let list = ListArray::try_new(
        window_item(),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(items),
        times.nulls().cloned(),
    )?;
    Ok(Arc::new(list))
}

fn window_times(windows: &ArrayRef) -> Result<ArrayRef> {
    if *windows.data_type() != window_type() {
        let message = format!("window_time takes a window, not {}", windows.data_type());
        return Err(DataFusionError::Plan(message));
    }
    let ends = instants(windows)?;
    let ends = ends.as_primitive::<TimestampMicrosecondType>();
    let times = ends.unary::<_, TimestampMicrosecondType>(|end| end.saturating_sub(1));
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn session_ends(times: &ArrayRef, gap: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    let gaps = spans(gap, rows)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut ends = TimestampMicrosecondBuilder::with_capacity(rows);
    for (row, gap) in gaps.into_iter().enumerate() {
        let gap = gap.filter(|_| times.is_valid(row));
        ends.append_option(gap.map(|gap| gap.after(times.value(row)).unwrap_or(i64::MAX)));
    }
    Ok(Arc::new(ends.finish().with_timezone("UTC")))
}

/// The gap of each row; a text that is no interval gives none.
fn spans(gap: &ColumnarValue, rows: usize) -> Result<Vec<Option<Span>>> {
    let of_array = |values: &ArrayRef| -> Result<Vec<Option<Span>>> {
        Ok(match values.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = arrow::compute::cast(values, &DataType::Utf8)?;
                texts.as_string::<i32>().iter().map(|text| parse_span(text?).ok()).collect()
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let gaps = values.as_primitive::<IntervalMonthDayNanoType>().iter();
                gaps.map(|gap| gap.map(Span::of_month_day_nano)).collect()
            }
            DataType::Interval(IntervalUnit::YearMonth) => {
                let gaps = values.as_primitive::<IntervalYearMonthType>().iter();
                gaps.map(|gap| gap.map(|months| Span { months: i64::from(months), us: 0 })).collect()
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                let gaps = values.as_primitive::<DurationMicrosecondType>().iter();
                gaps.map(|gap| gap.map(|us| Span { months: 0, us })).collect()
            }
            DataType::Interval(IntervalUnit::DayTime) => {
                let gaps = values.as_primitive::<IntervalDayTimeType>().iter();
                gaps.map(|gap| gap.map(|gap| Span { months: 0, us: day_time_us(gap) })).collect()
            }
            DataType::Null => vec![None; values.len()],
            other => {
                return Err(DataFusionError::Plan(format!("session_window takes an interval as its gap, not {other}")));
            }
        })
    };
    match gap {
        ColumnarValue::Array(values) => of_array(values),
        ColumnarValue::Scalar(value) => {
            let one = of_array(&value.to_array_of_size(1)?)?;
            Ok(vec![one.first().copied().flatten(); rows])
        }
    }
}
