//! Spark's functions that DataFusion lacks or spells otherwise.

mod batch_time;
pub mod seconds;
pub mod to_timestamp;
pub mod window;

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

use crate::session::BatchClock;

/// Makes Spark's functions known to a session that plans streams.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register(context: &SessionContext, clock: &BatchClock) -> Result<()> {
    register_batch(context)?;
    context.register_udf(ScalarUDF::new_from_impl(batch_time::BatchTime::new(clock.clone())));
    context.register_udf(ScalarUDF::new_from_impl(batch_time::BatchTime::date(clock.clone())));
    context.register_udf(ScalarUDF::new_from_impl(window::WindowFunction::default()));
    Ok(())
}

/// Makes those of Spark's functions known that also mean something outside a stream: for `engine sql`.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register_batch(context: &SessionContext) -> Result<()> {
    context.register_udf(ScalarUDF::new_from_impl(to_timestamp::ToTimestamp::default()));
    context.register_udaf(operators::functions::approx_count_distinct());
    context.register_udaf(operators::functions::collect_list());
    Ok(())
}
