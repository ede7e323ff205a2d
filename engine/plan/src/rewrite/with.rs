//! The names that WITH gives, as they are known at each place of a query.

use datafusion::sql::sqlparser::ast::{Cte, Query};

/// The parts of WITH around the place that is visited, outermost query first.
#[derive(Default)]
pub struct WithNames {
    queries: Vec<Scope>,
}

/// A query's WITH, and how many of its parts stand before the place that is visited (they are visited in order).
struct Scope {
    parts: Vec<Cte>,
    is_recursive: bool,
    before: usize,
}

impl WithNames {
    /// Goes into a query.
    pub fn enter(&mut self, query: &Query) {
        let parts = query.with.iter().flat_map(|with| with.cte_tables.iter().cloned()).collect();
        let is_recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        self.queries.push(Scope { parts, is_recursive, before: 0 });
    }

    /// Comes out of a query. A part of WITH is known from here on, as it is now: what was rewritten need not be rewritten again.
    pub fn leave(&mut self, query: &Query) {
        self.queries.pop();
        let Some(around) = self.queries.last_mut() else { return };
        if let Some(part) = around.parts.get_mut(around.before) {
            *part.query = query.clone();
            around.before += 1;
        }
    }

    /// True if a name, in lower case, means a part of WITH here.
    pub fn contains(&self, name: &str) -> bool {
        self.known().any(|part| part.alias.name.value.to_lowercase() == name)
    }

    /// The parts that are known here, those of outer queries first.
    pub fn known(&self) -> impl Iterator<Item = &Cte> {
        self.queries.iter().flat_map(|scope| {
            let known = if scope.is_recursive { scope.parts.len() } else { scope.before };
            &scope.parts[..known]
        })
    }
}
