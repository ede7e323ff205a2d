//! What `engine explain` says of a table: what it does, what it keeps, when its rows appear.

use job::{Job, Late, OutputMode};

use crate::compile::TablePlan;
use crate::graph::Graph;

/// The explanation of a whole job, table by table.
pub fn explain(job: &Job, graph: &Graph) -> String {
    graph.tables.iter().map(|table| explain_table(job, graph, table)).collect::<Vec<_>>().join("\n")
}

fn explain_table(job: &Job, graph: &Graph, table: &TablePlan) -> String {
    let mut lines = vec![table.name.clone()];
    let mut add = |what: &str, text: String| lines.push(format!("  {what:<12} {text}"));
    add("reads", input(graph, table));
    add("operators", operators(table));
    add("mode", mode(table.mode).to_string());
    add("watermark", watermark(job, table));
    add("state", state(table));
    add("rows appear", rows_appear(table));
    add("late rows", late(table));
    lines.push(String::new());
    lines.join("\n")
}

fn input(graph: &Graph, table: &TablePlan) -> String {
    match graph.sources.contains_key(&table.input) {
        true => format!("source {}", table.input),
        false => format!("table {}, in the same epoch", table.input),
    }
}

fn operators(table: &TablePlan) -> String {
    let Some(stage) = &table.aggregate else { return table.front.describe() };
    let window = match &stage.spec.window {
        Some(window) if window.size_us == window.slide_us => {
            format!("tumbling window of {}, ", duration(window.size_us))
        }
        Some(window) => format!(
            "sliding window of {} every {} (kept as panes of {}), ",
            duration(window.size_us),
            duration(window.slide_us),
            duration(window.pane_us())
        ),
        None => String::new(),
    };
    let calls: Vec<&str> = stage.spec.calls.iter().map(|call| call.name.as_str()).collect();
    let keys = match stage.spec.key_names.as_slice() {
        [] => "no key".to_string(),
        [name] => format!("key {name}"),
        names => format!("keys {}", names.join(", ")),
    };
    format!(
        "{} -> aggregate ({window}{keys}: {}) -> {}",
        table.front.describe(),
        calls.join(", "),
        stage.back.describe()
    )
}

fn mode(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::Append => "append",
        OutputMode::Update => "update",
        OutputMode::Complete => "complete",
    }
}

fn watermark(job: &Job, table: &TablePlan) -> String {
    let watermarks: Vec<String> = job
        .sources
        .values()
        .filter_map(|source| source.watermark.as_ref().map(|watermark| (source, watermark)))
        .map(|(source, watermark)| {
            format!("{} of {}, {} behind", watermark.column, source.name, duration(watermark.policy.delay_us))
        })
        .collect();
    match (watermarks.is_empty(), table.aggregate.is_some()) {
        (true, _) => "none".to_string(),
        (false, true) => watermarks.join("; "),
        (false, false) => format!("{} (not needed here)", watermarks.join("; ")),
    }
}

fn state(table: &TablePlan) -> String {
    match &table.aggregate {
        None => "none".to_string(),
        Some(stage) => match (stage.spec.window, table.mode) {
            (Some(_), OutputMode::Append | OutputMode::Update) => {
                "one row a key and pane; a pane goes when its last window is complete".to_string()
            }
            (Some(_), OutputMode::Complete) => {
                "one row a key and pane, for ever: complete mode forgets nothing (WARNING: nothing bounds it)"
                    .to_string()
            }
            (None, _) if stage.spec.is_global() => "one row".to_string(),
            (None, _) => "one row a key, for ever (WARNING: only the number of keys bounds it)".to_string(),
        },
    }
}

fn rows_appear(table: &TablePlan) -> String {
    match (&table.aggregate, table.mode) {
        (None, _) => "in the epoch that reads them".to_string(),
        (Some(_), OutputMode::Append) => {
            "once, in the first epoch whose watermark has reached the window's end".to_string()
        }
        (Some(_), OutputMode::Update) => "in every epoch that changes them; the row before is replaced".to_string(),
        (Some(_), OutputMode::Complete) => "the whole result anew in every epoch that changes it".to_string(),
    }
}

fn late(table: &TablePlan) -> String {
    match (&table.aggregate, table.mode, table.late) {
        (None, ..) => "kept: a table without state has no late rows".to_string(),
        (Some(_), OutputMode::Complete, _) => "kept: complete mode counts them".to_string(),
        (Some(stage), ..) if stage.spec.window.is_none() => {
            "kept: there is no window that could be complete".to_string()
        }
        (Some(_), _, Late::Drop) => "counted and left out".to_string(),
        (Some(_), _, Late::Table) => format!("counted and written to {}__late", table.name),
    }
}

/// A length of time in words.
pub fn duration(us: i64) -> String {
    let units = [
        (86_400_000_000, "day"),
        (3_600_000_000, "hour"),
        (60_000_000, "minute"),
        (1_000_000, "second"),
        (1_000, "millisecond"),
    ];
    match units.into_iter().find(|(unit_us, _)| us != 0 && us % unit_us == 0) {
        Some((unit_us, unit)) => {
            let count = us / unit_us;
            format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" })
        }
        None => format!("{us} microseconds"),
    }
}
