//! What `engine explain` says of a table: what it does, what it keeps, when its rows appear.

use connector::Delivery;
pub use expr::window::duration;
use job::{Job, Late, OutputMode, Refresh};
use operators::operator::Bound;

use crate::compile::TablePlan;
use crate::computed::Computed;
use crate::graph::Graph;
use crate::node::{LookupNode, NodeKind, OperatorNode};

/// The explanation of a whole job, table by table.
pub fn explain(job: &Job, graph: &Graph) -> String {
    let before = before_tables(job, graph);
    let tables = graph.tables.iter().map(|table| explain_table(job, graph, table));
    before.into_iter().chain(tables).collect::<Vec<_>>().join("\n")
}

/// What tables stand on besides rows: the functions of the job, and the columns that its sources compute.
fn before_tables(job: &Job, graph: &Graph) -> Vec<String> {
    let section = |title: &str, lines: &[String]| match lines {
        [] => None,
        lines => Some(format!("{title}\n  {}\n", lines.join("\n  "))),
    };
    let of_source = |(name, computed): (&String, &Computed)| {
        let source = job.sources.get(name)?;
        section(&format!("source {name}, computed columns"), &computed.describe(source))
    };
    let functions = section("functions", &graph.functions).into_iter();
    functions.chain(graph.computed.iter().filter_map(of_source)).collect()
}

fn explain_table(job: &Job, graph: &Graph, table: &TablePlan) -> String {
    let operators = operators(graph, table);
    let mut lines = vec![table.name.clone()];
    let mut add = |what: &str, text: String| lines.push(format!("  {what:<12} {text}"));
    table.inputs.iter().for_each(|input| add("reads", input_words(job, input)));
    add("operators", steps(graph, table));
    add("mode", mode(table.mode).to_string());
    add("watermark", watermark(job, table, !operators.is_empty()));
    match operators.is_empty() {
        true => add("state", "none".to_string()),
        false => operators.iter().for_each(|operator| add("state", state(table, operator, operators.len() > 1))),
    }
    add("rows appear", rows_appear(table, !operators.is_empty()));
    add("late rows", late(table, &operators));
    if table.delivery == Delivery::AtLeastOnce {
        add(
            "delivery",
            "at least once: the place keeps no record of what it holds, so after a crash rows may come again"
                .to_string(),
        );
    }
    lines.push(String::new());
    lines.join("\n")
}

fn operators<'a>(graph: &'a Graph, table: &TablePlan) -> Vec<&'a OperatorNode> {
    let nodes = graph.nodes[table.nodes.clone()].iter();
    nodes
        .filter_map(|node| match &node.kind {
            NodeKind::Operator(operator) => Some(operator),
            _ => None,
        })
        .collect()
}

fn input_words(job: &Job, input: &str) -> String {
    if job.sources.keys().any(|name| name.eq_ignore_ascii_case(input)) {
        return format!("source {input}");
    }
    match job.statics.values().find(|table| table.name.eq_ignore_ascii_case(input)) {
        Some(table) => format!("static {}: {}, {}", table.name, table.path, refreshed(table.refresh)),
        None => format!("table {input}, in the same epoch"),
    }
}

fn refreshed(refresh: Refresh) -> String {
    match refresh {
        Refresh::Never => "read once, when the job begins".to_string(),
        Refresh::OnChange => "looked at before every epoch, read again when it has changed".to_string(),
        Refresh::Every(us) => format!("looked at every {}, read again when it has changed", duration(us)),
    }
}

fn steps(graph: &Graph, table: &TablePlan) -> String {
    let nodes = graph.nodes[table.nodes.clone()].iter();
    let words: Vec<String> = nodes
        .filter_map(|node| match &node.kind {
            NodeKind::Pipeline(pipeline) => Some(pipeline.describe()),
            NodeKind::Lookup(lookup) => Some(lookup_words(lookup)),
            NodeKind::Operator(operator) => Some(operator.spec.describe()),
            NodeKind::Sink => None,
        })
        .collect();
    words.join(" -> ")
}

fn lookup_words(lookup: &LookupNode) -> String {
    match lookup.table.tables.is_empty() {
        true => lookup.spec.describe(),
        false => format!("{}, in {}", lookup.spec.describe(), lookup.table.tables.join(" and ")),
    }
}

fn mode(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::Append => "append",
        OutputMode::Update => "update",
        OutputMode::Complete => "complete",
    }
}

fn watermark(job: &Job, table: &TablePlan, has_memory: bool) -> String {
    let sources = job.sources.values().filter(|source| table.sources.contains(&source.name));
    let watermarks: Vec<String> = sources
        .filter_map(|source| source.watermark.as_ref().map(|watermark| (source, watermark)))
        .map(|(source, watermark)| {
            format!("{} of {}, {} behind", watermark.column, source.name, duration(watermark.policy.delay_us))
        })
        .collect();
    match (watermarks.is_empty(), has_memory) {
        (true, _) => "none".to_string(),
        (false, true) => watermarks.join("; "),
        (false, false) => format!("{} (not needed here)", watermarks.join("; ")),
    }
}

fn state(table: &TablePlan, operator: &OperatorNode, with_name: bool) -> String {
    let words = match operator.bound() {
        Bound::Watermark(text) => text,
        Bound::TimeToLive(us) => format!("rows are evicted {} after they came", duration(us)),
        Bound::KeyTimeToLive(us) => {
            format!("a key is forgotten {} after its last row; what was emitted for it stands", duration(us))
        }
        Bound::Constant => "one row".to_string(),
        Bound::Unbounded(text) | Bound::Table(text) => format!("{text} (WARNING: nothing bounds it)"),
    };
    let own = operator.spec.name().strip_prefix(&table.name).unwrap_or_default().trim_start_matches('/');
    match (with_name, own) {
        (false, _) => words,
        (true, "") => format!("aggregate: {words}"),
        (true, own) => format!("{own}: {words}"),
    }
}

fn rows_appear(table: &TablePlan, has_memory: bool) -> String {
    match (has_memory, table.mode) {
        (false, _) => "in the epoch that reads them".to_string(),
        (true, OutputMode::Append) => "once, in the first epoch in which nothing can change them any more".to_string(),
        (true, OutputMode::Update) if !table.is_replaced() => "in the epoch that reads them".to_string(),
        (true, OutputMode::Update) => "in every epoch that changes them; the row before is replaced".to_string(),
        (true, OutputMode::Complete) => "the whole result anew in every epoch that changes it".to_string(),
    }
}

fn late(table: &TablePlan, operators: &[&OperatorNode]) -> String {
    let is_bounded = operators.iter().any(|operator| matches!(operator.bound(), Bound::Watermark(_)));
    match (operators.is_empty(), table.mode, table.late) {
        (true, ..) => "kept: a table without state has no late rows".to_string(),
        (false, OutputMode::Complete, _) if !is_bounded => "kept: complete mode counts them".to_string(),
        (false, ..) if !is_bounded => "kept: there is no window that could be complete".to_string(),
        (false, _, Late::Drop) => "counted and left out".to_string(),
        (false, _, Late::Table) => format!("counted and written to {}__late", table.name),
    }
}
