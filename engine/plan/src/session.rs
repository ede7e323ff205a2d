//! The DataFusion session that plans a job: Spark's names, UTC, one partition, the epoch's clock.

use std::sync::Arc;

use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::prelude::{SessionConfig, SessionContext};
use expr::clock::BatchClock;
use expr::scalar::arithmetic::ArithmeticPlanner;
use expr::scalar::beside_text::TextPlanner;
use expr::scalar::fields_of::FieldPlanner;
use expr::typing::TypeRules;

use crate::optimize;
use crate::relation::{Relation, StreamTable, reference};
use crate::sql_types::SparkTypes;

/// Settings shared by streaming plans and `engine sql`: UTC, plain strings, places kept for error messages.
pub fn session_config() -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(1);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_string());
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.collect_spans = true;
    // Spark: NULL is less than any value, so it comes first in ASC and last in DESC.
    options.sql_parser.default_null_ordering = "nulls_min".to_string();
    options.sql_parser.dialect = datafusion::config::Dialect::Spark;
    options.execution.parquet.schema_force_view_types = false;
    // It names a column twice where an aggregate stands twice below a field of a struct, and refuses the query then.
    options.optimizer.enable_leaf_expression_pushdown = false;
    config
}

/// A session of these settings, for streaming plans and `engine sql`.
///
/// Without the physical rule `FilterPushdown`: it looks for a condition's columns by their names alone, so above an outer join of two
/// inputs with equal names it moves `l.id IS NOT NULL OR …` below the join, to the `id` of the other side (DataFusion 55.2). What can
/// be pushed down is, by the logical rule of that name.
pub fn session(config: SessionConfig) -> SessionContext {
    let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    let rules = state.physical_optimizers().iter().filter(|rule| rule.name() != "FilterPushdown").cloned().collect();
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(FieldPlanner)];
    if let TypeRules::Spark { ansi } = TypeRules::of(&state) {
        // Texts first: what they are read as is what the next one computes with.
        planners.push(Arc::new(TextPlanner));
        planners.push(Arc::new(ArithmeticPlanner { ansi }));
    }
    planners.extend(state.expr_planners().iter().cloned());
    let optimizer_rules = optimize::rules(state.optimizers());
    let state = SessionStateBuilder::new_from_existing(state)
        .with_optimizer_rules(optimizer_rules)
        .with_physical_optimizer_rules(rules)
        .with_expr_planners(planners)
        .with_type_planner(Arc::new(SparkTypes))
        .build();
    SessionContext::new_with_state(state)
}

/// The settings for queries that go by these rules of types.
pub fn with_rules(mut config: SessionConfig, rules: TypeRules) -> SessionConfig {
    // Spark: a constant with a point is a decimal. (One with an exponent is a double, which the guard sees to.)
    config.options_mut().sql_parser.parse_float_as_decimal = rules != TypeRules::Before;
    config.with_extension(Arc::new(rules))
}

/// A session for one job's tables.
pub fn planning_session(clock: &BatchClock, rules: TypeRules) -> Result<SessionContext> {
    let mut config = with_rules(session_config(), rules);
    config.options_mut().execution.coalesce_batches = false;
    // Names have no case; the rewrite spells each as what it means, so that a column keeps its own spelling.
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let context = session(config);
    expr::register(&context, clock)?;
    Ok(context)
}

/// Makes a relation known to the session.
pub fn register(context: &SessionContext, relation: &Relation) -> Result<()> {
    register_as(context, &relation.name, Arc::new(StreamTable { schema: Arc::clone(&relation.schema), port: 0 }))
}

/// Makes rows known to the session under the name of a relation.
pub fn register_as(context: &SessionContext, name: &str, rows: Arc<dyn TableProvider>) -> Result<()> {
    let reference = reference(name);
    if let (Some(schema), Some(catalog)) = (reference.schema(), context.catalog("datafusion"))
        && catalog.schema(schema).is_none()
    {
        catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new()))?;
    }
    context.register_table(reference, rows)?;
    Ok(())
}
