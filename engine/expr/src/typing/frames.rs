//! RANGE over keys of which DataFusion knows no distance: binaries, structs, arrays, intervals, times of day.

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunctionParams;
use datafusion::logical_expr::{ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits};

/// A frame whose bounds are the ends and the peers of the row is the same in GROUPS as in RANGE, for which DataFusion 55 refuses keys of
/// these types ("Cannot run range queries on datatype") or, of arrays, takes NULL and descending keys wrongly. True if the frame is another
/// one now.
///
/// # Errors
/// If a column's type is not known, or has no order.
pub fn of_peers(params: &mut WindowFunctionParams, schema: &DFSchema) -> Result<bool> {
    let frame = &params.window_frame;
    let (Some(start), Some(end)) = (without_distance(&frame.start_bound), without_distance(&frame.end_bound)) else {
        return Ok(false);
    };
    let Some(key) = params.order_by.first().filter(|_| frame.units == WindowFrameUnits::Range) else {
        return Ok(false);
    };
    let kind = key.expr.get_type(schema)?;
    if kind == DataType::Interval(IntervalUnit::MonthDayNano) {
        return plan_err!(
            "[DATATYPE_MISMATCH.INVALID_ORDERING_TYPE] OVER (ORDER BY …): an INTERVAL of months, days and time has no order; \
             use INTERVAL YEAR TO MONTH or INTERVAL DAY TO SECOND"
        );
    }
    let has_no_distance = matches!(
        kind,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
            | DataType::Struct(_)
            | DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::Duration(_)
            | DataType::Time64(_)
            | DataType::Interval(_)
    );
    if has_no_distance {
        params.window_frame = WindowFrame::new_bounds(WindowFrameUnits::Groups, start, end);
    }
    Ok(has_no_distance)
}

/// A bound that is an end or the peers of the row, as GROUPS writes it.
fn without_distance(bound: &WindowFrameBound) -> Option<WindowFrameBound> {
    let end = ScalarValue::UInt64(None);
    match bound {
        WindowFrameBound::CurrentRow => Some(WindowFrameBound::CurrentRow),
        WindowFrameBound::Preceding(distance) if distance.is_null() => Some(WindowFrameBound::Preceding(end)),
        WindowFrameBound::Following(distance) if distance.is_null() => Some(WindowFrameBound::Following(end)),
        WindowFrameBound::Preceding(_) | WindowFrameBound::Following(_) => None,
    }
}
