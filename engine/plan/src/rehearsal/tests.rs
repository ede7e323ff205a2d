//! A graph whose nodes do not fit together is refused before it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::TaskContext;
use operators::materialize::{Bucket, MaterializeSpec};
use operators::operator::OperatorSpec;
use operators::{Pipeline, SlotExec};

use super::Rehearsal;
use crate::fault::Fault;
use crate::node::{Edge, Node, NodeKind, OperatorNode, Origin};
use crate::relation::{Relation, Rows};

fn schema(kinds: &[DataType]) -> SchemaRef {
    let fields = kinds.iter().enumerate().map(|(at, kind)| Field::new(format!("c{at}"), kind.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn pipeline(schema: &SchemaRef) -> Pipeline {
    let place = SlotExec::place(schema, None).unwrap();
    Pipeline::compile(Arc::new(place), Arc::new(TaskContext::default())).unwrap()
}

fn node(from: Origin, kind: NodeKind) -> Node {
    Node { table: 0, inputs: vec![Edge { from, port: 0 }], kind, is_entry: false, made: None }
}

fn materialize(schema: &SchemaRef) -> NodeKind {
    let spec = MaterializeSpec { name: "gold.t/rows".to_string(), schema: Arc::clone(schema), bucket: Bucket::Whole };
    let spec: Arc<dyn OperatorSpec> = Arc::new(spec);
    NodeKind::Operator(OperatorNode { spec, lag_us: Some(0), late: None, changing_ports: vec![0], meaning: Vec::new() })
}

/// What the rehearsal of these nodes says; the source `events` has a number and a text, and so has node 0, of another table.
fn rehearsed(nodes: &[Node]) -> Result<(), String> {
    let relation = |name: &str, rows: Rows| Relation {
        name: name.to_string(),
        schema: schema(&[DataType::Int64, DataType::Utf8]),
        times: vec![None; 2],
        hidden: Vec::new(),
        rows,
    };
    let of_nodes = Rows::Nodes { nodes: vec![0], are_changing: true, sources: BTreeSet::new() };
    let relations = HashMap::from([
        ("events".to_string(), relation("events", Rows::Source)),
        ("silver.t".to_string(), relation("silver.t", of_nodes)),
    ]);
    match (Rehearsal { nodes, first: 1, relations: &relations }).run() {
        Ok(()) => Ok(()),
        Err(Fault::Problem(problem)) => Err(problem.message),
        Err(Fault::Plan(error)) => panic!("{error}"),
    }
}

#[test]
fn nodes_that_fit_together_pass() {
    let both = schema(&[DataType::Int64, DataType::Utf8]);
    for from in [Origin::Source("events".to_string()), Origin::Node(0)] {
        let nodes = [
            node(from, NodeKind::Pipeline(pipeline(&both))),
            node(Origin::Node(1), materialize(&both)),
            node(Origin::Node(2), NodeKind::Sink),
        ];
        assert_eq!(rehearsed(&nodes), Ok(()));
    }
}

#[test]
fn a_pipeline_under_the_schema_of_another_is_refused() {
    let both = schema(&[DataType::Int64, DataType::Utf8]);
    let mislabelled = pipeline(&both).with_schema(schema(&[DataType::Int64]));
    let said = rehearsed(&[node(Origin::Source("events".to_string()), NodeKind::Pipeline(mislabelled))]).unwrap_err();
    assert!(said.contains("number of"), "{said}");
}

#[test]
fn an_operator_that_gets_other_columns_than_it_takes_is_refused() {
    let both = schema(&[DataType::Int64, DataType::Utf8]);
    for wrong in [schema(&[DataType::Int64]), schema(&[DataType::Utf8, DataType::Int64])] {
        let nodes = [
            node(Origin::Source("events".to_string()), NodeKind::Pipeline(pipeline(&both))),
            node(Origin::Node(1), materialize(&wrong)),
        ];
        let said = rehearsed(&nodes).unwrap_err();
        assert!(said.contains("gold.t/rows takes "), "{said}");
    }
}
