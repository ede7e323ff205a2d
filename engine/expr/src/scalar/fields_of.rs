//! `items.name` of an array of structs: the array of the fields.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DFSchema, ScalarValue, TableReference, internal_err, plan_datafusion_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};

use crate::display::type_name;
use crate::refusal::{FIELD_NOT_FOUND, INVALID_EXTRACT_BASE, refused};

/// The function that stands for a field until it is known what has it: a struct, or the structs in an array.
pub const FIELD: &str = "__field";

/// `fields_of(array, 'name')`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FieldsOf {
    signature: Signature,
}

impl Default for FieldsOf {
    fn default() -> Self {
        FieldsOf { signature: Signature::any(2, Volatility::Immutable) }
    }
}

/// The struct's field of this name among the elements of an array, and where it stands.
fn field_of<'a>(list: &'a DataType, name: Option<&ScalarValue>) -> Result<(usize, &'a FieldRef)> {
    let Some(ScalarValue::Utf8(Some(name))) = name else { return internal_err!("a field without a name") };
    match list {
        DataType::List(element) => match element.data_type() {
            DataType::Struct(fields) => match fields.find(name) {
                Some(found) => Ok(found),
                None => {
                    let help = "write a field that the struct has, with its capital letters";
                    Err(refused(plan_datafusion_err!("Field {name} not found in struct"), FIELD_NOT_FOUND, help))
                }
            },
            other => Err(no_struct(name, other)),
        },
        other => Err(no_struct(name, other)),
    }
}

fn no_struct(name: &str, kind: &DataType) -> DataFusionError {
    let error = plan_datafusion_err!("Cannot access field {name} of {}", type_name(kind));
    refused(error, INVALID_EXTRACT_BASE, "only structs have fields, and arrays of structs")
}

impl ScalarUDFImpl for FieldsOf {
    fn name(&self) -> &str {
        "fields_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("fields_of needs its arguments to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let name = arguments.scalar_arguments.get(1).copied().flatten();
        let (_, field) = field_of(arguments.arg_fields[0].data_type(), name)?;
        let element = Arc::new(Field::new_list_field(field.data_type().clone(), true));
        Ok(Arc::new(Field::new(field.name(), DataType::List(element), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(name) = &arguments.args[1] else { return internal_err!("a field without a name") };
        let values = arguments.args[0].to_array(arguments.number_rows)?;
        let (at, _) = field_of(values.data_type(), Some(name))?;
        let DataType::List(element) = arguments.return_field.data_type() else { return internal_err!("no list") };
        let list = values.as_list::<i32>();
        let structs = list.values().as_struct();
        let mut column: ArrayRef = Arc::clone(structs.column(at));
        if let Some(nulls) = structs.nulls().filter(|nulls| nulls.null_count() > 0) {
            column = nullif(&column, &BooleanArray::new(!nulls.inner(), None))?;
        }
        let made = ListArray::try_new(Arc::clone(element), list.offsets().clone(), column, list.nulls().cloned())?;
        Ok(ColumnarValue::Array(Arc::new(made)))
    }
}

/// `__field(value, 'name')`: what a field is written as before the type of its value is known. [`crate::casts`] puts the function
/// in its place that gives it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FieldOf {
    signature: Signature,
}

impl Default for FieldOf {
    fn default() -> Self {
        FieldOf { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FieldOf {
    fn name(&self) -> &str {
        FIELD
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("a field needs its struct to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        match arguments.arg_fields[0].data_type() {
            DataType::List(_) => FieldsOf::default().return_field_from_args(arguments),
            _ => datafusion::functions::core::get_field().inner().return_field_from_args(arguments),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.arg_fields[0].data_type() {
            DataType::List(_) => FieldsOf::default().invoke_with_args(arguments),
            _ => datafusion::functions::core::get_field().inner().invoke_with_args(arguments),
        }
    }
}

/// The field of a value of this type.
pub fn field(value: Expr, kind: &DataType, name: Expr) -> Expr {
    match kind {
        DataType::List(_) => ScalarUDF::new_from_impl(FieldsOf::default()).call(vec![value, name]),
        _ => datafusion::functions::core::get_field().call(vec![value, name]),
    }
}

/// Plans `a.b.c`: fields of structs, and of the structs in arrays.
#[derive(Debug)]
pub struct FieldPlanner;

impl ExprPlanner for FieldPlanner {
    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let schema = DFSchema::from_unqualified_fields([Arc::new(field.clone())].into(), Default::default())?;
        let bare = Expr::Column(datafusion::common::Column::new_unqualified(field.name()));
        let found = Expr::Column((qualifier, field).into());
        let mut has_list = false;
        let (_, expr) = nested_names.iter().try_fold((bare, found), |(bare, found), name| {
            let is_list = matches!(bare.get_type(&schema), Ok(DataType::List(_)));
            has_list |= is_list;
            let of = |inner: Expr| match is_list {
                true => ScalarUDF::new_from_impl(FieldsOf::default()).call(vec![inner, lit(name.as_str())]),
                false => get_field(inner, name.as_str()),
            };
            Ok::<_, DataFusionError>((of(bare), of(found)))
        })?;
        // What has no arrays in it is planned as ever.
        Ok(if has_list { PlannerResult::Planned(expr) } else { PlannerResult::Original(Vec::new()) })
    }
}
