//! OVER in the names of columns: keys, order and frame, also those that the query leaves out.

use datafusion::sql::sqlparser::ast::{Function, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType};

use super::super::{order_key, written};

/// What stands behind OVER.
pub fn over(name: &str, function: &Function, over: &WindowType) -> String {
    let spec = match over {
        WindowType::NamedWindow(name) => return name.value.clone(),
        WindowType::WindowSpec(spec) => spec,
    };
    let mut parts = Vec::new();
    if !spec.partition_by.is_empty() {
        let keys: Vec<String> = spec.partition_by.iter().map(written).collect();
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !spec.order_by.is_empty() {
        parts.push(format!("ORDER BY {}", spec.order_by.iter().map(order_key).collect::<Vec<_>>().join(", ")));
    }
    parts.push(frame(name, function, spec));
    format!("({})", parts.join(" "))
}

fn frame(name: &str, function: &Function, spec: &WindowSpec) -> String {
    if let Some(frame) = &spec.window_frame {
        let end = frame.end_bound.as_ref().map_or("CURRENT ROW".to_string(), bound);
        return format!("{} BETWEEN {} AND {end}", units(frame.units), bound(&frame.start_bound));
    }
    match name {
        "row_number" | "rank" | "dense_rank" | "percent_rank" | "ntile" => {
            "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string()
        }
        "lag" | "lead" => {
            let arguments = crate::rewrite::calls::arguments(function).unwrap_or_default();
            let distance = arguments.get(1).map_or("1".to_string(), written);
            let distance = match (name, distance.strip_prefix('-')) {
                ("lag", Some(positive)) => positive.to_string(),
                ("lag", None) => format!("-{distance}"),
                _ => distance,
            };
            format!("ROWS BETWEEN {distance} FOLLOWING AND {distance} FOLLOWING")
        }
        "cume_dist" => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string(),
        _ if spec.order_by.is_empty() => "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_string(),
        _ => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string(),
    }
}

fn units(units: WindowFrameUnits) -> &'static str {
    match units {
        WindowFrameUnits::Rows => "ROWS",
        WindowFrameUnits::Range => "RANGE",
        WindowFrameUnits::Groups => "GROUPS",
    }
}

fn bound(bound: &WindowFrameBound) -> String {
    match bound {
        WindowFrameBound::CurrentRow => "CURRENT ROW".to_string(),
        WindowFrameBound::Preceding(None) => "UNBOUNDED PRECEDING".to_string(),
        WindowFrameBound::Following(None) => "UNBOUNDED FOLLOWING".to_string(),
        WindowFrameBound::Preceding(Some(distance)) => format!("{} PRECEDING", written(distance)),
        WindowFrameBound::Following(Some(distance)) => format!("{} FOLLOWING", written(distance)),
    }
}
