//! Which rules of types a query goes by.

use datafusion::execution::SessionState;
use std::sync::Arc;

/// Which rules of types a query goes by: Spark's, or those of DataFusion, by which jobs were made before there were Spark's.
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
    /// Those of Spark 4 as it comes.
    fn default() -> TypeRules {
        TypeRules::Spark { ansi: true }
    }
}

impl TypeRules {
    /// The rules of a session; those of one that names none are the default.
    pub fn of(state: &SessionState) -> TypeRules {
        let named: Option<Arc<TypeRules>> = state.config().get_extension();
        named.map_or_else(TypeRules::default, |rules| *rules)
    }
}
