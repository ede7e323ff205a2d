//! The static sides of joins, ready to be looked up in: made again only when what they read has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use epoch::{Plan, Step};
use operators::lookup::Lookup;
use plan::{LookupNode, NodeKind};
use state::Checkpoint;

use super::Statics;
use crate::error::{RunError, of_table};
use crate::step::Steps;
use crate::topology::Topology;

/// The static sides of the joins of a job, by node.
#[derive(Default)]
pub struct Lookups {
    made: BTreeMap<usize, Made>,
}

struct Made {
    /// The versions of the tables that it was made from, port by port; what time it was, if that counts.
    from: (Vec<String>, Option<i64>),
    lookup: Arc<Lookup>,
}

impl Lookups {
    /// The static sides as an epoch sees them.
    ///
    /// # Errors
    /// If a static table cannot be read, or the query over it fails on a row.
    pub fn of_epoch(
        &mut self,
        topology: &Topology,
        statics: &mut Statics,
        plan: &Plan,
        checkpoint: &Checkpoint,
        steps: &Steps,
    ) -> Result<BTreeMap<usize, Arc<Lookup>>, RunError> {
        let mut lookups = BTreeMap::new();
        for (at, node) in topology.nodes.iter().enumerate() {
            let NodeKind::Lookup(lookup) = &node.kind else { continue };
            let from = (versions(lookup, plan), lookup.table.follows_time.then_some(plan.batch_time_us));
            let made = match self.made.remove(&at).filter(|made| made.from == from) {
                Some(made) => made,
                None => {
                    let name = &topology.tables[node.table].plan.name;
                    let make = || make(lookup, name, statics, plan, checkpoint);
                    Made { from, lookup: steps.at(Step::Compute, plan.epoch, make)? }
                }
            };
            lookups.insert(at, Arc::clone(&made.lookup));
            self.made.insert(at, made);
        }
        Ok(lookups)
    }
}

fn make(
    lookup: &LookupNode,
    table: &str,
    statics: &mut Statics,
    plan: &Plan,
    checkpoint: &Checkpoint,
) -> Result<Arc<Lookup>, RunError> {
    let read = |name: &String| Ok(statics.rows(name, plan, checkpoint)?.batch.clone());
    let rows: Vec<RecordBatch> = lookup.table.tables.iter().map(read).collect::<Result<_, RunError>>()?;
    let ports: Vec<&RecordBatch> = rows.iter().collect();
    let found = lookup.table.run(&ports).map_err(|error| of_table(table)(error.into()))?;
    let lookup = Lookup::new(Arc::clone(&lookup.spec), &[found]).map_err(of_table(table))?;
    Ok(Arc::new(lookup))
}

/// The version of each table that the static side reads, port by port.
fn versions(lookup: &LookupNode, plan: &Plan) -> Vec<String> {
    let version = |name: &String| {
        let found = plan.statics.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, version)| version.clone()).unwrap_or_default()
    };
    lookup.table.tables.iter().map(version).collect()
}
