//! Runs the nodes of a table over no rows before the job begins: what `check` passes, runs.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use operators::OperatorError;
use operators::operator::OperatorSpec;
use operators::rehearsal::rehearse;

use crate::fault::Result;
use crate::node::{Edge, Node, NodeKind, Origin};
use crate::problem::SqlProblem;
use crate::relation::{Relation, Rows};

/// The nodes of one table, and what they read.
pub struct Rehearsal<'a> {
    /// The nodes.
    pub nodes: &'a [Node],
    /// Number of nodes before them.
    pub first: usize,
    /// Sources and other tables.
    pub relations: &'a HashMap<String, Relation>,
}

impl Rehearsal<'_> {
    /// Runs every node once.
    ///
    /// # Errors
    /// If rows of one node are not what the next takes, or if a node cannot run: a fault of ours, which the user learns before the job runs.
    pub fn run(&self) -> Result<()> {
        for node in self.nodes {
            if let Err(what) = self.run_node(node) {
                if let Some(what) = of_types(&what) {
                    let help = "change the expression, or the types of what it reads, so that it can be computed";
                    return Err(SqlProblem::new(what, help).into());
                }
                let message = format!("the query was planned to what cannot run: {what}");
                let help = "this is a fault of the engine, please report it with the query; a part of the query as a table of its own may run";
                return Err(SqlProblem::new(message, help).into());
            }
        }
        Ok(())
    }

    fn run_node(&self, node: &Node) -> Result<(), OperatorError> {
        for edge in &node.inputs {
            let Some(rows) = self.schema_of(&edge.from) else { continue };
            match &node.kind {
                NodeKind::Pipeline(pipeline) => {
                    pipeline.run(&RecordBatch::new_empty(rows))?;
                }
                NodeKind::Operator(operator) => check_types(operator.spec.as_ref(), edge, &rows)?,
                NodeKind::Lookup(_) | NodeKind::Sink => {}
            }
        }
        if let NodeKind::Operator(operator) = &node.kind {
            let ports = node.inputs.iter().map(|edge| edge.port + 1).max().unwrap_or(0);
            rehearse(&operator.spec, ports)?;
        }
        Ok(())
    }

    /// Columns of the rows that come from somewhere; `None` if it is not known.
    fn schema_of(&self, from: &Origin) -> Option<SchemaRef> {
        let relation = |is_it: &dyn Fn(&Relation) -> bool| self.relations.values().find(|relation| is_it(relation));
        let of_relation = match from {
            Origin::Source(name) => {
                relation(&|relation| relation.rows == Rows::Source && relation.name.eq_ignore_ascii_case(name))
            }
            Origin::Node(node) if *node < self.first => {
                relation(&|relation| matches!(&relation.rows, Rows::Nodes { nodes, .. } if nodes.contains(node)))
            }
            Origin::Node(node) => {
                return match &self.nodes.get(node - self.first)?.kind {
                    NodeKind::Pipeline(pipeline) => Some(Arc::clone(pipeline.schema())),
                    NodeKind::Lookup(lookup) => Some(Arc::clone(lookup.spec.output())),
                    NodeKind::Operator(operator) => Some(Arc::clone(operator.spec.output())),
                    NodeKind::Sink => None,
                };
            }
        };
        of_relation.map(|relation| Arc::clone(&relation.schema))
    }
}

/// What is wrong with the types of a query, if that is what an error says, without what DataFusion puts around it.
fn of_types(error: &OperatorError) -> Option<String> {
    let text = match error {
        OperatorError::Row(what) => return Some(what.clone()),
        OperatorError::Compute(what) => what.as_str(),
        _ => return None,
    };
    let text = text.split("\nThis issue was likely caused").next().unwrap_or(text);
    let said = ["Error during planning: ", "Internal error: "].iter().find_map(|before| text.strip_prefix(before));
    // What one node hands to the next is no matter of the query.
    let is_ours = text.contains(" and gets ");
    let is_of_types = text.starts_with("Error during planning") && !is_ours
        || ["not implemented", "not supported"].iter().any(|words| text.contains(words));
    is_of_types.then(|| said.unwrap_or(text).trim_end_matches('.').to_string())
}

fn check_types(spec: &dyn OperatorSpec, edge: &Edge, rows: &SchemaRef) -> Result<(), DataFusionError> {
    let wanted = spec.input(edge.port);
    let mut pairs = wanted.fields().iter().zip(rows.fields());
    let are_same = wanted.fields().len() == rows.fields().len()
        && pairs.all(|(wanted, given)| wanted.data_type().equals_datatype(given.data_type()));
    if are_same {
        return Ok(());
    }
    Err(DataFusionError::Plan(format!("{} takes {wanted} and gets {rows}", spec.name())))
}

#[cfg(test)]
mod tests;
