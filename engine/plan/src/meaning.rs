//! What the state of each operator means beyond what the operator itself can say: how the rows that it keeps were made.

use std::collections::BTreeSet;

use datafusion::error::Result;
use operators::operator::Bound;

use crate::computed::Computed;
use crate::graph::Graph;
use crate::made::Words;
use crate::node::{NodeKind, Origin};
use crate::relation::Relation;

impl Graph {
    /// What the state of an operator means, line by line, for the manifest in a checkpoint: a job with other lines is another query to it.
    /// Nothing for nodes without memory.
    ///
    /// Rows that may be retracted are computed again when they are: all that lies between the operator that emits them and this one
    /// counts. Of rows that come for good only time windows do, which are keys under whatever name.
    ///
    /// # Errors
    /// Never in practice: if a plan names a column that is not there.
    pub fn meaning(&self, node: usize) -> Result<Vec<String>> {
        let NodeKind::Operator(operator) = &self.nodes[node].kind else { return Ok(Vec::new()) };
        let mut lines = operator.meaning.clone();
        if let Bound::Watermark(_) = operator.bound() {
            lines.extend(self.event_times(node));
        }
        for edge in &self.nodes[node].inputs {
            let is_changing = operator.changing_ports.contains(&edge.port);
            for words in self.words(&edge.from)? {
                lines.extend(words.lines(&format!("input {} rows", edge.port), is_changing));
            }
        }
        Ok(lines)
    }

    /// What the event times are made of that bound the state of an operator, where they are computed.
    fn event_times(&self, node: usize) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for edge in &self.nodes[node].inputs {
            match &edge.from {
                Origin::Node(from) => found.extend(self.event_times(*from)),
                Origin::Source(name) => {
                    let time = self.sources.get(name).and_then(Relation::event_time_name);
                    let made = time.and_then(|time| self.computed.get(name)?.made_of(time));
                    found.extend(made.map(|made| format!("event time of {name} made of {made}")));
                }
            }
        }
        found
    }

    /// What the rows that come from somewhere are made of, down to the operators and sources that they come from: once for each of
    /// these, as a UNION has several. Nothing if they come from one as they are.
    fn words(&self, from: &Origin) -> Result<Vec<Words>> {
        let node = match from {
            Origin::Node(node) => node,
            Origin::Source(source) => return Ok(self.computed.get(source).map(Computed::words).into_iter().collect()),
        };
        let Some(made) = &self.nodes[*node].made else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for edge in &self.nodes[*node].inputs {
            let below = self.words(&edge.from)?;
            match below.as_slice() {
                [] => all.push(made.words(None)?),
                several => all.extend(several.iter().map(|rows| made.words(Some(rows))).collect::<Result<Vec<_>>>()?),
            }
        }
        // Two ways that come to the same say it once.
        all.dedup();
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
