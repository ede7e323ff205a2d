//! Makes Spark's functions known to a session of DataFusion.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::clock::BatchClock;
use crate::typing::TypeRules;
use crate::{aggregate, scalar};

/// All of them, for a session that plans streams.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register(context: &SessionContext, clock: &BatchClock) -> Result<()> {
    register_batch(context)?;
    scalar::of_clock(clock).into_iter().for_each(|function| context.register_udf(function));
    Ok(())
}

/// Those that also mean something outside a stream, for `engine sql`: what time it is, is DataFusion's answer there.
///
/// # Errors
/// Never in practice; DataFusion's registry may refuse.
pub fn register_batch(context: &SessionContext) -> Result<()> {
    scalar::functions().into_iter().for_each(|function| context.register_udf(function));
    for function in scalar::with_lambda() {
        context.register_higher_order_function(function.into());
    }
    aggregate::aggregates().into_iter().for_each(|function| context.register_udaf(function));
    if let TypeRules::Spark { ansi } = TypeRules::of(&context.state()) {
        scalar::by_spark().into_iter().for_each(|function| context.register_udf(function));
        let state = context.state();
        let find = |name: &str| state.scalar_functions().get(name).cloned();
        scalar::typed::functions(ansi, find).into_iter().for_each(|function| context.register_udf(function));
    }
    Ok(())
}
