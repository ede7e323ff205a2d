//! Smaller queries, for the shrinker.

use super::Query;

impl Query {
    /// Leaves its part of this number out. False if it has no such part.
    pub fn simplify(&mut self, part: usize) -> bool {
        let replaced = match self {
            Query::Rows { .. } | Query::Table(_) | Query::Distinct { .. } => return false,
            Query::Where { input, filters } => {
                if part >= filters.len() {
                    return false;
                }
                filters.remove(part);
                filters.is_empty().then(|| input.as_ref().clone())
            }
            Query::Aggregate(aggregate) => return aggregate.simplify(part),
            Query::Session(session) => return session.simplify(part),
            Query::Join(join) => return join.simplify(part),
            Query::Union(inputs) => (part < inputs.len()).then(|| inputs[part].clone()),
            Query::Deduplicated { .. } => return false,
            Query::Shaped { input }
            | Query::Named { input }
            | Query::Top { input, .. }
            | Query::Over { input, .. }
            | Query::Exploded { input, .. }
            | Query::Looked { input, .. }
            | Query::Limited { input, .. } => (part == 0).then(|| input.as_ref().clone()),
        };
        match (replaced, &self) {
            (Some(by), _) => *self = by,
            (None, Query::Where { .. }) => {}
            (None, _) => return false,
        }
        true
    }
}
