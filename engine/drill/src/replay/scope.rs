//! Which epochs of a table a replay can hold against the warehouse: those that the definitions in the job file have made.

use std::collections::BTreeMap;

use epoch::definition::Before;
use epoch::{EpochId, paths};
use plan::{Graph, TablePlan};

use crate::definitions::{InForce, is_as_it_came};
use crate::verify::snapshot::WarehouseSnapshot;

/// What of a table is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableScope {
    /// From this epoch on; `None`: all of it.
    pub since: Option<EpochId>,
    /// What a reader should know.
    pub note: Option<String>,
    /// What a reader should know if it came out otherwise.
    pub doubt: Option<String>,
}

/// The scope of a table.
///
/// # Errors
/// Why none of it can be compared.
pub fn scope_of(
    name: &str,
    graph: &Graph,
    snapshot: &WarehouseSnapshot,
    fingerprints: &BTreeMap<String, String>,
) -> Result<TableScope, String> {
    if !fingerprints.contains_key(name) {
        return Err("it is no longer in the job file, so nothing makes it again".to_owned());
    }
    if snapshot.present(name).is_some_and(|table| table.info.damage.is_none()) {
        snapshot.check_origin(name)?;
    }
    let newest = snapshot.commits.get(&snapshot.epoch);
    if let Some(since) = newest.and_then(|commit| commit.sinks.get(name)?.rows?.since) {
        return Err(format!("it held rows before epoch {since} that no epoch on record has made"));
    }
    let of_table = |table: &TablePlan| paths::late_table(&table.name) == name;
    let (plan, is_late) = match graph.plan_of(name) {
        Some(plan) => (Some(plan), false),
        None => (graph.tables.iter().find(|table| of_table(table)), true),
    };
    let in_force = |table: &str| InForce::of(table, newest, fingerprints);
    let own = in_force(name)?;
    let doubt = own.since.filter(|_| own.before == Before::Unknown);
    let doubt = doubt.map(|since| {
        format!("what its definition was before epoch {since} is not on record: it may have been another")
    });
    let mut since = made_since(&own);
    for input in plan.into_iter().flat_map(|plan| with_inputs(graph, plan)) {
        let of_input =
            in_force(&input.name).map_err(|reason| format!("its rows come of {}, and {reason}", input.name))?;
        since = since.max(made_since(&of_input));
    }
    let Some(since) = since else { return Ok(TableScope { since: None, note: None, doubt }) };
    // Rejected rows are written in the epoch that reads their records.
    let tells_epochs = plan.is_none_or(|plan| !is_late && is_as_it_came(graph, plan));
    match tells_epochs {
        true => {
            let note = format!(
                "from epoch {since} on: before that its definition, or one that it reads, was another or not there"
            );
            Ok(TableScope { since: Some(since), note: Some(note), doubt })
        }
        false => Err(format!(
            "its definition, or one that it reads, was another or not there before epoch {since}, and what it keeps goes through all epochs"
        )),
    }
}

/// The epoch that a definition came into force in, if others made the ones before; what nobody noted is taken for the same.
fn made_since(in_force: &InForce) -> Option<EpochId> {
    in_force.since.filter(|since| in_force.before != Before::Unknown && since.0 > 0)
}

/// A table and all tables that its rows come of.
fn with_inputs<'a>(graph: &'a Graph, table: &'a TablePlan) -> Vec<&'a TablePlan> {
    let mut all = vec![table];
    let inputs = table.inputs.iter().filter_map(|input| graph.plan_of(input));
    all.extend(inputs.flat_map(|input| with_inputs(graph, input)));
    all
}
