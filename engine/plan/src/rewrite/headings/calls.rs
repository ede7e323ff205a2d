//! Calls of functions in the names of columns: Spark's own name for each, with the arguments that it fills in.

mod table;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    OrderByExpr, VisitorMut, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{order_key, written};
use crate::rewrite::calls::{arguments as arguments_of, call as call_of, name_of};
use crate::rewrite::generators;
use crate::walk::walk_mut;

/// Stands for the argument of a function in its body.
const VARIABLE: &str = "namedlambdavariable";

/// True if a call names its columns itself: a generator, or a window.
pub fn is_generator(function: &Function) -> bool {
    let is_window = ["window", "session_window", "unnest"].contains(&name_of(function).as_str());
    is_window || !matches!(generators::columns(function, &[], false), Ok(None))
}

/// A call with its FILTER and its OVER.
pub fn call(function: &Function) -> String {
    let mut text = bare_call(function);
    if let Some(filter) = &function.filter {
        text.push_str(&format!(" FILTER (WHERE {})", written(filter)));
    }
    match &function.over {
        Some(window) => format!("{text} OVER {}", over(&name_of(function), function, window)),
        None => text,
    }
}

fn bare_call(function: &Function) -> String {
    let name = name_of(function);
    let name = if name == "array_any_match" { "exists".to_string() } else { name };
    if name == VARIABLE {
        return format!("{VARIABLE}()");
    }
    let (arguments, distinct) = match &function.args {
        FunctionArguments::List(list) => (values(list), list.duplicate_treatment == Some(DuplicateTreatment::Distinct)),
        _ => (Vec::new(), false),
    };
    let mut texts: Vec<String> = arguments.iter().map(argument).collect();
    if let Some(text) = table::own_form(&name, &texts) {
        return text;
    }
    let name = table::name(&name, arguments.len());
    table::complete(&name, &mut texts);
    let distinct = if distinct { "DISTINCT " } else { "" };
    let keys = function.within_group.as_slice();
    if keys.is_empty() {
        return format!("{name}({distinct}{})", texts.join(", "));
    }
    let name = if name == "string_agg" { "listagg".to_string() } else { name };
    let keys: Vec<String> = keys.iter().map(|key| of_group(&name, key)).collect();
    format!("{name}({distinct}{}) WITHIN GROUP (ORDER BY {})", texts.join(", "), keys.join(", "))
}

/// A key of WITHIN GROUP: percentiles say only what is not their order, and the mode the other way round.
fn of_group(name: &str, key: &OrderByExpr) -> String {
    let descends = key.options.asc == Some(false);
    let descends = match name {
        "mode" => !descends,
        "percentile_cont" | "percentile_disc" => descends,
        _ => return order_key(key),
    };
    if descends { format!("{} DESC", written(&key.expr)) } else { written(&key.expr) }
}

fn values(list: &FunctionArgumentList) -> Vec<FunctionArgExpr> {
    let value = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(value) | FunctionArg::Named { arg: value, .. } => value.clone(),
        FunctionArg::ExprNamed { arg: value, .. } => value.clone(),
    };
    list.args.iter().map(value).collect()
}

fn argument(argument: &FunctionArgExpr) -> String {
    match argument {
        FunctionArgExpr::Expr(expr) => written(expr),
        FunctionArgExpr::Wildcard => "1".to_string(),
        other => other.to_string(),
    }
}

/// Puts the sign of a variable in the place of each argument of a lambda.
pub fn hide_variables(body: &mut Expr, names: &[&str]) {
    struct Hider<'a>(&'a [&'a str]);
    impl VisitorMut for Hider<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let is_variable = match expr {
                Expr::Identifier(name) => self.0.contains(&name.value.as_str()),
                _ => false,
            };
            if is_variable {
                *expr = call_of(VARIABLE, Vec::new());
            }
            ControlFlow::Continue(())
        }
    }
    let _: ControlFlow<()> = walk_mut(body, &mut Hider(names));
}

/// What stands behind OVER.
fn over(name: &str, function: &Function, over: &WindowType) -> String {
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
            let arguments = arguments_of(function).unwrap_or_default();
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
