//! What a query says that the planner would pass over in silence: samples, locks, versions, hints.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Query, Select, SetExpr, SetOperator, Statement, TableFactor, Visitor};

use crate::problem::SqlProblem;
use crate::walk::walk;

/// The first such thing in a table's query, if there is one.
pub fn unkept(statement: &Statement, sql: &str) -> Option<SqlProblem> {
    walk(statement, &mut Promises { sql, is_stream: true }).break_value()
}

/// The first such thing in a query over tables that stand still, in which orders and sets mean something.
pub fn unkept_in_read(statement: &Statement, sql: &str) -> Option<SqlProblem> {
    walk(statement, &mut Promises { sql, is_stream: false }).break_value()
}

struct Promises<'a> {
    sql: &'a str,
    is_stream: bool,
}

impl Promises<'_> {
    fn check(&self, found: &[(bool, &str, &str)]) -> ControlFlow<SqlProblem> {
        for (is_there, text, help) in found {
            if *is_there {
                let message = format!("{text} is not supported");
                return ControlFlow::Break(SqlProblem::new(message, *help).at_text(self.sql, text));
            }
        }
        ControlFlow::Continue(())
    }

    fn select(&self, select: &Select) -> ControlFlow<SqlProblem> {
        if !self.is_stream {
            return self.check(&[
                (select.top.is_some(), "TOP", "write ORDER BY … LIMIT"),
                (select.prewhere.is_some(), "PREWHERE", "write WHERE"),
                (!select.connect_by.is_empty(), "CONNECT BY", "write WITH RECURSIVE"),
            ]);
        }
        self.check(&[
            (select.into.is_some(), "INTO", "the rows go into the table that has the query: leave INTO out"),
            (select.top.is_some(), "TOP", "use ORDER BY … LIMIT in complete mode, or ROW_NUMBER() … <= n"),
            (select.prewhere.is_some(), "PREWHERE", "write WHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY", "leave it out: a table's query cannot call itself"),
            (!select.cluster_by.is_empty(), "CLUSTER BY", "leave it out: the engine places rows itself"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY", "leave it out: the engine places rows itself"),
            (!select.sort_by.is_empty(), "SORT BY", "leave it out: the rows of a table have no order"),
        ])
    }
}

impl Visitor for Promises<'_> {
    type Break = SqlProblem;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlProblem> {
        if let (false, SetExpr::Select(select)) = (self.is_stream, query.body.as_ref()) {
            return self.select(select);
        }
        if !self.is_stream {
            return ControlFlow::Continue(());
        }
        self.check(&[
            (!query.locks.is_empty(), "FOR UPDATE", "leave it out: a stream has nothing to lock"),
            (query.for_clause.is_some(), "FOR", "leave it out: the table's format is Parquet"),
            (query.settings.is_some(), "SETTINGS", "leave it out: the settings stand in the job file"),
            (query.format_clause.is_some(), "FORMAT", "leave it out: the table's format is Parquet"),
        ])?;
        match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { op: SetOperator::Except | SetOperator::Minus, .. } => {
                self.check(&[(true, "EXCEPT", "write a LEFT ANTI JOIN with a range of event times")])
            }
            SetExpr::SetOperation { op: SetOperator::Intersect, .. } => {
                self.check(&[(true, "INTERSECT", "write a LEFT SEMI JOIN with a range of event times")])
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlProblem> {
        let version_help = match self.is_stream {
            true => "leave it out: a job reads each record once, as it comes",
            false => "leave it out: all tables are read as of one epoch, the newest that is published",
        };
        let sampled = "write a condition on a key instead, such as WHERE hash(user_id) % 10 = 0";
        match factor {
            TableFactor::Table { with_hints, version, with_ordinality, partitions, sample, index_hints, .. } => self
                .check(&[
                    (sample.is_some(), "TABLESAMPLE", sampled),
                    (version.is_some(), "VERSION AS OF", version_help),
                    (!with_hints.is_empty() || !index_hints.is_empty(), "WITH", "leave the hint out"),
                    (*with_ordinality, "WITH ORDINALITY", "use posexplode(…)"),
                    (!partitions.is_empty(), "PARTITION", "write a condition on the column in WHERE"),
                ]),
            TableFactor::Derived { sample: Some(_), .. } => self.check(&[(true, "TABLESAMPLE", sampled)]),
            _ => ControlFlow::Continue(()),
        }
    }
}
