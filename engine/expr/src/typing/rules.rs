//! Which rules of types a query goes by.

use datafusion::execution::SessionState;
use std::sync::Arc;

/// Which rules of types a query goes by: Spark's, or those of an engine from before it had Spark's, for the state that such an
/// engine wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeRules {
    /// Whole constants are BIGINT and constants with a point DOUBLE; whole numbers wrap around.
    Before,
    /// Spark's types.
    Spark {
        /// `spark.sql.ansi.enabled`: what has no value is an error, not NULL.
        ansi: bool,
    },
}

impl Default for TypeRules {
    fn default() -> TypeRules {
        TypeRules::Spark { ansi: true }
    }
}

impl TypeRules {
    /// The rules of a session; those of a session that names none are Spark's.
    pub fn of(state: &SessionState) -> TypeRules {
        let named: Option<Arc<TypeRules>> = state.config().get_extension();
        named.map_or_else(TypeRules::default, |rules| *rules)
    }
}
