//! The variables of lambdas, in the types that the values around them have by now.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{HigherOrderFunction, LambdaVariable};
use datafusion::logical_expr::type_coercion::functions::value_fields_with_higher_order_udf;
use datafusion::logical_expr::{Expr, ExprSchemable, LambdaParametersProgress, ValueOrLambda};

/// How often a function is asked what its lambdas are given. (`aggregate` knows what its last one is given by what its first one gives.)
const STEPS: usize = 8;

/// A function of lambdas whose variables have the types that its values, which are typed already, give them, and whose bodies are typed
/// with these. The variables of lambdas around it have theirs, which is why DataFusion's own way is none: it goes from the outermost lambda
/// inwards, and the values inside are not typed before its body is looked at.
///
/// # Errors
/// If a value has no type, or the function does not take it; those of `typed`.
pub fn with_typed_lambdas(
    call: HigherOrderFunction,
    schema: &DFSchema,
    mut typed: impl FnMut(Expr) -> Result<Expr>,
) -> Result<HigherOrderFunction> {
    let HigherOrderFunction { func, mut args } = call;
    let given = args.iter().map(|arg| match arg {
        Expr::Lambda(_) => Ok(ValueOrLambda::Lambda(None)),
        value => Ok(ValueOrLambda::Value(value.to_field(schema)?.1)),
    });
    let given = given.collect::<Result<Vec<_>>>()?;
    let mut fields = value_fields_with_higher_order_udf(&given, func.as_ref())?;
    // What each lambda was given when its body was typed.
    let mut before: Vec<Option<Vec<DataType>>> = vec![None; args.len()];
    let written = args.clone();
    for step in 0..STEPS {
        let (parameters, is_complete) = match func.lambda_parameters(step, &fields)? {
            LambdaParametersProgress::Partial(parameters) => (parameters, false),
            LambdaParametersProgress::Complete(parameters) => (parameters.into_iter().map(Some).collect(), true),
        };
        let mut parameters = parameters.into_iter();
        for (at, written) in written.iter().enumerate() {
            let Expr::Lambda(written) = written else { continue };
            let Some(own) = parameters.next().flatten() else { continue };
            let kinds: Vec<DataType> = own.iter().map(|field| field.data_type().clone()).collect();
            if before[at].as_ref() == Some(&kinds) {
                continue;
            }
            let variables: Vec<(String, FieldRef)> = written.params.iter().cloned().zip(own).collect();
            let body = typed(with_fields(written.body.as_ref().clone(), &variables)?)?;
            fields[at] = ValueOrLambda::Lambda(Some(body.to_field(schema)?.1));
            args[at] = Expr::Lambda(datafusion::logical_expr::expr::Lambda { body: Box::new(body), ..written.clone() });
            before[at] = Some(kinds);
        }
        if is_complete {
            return Ok(HigherOrderFunction { func, args });
        }
    }
    plan_err!("{}: what its lambdas are given does not come to an end", func.name())
}

/// A body whose variables of these names have these fields. A lambda inside that has a variable of the same name means its own.
fn with_fields(body: Expr, variables: &[(String, FieldRef)]) -> Result<Expr> {
    let typed = body.transform_down(|part| match part {
        Expr::LambdaVariable(variable) => {
            let field = variables.iter().find(|(name, _)| *name == variable.name).map(|(_, field)| field);
            let variable = match field {
                Some(field) => {
                    let field = Some(field.as_ref().clone().with_name(&variable.name).into());
                    LambdaVariable { field, ..variable }
                }
                None => variable,
            };
            Ok(Transformed::yes(Expr::LambdaVariable(variable)))
        }
        Expr::Lambda(mut inner) => {
            let others: Vec<_> = variables.iter().filter(|(name, _)| !inner.params.contains(name)).cloned().collect();
            inner.body = Box::new(with_fields(*inner.body, &others)?);
            Ok(Transformed::new(Expr::Lambda(inner), true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(typed.data)
}
