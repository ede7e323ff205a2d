//! Functions of the job: each call stands for the function's expression.
//!
//! To DataFusion's planner a call is a function like others, so that names, types, GROUP BY and everything around it are as they are
//! for built-in ones; right behind it [`inline::inlined`] puts the expression in its place, over the call's values converted to the types of the
//! arguments. So what is typed, guarded, followed through time and compiled is the expression in the query, and nothing is evaluated behind a call.

pub mod call;
pub mod define;
pub mod inline;

use std::fmt;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use expr::display::type_name;

/// A function of the job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobFunction {
    /// Its name as the job file has it.
    name: String,
    /// Its name in small letters: by that calls find it.
    key: String,
    signature: Signature,
    arguments: Vec<FieldRef>,
    returns: DataType,
    /// Its expression as the planner made it, over columns of a table that is called as the function, without calls of other functions of
    /// the job.
    body: Expr,
    /// How often each argument stands in it.
    uses: Vec<usize>,
    /// How it is written.
    text: String,
}

impl ScalarUDFImpl for JobFunction {
    #[expect(
        clippy::misnamed_getters,
        reason = "`name` is how the job spells it; functions are looked up by their key"
    )]
    fn name(&self) -> &str {
        &self.key
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("a call of `{}` was left in the plan; this is a fault of the engine, please report it", self.name)
    }
}

/// Any values: those of a call are converted when its expression is put in its place.
fn signature() -> Signature {
    use datafusion::logical_expr::TypeSignature::{Nullary, VariadicAny};
    Signature::one_of(vec![Nullary, VariadicAny], Volatility::Immutable)
}

impl JobFunction {
    /// The function of this name, in small letters, if it is one of the job.
    pub fn of<'a>(name: &str, state: &'a SessionState) -> Option<&'a JobFunction> {
        state.scalar_functions().get(name)?.inner().downcast_ref()
    }

    /// How it is called, with the types of its arguments.
    fn call_text(&self) -> String {
        let argument = |field: &FieldRef| format!("{} {}", field.name(), type_name(field.data_type()));
        format!("{}({})", self.name, self.arguments.iter().map(argument).collect::<Vec<_>>().join(", "))
    }
}

/// For `engine explain`: how it is called, what it gives, and its expression.
impl fmt::Display for JobFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{} -> {}: {text}", self.call_text(), type_name(&self.returns))
    }
}
