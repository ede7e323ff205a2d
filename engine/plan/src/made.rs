//! What the columns of rows are made of, in words: state is kept of rows, so another expression below an operator is another query to it.

use datafusion::arrow::datatypes::Schema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use expr::display::expr_text;
use expr::scalar::time_windows::{SLIDING_WINDOWS, TUMBLING_WINDOW, spec_of};
use expr::window::duration;

/// The longest text that stands as it is: what is made of what is made of something may double with each step.
const TEXT_CHARS_MAX: usize = 1_000;

/// What a node without memory makes of the rows that come in.
#[derive(Debug, Clone)]
pub enum Made {
    /// What a plan makes of the rows of its one leaf.
    Plan(Box<LogicalPlan>),
    /// Rows joined with a static table.
    Lookup {
        /// Names of the stream's columns.
        names: Vec<String>,
        /// Columns of the stream by their position, of the table in words.
        columns: Vec<std::result::Result<usize, String>>,
        /// What a row meets.
        on: String,
    },
}

/// What rows are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Their columns.
    pub columns: Vec<String>,
    /// What a row must meet, and what multiplies it.
    pub conditions: Vec<String>,
}

impl Made {
    /// The words for it over rows that are made so themselves; without `below`, over rows of which only the names of columns are known.
    ///
    /// # Errors
    /// If it names a column that is not there.
    pub fn words(&self, below: Option<&Words>) -> Result<Words> {
        match self {
            Made::Plan(plan) => words_of(plan, below),
            Made::Lookup { names, columns, on } => {
                let rows = below.cloned().unwrap_or_else(|| Words { columns: names.clone(), conditions: Vec::new() });
                let column = |column: &std::result::Result<usize, String>| match column {
                    Ok(at) => rows.columns.get(*at).cloned().unwrap_or_default(),
                    Err(words) => words.clone(),
                };
                let columns = columns.iter().map(column).collect();
                Ok(Words { columns, conditions: rows.conditions.iter().chain([on]).cloned().collect() })
            }
        }
    }
}

/// What a plan makes of rows that are made so themselves, in words.
///
/// # Errors
/// If it names a column that is not there.
pub fn words_of(plan: &LogicalPlan, rows: Option<&Words>) -> Result<Words> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let below = words_of(&projection.input, rows)?;
            let columns = projection.expr.iter().map(|expr| text(expr, projection.input.schema(), &below));
            Ok(Words { columns: columns.collect::<Result<_>>()?, ..below })
        }
        LogicalPlan::Filter(filter) => {
            let mut below = words_of(&filter.input, rows)?;
            below.conditions.push(text(&filter.predicate, filter.input.schema(), &below)?);
            Ok(below)
        }
        LogicalPlan::Window(window) => {
            let mut below = words_of(&window.input, rows)?;
            let calls = window.window_expr.iter().map(|call| text(call, window.input.schema(), &below));
            let calls = calls.collect::<Result<Vec<_>>>()?;
            below.columns.extend(calls);
            Ok(below)
        }
        LogicalPlan::Unnest(unnest) => {
            let mut below = words_of(&unnest.input, rows)?;
            let lists: Vec<usize> = unnest.list_type_columns.iter().map(|(at, _)| *at).collect();
            for at in &lists {
                let each = format!("each of {}", below.columns[*at]);
                below.conditions.push(each.clone());
                below.columns[*at] = each;
            }
            let columns = unnest.dependency_indices.iter().map(|at| below.columns[*at].clone()).collect();
            Ok(Words { columns, ..below })
        }
        LogicalPlan::SubqueryAlias(alias) => words_of(&alias.input, rows),
        LogicalPlan::TableScan(scan) => {
            let all = rows.cloned().unwrap_or_else(|| names_of(&scan.source.schema()));
            let Some(read) = &scan.projection else { return Ok(all) };
            let column = |at: &usize| all.columns.get(*at).cloned().unwrap_or_default();
            Ok(Words { columns: read.iter().map(column).collect(), ..all })
        }
        other => Ok(names_of(other.schema().as_arrow())),
    }
}

fn names_of(schema: &Schema) -> Words {
    let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
    Words { columns, conditions: Vec::new() }
}

impl Words {
    /// A line for each of them; of rows that come for good only what cuts time into windows: what else was computed of them stays as
    /// it was.
    pub fn lines(&self, rows: &str, is_changing: bool) -> Vec<String> {
        let windows = [TUMBLING_WINDOW, SLIDING_WINDOWS].map(|name| format!("{name}("));
        let counts = |words: &&String| is_changing || windows.iter().any(|window| words.contains(window));
        let columns = self.columns.iter().enumerate().filter(|(_, words)| counts(words));
        let columns = columns.map(|(at, words)| format!("{rows} with column {} made of {words}", at + 1));
        let conditions = self.conditions.iter().filter(counts).map(|words| format!("{rows} by {words}"));
        columns.chain(conditions).collect()
    }
}

/// The text of an expression over columns of `schema`, which are made so.
fn text(expr: &Expr, schema: &DFSchema, below: &Words) -> Result<String> {
    let filled = expr.clone().transform_up(|expr| {
        let expr = match &expr {
            Expr::Column(column) => named(&below.columns[schema.index_of_column(column)?]),
            _ => return Ok(with_sizes(expr)),
        };
        Ok(Transformed::yes(expr))
    });
    let text = expr_text(&filled.data()?);
    Ok(match text.char_indices().nth(TEXT_CHARS_MAX) {
        None => text,
        // What is not shown counts all the same.
        Some((end, _)) => format!("{}… ({:016x})", &text[..end], text_hash(&text)),
    })
}

/// The call that makes windows with its sizes in words, any other expression as it is.
fn with_sizes(expr: Expr) -> Transformed<Expr> {
    let Expr::ScalarFunction(function) = &expr else { return Transformed::no(expr) };
    let is_window = [TUMBLING_WINDOW, SLIDING_WINDOWS].contains(&function.func.name());
    match (spec_of(&function.args).filter(|_| is_window), function.args.first()) {
        (Some(window), Some(time)) => {
            let sizes = [("size", window.size_us), ("slide", window.slide_us), ("start", window.offset_us)];
            let sizes = sizes.map(|(name, us)| named(&format!("{name} {}", duration(us))));
            let mut shown = function.clone();
            shown.args = std::iter::once(time.clone()).chain(sizes).collect();
            Transformed::yes(Expr::ScalarFunction(shown))
        }
        _ => Transformed::no(expr),
    }
}

fn named(words: &str) -> Expr {
    Expr::Column(Column::new_unqualified(words))
}

/// FNV-1a: the same in every process and version, so that it may stand in a checkpoint.
pub fn text_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
