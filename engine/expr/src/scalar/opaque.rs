//! `__opaque(x)` is x: what stands inside is kept apart from what stands around it while a query is simplified.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The name of the function.
const OPAQUE: &str = "__opaque";

/// The expression, so that nothing looks inside.
pub fn opaque(expr: Expr) -> Expr {
    ScalarUDF::new_from_impl(Opaque::default()).call(vec![expr])
}

/// What stands inside, if the expression is such a one.
pub fn inside(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name() == OPAQUE => call.args.first(),
        _ => None,
    }
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Opaque {
    signature: Signature,
}

impl Default for Opaque {
    fn default() -> Self {
        Opaque { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Opaque {
    fn name(&self) -> &str {
        OPAQUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        Ok(kinds[0].clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::clone(&arguments.arg_fields[0]))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(arguments.args[0].clone())
    }
}
